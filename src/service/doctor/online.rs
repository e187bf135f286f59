//! Checks that ask the outside systems: one cheap request each, once, all concurrently.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, Loaded};
use crate::integration::anthropic::{self, Anthropic};
use crate::integration::beeminder::{self, Beeminder};
use crate::integration::email::{self, Email};
use crate::integration::resilience::{OnBreaker, OutsideError, Policy};
use crate::integration::twilio::{self, Credentials, Twilio};
use crate::integration::{ntfy, webhook};
use crate::service::providers::clients::Provider;
use crate::telemetry::plan::Plan;

use super::Check;

/// Clock skew in seconds from which deadlines go wrong.
const SKEW_MAX_S: i64 = 30;

/// A request's result: the check, and how far the system's clock is ahead of ours.
type Found = (Check, Option<i64>);

/// One attempt and a short deadline: a person is waiting.
fn policy() -> Policy {
    Policy {
        connect: Duration::from_secs(5),
        each: Duration::from_secs(8),
        total: Duration::from_secs(8),
        tries: 1,
        ..Policy::default()
    }
}

fn nobody() -> OnBreaker {
    Arc::new(|_, _| {})
}

/// Asks each configured system.
pub async fn checks(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.config;
    let (beeminder, twilio, email, anthropic, admin, others, telemetry) = tokio::join!(
        beeminder(config),
        twilio(config),
        email(config),
        anthropic(config),
        admin(config),
        futures_util::future::join_all(OTHERS.map(|provider| official(provider, config))),
        collector(loaded)
    );
    let found: Vec<Found> = [beeminder, twilio, email, anthropic, admin].into_iter().chain(others).collect();
    let clock = clock(found.iter().filter_map(|(_, ahead)| *ahead));
    found
        .into_iter()
        .map(|(check, _)| check)
        .chain(only_by_sending(config))
        .chain([telemetry, clock])
        .collect()
}

/// For `--offline`: each system by name, not asked.
#[must_use]
pub fn skipped(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.config;
    let asked = [
        (beeminder::SYSTEM, config.beeminder.token.is_some()),
        (twilio::SYSTEM, Credentials::of(&config.twilio).is_some()),
        (email::SYSTEM, config.email.server.is_some()),
        (ntfy::SYSTEM, config.ntfy.url.is_some()),
        (webhook::SYSTEM, config.webhook.url.is_some()),
        ("anthropic", config.anthropic.api_key.is_some()),
        ("anthropic admin", config.anthropic.admin_key.is_some()),
    ];
    let why = |is_configured| if is_configured { "not asked: offline" } else { "not configured" };
    let others =
        OTHERS.map(|provider| (provider.name(), provider.client(config, policy(), &nobody()).is_some()));
    let all = asked.into_iter().chain(others);
    all.map(|(name, is_configured)| Check::skipped(name, why(is_configured))).collect()
}

fn failed(name: &str, error: &OutsideError) -> Found {
    let fix = match error {
        OutsideError::Unauthorized { fix, .. } => fix,
        OutsideError::Unreachable { .. } | OutsideError::RedirectRefused { .. } => {
            "check the network, a proxy, and its api_base"
        }
        OutsideError::NoCredit { .. } => "add credit on its billing page",
        _ => "try again later; the supervisor works with what it knows meanwhile",
    };
    (Check::problem(name, error.to_string(), fix), None)
}

async fn beeminder(config: &Config) -> Found {
    const NAME: &str = beeminder::SYSTEM;
    let Some(token) = &config.beeminder.token else {
        return (Check::skipped(NAME, "not configured: beeminder.token or BEEMINDER_AUTH_TOKEN"), None);
    };
    let asked = async {
        let client = Beeminder::new(&config.beeminder, token, policy(), nobody())?;
        client.user().await
    };
    match asked.await {
        Err(error) => failed(NAME, &error),
        Ok((user, ahead)) if user.deadbeat => {
            let fix = "fix it at https://www.beeminder.com/settings/payment";
            (Check::warning(NAME, "it takes the token; a payment has failed", fix), ahead)
        }
        Ok((user, ahead)) => {
            let zone = user.timezone.unwrap_or_else(|| "no time zone".into());
            (Check::ok(NAME, format!("it takes the token; the account is in {zone}")), ahead)
        }
    }
}

async fn twilio(config: &Config) -> Found {
    const NAME: &str = twilio::SYSTEM;
    let Some(credentials) = Credentials::of(&config.twilio) else {
        return (Check::skipped(NAME, "not configured: twilio.account_sid and twilio.auth_token"), None);
    };
    let asked = async {
        let client = Twilio::new(&config.twilio, credentials, policy(), nobody())?;
        client.account().await
    };
    match asked.await {
        Err(error) => failed(NAME, &error),
        Ok((account, ahead)) if account.status != "active" => {
            let detail = "it takes the credentials, but the account is not active";
            (Check::problem(NAME, detail, "look at https://console.twilio.com"), ahead)
        }
        Ok((account, ahead)) if account.kind.as_deref() == Some("Trial") => {
            let fix = "verify your number there, or upgrade the account";
            (Check::warning(NAME, "a trial account sends to verified numbers only", fix), ahead)
        }
        Ok((_, ahead)) => (Check::ok(NAME, "it takes the credentials; the account is active"), ahead),
    }
}

async fn email(config: &Config) -> Found {
    const NAME: &str = email::SYSTEM;
    let asked = async {
        match Email::of(&config.email, policy(), nobody())? {
            Some(client) => client.verify().await.map(Some),
            None => Ok(None),
        }
    };
    match asked.await {
        Err(error @ OutsideError::Invalid { .. }) => {
            (Check::problem(NAME, error.to_string(), "correct the settings of [email]"), None)
        }
        Err(OutsideError::Unreachable { reason, .. }) => {
            let detail = format!("the mail server cannot be reached ({reason})");
            (Check::problem(NAME, detail, "check email.server, email.port and email.tls"), None)
        }
        Err(error) => failed(NAME, &error),
        Ok(None) => (Check::skipped(NAME, "not configured: email.server, email.from and email.to"), None),
        Ok(Some(())) if config.email.username.is_none() => {
            (Check::ok(NAME, "the mail server answers; nobody logs in"), None)
        }
        Ok(Some(())) => (Check::ok(NAME, "the mail server takes the login"), None),
    }
}

/// Channels that can only be tested by sending a message.
fn only_by_sending(config: &Config) -> [Check; 2] {
    let channel = |name: &'static str, key, is_configured: bool| {
        let tried = "configured; it can only be tried by sending something".to_owned();
        Check::skipped(name, if is_configured { tried } else { format!("not configured: {key}") })
    };
    [
        channel(ntfy::SYSTEM, "ntfy.url", config.ntfy.url.is_some()),
        channel(webhook::SYSTEM, "webhook.url", config.webhook.url.is_some()),
    ]
}

async fn anthropic(config: &Config) -> Found {
    const NAME: &str = "anthropic";
    let Some(key) = &config.anthropic.api_key else {
        let detail = "not configured; spending is known from transcripts without a key, the balance from the console's page or `mecris balance set`";
        return (Check::skipped(NAME, detail), None);
    };
    let asked = async {
        let client = Anthropic::with_key(&config.anthropic, key, policy(), nobody())?;
        client.models().await
    };
    match asked.await {
        Err(error) => failed(NAME, &error),
        Ok((_, ahead)) => {
            let detail = format!("it takes the key, which says nothing of its credit; {}", anthropic::ROLE);
            (Check::ok(NAME, detail), ahead)
        }
    }
}

async fn admin(config: &Config) -> Found {
    const NAME: &str = "anthropic admin";
    let Some(key) = &config.anthropic.admin_key else {
        let detail = "not configured; individual accounts have no admin keys";
        return (Check::skipped(NAME, detail), None);
    };
    let asked = async {
        let client = Anthropic::with_admin_key(&config.anthropic, key, policy(), nobody())?;
        client.organization().await
    };
    match asked.await {
        Err(error) => failed(NAME, &error),
        Ok((_, ahead)) => {
            (Check::ok(NAME, "it takes the admin key, which reads the organisation's reports"), ahead)
        }
    }
}

/// The other providers, whose API is asked what it offers.
const OTHERS: [Provider; 4] =
    [Provider::OpenAi, Provider::OpenRouter, Provider::DeepSeek, Provider::Moonshot];

async fn official(provider: Provider, config: &Config) -> Found {
    let name = provider.name();
    let Some(client) = provider.client(config, policy(), &nobody()) else {
        return (Check::skipped(name, format!("not configured: {}", provider.how_to_configure())), None);
    };
    let asked = async { client?.verify().await };
    match asked.await {
        Err(error) => failed(name, &error),
        Ok((said, ahead)) => (Check::ok(name, said), ahead),
    }
}

/// Whether something listens at the telemetry endpoints.
async fn collector(loaded: &Loaded) -> Check {
    const NAME: &str = "telemetry";
    let plan = match Plan::of(loaded) {
        Ok(plan) => plan,
        Err(error) => return Check::problem(NAME, error.to_string(), "fix or unset that variable"),
    };
    let Some(target) = plan.traces.or(plan.logs).or(plan.metrics) else {
        return Check::skipped(
            NAME,
            "not exported: neither telemetry.endpoint nor OTEL_EXPORTER_OTLP_ENDPOINT is set",
        );
    };
    let url = target.endpoint;
    let (host, port) =
        (url.host_str().unwrap_or_default().to_owned(), url.port_or_known_default().unwrap_or(4317));
    let connecting = tokio::net::TcpStream::connect((host.as_str(), port));
    match tokio::time::timeout(policy().connect, connecting).await {
        Ok(Ok(_)) => Check::ok(NAME, format!("somebody listens at {host}:{port}")),
        _ => Check::warning(
            NAME,
            format!("nothing listens at {host}:{port}; only telemetry is lost"),
            "start the collector, or remove telemetry.endpoint and the OTEL_ variables",
        ),
    }
}

fn clock(ahead: impl Iterator<Item = i64>) -> Check {
    const NAME: &str = "clock";
    let mut ahead: Vec<i64> = ahead.collect();
    // One system's clock may be wrong itself: the median is used.
    ahead.sort_unstable();
    match ahead.get(ahead.len() / 2) {
        None => Check::skipped(NAME, "no system was asked that reports the time"),
        Some(seconds) if seconds.abs() > SKEW_MAX_S => Check::warning(
            NAME,
            format!("ours is {} s {}", seconds.abs(), if *seconds > 0 { "behind" } else { "ahead" }),
            "switch time synchronisation on: timedatectl set-ntp true",
        ),
        Some(seconds) => {
            Check::ok(NAME, format!("within {} s of the systems that were asked", seconds.abs()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::doctor::Verdict;

    #[test]
    fn a_clock_is_off_where_most_say_so() {
        for (ahead, verdict) in [
            (&[][..], Verdict::Skipped),
            (&[1], Verdict::Ok),
            (&[-30], Verdict::Ok),
            (&[31], Verdict::Warning),
            (&[0, 1, 900], Verdict::Ok),
            (&[-900, -899, 0], Verdict::Warning),
        ] {
            assert_eq!(clock(ahead.iter().copied()).verdict, verdict, "{ahead:?}");
        }
    }
}
