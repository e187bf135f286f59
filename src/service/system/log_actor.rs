//! Watches the log: reports when it refuses events and when it accepts them again, reopens it after a failed
//! write, and then has the backlog imported.
//!
//! ```text
//! accepts events ──▶ refuses ──▶ (stopped by a failed write: reopened, with backoff) ──▶ accepts events
//!                       │ one line                                   one line, two incidents │
//! ```
//!
//! A full disk refuses events before anything is written, and recovers by itself. Nothing can be recorded
//! while the log refuses events: both incidents are appended afterwards, each with its own time.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::actor::{ActorError, Behaviour, ChildSpec, Context, Handle, Supervisor};
use crate::event::payload::SupervisionNoted;
use crate::event::{Event, EventId, Metadata, NewEvent, TenantId};
use crate::log::{Expected, Health, Log};
use crate::service::aggregate::caller;
use crate::service::aggregate::repository::{new_event, prepared};
use crate::service::runtime::incidents::SUPERVISION;
use crate::service::usage::actor::UsageMessage;
use crate::view::ViewError;

/// Interval of the checks: each asks the system once for the free space.
const EVERY: Duration = Duration::from_secs(1);
/// First pause before a stopped log is reopened; it doubles each time.
const PAUSE: Duration = Duration::from_secs(1);
/// Maximum pause.
const PAUSE_MAX: Duration = Duration::from_mins(1);

#[derive(Debug, Clone, Copy)]
pub enum LogMessage {
    /// Check the log.
    Look,
}

/// Since when the log refuses events, and why.
#[derive(Debug, Clone)]
struct Refusing {
    since: Timestamp,
    reason: String,
    next_try: Instant,
    pause: Duration,
}

/// See the module.
pub struct LogActor {
    log: Arc<dyn Log>,
    tenant: TenantId,
    usage: Handle<UsageMessage>,
    refusing: Option<Refusing>,
}

/// Adds the actor to the tree.
pub(in crate::service) fn add(
    tenants: &mut Supervisor,
    log: &Arc<dyn Log>,
    tenant: &TenantId,
    usage: &Handle<UsageMessage>,
) {
    let (log, usage, owner) = (log.clone(), usage.clone(), tenant.clone());
    tenants.add(&format!("{tenant}/log"), ChildSpec { capacity: 4, ..ChildSpec::default() }, move || {
        LogActor { log: log.clone(), tenant: owner.clone(), usage: usage.clone(), refusing: None }
    });
}

impl LogActor {
    async fn look(&mut self) {
        let Health { stopped, refusal, .. } = self.log.health();
        match (refusal, self.refusing.take()) {
            (None, None) => {}
            (None, Some(refusing)) => self.resumed(refusing).await,
            (Some(reason), None) => {
                tracing::warn!(
                    reason,
                    "the log takes no events; what it has goes on being shown, and what comes meanwhile is taken later"
                );
                let since = Timestamp::now();
                self.refusing =
                    Some(Refusing { since, reason, next_try: Instant::now() + PAUSE, pause: PAUSE });
            }
            (Some(_), Some(mut refusing)) => {
                if stopped.is_some() && Instant::now() >= refusing.next_try {
                    self.reopen(&mut refusing).await;
                }
                self.refusing = Some(refusing);
            }
        }
    }

    /// Reopens a log that a failed write has stopped: it is cut back to what is durable, and checked.
    async fn reopen(&self, refusing: &mut Refusing) {
        let log = self.log.clone();
        let opened = caller::blocking(move || log.reopen()).await;
        if let Err(error) = opened.map_err(ViewError::from).and_then(|opened| Ok(opened?)) {
            tracing::debug!(%error, "the log cannot be opened again yet");
            refusing.pause = (refusing.pause * 2).min(PAUSE_MAX);
        }
        refusing.next_try = Instant::now() + refusing.pause;
    }

    async fn resumed(&mut self, mut refusing: Refusing) {
        let now = Timestamp::now();
        let seconds = now.duration_since(refusing.since).as_secs();
        let note = |change: &str, at: Timestamp, reason: String| {
            let noted = SupervisionNoted { actor: "log".to_owned(), change: change.to_owned(), reason };
            let metadata = Metadata { actor: "log".into(), ..Metadata::default() };
            new_event(EventId::random(), &Event::SupervisionNoted(noted), at, &metadata)
        };
        let events: Vec<NewEvent> = vec![
            note("refusing", refusing.since, refusing.reason.clone()),
            note("resumed", now, format!("it took no events for {seconds} s")),
        ];
        let append = prepared(&self.tenant, SUPERVISION, Expected::Any, events);
        if let Err(error) = self.log.append(append).await {
            // It stopped again; the next check retries.
            tracing::debug!(%error, "the log stopped again");
            refusing.pause = (refusing.pause * 2).min(PAUSE_MAX);
            refusing.next_try = Instant::now() + refusing.pause;
            self.refusing = Some(refusing);
            return;
        }
        tracing::warn!(
            seconds,
            reason = refusing.reason,
            "the log takes events again; what waited is read now"
        );
        // A full mailbox already holds a poll of the transcripts.
        let _ = self.usage.try_tell(UsageMessage::Look);
    }
}

impl Behaviour for LogActor {
    type Message = LogMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        let handle = context.handle().clone();
        context.spawn(async move {
            loop {
                // A full mailbox already holds a check.
                let _ = handle.try_tell(LogMessage::Look);
                tokio::time::sleep(EVERY).await;
            }
        });
        Ok(())
    }

    async fn handle(&mut self, _: LogMessage, _: &Context<Self>) -> Result<(), ActorError> {
        self.look().await;
        Ok(())
    }

    fn label(_: &LogMessage) -> &'static str {
        "look"
    }

    fn redeliver(message: &LogMessage) -> Option<LogMessage> {
        Some(*message)
    }
}
