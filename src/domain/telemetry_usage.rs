//! Usage from Claude Code's own telemetry: decides what counts, so that each call counts once.
//!
//! Three sources may report one call, and they rank: the transcript, then the `api_request` event, then the
//! metrics.
//!
//! - A *call* ([`CallTold`]) is one `api_request` event. With a request id it is matched with transcripts by that id:
//!   whichever is recorded first, the transcript counts in the end, because only it has the message id and the split
//!   of cache writes. Without one (a gateway that gives none) its session decides: if the session has a transcript, the
//!   transcript counts.
//! - *Points* ([`PointTold`]) are counters of a session. They count only while no better source covers their session:
//!   neither a transcript nor any call. They are withdrawn as soon as one does. Metrics and calls are never added up:
//!   both report the same requests, and a delta that is exported again after a lost response cannot be distinguished
//!   from a new one by its value.
//!
//! [`Heard`] is the known state, folded from the [`Fact`]s in the log. [`Draft`] decides one export on top of
//! it.

pub mod counter;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::calendar::Quarter;
use super::money::Picodollars;
use super::tokens::Tokens;
use super::usage::{Speed, Usage};

use counter::{Counter, Point};

/// Maximum number of points in a fact, so that it fits into one event.
pub const POINTS_MAX: usize = 256;

/// Half of a hash: identifies a request, a session, a call or a series without storing its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint of a kind and its parts.
    #[must_use]
    pub fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in std::iter::once(&kind.as_bytes()).chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut half = [0; 16];
        half.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(half)
    }

    fn request(id: &str) -> Self {
        Self::of("request", &[id.as_bytes()])
    }

    fn session(id: &str) -> Self {
        Self::of("session", &[id.as_bytes()])
    }
}

/// An `api_request` event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTold {
    /// The call. Its message id is empty, and its request id may be. Cache writes count as five-minute ones,
    /// because telemetry does not distinguish them.
    pub usage: Usage,
    /// The client's own id of the call, or empty.
    pub client_request_id: Box<str>,
    /// Distinguishes this event from others if it has neither id.
    pub own: Fingerprint,
    /// Claude Code's own calculation of the cost: for comparison, never added.
    pub told_cost: Option<Picodollars>,
}

impl CallTold {
    /// The key of a call without a request id.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        if self.client_request_id.is_empty() {
            return self.own;
        }
        Fingerprint::of("client-request", &[self.client_request_id.as_bytes()])
    }
}

/// What a point measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Measure {
    /// Uncached input tokens.
    Input,
    /// Output tokens.
    Output,
    /// Tokens read from the cache.
    CacheRead,
    /// Tokens written to the cache.
    CacheCreation,
    /// Claude Code's estimate of the cost, in picodollars.
    Cost,
}

/// A data point of `claude_code.token.usage` or `claude_code.cost.usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointTold {
    pub session: Box<str>,
    pub model: Box<str>,
    /// The speed at which it was served.
    pub speed: Speed,
    /// Whether subagents made the calls.
    pub sidechain: bool,
    pub measure: Measure,
    /// Fingerprint of all its attributes: the points of one series form a counter.
    pub series: Fingerprint,
    pub point: Point,
    pub at: Timestamp,
}

/// The content of one export.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    pub calls: Vec<CallTold>,
    pub points: Vec<PointTold>,
}

impl Export {
    /// Whether it contains no usage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.points.is_empty()
    }
}

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counted,
    /// It is kept for comparison and does not count: a better source covers its session.
    Compared,
    /// It was already known, from a transcript or from telemetry.
    Known,
    /// It names neither a request nor a session: it cannot be distinguished from others, and is ignored.
    Nameless,
}

/// A counted entry of a session that cannot be matched with single requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Numbers the entries of the session, from 0.
    pub ordinal: u32,
    /// Whether it comes from metrics.
    pub is_metered: bool,
}

/// A fact to record in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A call reported by telemetry.
    Told {
        call: Box<CallTold>,
        /// Its number in its session, if it has no request id.
        ordinal: Option<u32>,
        counted: bool,
    },
    /// Counters have grown.
    Metered {
        /// The growth, with the session and the time.
        usage: Box<Usage>,
        /// Its number in its session.
        ordinal: u32,
        counted: bool,
        /// Claude Code's own calculation of the cost.
        told_cost: Picodollars,
        /// The points, by series.
        points: Vec<(Fingerprint, Point)>,
    },
    /// An entry that counted no longer does.
    Withdrawn { session: Box<str>, standing: Standing },
}

#[derive(Debug, Clone, Default)]
struct Session {
    /// Whether any call of it was reported.
    has_calls: bool,
    /// The number of its next entry.
    next: u32,
    /// Entries that count, and may have to be withdrawn.
    standing: Vec<Standing>,
    /// The calls without a request id.
    keys: HashSet<Fingerprint>,
    counters: HashMap<Fingerprint, Counter>,
}

/// What is known from earlier reports.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    transcript_requests: HashSet<Fingerprint>,
    transcript_sessions: HashSet<Fingerprint>,
    told_requests: HashSet<Fingerprint>,
    sessions: HashMap<Box<str>, Session>,
}

impl Heard {
    /// A transcript reported a call.
    pub fn transcript(&mut self, request_id: &str, session: &str) {
        if !request_id.is_empty() {
            self.transcript_requests.insert(Fingerprint::request(request_id));
        }
        if !session.is_empty() {
            self.transcript_sessions.insert(Fingerprint::session(session));
        }
    }

    /// Telemetry reported a call: with its request id, or with its number and key if it has none.
    pub fn told(&mut self, request_id: &str, session: &str, of_session: Option<(u32, Fingerprint, bool)>) {
        if of_session.is_none() {
            self.told_requests.insert(Fingerprint::request(request_id));
        }
        if !session.is_empty() {
            self.sessions.entry(session.into()).or_default().told(of_session);
        }
    }

    /// Metrics reported usage of a session.
    pub fn metered(
        &mut self,
        session: &str,
        ordinal: u32,
        counted: bool,
        points: impl IntoIterator<Item = (Fingerprint, Point)>,
    ) {
        let session = self.sessions.entry(session.into()).or_default();
        for (series, point) in points {
            session.counters.entry(series).or_default().take(&point);
        }
        session.stands(ordinal, true, counted);
    }

    /// An entry of a session was withdrawn.
    pub fn withdrawn(&mut self, session: &str, ordinal: u32) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.standing.retain(|standing| standing.ordinal != ordinal);
        }
    }

    /// Whether a transcript reported a session.
    #[must_use]
    pub fn has_transcript(&self, session: &str) -> bool {
        self.transcript_sessions.contains(&Fingerprint::session(session))
    }
}

impl Session {
    fn told(&mut self, of_session: Option<(u32, Fingerprint, bool)>) {
        self.has_calls = true;
        if let Some((ordinal, key, counted)) = of_session {
            self.keys.insert(key);
            self.stands(ordinal, false, counted);
        }
    }

    fn stands(&mut self, ordinal: u32, is_metered: bool, counted: bool) {
        self.next = self.next.max(ordinal + 1);
        if counted {
            self.standing.push(Standing { ordinal, is_metered });
        }
    }

    /// Withdraws metrics of a session, now that calls are reported.
    fn withdraw_metered(&mut self, name: &str) -> Vec<Fact> {
        let (metered, others) = self.standing.iter().partition(|standing| standing.is_metered);
        self.standing = others;
        let withdrawn = |standing| Fact::Withdrawn { session: name.into(), standing };
        Vec::into_iter(metered).map(withdrawn).collect()
    }
}

/// Decides one export without changing the known state, which follows from the log.
pub struct Draft<'a> {
    heard: &'a Heard,
    told_requests: HashSet<Fingerprint>,
    /// The affected sessions, as they will be.
    sessions: HashMap<Box<str>, Session>,
    /// The facts to record, in this order.
    pub facts: Vec<Fact>,
}

impl<'a> Draft<'a> {
    /// On top of the known state.
    #[must_use]
    pub fn new(heard: &'a Heard) -> Self {
        Self { heard, told_requests: HashSet::new(), sessions: HashMap::new(), facts: Vec::new() }
    }

    fn session(&mut self, name: &str) -> &mut Session {
        let known = self.heard.sessions.get(name);
        self.sessions.entry(name.into()).or_insert_with(|| known.cloned().unwrap_or_default())
    }

    /// Decides a call.
    pub fn call(&mut self, call: &CallTold) -> Outcome {
        let (request, name) = (&*call.usage.key.request_id, call.usage.session.clone());
        if request.is_empty() {
            return self.call_of_session(call, &name);
        }
        let print = Fingerprint::request(request);
        if self.heard.transcript_requests.contains(&print) || self.heard.told_requests.contains(&print) {
            return Outcome::Known;
        }
        if !self.told_requests.insert(print) {
            return Outcome::Known;
        }
        if !name.is_empty() {
            let session = self.session(&name);
            session.told(None);
            let withdrawn = session.withdraw_metered(&name);
            self.facts.extend(withdrawn);
        }
        self.facts.push(Fact::Told { call: Box::new(call.clone()), ordinal: None, counted: true });
        Outcome::Counted
    }

    fn call_of_session(&mut self, call: &CallTold, name: &str) -> Outcome {
        if name.is_empty() {
            return Outcome::Nameless;
        }
        let counted = !self.heard.has_transcript(name);
        let session = self.session(name);
        if session.keys.contains(&call.key()) {
            return Outcome::Known;
        }
        let ordinal = session.next;
        let withdrawn = session.withdraw_metered(name);
        session.told(Some((ordinal, call.key(), counted)));
        self.facts.extend(withdrawn);
        self.facts.push(Fact::Told { call: Box::new(call.clone()), ordinal: Some(ordinal), counted });
        if counted { Outcome::Counted } else { Outcome::Compared }
    }

    /// Decides the points of an export. Returns one outcome per point, in order.
    pub fn points(&mut self, told: &[PointTold]) -> Vec<Outcome> {
        let mut groups: BTreeMap<Group<'_>, Growth> = BTreeMap::new();
        let mut outcomes = Vec::with_capacity(told.len());
        for one in told {
            if one.session.is_empty() {
                outcomes.push(Outcome::Nameless);
                continue;
            }
            let Some(growth) =
                self.session(&one.session).counters.entry(one.series).or_default().take(&one.point)
            else {
                outcomes.push(Outcome::Known);
                continue;
            };
            groups.entry(Group::of(one)).or_insert_with(|| Growth::new(one.at)).add(one, growth);
            outcomes.push(if self.counts(&one.session) { Outcome::Counted } else { Outcome::Compared });
        }
        for (group, growth) in groups {
            self.meter(&group, growth);
        }
        outcomes
    }

    fn counts(&mut self, session: &str) -> bool {
        !self.heard.has_transcript(session) && !self.session(session).has_calls
    }

    fn meter(&mut self, group: &Group<'_>, growth: Growth) {
        let counted = self.counts(group.session) && growth.tokens != Tokens::default();
        let mut points = growth.points;
        let mut rest = (growth.tokens, growth.cost);
        while !points.is_empty() {
            let some = points.split_off(points.len().saturating_sub(POINTS_MAX));
            let (tokens, told_cost) = std::mem::take(&mut rest);
            // The first part has the numbers; the others only record their points.
            let counted = counted && tokens != Tokens::default();
            let session = self.session(group.session);
            let ordinal = session.next;
            session.stands(ordinal, true, counted);
            let usage = Box::new(group.usage(tokens, growth.at));
            self.facts.push(Fact::Metered { usage, ordinal, counted, told_cost, points: some });
        }
    }
}

/// Points that are recorded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Group<'a> {
    session: &'a str,
    model: &'a str,
    is_fast: bool,
    sidechain: bool,
    quarter: i32,
}

impl<'a> Group<'a> {
    fn of(told: &'a PointTold) -> Self {
        Self {
            session: &told.session,
            model: &told.model,
            is_fast: told.speed == Speed::Fast,
            sidechain: told.sidechain,
            quarter: Quarter::of(told.at).0,
        }
    }

    fn usage(&self, tokens: Tokens, occurred_at: Timestamp) -> Usage {
        Usage {
            session: self.session.into(),
            sidechain: self.sidechain,
            speed: if self.is_fast { Speed::Fast } else { Speed::Standard },
            ..unplaced(self.model, tokens, occurred_at)
        }
    }
}

/// One or more calls of which only the model and the tokens are known.
#[must_use]
pub fn unplaced(model: &str, tokens: Tokens, occurred_at: Timestamp) -> Usage {
    Usage {
        agent: "claude-code".into(),
        provider: "anthropic".into(),
        model: model.into(),
        tokens,
        occurred_at,
        ..Usage::default()
    }
}

struct Growth {
    tokens: Tokens,
    cost: Picodollars,
    /// Time of the newest point.
    at: Timestamp,
    points: Vec<(Fingerprint, Point)>,
}

impl Growth {
    fn new(at: Timestamp) -> Self {
        Self { tokens: Tokens::default(), cost: Picodollars::ZERO, at, points: Vec::new() }
    }

    fn add(&mut self, told: &PointTold, growth: i128) {
        let count = u64::try_from(growth).unwrap_or(0);
        match told.measure {
            Measure::Input => self.tokens.input += count,
            Measure::Output => self.tokens.output += count,
            Measure::CacheRead => self.tokens.cache_read += count,
            Measure::CacheCreation => self.tokens.cache_write_5m += count,
            Measure::Cost => self.cost += Picodollars(growth),
        }
        self.at = self.at.max(told.at);
        self.points.push((told.series, told.point));
    }
}

#[cfg(test)]
mod tests;
