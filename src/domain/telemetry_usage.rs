//! Usage that Claude Code's own telemetry tells of: what of it counts, so that each call counts once.
//!
//! Three sources may tell of one call, and they rank: the transcript, then the `api_request` event, then the metrics.
//!
//! - A *call* ([`CallTold`]) is one `api_request` event. With a request id it is held against transcripts by that id:
//!   whichever came first, the transcript's telling is the one that counts in the end, for only it has the message id
//!   and the split of cache writes. Without one (a gateway that gives none) its session decides: where there is a
//!   transcript of the session, the transcript counts.
//! - *Points* ([`PointTold`]) are counters of a session. They count only while nothing better has told of their session:
//!   neither a transcript nor any call. What they told before is taken back as soon as one does. Metrics and calls
//!   are never added up: both tell of the same requests, and a delta that is exported again after a lost answer
//!   cannot be told from a new one by its value.
//!
//! [`Heard`] is what is known; it is a fold over [`Fact`]s, which are the log's. [`Draft`] decides one export on top of it.

pub mod counter;

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::calendar::Quarter;
use super::money::Picodollars;
use super::tokens::Tokens;
use super::usage::{Speed, Usage};

use counter::{Counter, Point};

/// Points in one fact, so that it fits into one event.
pub const POINTS_MAX: usize = 256;

/// Half of a hash: names a request, a session, a call or a series without keeping what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// Of a kind of thing and its parts.
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

/// One `api_request` event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallTold {
    /// The call. Its message id is empty, its request id may be; cache writes stand as those of five minutes, for
    /// telemetry does not tell the two apart.
    pub usage: Usage,
    /// The client's own id of the call, or empty.
    pub client_request_id: Box<str>,
    /// What tells this event from any other where there is neither id.
    pub own: Fingerprint,
    /// What Claude Code reckons that it cost: to compare, never to add.
    pub told_cost: Option<Picodollars>,
}

impl CallTold {
    /// What it is known by where it has no request id.
    #[must_use]
    pub fn key(&self) -> Fingerprint {
        if self.client_request_id.is_empty() {
            return self.own;
        }
        Fingerprint::of("client-request", &[self.client_request_id.as_bytes()])
    }
}

/// What a point counts.
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

/// One data point of `claude_code.token.usage` or `claude_code.cost.usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PointTold {
    /// The session's id.
    pub session: Box<str>,
    /// The model.
    pub model: Box<str>,
    /// How fast it was served.
    pub speed: Speed,
    /// Whether subagents made the calls.
    pub sidechain: bool,
    /// What is counted.
    pub measure: Measure,
    /// All of its attributes: points of one series follow each other.
    pub series: Fingerprint,
    /// What it says.
    pub point: Point,
    /// When.
    pub at: Timestamp,
}

/// What one export tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Export {
    /// Its calls.
    pub calls: Vec<CallTold>,
    /// Its points.
    pub points: Vec<PointTold>,
}

impl Export {
    /// Whether it tells of no usage.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.points.is_empty()
    }
}

/// What became of something that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts.
    Counted,
    /// It is kept to compare, and does not count: something better tells of its session.
    Compared,
    /// It was known, from a transcript or from telemetry.
    Known,
    /// It names neither a request nor a session: it could not be told from others, and is not taken.
    Nameless,
}

/// Something that was told of a session and cannot be held against single requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Numbers what was told of the session so, from 0.
    pub ordinal: u32,
    /// Whether metrics told it.
    pub is_metered: bool,
}

/// What the log is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// A call that telemetry told of.
    Told {
        /// The call.
        call: Box<CallTold>,
        /// Its number in its session, where it has no request id.
        ordinal: Option<u32>,
        /// Whether it counts.
        counted: bool,
    },
    /// Counters have grown.
    Metered {
        /// What they grew by, with the session and the time.
        usage: Box<Usage>,
        /// Its number in its session.
        ordinal: u32,
        /// Whether it counts.
        counted: bool,
        /// What Claude Code reckons that it cost.
        told_cost: Picodollars,
        /// The points, by series.
        points: Vec<(Fingerprint, Point)>,
    },
    /// What counted does not any more.
    Withdrawn {
        /// Of which session.
        session: Box<str>,
        /// What.
        standing: Standing,
    },
}

#[derive(Debug, Clone, Default)]
struct Session {
    /// Whether any call of it was told.
    has_calls: bool,
    /// The number of the next thing that is told of it alone.
    next: u32,
    /// What counts, and may have to be taken back.
    standing: Vec<Standing>,
    /// The calls without a request id.
    keys: HashSet<Fingerprint>,
    counters: HashMap<Fingerprint, Counter>,
}

/// All that is known of what was told.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    transcript_requests: HashSet<Fingerprint>,
    transcript_sessions: HashSet<Fingerprint>,
    told_requests: HashSet<Fingerprint>,
    sessions: HashMap<Box<str>, Session>,
}

impl Heard {
    /// A transcript told of a call.
    pub fn transcript(&mut self, request_id: &str, session: &str) {
        if !request_id.is_empty() {
            self.transcript_requests.insert(Fingerprint::request(request_id));
        }
        if !session.is_empty() {
            self.transcript_sessions.insert(Fingerprint::session(session));
        }
    }

    /// Telemetry told of a call: by its request id, or by its number and key where it has none.
    pub fn told(&mut self, request_id: &str, session: &str, of_session: Option<(u32, Fingerprint, bool)>) {
        if of_session.is_none() {
            self.told_requests.insert(Fingerprint::request(request_id));
        }
        if !session.is_empty() {
            self.sessions.entry(session.into()).or_default().told(of_session);
        }
    }

    /// Metrics told of a session.
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

    /// Something of a session was taken back.
    pub fn withdrawn(&mut self, session: &str, ordinal: u32) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.standing.retain(|standing| standing.ordinal != ordinal);
        }
    }

    /// Whether a transcript told of a session.
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

    /// Takes back what metrics told, now that calls are told.
    fn withdraw_metered(&mut self, name: &str) -> Vec<Fact> {
        let (metered, others) = self.standing.iter().partition(|standing| standing.is_metered);
        self.standing = others;
        let withdrawn = |standing| Fact::Withdrawn { session: name.into(), standing };
        Vec::into_iter(metered).map(withdrawn).collect()
    }
}

/// Decides one export, without changing what is known: that follows from the log.
pub struct Draft<'a> {
    heard: &'a Heard,
    told_requests: HashSet<Fingerprint>,
    /// The sessions that are told of, as they will be.
    sessions: HashMap<Box<str>, Session>,
    /// What the log is to be told, in this order.
    pub facts: Vec<Fact>,
}

impl<'a> Draft<'a> {
    /// On top of what is known.
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

    /// Decides the points of an export. One outcome for each, in order.
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
            // The numbers stand with the first part; the others only remember their points.
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

/// A call, or a number of them, of which only the model and the tokens are known.
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
    /// Of the newest point.
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
