//! Records what happened to the system itself: restarts, escalations, sources that fail and recover.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use utoipa::ToSchema;

use crate::actor::SupervisionEvent;
use crate::domain::access::refusals::Refusals;
use crate::domain::alert::Channel;
use crate::domain::alert::failure::{Explained, Failure, UNDELIVERED};
use crate::event::decode;
use crate::event::payload::{SourceChanged, SupervisionNoted};
use crate::event::{Event, EventId, Metadata, StreamId, TenantId, Version};
use crate::log::{EventLog, Expected, LogError};
use crate::service::aggregate::repository::{new_event, prepared};

/// The stream of supervisor actions.
pub const SUPERVISION: &str = "supervision";
/// The stream of source changes.
pub const SOURCES: &str = "sources";
/// The stream of refused requests.
const ACCESS: &str = "access";
/// The stream of alerts and their messages.
const ALERTS: &str = "alerts";
/// The stream of log repairs.
const REPAIRS: &str = "log";

/// Something that happened to the system itself.
#[derive(Debug)]
pub enum Note {
    /// A supervisor acted.
    Supervision(SupervisionEvent),
    /// A source changed.
    Source(SourceChanged),
    /// Requests were refused.
    Refused(Refusals),
}

impl Note {
    fn into_event(self) -> (&'static str, &'static str, Event<'static>) {
        match self {
            Self::Refused(refusals) => (ACCESS, "http", Event::AccessRefused(refusals.into())),
            Self::Source(change) => (SOURCES, "sources", Event::SourceChanged(change)),
            Self::Supervision(event) => {
                let (actor, change, reason) = told(event);
                let noted = SupervisionNoted { actor, change: change.to_owned(), reason };
                (SUPERVISION, "supervisor", Event::SupervisionNoted(noted))
            }
        }
    }
}

/// Subject, change and reason.
pub(in crate::service) fn told(event: SupervisionEvent) -> (String, &'static str, String) {
    match event {
        SupervisionEvent::Restarting { path, reason, .. } => (path, "restarted", reason.to_string()),
        SupervisionEvent::Escalated { path, reason } => (path, "escalated", reason.to_string()),
        SupervisionEvent::Ended { path, reason } => (path, "ended", reason.to_string()),
        SupervisionEvent::CutOff { path } => (path, "cut-off", "did not stop in time".to_owned()),
        SupervisionEvent::SetAside { path, message, reason, times } => {
            (path, "set-aside", format!("{message}: {}, deliveries: {times}", reason.kind()))
        }
    }
}

/// How often a note is retried while the log cannot be reached, and the pause before each retry.
const ATTEMPTS_MAX: u32 = 60;
const AGAIN: Duration = Duration::from_secs(1);

/// Records notes until every sender is gone.
pub async fn record(log: Arc<dyn EventLog>, tenant: TenantId, mut notes: mpsc::UnboundedReceiver<Note>) {
    while let Some(note) = notes.recv().await {
        let (stream, actor, event) = note.into_event();
        let metadata = Metadata { actor: actor.into(), ..Metadata::default() };
        let event = new_event(EventId::random(), &event, Timestamp::now(), &metadata);
        for attempt in 1.. {
            // The event has an id, so a retry adds nothing twice.
            match log.append(prepared(&tenant, stream, Expected::Any, vec![event.clone()])).await {
                Err(LogError::Unavailable { .. } | LogError::Busy { .. }) if attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "what happened could not be recorded");
                    break;
                }
                Ok(_) => break,
            }
        }
    }
}

/// A message that did not arrive: its channel, what became of it, and the meaning of the code with its mend.
fn of_message(channel: Channel, alert: u64, change: &str, failure: &Failure) -> (String, String, String) {
    let Explained { what, fix } = failure.explained(channel);
    let code = failure.code.map_or_else(String::new, |code| format!("{code}, "));
    let reason = format!("the message of alert {alert}: {code}{what}; to mend it: {fix}");
    (channel.word().to_owned(), change.to_owned(), reason)
}

/// Something that happened to the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    /// Position of its event in the log.
    pub position: u64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The actor, the source, the channel of a message, or `log`.
    pub subject: String,
    /// The change: `restarted`, `escalated`, `failing`, `ok`, `breaker-open`, `repaired`,
    /// `refused`, `undelivered` …
    pub change: String,
    /// The reason.
    pub reason: String,
}

/// Incidents, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incidents {
    /// In log order.
    pub incidents: Vec<Incident>,
}

/// The incidents in the log from an instant on. Blocks.
///
/// # Errors
/// [`LogError`].
pub fn incidents(
    log: &dyn EventLog,
    tenant: &TenantId,
    since: Option<Timestamp>,
) -> Result<Incidents, LogError> {
    let mut found = Vec::new();
    let mut channels: BTreeMap<(u64, u32), Channel> = BTreeMap::new();
    for stream in [SUPERVISION, SOURCES, ACCESS, REPAIRS, ALERTS] {
        log.scan_stream(tenant, &StreamId::new(stream), Version(1), &mut |record| {
            let told = match decode(record) {
                Ok(Event::SupervisionNoted(noted)) => Some((noted.actor, noted.change, noted.reason)),
                Ok(Event::SourceChanged(change)) => Some((change.source, change.state, change.reason)),
                Ok(Event::AccessRefused(refused)) => {
                    Some(("access".to_owned(), "refused".to_owned(), Refusals::from(&refused).words()))
                }
                Ok(Event::LogRepaired(repair)) => {
                    let reason = format!(
                        "{}, events {} to {}: {}",
                        repair.copy, repair.first, repair.last, repair.cause
                    );
                    Some(("log".to_owned(), "repaired".to_owned(), reason))
                }
                Ok(Event::AttemptStarted(started)) => {
                    if let Some(channel) = Channel::of_word(&started.channel) {
                        channels.insert((started.alert, started.attempt), channel);
                    }
                    None
                }
                Ok(Event::AttemptEnded(ended)) => {
                    let channel = channels.get(&(ended.alert, ended.attempt)).copied();
                    let failure = Failure { reason: ended.reason, code: ended.code };
                    channel
                        .filter(|_| ended.outcome == "refused")
                        .map(|channel| of_message(channel, ended.alert, "refused", &failure))
                }
                Ok(Event::DeliveryNoted(noted)) => {
                    let channel = channels.get(&(noted.alert, noted.attempt)).copied();
                    let failure = Failure::undelivered(noted.code);
                    channel
                        .filter(|_| !noted.is_delivered)
                        .map(|channel| of_message(channel, noted.alert, UNDELIVERED, &failure))
                }
                _ => None,
            };
            if let Some((subject, change, reason)) = told
                && since.is_none_or(|since| record.occurred_at >= since)
            {
                let at = record.occurred_at;
                found.push(Incident { position: record.position.0, at, subject, change, reason });
            }
            ControlFlow::Continue(())
        })?;
    }
    found.sort_by_key(|incident| incident.position);
    Ok(Incidents { incidents: found })
}
