//! One line of a transcript.
//!
//! A call is never dropped for a word, a type or a number that is not known: its tokens count, and what is odd about it is
//! kept beside them, so that its cost says what it leaves out. A line is refused only where it cannot be told what call it
//! is, or when it was.

mod consumed;
pub(super) mod fields;
mod refusal;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use memchr::memmem::Finder;
use serde::Deserialize;
use sonic_rs::LazyValue;

use crate::domain::usage::{MessageKey, ServiceTier, Speed, Usage};

use super::place::{Place, Places};
use consumed::{BESIDE, Consumed, INSIDE, tokens, unknown_are_inside};
use fields::{First, NAME_MAX, Text, list, moment, part, shallow, trimmed};

/// The agent, as usage names it.
pub const AGENT: &str = "claude-code";

/// Clocks of two machines may differ; a line that is further ahead than this is not believed yet.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// Claude Code's name for messages that it made itself, without a call.
const SYNTHETIC: &str = "<synthetic>";

/// More entries of one line are none that a response has.
const ENTRIES_MAX: usize = 10_000;

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A billed call, and those within its response that its own numbers leave out.
    Calls(Box<Usage>, Vec<Usage>),
    /// A call was refused because no credit is left, at this moment.
    NoCredit(Timestamp),
    /// Anything else that a transcript holds.
    Other,
    /// Not a line that a transcript may hold.
    Bad(Refusal),
}

/// Why a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// In words that never quote the line: it may hold message text.
    pub reason: &'static str,
    /// Whether the line may be a call.
    pub may_cost: bool,
    /// From when on it will be believed, where that is all that is wrong.
    pub until: Option<Timestamp>,
}

/// Parses lines; keeps what successive lines share.
pub struct LineParser {
    usage: Finder<'static>,
    now: Timestamp,
    /// Where the sessions of the file began whose lines these are.
    pub places: Places,
    /// The session that the last call's line was written in; of a copied line not the one that the call belongs to.
    pub written_in: Arc<str>,
    /// Names seen lately: most lines of a file share theirs.
    names: Vec<Arc<str>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    message: Option<LazyValue<'a>>,
    #[serde(borrow)]
    data: Option<LazyValue<'a>>,
    #[serde(borrow, default, rename = "requestId")]
    request_id: Text<'a>,
    #[serde(borrow, default)]
    uuid: Text<'a>,
    #[serde(borrow)]
    timestamp: Option<LazyValue<'a>>,
    #[serde(borrow, default, rename = "sessionId")]
    session_id: Text<'a>,
    #[serde(borrow, rename = "isSidechain")]
    is_sidechain: Option<LazyValue<'a>>,
    #[serde(borrow, rename = "forkedFrom")]
    forked_from: Option<LazyValue<'a>>,
    #[serde(borrow, rename = "isApiErrorMessage")]
    is_api_error: Option<LazyValue<'a>>,
    #[serde(borrow)]
    error: Option<LazyValue<'a>>,
}

/// `data` of a `progress` line, which repeats a subagent's line.
#[derive(Deserialize)]
struct ProgressData<'a> {
    #[serde(borrow)]
    message: Option<LazyValue<'a>>,
}

/// Where a copied line was first written.
#[derive(Deserialize)]
struct ForkedFrom<'a> {
    #[serde(borrow, default, rename = "sessionId")]
    session_id: Text<'a>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    model: Text<'a>,
    #[serde(borrow)]
    usage: Option<LazyValue<'a>>,
}

fn refuse(reason: &'static str, may_cost: bool) -> Parsed {
    Parsed::Bad(Refusal { reason, may_cost, until: None })
}

impl LineParser {
    /// For lines read at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            usage: Finder::new(b"\"usage\""),
            now,
            places: Places::default(),
            written_in: Arc::from(""),
            names: Vec::new(),
        }
    }

    /// Tells what a line is. The line comes without its end.
    pub fn parse(&mut self, line: &[u8]) -> Parsed {
        let line = trimmed(line);
        if line.is_empty() {
            return Parsed::Other;
        }
        // Most lines of a transcript are not calls: they are not parsed at all.
        let may_cost = self.usage.find(line).is_some();
        if !(line.starts_with(b"{") && line.ends_with(b"}")) {
            return refuse("not a whole JSON object", may_cost);
        }
        let Ok(text) = simdutf8::basic::from_utf8(line) else {
            return refuse("not UTF-8", may_cost);
        };
        if !may_cost {
            return Parsed::Other;
        }
        // Once for all that is read below: each part of a line is nested less deeply than the line.
        let Ok(text) = shallow(text) else {
            return refuse("nested deeper than 128 levels; no call is", true);
        };
        let Ok(line) = sonic_rs::from_str::<Line<'_>>(&text) else {
            return refuse("not JSON of a transcript's shape", true);
        };
        match line.kind.get() {
            Some("assistant") | None => self.assistant(&line, &line, false),
            Some("progress") => self.progress(&line),
            Some(_) => Parsed::Other,
        }
    }

    fn progress(&mut self, line: &Line<'_>) -> Parsed {
        let data = line.data.as_ref().map(LazyValue::as_raw_str);
        let data = data.and_then(|raw| sonic_rs::from_str::<ProgressData<'_>>(raw).ok());
        let inner = data.as_ref().and_then(|data| data.message.as_ref()).map(LazyValue::as_raw_str);
        let inner = inner.and_then(|raw| sonic_rs::from_str::<Line<'_>>(raw).ok());
        match inner {
            Some(inner) if inner.kind.get() == Some("assistant") => self.assistant(&inner, line, true),
            _ => Parsed::Other,
        }
    }

    /// A line of an assistant's; `outer` has what the line itself leaves out.
    fn assistant(&mut self, line: &Line<'_>, outer: &Line<'_>, is_wrapped: bool) -> Parsed {
        let Some(raw) = line.message.as_ref().map(LazyValue::as_raw_str) else { return Parsed::Other };
        let Ok(message) = sonic_rs::from_str::<Message<'_>>(raw) else {
            return if raw.starts_with('{') {
                refuse("message has an unexpected shape", true)
            } else {
                Parsed::Other
            };
        };
        if message.model.get() == Some(SYNTHETIC) {
            return self.synthetic(line, raw);
        }
        match part::<Consumed<'_>>(message.usage.as_ref()) {
            Ok(None) => Parsed::Other,
            Err(()) => refuse("message.usage has an unexpected shape", true),
            Ok(Some(consumed)) => match self.call(line, outer, &message, &consumed, is_wrapped) {
                Ok(call) => {
                    let parts = self.parts(&call, &consumed);
                    Parsed::Calls(Box::new(call), parts)
                }
                Err(refusal) => Parsed::Bad(refusal),
            },
        }
    }

    /// What Claude Code says itself, without a call: of interest is only that there was no credit for one.
    fn synthetic(&self, line: &Line<'_>, message: &str) -> Parsed {
        if !is_true(line.is_api_error.as_ref()) || !refusal::is_no_credit(line.error.as_ref(), message) {
            return Parsed::Other;
        }
        let at = line.timestamp.as_ref().and_then(moment);
        at.filter(|at| *at <= self.now).map_or(Parsed::Other, Parsed::NoCredit)
    }

    fn call(
        &mut self,
        line: &Line<'_>,
        outer: &Line<'_>,
        message: &Message<'_>,
        consumed: &Consumed<'_>,
        is_wrapped: bool,
    ) -> Result<Usage, Refusal> {
        let refuse = |reason| Refusal { reason, may_cost: true, until: None };
        let timestamp = line.timestamp.as_ref().or(outer.timestamp.as_ref());
        let timestamp =
            timestamp.filter(|value| value.as_raw_str() != "null").ok_or(refuse("no timestamp"))?;
        let occurred_at = moment(timestamp).ok_or(refuse("the timestamp is not one (RFC 3339)"))?;
        // The log keeps microseconds.
        let occurred_at = Timestamp::from_microsecond(occurred_at.as_microsecond()).unwrap_or(occurred_at);
        if occurred_at > self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
            let reason = "the timestamp is in the future; it is read again when its time has come";
            let until = occurred_at.saturating_sub(AHEAD).unwrap_or(occurred_at);
            return Err(Refusal { until: Some(until), ..refuse(reason) });
        }
        let id = |text: &Text<'_>| text.get().filter(|id| !id.is_empty()).map(Box::from);
        let message_id = id(&message.id).or_else(|| id(&line.uuid));
        let message_id: Box<str> = message_id.ok_or(refuse("neither message.id nor uuid"))?;
        // The parts of a call have it again, each; and cut it would be another's.
        if message_id.len() > NAME_MAX {
            return Err(refuse("message.id is longer than any is"));
        }
        let session = line.session_id.name().or(outer.session_id.name()).unwrap_or_default();
        let forked = part::<ForkedFrom<'_>>(line.forked_from.as_ref()).ok().flatten();
        let forked = forked.and_then(|forked| forked.session_id.name().map(str::to_owned));
        let original = forked.filter(|original| !original.is_empty() && original != session);
        let place = self.places.own(session).cloned();
        self.written_in = self.name(session);
        let none = self.name("");
        let place = place.unwrap_or(Place { project: none.clone(), repository: none });
        let geo = match consumed.inference_geo.word() {
            "global" | "not_available" => "",
            geo => geo,
        };
        let (tokens, odd) = tokens(consumed);
        Ok(Usage {
            key: MessageKey { message_id, request_id: line.request_id.name().unwrap_or_default().into() },
            agent: self.name(AGENT),
            part: self.name(""),
            provider: self.name("anthropic"),
            model: self.name(message.model.name().unwrap_or_default()),
            project: place.project,
            repository: place.repository,
            session: self.name(original.as_deref().unwrap_or(session)),
            sidechain: is_wrapped || is_true(line.is_sidechain.as_ref()),
            copied: original.is_some(),
            service_tier: ServiceTier::of(consumed.service_tier.word()),
            speed: Speed::of(consumed.speed.word()),
            inference_geo: self.name(geo),
            tokens,
            odd,
            occurred_at,
            owned_at: None,
        })
    }

    /// The calls within a response that its own numbers leave out. What is not known to be inside or beside them is, where
    /// the numbers do not say that it is inside, a call whose bill is not known.
    fn parts(&mut self, call: &Usage, consumed: &Consumed<'_>) -> Vec<Usage> {
        let Ok(Some(First(entries))) = list::<First<'_, ENTRIES_MAX>>(consumed.iterations.as_ref()) else {
            return Vec::new();
        };
        let read = |value| part::<Consumed<'_>>(Some(value)).ok().flatten();
        let entries: Vec<Option<Consumed<'_>>> = entries.iter().map(read).collect();
        let are_inside = unknown_are_inside(call, &entries);
        let mut parts = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let Some(entry) = entry else { continue };
            let kind = entry.kind.word();
            if INSIDE.contains(&kind) || (are_inside && !BESIDE.contains(&kind)) {
                continue;
            }
            let kind = if kind.is_empty() { "unnamed" } else { kind };
            let (tokens, odd) = tokens(entry);
            parts.push(Usage {
                key: MessageKey {
                    message_id: format!("{}#{kind}:{number}", call.key.message_id).into(),
                    // Telemetry tells of the whole request, which the response itself stands for.
                    request_id: "".into(),
                },
                part: self.name(kind),
                model: entry.model.name().map_or_else(|| call.model.clone(), |model| self.name(model)),
                tokens,
                odd,
                ..call.clone()
            });
        }
        parts
    }

    fn name(&mut self, text: &str) -> Arc<str> {
        const KEPT: usize = 24;
        if let Some(known) = self.names.iter().find(|known| ***known == *text) {
            return known.clone();
        }
        let name: Arc<str> = text.into();
        if self.names.len() == KEPT {
            self.names.remove(0);
        }
        self.names.push(name.clone());
        name
    }
}

fn is_true(flag: Option<&LazyValue<'_>>) -> bool {
    flag.is_some_and(|flag| flag.as_raw_str() == "true")
}

#[cfg(test)]
mod tests;
