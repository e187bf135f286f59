//! The state of the outside systems: whether each answers, how old its data is, and how to fix it.
//!
//! A failing source affects nothing else: its last data stays visible, with its age and the reason. Every
//! change of state is an event, so that "why was there no warning on Tuesday" has an answer
//! ([`super::incidents`]).

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::domain::clock;
use crate::event::decode;
use crate::event::payload::SourceChanged;
use crate::event::{Event, StreamId, TenantId, Version};
use crate::log::{EventLog, LogError};

use super::incidents::{Note, SOURCES};

/// What the log keeps of an answer that could be read in part.
const PARTLY: &str = "a part of its answer could not be read; the rest counts";

/// The state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// Not configured.
    NotConfigured,
    /// Not polled yet.
    Waiting,
    /// It answers.
    Ok,
    /// It refuses the key. It is polled again when the settings change, and hourly.
    Unauthorized,
    /// It answers, and a part of its answer could not be read. The rest counts.
    Degraded,
    /// It does not answer correctly.
    Failing,
}

impl SourceState {
    /// All states.
    pub const ALL: [Self; 6] =
        [Self::NotConfigured, Self::Waiting, Self::Ok, Self::Unauthorized, Self::Degraded, Self::Failing];

    /// The name in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::Waiting => "waiting",
            Self::Ok => "ok",
            Self::Unauthorized => "unauthorized",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
        }
    }

    /// Whether it does not answer as it should.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Unauthorized | Self::Failing)
    }

    /// Whether a person should look at it.
    #[must_use]
    pub fn needs_a_look(self) -> bool {
        self.is_trouble() || self == Self::Degraded
    }

    /// Whether it answers.
    #[must_use]
    pub fn answers(self) -> bool {
        matches!(self, Self::Ok | Self::Degraded)
    }
}

/// A source and its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceShown {
    /// Its name.
    #[schema(example = "beeminder")]
    pub name: String,
    /// Its state.
    pub state: SourceState,
    /// The reason, with the fix if there is one.
    pub reason: String,
    /// When it last answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success: Option<Timestamp>,
    /// Age of its data, in seconds.
    pub age_seconds: Option<i64>,
    /// Whether the data is older than it should be: do not treat its numbers as current.
    pub stale: bool,
    /// When it is polled next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt: Option<Timestamp>,
    /// Circuit breaker: `closed`, `open` or `half-open`; null if there is none.
    pub breaker: Option<String>,
    /// What its last answer did not say readably, and is as it was before; absent if nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old: Vec<OldPart>,
}

/// A part of a source's data that is older than its last answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OldPart {
    /// Its name, such as a goal's slug.
    #[schema(example = "bike")]
    pub name: String,
    /// When it was last read; null if not since the start.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub read_at: Option<Timestamp>,
}

/// All sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourcesShown {
    /// By name.
    pub sources: Vec<SourceShown>,
}

#[derive(Debug, Clone)]
struct Source {
    state: SourceState,
    reason: String,
    last_success: Option<Timestamp>,
    next_attempt: Option<Timestamp>,
    /// Data older than this is stale.
    fresh_for: SignedDuration,
    breaker: Option<&'static str>,
    old: Vec<OldPart>,
    /// The state last recorded in the log.
    recorded: Option<String>,
}

/// The sources of one tenant; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sources {
    known: Arc<Mutex<BTreeMap<String, Source>>>,
    notes: UnboundedSender<Note>,
    /// Counts state changes.
    changes: watch::Sender<u64>,
}

impl Sources {
    /// The sources as last recorded in the log. Blocks.
    ///
    /// # Errors
    /// [`LogError`]: the stream cannot be read. Treating it as empty would record every state again.
    pub fn load(
        log: &dyn EventLog,
        tenant: &TenantId,
        notes: UnboundedSender<Note>,
    ) -> Result<Self, LogError> {
        let mut recorded = BTreeMap::new();
        log.scan_stream(tenant, &StreamId::new(SOURCES), Version(1), &mut |record| {
            if let Ok(Event::SourceChanged(change)) = decode(record)
                && !change.state.starts_with("breaker")
            {
                recorded.insert(change.source, change.state);
            }
            ControlFlow::Continue(())
        })?;
        let known = recorded.into_iter().map(|(name, state)| (name, Source::unknown(Some(state)))).collect();
        Ok(Self { known: Arc::new(Mutex::new(known)), notes, changes: watch::Sender::new(0) })
    }

    /// Registers a source, and how long its data stays fresh.
    pub fn declare(&self, name: &str, state: SourceState, reason: &str, fresh_for: SignedDuration) {
        self.change(name, |source| {
            source.fresh_for = fresh_for;
            (source.state, source.reason) = (state, reason.to_owned());
        });
    }

    /// The source answered at `now`, and is polled again at `next`.
    pub fn succeeded(&self, name: &str, reason: &str, now: Timestamp, next: Option<Timestamp>) {
        self.change(name, |source| {
            (source.state, source.reason) = (SourceState::Ok, reason.to_owned());
            source.last_success = Some(now);
            source.next_attempt = next;
            source.old.clear();
        });
    }

    /// The source answered at `now`, and a part of its answer could not be read: `reason` names it. `old` is what is
    /// therefore as it was before.
    pub fn degraded(
        &self,
        name: &str,
        reason: &str,
        now: Timestamp,
        next: Option<Timestamp>,
        old: Vec<OldPart>,
    ) {
        self.change(name, |source| {
            (source.state, source.reason) = (SourceState::Degraded, reason.to_owned());
            source.last_success = Some(now);
            source.next_attempt = next;
            source.old = old;
        });
    }

    /// The source failed; `reason` includes the fix, and no secret.
    pub fn failed(&self, name: &str, state: SourceState, reason: &str, next: Option<Timestamp>) {
        self.change(name, |source| {
            (source.state, source.reason) = (state, reason.to_owned());
            source.next_attempt = next;
        });
    }

    /// The breaker changed: `closed`, `open` or `half-open`.
    pub fn breaker(&self, name: &str, state: &'static str, reason: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let source = known.entry(name.to_owned()).or_insert_with(|| Source::unknown(None));
        let before = source.breaker.replace(state);
        // Half-open is only a trial; whether it closed or opened is worth an event.
        if state != "half-open" && before != Some(state) && !(before.is_none() && state == "closed") {
            self.note(name, &format!("breaker-{state}"), reason);
        }
    }

    /// The state of a source.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<SourceState> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|source| source.state)
    }

    /// Subscribes to every change of state, recorded or not.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// When a source last answered.
    #[must_use]
    pub fn last_success(&self, name: &str) -> Option<Timestamp> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).and_then(|source| source.last_success)
    }

    /// All sources at `now`.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> SourcesShown {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = |(name, source): (&String, &Source)| {
            let age = source.last_success.map(|at| clock::age(at, now));
            SourceShown {
                name: name.clone(),
                state: source.state,
                reason: source.reason.clone(),
                last_success: source.last_success,
                age_seconds: age.map(|age| age.as_secs()),
                stale: match source.state {
                    SourceState::NotConfigured | SourceState::Waiting => false,
                    _ => age.is_none_or(|age| age > source.fresh_for),
                },
                next_attempt: source.next_attempt,
                breaker: source.breaker.map(str::to_owned),
                old: source.old.clone(),
            }
        };
        SourcesShown { sources: known.iter().map(shown).collect() }
    }

    /// Shifts timestamps when the clock is set: data a minute old stays a minute old.
    pub async fn follow(self, mut off: watch::Receiver<SignedDuration>) {
        let mut before = *off.borrow_and_update();
        while off.changed().await.is_ok() {
            let now = *off.borrow_and_update();
            self.shift(now.saturating_sub(before));
            before = now;
        }
    }

    fn shift(&self, by: SignedDuration) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let moments = known.values_mut().flat_map(|source| {
            let old = source.old.iter_mut().map(|part| &mut part.read_at);
            [&mut source.last_success, &mut source.next_attempt].into_iter().chain(old)
        });
        for moment in moments.flatten() {
            *moment = moment.saturating_add(by).unwrap_or(*moment);
        }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Source)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let source = known.entry(name.to_owned()).or_insert_with(|| Source::unknown(None));
        let before = source.state;
        change(source);
        if source.state != before {
            self.changes.send_modify(|count| *count += 1);
        }
        let state = source.state.name();
        let is_news = match source.recorded.as_deref() {
            // A new source that is not configured or not polled yet is not a change.
            None => !matches!(source.state, SourceState::NotConfigured | SourceState::Waiting),
            Some(recorded) => recorded != state && source.state != SourceState::Waiting,
        };
        if is_news {
            source.recorded = Some(state.to_owned());
            // What the answer was like is shown, with names that are the person's; the log keeps that it was so.
            let reason =
                if source.state == SourceState::Degraded { PARTLY.to_owned() } else { source.reason.clone() };
            self.note(name, state, &reason);
        }
    }

    fn note(&self, source: &str, state: &str, reason: &str) {
        let change =
            SourceChanged { source: source.to_owned(), state: state.to_owned(), reason: reason.to_owned() };
        tracing::info!(source, state, reason, "a source changed");
        // Nobody records any more while the program shuts down.
        let _ = self.notes.send(Note::Source(change));
    }
}

impl Source {
    fn unknown(recorded: Option<String>) -> Self {
        Self {
            state: SourceState::Waiting,
            reason: "not asked yet".into(),
            last_success: None,
            next_attempt: None,
            fresh_for: SignedDuration::from_mins(15),
            breaker: None,
            old: Vec::new(),
            recorded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::MemoryLog;
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    fn sources() -> (Sources, UnboundedReceiver<Note>) {
        let (sender, receiver) = unbounded_channel();
        (Sources::load(&MemoryLog::default(), &TenantId::local(), sender).unwrap(), receiver)
    }

    fn noted(receiver: &mut UnboundedReceiver<Note>) -> Vec<String> {
        std::iter::from_fn(|| receiver.try_recv().ok())
            .map(|note| match note {
                Note::Source(change) => change.state,
                Note::Supervision(_) | Note::Refused(_) => unreachable!(),
            })
            .collect()
    }

    #[test]
    fn only_changes_are_told() {
        let (sources, mut notes) = sources();
        let now = Timestamp::UNIX_EPOCH;
        sources.declare("beeminder", SourceState::Waiting, "", SignedDuration::from_secs(60));
        sources.declare("twilio", SourceState::NotConfigured, "", SignedDuration::from_secs(60));
        assert_eq!(noted(&mut notes), [""; 0]);
        for _ in 0..3 {
            sources.succeeded("beeminder", "3 goals", now, None);
        }
        for _ in 0..3 {
            sources.failed("beeminder", SourceState::Failing, "it does not answer", None);
        }
        sources.breaker("beeminder", "closed", "");
        sources.breaker("beeminder", "open", "5 failures");
        sources.breaker("beeminder", "half-open", "");
        sources.breaker("beeminder", "open", "");
        sources.breaker("beeminder", "closed", "");
        sources.succeeded("beeminder", "3 goals", now, None);
        for reason in ["goal bike: field won is null", "goal run: field won is null"] {
            sources.degraded("beeminder", reason, now, None, Vec::new());
        }
        let expected = ["ok", "failing", "breaker-open", "breaker-open", "breaker-closed", "ok", "degraded"];
        assert_eq!(noted(&mut notes), expected);
    }

    #[test]
    fn an_old_answer_is_shown_with_its_age() {
        let (sources, _notes) = sources();
        let start = Timestamp::UNIX_EPOCH;
        sources.declare("beeminder", SourceState::Waiting, "", SignedDuration::from_secs(60));
        assert!(!sources.shown(start).sources[0].stale, "it has not been asked");
        sources.succeeded("beeminder", "", start, None);
        for (age, stale) in [(0, false), (60, false), (61, true)] {
            let shown = sources.shown(start + SignedDuration::from_secs(age)).sources;
            assert_eq!((shown[0].age_seconds, shown[0].stale), (Some(age), stale));
        }
        // When the clock is set, ages and remaining times stay the same.
        sources.succeeded("beeminder", "", start, Some(start + SignedDuration::from_secs(60)));
        let year = SignedDuration::from_hours(365 * 24);
        for (by, now) in [(year, start + year), (-year, start)] {
            sources.shift(by);
            let shown = sources.shown(now + SignedDuration::from_secs(61)).sources;
            assert_eq!((shown[0].age_seconds, shown[0].stale), (Some(61), true), "{by:?}");
            assert_eq!(shown[0].next_attempt, Some(now + SignedDuration::from_secs(60)), "{by:?}");
        }
        sources.failed("beeminder", SourceState::Failing, "gone", None);
        let shown = sources.shown(start).sources;
        assert_eq!(
            (shown[0].state, shown[0].stale),
            (SourceState::Failing, false),
            "its numbers are still new"
        );
    }
}
