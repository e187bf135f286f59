//! Records usage: calls become events, each call once.
//!
//! The event id is derived from the call's identity, so that a repeated import, a copied session or a crash
//! in the middle adds nothing twice. If a later reading of a call says more than the recorded one, it becomes
//! a revision; the log is never rewritten. [`Former`] finds calls of old logs, in which the request id was a
//! part of the identity, and withdraws what was counted twice there.
//!
//! Recording a call from a transcript withdraws, in the same append, the same call from telemetry, together
//! with session-level totals that name no request. Both this and [`super::telemetry`] use optimistic
//! concurrency: they append at the stream version they read, and decide again on conflict. Neither can miss
//! what the other has just recorded.

mod former;
pub mod reprice;
mod stored;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::pricing::{PriceTable, Priced};
use crate::domain::usage::is_told;
use crate::domain::usage::{Usage, UsageChange, decide};
use crate::event::decode;
use crate::event::payload::{
    CallId, UsageRecorded, UsageRevised, session_event_id, told_event_id, usage_event_id,
};
use crate::event::{Event, EventId, Metadata, NewEvent, Position, StreamId, TenantId, Version};
use crate::log::{Appending, EventLog, Expected, LogError};
use crate::service::aggregate::repository::{DECISIONS_MAX, new_event, prepared, retried};
use crate::service::runtime::prices::Prices;
use crate::telemetry;
use crate::view::ViewError;

use stored::{call_of, read_at, to_latest};

pub use former::Former;
pub(in crate::service) use stored::take_back;

/// Events in one append of a bulk import.
const BATCH: usize = 4_096;

/// The stream of all usage.
pub(in crate::service) const STREAM: &str = "usage";

/// Counts of recorded calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Tally {
    /// New.
    pub recorded: u64,
    /// Known, and revised because it had grown.
    pub revised: u64,
    /// Known and unchanged.
    pub known: u64,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Self) {
        self.recorded += other.recorded;
        self.revised += other.revised;
        self.known += other.known;
    }
}

/// Turns calls into events.
#[derive(Clone)]
pub struct Recorder {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    prices: Prices,
    actor: &'static str,
    /// Sessions with a transcript: session-level telemetry no longer counts for them.
    settled: Arc<Mutex<HashSet<Box<str>>>>,
    /// Calls with the former identity, once they have been searched for.
    former: Arc<Mutex<Option<Arc<Former>>>>,
}

/// A decided batch.
struct Batch {
    events: Vec<NewEvent>,
    /// Number of its events; the events themselves go to the log.
    count: u64,
    tally: Tally,
    sessions: HashSet<Box<str>>,
    /// The stream version it was decided at.
    expected: Version,
}

impl Batch {
    /// The stream version after the append: all of its events are new.
    fn reaches(&self) -> Version {
        Version(self.expected.0 + self.count)
    }
}

/// A call in the log.
struct Known {
    /// Its identity.
    id: CallId,
    /// Its latest revision.
    stored: UsageRecorded<'static>,
    usage: Usage,
    /// 0: never revised.
    revision: u32,
}

/// What transcripts report for the first time in a batch.
#[derive(Default)]
struct News<'a> {
    requests: HashSet<&'a str>,
    sessions: HashSet<&'a str>,
}

impl<'a> News<'a> {
    fn take(&mut self, usage: &'a Usage, is_unsettled: impl FnOnce(&str) -> bool) {
        if !usage.key.request_id.is_empty() {
            self.requests.insert(&usage.key.request_id);
        }
        if !self.sessions.contains(&*usage.session) && is_unsettled(&usage.session) {
            self.sessions.insert(&usage.session);
        }
    }
}

/// What a batch withdraws.
#[derive(Default)]
struct TakenBack<'a> {
    /// The event id that telemetry would have used for each request.
    requests: HashMap<&'a str, EventId>,
    /// The ids of session-level telemetry that names no request.
    sessions: HashMap<&'a str, Vec<EventId>>,
    events: HashMap<EventId, NewEvent>,
}

impl TakenBack<'_> {
    /// The withdrawals that precede a new call; each is returned once.
    fn of(&mut self, usage: &Usage) -> Vec<NewEvent> {
        if is_told(&usage.key.message_id) {
            return Vec::new();
        }
        let request = self.requests.remove(&*usage.key.request_id);
        let session = self.sessions.remove(&*usage.session).unwrap_or_default();
        request.into_iter().chain(session).filter_map(|id| self.events.remove(&id)).collect()
    }
}

impl Recorder {
    /// The log and tenant that it records to.
    #[must_use]
    pub fn place(&self) -> (&Arc<dyn EventLog>, &TenantId) {
        (&self.log, &self.tenant)
    }

    /// Records for one tenant, at the prices of one table, in the name of `actor`.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventLog>,
        tenant: TenantId,
        prices: impl Into<Prices>,
        actor: &'static str,
    ) -> Self {
        let prices = prices.into();
        Self { log, tenant, prices, actor, settled: Arc::default(), former: Arc::default() }
    }

    /// The same, at the prices of this table even if the one in force is replaced.
    #[must_use]
    pub fn by(&self, table: Arc<PriceTable>) -> Self {
        Self { prices: table.into(), ..self.clone() }
    }

    /// Whether the price table has every price that a call needs.
    #[must_use]
    pub fn has_price(&self, usage: &Usage) -> bool {
        self.prices.current().price(usage).is_whole()
    }

    /// Records calls that the log does not have. Blocks on the disk. `progress` receives (done, total).
    ///
    /// # Errors
    /// [`ViewError`]: the log cannot be read, or refuses events. The calls before the failure have been
    /// recorded; recording the same calls again completes the work.
    pub fn record(&self, usages: &[Usage], progress: &dyn Fn(usize, usize)) -> Result<Tally, ViewError> {
        if !usages.is_empty() {
            self.settle_former()?;
        }
        let mut tally = Tally::default();
        let mut underway: Option<(Appending, &[Usage], Batch)> = None;
        for (number, batch) in usages.chunks(BATCH).enumerate() {
            let expected = match &underway {
                Some((.., before)) => before.reaches(),
                None => self.version()?,
            };
            let mut decided = self.decide_batch(batch, expected)?;
            // One append is on its way to the disk while the next batch is decided.
            if let Some((appending, calls, before)) = underway.take() {
                let (done, moved) = self.finish(appending, calls, before)?;
                tally.add(done);
                if moved {
                    decided = self.decide_batch(batch, self.version()?)?;
                }
            }
            if decided.count == 0 {
                tally.add(decided.tally);
            } else {
                underway = Some((self.append(&mut decided), batch, decided));
            }
            progress((number * BATCH + batch.len()).min(usages.len()), usages.len());
        }
        if let Some((appending, calls, before)) = underway {
            tally.add(self.finish(appending, calls, before)?.0);
        }
        Ok(tally)
    }

    fn version(&self) -> Result<Version, LogError> {
        self.log.stream_version(&self.tenant, &StreamId::new(STREAM))
    }

    fn append(&self, batch: &mut Batch) -> Appending {
        let (expected, events) = (Expected::at(batch.expected), std::mem::take(&mut batch.events));
        self.log.append(prepared(&self.tenant, STREAM, expected, events))
    }

    /// Appends events decided at `expected`, and waits until they are durable. False on conflict.
    fn append_all(&self, expected: Version, events: Vec<NewEvent>) -> Result<bool, LogError> {
        let append = prepared(&self.tenant, STREAM, Expected::at(expected), events);
        match self.log.append(append).wait() {
            Err(LogError::Conflict { .. }) => Ok(false),
            appended => appended.map(|_| true),
        }
    }

    /// See [`retried`].
    fn retried<T>(&self, once: impl FnMut() -> Result<Option<T>, ViewError>) -> Result<T, ViewError> {
        retried(&*self.log, &self.tenant, STREAM, once)
    }

    /// Waits for an append. On conflict the batch is decided again, and the answer says so.
    fn finish(
        &self,
        appending: Appending,
        calls: &[Usage],
        mut batch: Batch,
    ) -> Result<(Tally, bool), ViewError> {
        let mut answer = appending.wait();
        let mut moved = false;
        for _ in 1..DECISIONS_MAX {
            if !matches!(answer, Err(LogError::Conflict { .. })) {
                break;
            }
            moved = true;
            batch = self.decide_batch(calls, self.version()?)?;
            if batch.count == 0 {
                return Ok((batch.tally, moved));
            }
            answer = self.append(&mut batch).wait();
        }
        answer?;
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).extend(batch.sessions);
        Ok((batch.tally, moved))
    }

    fn decide_batch(&self, usages: &[Usage], expected: Version) -> Result<Batch, ViewError> {
        let known = self.known(usages)?;
        let metadata = Metadata {
            actor: self.actor.to_owned(),
            trace: telemetry::current_trace(),
            ..Metadata::default()
        };
        let mut tally = Tally::default();
        let mut decided = Vec::with_capacity(usages.len());
        let mut news = News::default();
        for usage in usages {
            let id = usage_event_id(self.tenant.as_str(), &usage.key, 0);
            let telling = decide(known.get(&id).map(|known| &known.usage), usage);
            // A manually reported sum is not a transcript, and withdraws no telemetry.
            if matches!(telling, UsageChange::New) && !is_told(&usage.key.message_id) {
                news.take(usage, |session| self.is_unsettled(session));
            }
            decided.push((usage, id, telling));
        }
        let mut taken_back = self.taken_back(&news, &metadata)?;
        let mut events = Vec::with_capacity(usages.len());
        for (usage, id, telling) in decided {
            match telling {
                UsageChange::New => {
                    tally.recorded += 1;
                    events.append(&mut taken_back.of(usage));
                    events.push(self.recorded(id, usage, &metadata));
                }
                UsageChange::Revision(both) => {
                    tally.revised += 1;
                    events.extend(known.get(&id).map(|known| self.revised(known, &both, &metadata)));
                }
                UsageChange::Known => tally.known += 1,
            }
        }
        let sessions = news.sessions.into_iter().map(Into::into).collect();
        Ok(Batch { count: events.len() as u64, events, tally, sessions, expected })
    }

    fn is_unsettled(&self, session: &str) -> bool {
        !session.is_empty() && !self.settled.lock().unwrap_or_else(PoisonError::into_inner).contains(session)
    }

    /// The telemetry of these requests and sessions that still counts.
    fn taken_back<'a>(&self, news: &News<'a>, metadata: &Metadata) -> Result<TakenBack<'a>, ViewError> {
        let tenant = self.tenant.as_str();
        let requests = news.requests.iter().map(|request| (*request, told_event_id(tenant, request)));
        let mut taken = TakenBack { requests: requests.collect(), ..TakenBack::default() };
        let mut open: Vec<&str> = news.sessions.iter().copied().collect();
        for ordinal in 0.. {
            if open.is_empty() {
                break;
            }
            let ids: Vec<_> = open.iter().map(|session| session_event_id(tenant, session, ordinal)).collect();
            let mut found = self.log.find_many(&ids)?.into_iter().zip(ids);
            open.retain(|session| match found.next() {
                Some((Some(_), id)) => {
                    taken.sessions.entry(session).or_default().push(id);
                    true
                }
                _ => false,
            });
        }
        let ids = taken.requests.values().chain(taken.sessions.values().flatten());
        taken.events = take_back(&*self.log, &ids.copied().collect::<Vec<_>>(), "transcript", metadata)?;
        Ok(taken)
    }

    fn recorded(&self, id: EventId, usage: &Usage, metadata: &Metadata) -> NewEvent {
        let prices = self.prices.current();
        let payload = UsageRecorded::new(usage, &prices.price(usage), &prices.version);
        new_event(id, &Event::UsageRecorded(payload), usage.occurred_at, metadata)
    }

    fn revised(&self, known: &Known, now: &Usage, metadata: &Metadata) -> NewEvent {
        let prices = self.prices.current();
        // A cost on the same basis is never computed again with another table: only `reprice` does that,
        // explicitly.
        let usage = if now.costs_as(&known.usage) {
            let UsageRecorded { cost, missing, lacking, price_table, .. } = known.stored.clone();
            UsageRecorded {
                cost,
                missing,
                lacking,
                price_table,
                ..UsageRecorded::new(now, &Priced::default(), "")
            }
        } else {
            UsageRecorded::new(now, &prices.price(now), &prices.version)
        };
        let revision = known.revision + 1;
        let payload = UsageRevised {
            usage,
            superseded: known.stored.clone(),
            occurred_at_us: known.usage.occurred_at.as_microsecond(),
            revision,
            reason: "told".to_owned(),
        };
        let id = known.id.event(self.tenant.as_str(), revision);
        new_event(id, &Event::UsageRevised(payload), now.occurred_at, metadata)
    }

    /// A call as the log has it.
    ///
    /// # Errors
    /// [`ViewError`]: the log cannot be read.
    pub fn known_usage(&self, usage: &Usage) -> Result<Option<Usage>, ViewError> {
        let known = self.known(std::slice::from_ref(usage))?;
        Ok(known.into_values().next().map(|known| known.usage))
    }

    /// These calls as the log has them, by the id that their first record has or would have.
    fn known(&self, usages: &[Usage]) -> Result<HashMap<EventId, Known>, ViewError> {
        let tenant = self.tenant.as_str();
        let former = self.former.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let firsts: Vec<EventId> = usages.iter().map(|usage| usage_event_id(tenant, &usage.key, 0)).collect();
        let mut wanted: Vec<(Position, (EventId, CallId))> = Vec::new();
        let mut elsewhere: Vec<(EventId, CallId)> = Vec::new();
        for ((usage, first), found) in usages.iter().zip(&firsts).zip(self.log.find_many(&firsts)?) {
            if let Some(position) = found {
                wanted.push((position, (*first, CallId::of(&usage.key))));
            } else if let Some(id) = former.as_ref().and_then(|former| former.id(&usage.key.message_id)) {
                elsewhere.push((*first, id));
            }
        }
        if !elsewhere.is_empty() {
            let ids: Vec<EventId> = elsewhere.iter().map(|(_, id)| id.event(tenant, 0)).collect();
            let found = self.log.find_many(&ids)?.into_iter().zip(elsewhere);
            wanted.extend(found.filter_map(|(position, of)| Some((position?, of))));
        }
        to_latest(&*self.log, &mut wanted, |(_, id), revision| id.event(tenant, revision))?;
        wanted.sort_unstable_by_key(|(position, _)| *position);
        let mut known = HashMap::with_capacity(wanted.len());
        read_at(&*self.log, &wanted, |(first, id), record| {
            if let Some((stored, revision)) = call_of(decode(record)?) {
                let usage = stored.to_usage(record.occurred_at);
                known.insert(*first, Known { id: id.clone(), stored, usage, revision });
            }
            Ok(())
        })?;
        Ok(known)
    }
}
