//! Checks that ask the outside systems: one cheap request each, once, all concurrently.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::{Config, Loaded};
use crate::domain::calendar::zone_name;
use crate::domain::goal_day::{is_same_time, is_zone_name};
use crate::integration::beeminder::{self, Beeminder};
use crate::integration::channel::{ChannelKind, Finding, Verified};
use crate::integration::official::MakeClient;
use crate::integration::resilience::{OnBreaker, OutsideError, Policy};
use crate::integration::{CHANNELS, PROVIDERS};
use crate::telemetry::plan::Plan;
use crate::view::goals::zone_of;

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
    let (beeminder, channels, providers, telemetry) = tokio::join!(
        beeminder(loaded),
        join_all(CHANNELS.iter().map(|kind| channel(kind, config))),
        join_all(keys().map(|key| provider(key, config))),
        collector(loaded)
    );
    let found: Vec<Found> = [beeminder].into_iter().chain(channels).chain(providers).collect();
    let clock = clock(found.iter().filter_map(|(_, ahead)| *ahead));
    found.into_iter().map(|(check, _)| check).chain([telemetry, clock]).collect()
}

/// For `--offline`: each system by name, not asked.
#[must_use]
pub fn skipped(loaded: &Loaded) -> Vec<Check> {
    let config = &loaded.config;
    let beeminder = (beeminder::SYSTEM, config.beeminder.token.is_some());
    let channels =
        CHANNELS.iter().map(|kind| (kind.system, (kind.client)(config, policy(), nobody()).is_some()));
    let providers = keys().map(|key| (key.name, (key.client)(config, policy(), &nobody()).is_some()));
    let why = |is_configured| if is_configured { "not asked: offline" } else { "not configured" };
    let all = std::iter::once(beeminder).chain(channels).chain(providers);
    all.map(|(name, is_configured)| Check::skipped(name, why(is_configured))).collect()
}

/// A provider's key, or the provider where its client is asked as a whole.
struct Asked {
    name: &'static str,
    missing: String,
    client: MakeClient,
}

fn keys() -> impl Iterator<Item = Asked> {
    PROVIDERS.iter().flat_map(|kind| {
        let whole = kind.keys.is_empty().then(|| Asked {
            name: kind.name,
            missing: format!("not configured: {}", kind.configure),
            client: kind.client,
        });
        let each = kind.keys.iter().map(|key| Asked {
            name: key.name,
            missing: key.missing.to_owned(),
            client: key.client,
        });
        whole.into_iter().chain(each)
    })
}

fn failed(name: &str, error: &OutsideError) -> Found {
    let fix = match error {
        OutsideError::Unauthorized { fix, .. } => fix,
        OutsideError::Unreachable { .. } | OutsideError::RedirectRefused { .. } => {
            "check the network, a proxy, and its api_base"
        }
        OutsideError::Invalid { .. } => "correct its settings",
        OutsideError::NoCredit { .. } => "add credit on its billing page",
        _ => "try again later; the supervisor works with what it knows meanwhile",
    };
    (Check::problem(name, error.to_string(), fix), None)
}

async fn beeminder(loaded: &Loaded) -> Found {
    const NAME: &str = beeminder::SYSTEM;
    let config = &loaded.config;
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
        Ok((user, ahead)) => (account_zone(user.timezone.as_deref(), &loaded.zone), ahead),
    }
}

/// Compares the account's time zone, in which goals' days are reckoned, with the person's, in which all else is.
fn account_zone(told: Option<&str>, own: &TimeZone) -> Check {
    const NAME: &str = beeminder::SYSTEM;
    const ACCOUNT: &str = "set it at https://www.beeminder.com/settings/account";
    let Some(name) = told.filter(|name| is_zone_name(name)) else {
        let said = "it takes the token; it says no time zone for the account, so that no goal's day is known";
        return Check::warning(NAME, said, ACCOUNT);
    };
    let Some(zone) = zone_of(name) else {
        let said = format!(
            "it takes the token; this machine does not know the account's time zone {name}, so that no goal's day is known"
        );
        return Check::warning(NAME, said, "update the machine's time zone data (tzdata)");
    };
    if is_same_time(&zone, own, Timestamp::now()) {
        return Check::ok(NAME, format!("it takes the token; the account is in {name}"));
    }
    let said = format!(
        "it takes the token; the account is in {name}, and days here are those of {}: a goal's day is the account's, \
         and may be another than today's here",
        zone_name(own)
    );
    Check::warning(NAME, said, "set time_zone to the account's, or the account's to yours in its settings")
}

async fn channel(kind: &ChannelKind, config: &Config) -> Found {
    let name = kind.system;
    let client = match (kind.client)(config, policy(), nobody()) {
        None => return (Check::skipped(name, format!("not configured: {}", kind.configure)), None),
        Some(Err(error)) => return failed(name, &error),
        Some(Ok(client)) => client,
    };
    let Some(asked) = client.verify() else {
        return (Check::skipped(name, "configured; it can only be tried by sending something"), None);
    };
    found(name, asked.await)
}

async fn provider(key: Asked, config: &Config) -> Found {
    let Some(client) = (key.client)(config, policy(), &nobody()) else {
        return (Check::skipped(key.name, key.missing), None);
    };
    let asked = async { client?.check().await };
    found(key.name, asked.await)
}

/// What a cheap question found.
fn found(name: &str, asked: Verified) -> Found {
    match asked {
        Err(error) => failed(name, &error),
        Ok((Finding::Works(said), ahead)) => (Check::ok(name, said), ahead),
        Ok((Finding::Weak(said, fix), ahead)) => (Check::warning(name, said, fix), ahead),
        Ok((Finding::Broken(said, fix), ahead)) => (Check::problem(name, said, fix), ahead),
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
