//! What `mecris run` says at its start: what was found, what is not configured, and where to ask.

use std::io::IsTerminal;
use std::sync::Arc;

use crate::config;
use crate::domain::tenant::TenantName;
use crate::service::alerts::OnAlert;
use crate::service::doctor::{Verdict, local, online};
use crate::service::runtime::place::Place;
use crate::service::runtime::sources::SourceState;
use crate::service::system::tree::{Supervised, UiCallbacks};
use crate::service::usage::importer::ImportSummary;
use crate::telemetry::plan::Plan;

use super::output::{say, warn};
use super::{Common, tables};

/// Runs the first import, and says what was found, what is not configured, and where to ask.
pub async fn announce(
    system: Arc<Supervised>,
    url: String,
    dir: std::path::PathBuf,
    bar: indicatif::ProgressBar,
    reads_transcripts: bool,
) {
    say(&format!("mecris {} · data in {}", env!("CARGO_PKG_VERSION"), dir.display()));
    let summary = if reads_transcripts { system.import().await } else { Ok(ImportSummary::default()) };
    bar.finish_and_clear();
    match summary {
        Ok(summary) => say(tables::import(&summary).trim_end()),
        Err(error) => say(&format!("usage could not be imported: {error}")),
    }
    match system.reprice_what_lacks().await {
        Ok(Some(repriced)) if repriced.repriced > 0 => say(tables::usage::repriced(&repriced).trim_end()),
        Ok(_) => {}
        Err(error) => say(&format!("what had no price could not be priced: {error}")),
    }
    let status = system.status(jiff::Timestamp::now());
    say(&format!("\n{}", tables::status(&status).trim_end()));
    say("\nNot configured:");
    let missing = |name: &str, how: &str| say(&format!("  {name:<11}  {how}"));
    if !reads_transcripts {
        missing("transcripts", "set transcripts.enabled = true in the configuration");
    }
    if status.status.budgets.is_empty() {
        missing("budget", "mecris budget set --amount 50 --period monthly");
    }
    for source in status.sources.iter().filter(|source| source.state == SourceState::NotConfigured) {
        missing(&source.name, &source.reason);
    }
    if config::paths::config_dir().is_none_or(|dir| !dir.join("config.toml").exists()) {
        let zone = &status.status.time_zone;
        missing("time zone", &format!("{zone} is the system's; set time_zone in config.toml for another"));
    }
    if !Plan::of(&system.queries.settings.current()).is_ok_and(|plan| plan.exports()) {
        missing(
            "telemetry",
            "set telemetry.endpoint or OTEL_EXPORTER_OTLP_ENDPOINT to export it; Prometheus can read /metrics",
        );
    }
    say(&format!("\nListening on {url} · try `mecris status`, `mecris report daily` · stop with Ctrl-C"));
}

/// Shows alerts on standard output: with what there is to say where a person looks at it, and without it where
/// it may go to a log.
#[must_use]
pub fn on_alert() -> OnAlert {
    let is_terminal = std::io::stdout().is_terminal();
    Arc::new(move |id, grade, key, text| {
        let severity = grade.severity.word();
        let line = if is_terminal {
            format!("alert {id}, {severity}: {text}")
        } else {
            format!("alert {id}, {severity}: {} {}; see `mecris alerts`", key.kind.word(), key.subject)
        };
        say(&line);
    })
}

/// What another tenant than `local` shows: that there is an alert, and nothing of what it says.
#[must_use]
pub fn screen_of(tenant: &TenantName) -> UiCallbacks {
    let tenant = tenant.clone();
    let on_alert: OnAlert = Arc::new(move |id, grade, _, _| {
        say(&format!("tenant {tenant}: alert {id}, {}", grade.severity.word()));
    });
    UiCallbacks { on_step: Arc::new(|_| {}), on_alert }
}

/// Looks at everything that `mecris doctor` looks at, while the supervisor works already, and says what a
/// person should mend.
pub async fn look_around(common: Common, place: Place) {
    let looked = tokio::task::spawn_blocking(move || {
        let inspection = config::inspect(common.config.as_deref());
        let checks = local::checks(&inspection, Ok(place));
        (inspection, checks)
    });
    let Ok((inspection, mut checks)) = looked.await else { return };
    checks.extend(Box::pin(online::checks(&inspection.loaded)).await);
    for check in checks.into_iter().filter(|check| check.verdict >= Verdict::Warning) {
        // Where the supervisor listens may have been said on the command line, and is its own anyway.
        if check.name == "listen" {
            continue;
        }
        let fix = check.fix.unwrap_or_default();
        warn(&format!("{}: {}; {fix}", check.name, check.detail));
    }
}
