//! What is known of the outside systems: whether each answers, how old what it said is, and what mends it.
//!
//! A source that fails takes nothing with it: its last answers stay shown, with their age and the reason.
//! Every change of a source's state is an event, so that "why was there no warning on Tuesday" has an
//! answer ([`super::incidents`]).

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

/// How a source stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceState {
    /// Nobody asked for it.
    NotConfigured,
    /// It has not been asked yet.
    Waiting,
    /// It answers.
    Ok,
    /// It refuses the key: asked again when the settings change, and now and then.
    Unauthorized,
    /// It does not answer as it should.
    Failing,
}

impl SourceState {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NotConfigured, Self::Waiting, Self::Ok, Self::Unauthorized, Self::Failing];

    /// As it stands in events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NotConfigured => "not-configured",
            Self::Waiting => "waiting",
            Self::Ok => "ok",
            Self::Unauthorized => "unauthorized",
            Self::Failing => "failing",
        }
    }

    /// Whether the person should look at it.
    #[must_use]
    pub fn is_trouble(self) -> bool {
        matches!(self, Self::Unauthorized | Self::Failing)
    }
}

/// A source as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceShown {
    /// Its name.
    #[schema(example = "beeminder")]
    pub name: String,
    /// How it stands.
    pub state: SourceState,
    /// Why, with the mend where there is one.
    pub reason: String,
    /// When it last answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success: Option<Timestamp>,
    /// How old what it said is, in seconds.
    pub age_seconds: Option<i64>,
    /// Whether that is older than it should be: do not take its numbers for new ones.
    pub stale: bool,
    /// When it is asked next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt: Option<Timestamp>,
    /// Its circuit breaker: `closed`, `open` or `half-open`; null where there is none.
    pub breaker: Option<String>,
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
    /// Older than this is stale.
    fresh_for: SignedDuration,
    breaker: Option<&'static str>,
    /// The state that the log tells of.
    recorded: Option<String>,
}

/// The sources of one tenant; cheap to clone.
#[derive(Debug, Clone)]
pub struct Sources {
    known: Arc<Mutex<BTreeMap<String, Source>>>,
    notes: UnboundedSender<Note>,
    /// Counts the changes of states.
    changes: watch::Sender<u64>,
}

impl Sources {
    /// The sources as the log last told of them. Blocks.
    ///
    /// # Errors
    /// [`LogError`]: what it tells cannot be read. Taken for nothing, every state would be told again.
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

    /// Says that there is such a source, and how long its answers stay fresh.
    pub fn declare(&self, name: &str, state: SourceState, reason: &str, fresh_for: SignedDuration) {
        self.change(name, |source| {
            source.fresh_for = fresh_for;
            (source.state, source.reason) = (state, reason.to_owned());
        });
    }

    /// It answered at `now`, and is asked again at `next`.
    pub fn succeeded(&self, name: &str, reason: &str, now: Timestamp, next: Option<Timestamp>) {
        self.change(name, |source| {
            (source.state, source.reason) = (SourceState::Ok, reason.to_owned());
            source.last_success = Some(now);
            source.next_attempt = next;
        });
    }

    /// It did not answer as it should; `reason` has the mend, and no secret.
    pub fn failed(&self, name: &str, state: SourceState, reason: &str, next: Option<Timestamp>) {
        self.change(name, |source| {
            (source.state, source.reason) = (state, reason.to_owned());
            source.next_attempt = next;
        });
    }

    /// Its circuit breaker changed: `closed`, `open` or `half-open`.
    pub fn breaker(&self, name: &str, state: &'static str, reason: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let source = known.entry(name.to_owned()).or_insert_with(|| Source::unknown(None));
        let before = source.breaker.replace(state);
        // A breaker that half opens tries; only that it let go or held is worth an event.
        if state != "half-open" && before != Some(state) && !(before.is_none() && state == "closed") {
            self.note(name, &format!("breaker-{state}"), reason);
        }
    }

    /// How one of them stands.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<SourceState> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).map(|source| source.state)
    }

    /// Hears of every change of a state, whether the log tells of it or not.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// When one of them last answered.
    #[must_use]
    pub fn last_success(&self, name: &str) -> Option<Timestamp> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name).and_then(|source| source.last_success)
    }

    /// How they stand at `now`.
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
            }
        };
        SourcesShown { sources: known.iter().map(shown).collect() }
    }

    /// Goes along with the clock where it is set: what was told a minute before is a minute old, whatever the clock says now.
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
        let moments =
            known.values_mut().flat_map(|source| [&mut source.last_success, &mut source.next_attempt]);
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
            // That a source which was never used is not configured, or is not asked yet, is no news.
            None => !matches!(source.state, SourceState::NotConfigured | SourceState::Waiting),
            Some(recorded) => recorded != state && source.state != SourceState::Waiting,
        };
        if is_news {
            source.recorded = Some(state.to_owned());
            let reason = source.reason.clone();
            self.note(name, state, &reason);
        }
    }

    fn note(&self, source: &str, state: &str, reason: &str) {
        let change =
            SourceChanged { source: source.to_owned(), state: state.to_owned(), reason: reason.to_owned() };
        tracing::info!(source, state, reason, "a source changed");
        // Nobody records any more while the program ends.
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
        let expected = ["ok", "failing", "breaker-open", "breaker-open", "breaker-closed", "ok"];
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
        // Where the clock is set, what was told is as old as it was, and what is due is as far away.
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
