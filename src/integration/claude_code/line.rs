//! One line of a transcript.

mod refusal;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use memchr::memmem::Finder;
use serde::Deserialize;
use serde::de::{Deserializer, Unexpected, Visitor};
use sonic_rs::LazyValue;

use crate::domain::depth;
use crate::domain::tokens::{MAX_COUNT, Tokens};
use crate::domain::usage::{MessageKey, ServiceTier, Speed, Usage};

/// Clocks of two machines may differ; a line that is further ahead than this is not believed.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// Claude Code's name for messages that it made itself, without a call.
const SYNTHETIC: &str = "<synthetic>";

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parsed {
    /// A billed call.
    Usage(Box<Usage>),
    /// A call was refused because no credit is left, at this moment.
    NoCredit(Timestamp),
    /// Anything else that a transcript holds.
    Other,
    /// Not a line that a transcript may hold. The reason never quotes it: it may hold message text.
    Bad(&'static str),
}

/// Parses lines; keeps what successive lines share.
pub struct LineParser {
    usage: Finder<'static>,
    now: Timestamp,
    /// Names seen lately: most lines of a file share theirs.
    names: Vec<Arc<str>>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<LazyValue<'a>>,
    #[serde(borrow)]
    data: Option<LazyValue<'a>>,
    #[serde(borrow, rename = "requestId")]
    request_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "sessionId")]
    session_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    cwd: Option<Cow<'a, str>>,
    #[serde(rename = "isSidechain")]
    is_sidechain: Option<bool>,
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

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow)]
    usage: Option<Consumed<'a>>,
}

/// `message.usage`, as the Messages API returns it.
#[derive(Deserialize)]
struct Consumed<'a> {
    #[serde(default)]
    input_tokens: Count,
    #[serde(default)]
    output_tokens: Count,
    #[serde(default)]
    cache_creation_input_tokens: Count,
    #[serde(default)]
    cache_read_input_tokens: Count,
    cache_creation: Option<CacheCreation>,
    server_tool_use: Option<ServerToolUse>,
    #[serde(borrow)]
    service_tier: Option<Cow<'a, str>>,
    #[serde(borrow)]
    speed: Option<Cow<'a, str>>,
    #[serde(borrow)]
    inference_geo: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct CacheCreation {
    #[serde(default)]
    ephemeral_5m_input_tokens: Count,
    #[serde(default)]
    ephemeral_1h_input_tokens: Count,
}

#[derive(Deserialize)]
struct ServerToolUse {
    #[serde(default)]
    web_search_requests: Count,
}

/// A count as it was written; whether it can be one is decided afterwards, so that a bad one is
/// told from a bad line. Null counts as nothing.
#[derive(Debug, Clone, Copy, Default)]
struct Count(Option<u64>, bool);

impl Count {
    fn get(self) -> Result<u64, &'static str> {
        match self {
            Self(_, true) => Err("a token count is not a whole number of 0 or more"),
            Self(Some(count), _) if count > MAX_COUNT => Err("a token count is over 1,000,000,000,000"),
            Self(count, _) => Ok(count.unwrap_or(0)),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl<'de> Visitor<'de> for CountVisitor {
            type Value = Count;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a count")
            }
            fn visit_u64<E>(self, count: u64) -> Result<Count, E> {
                Ok(Count(Some(count), false))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Count, E> {
                Ok(Count(None, true))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Count, E> {
                Ok(Count(None, true))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None, true))
            }
            fn visit_str<E>(self, _: &str) -> Result<Count, E> {
                Ok(Count(None, true))
            }
            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count::default())
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, _: A) -> Result<Count, A::Error> {
                Err(serde::de::Error::invalid_type(Unexpected::Map, &self))
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

impl LineParser {
    /// For lines read at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { usage: Finder::new(b"\"usage\""), now, names: Vec::new() }
    }

    /// Tells what a line is. The line comes without its end.
    pub fn parse(&mut self, line: &[u8]) -> Parsed {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Parsed::Other;
        }
        if !(line.starts_with(b"{") && line.ends_with(b"}")) {
            return Parsed::Bad("not a whole JSON object");
        }
        let Ok(text) = simdutf8::basic::from_utf8(line) else {
            return Parsed::Bad("not UTF-8");
        };
        // Most lines of a transcript are not calls: they are not parsed at all.
        if self.usage.find(line).is_none() {
            return Parsed::Other;
        }
        // Once for all that is read below: each part of a line is nested less deeply than the line.
        if depth::json(line).is_err() {
            return Parsed::Bad("nested deeper than 128 levels; no call is");
        }
        let Ok(line) = sonic_rs::from_str::<Line<'_>>(text) else {
            return Parsed::Bad("not JSON of a transcript's shape");
        };
        match line.kind.as_deref() {
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
            Some(inner) if inner.kind.as_deref() == Some("assistant") => self.assistant(&inner, line, true),
            _ => Parsed::Other,
        }
    }

    /// A line of an assistant's; `outer` has what the line itself leaves out.
    fn assistant(&mut self, line: &Line<'_>, outer: &Line<'_>, is_wrapped: bool) -> Parsed {
        let Some(raw) = line.message.as_ref().map(LazyValue::as_raw_str) else { return Parsed::Other };
        let Ok(message) = sonic_rs::from_str::<Message<'_>>(raw) else {
            return if raw.starts_with('{') {
                Parsed::Bad("message.usage has an unexpected shape")
            } else {
                Parsed::Other
            };
        };
        let (Some(consumed), Some(model)) = (&message.usage, message.model.as_deref()) else {
            return Parsed::Other;
        };
        if model == SYNTHETIC {
            return self.synthetic(line, raw);
        }
        self.usage(line, outer, &message, consumed, model, is_wrapped)
            .map_or_else(Parsed::Bad, |usage| Parsed::Usage(Box::new(usage)))
    }

    /// What Claude Code says itself, without a call: of interest is only that there was no credit for one.
    fn synthetic(&self, line: &Line<'_>, message: &str) -> Parsed {
        let is_error = line.is_api_error.as_ref().is_some_and(|flag| flag.as_raw_str() == "true");
        if !is_error || !refusal::is_no_credit(line.error.as_ref(), message) {
            return Parsed::Other;
        }
        let at = line.timestamp.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        at.filter(|at| *at <= self.now).map_or(Parsed::Other, Parsed::NoCredit)
    }

    fn usage(
        &mut self,
        line: &Line<'_>,
        outer: &Line<'_>,
        message: &Message<'_>,
        consumed: &Consumed<'_>,
        model: &str,
        is_wrapped: bool,
    ) -> Result<Usage, &'static str> {
        let timestamp = line.timestamp.as_deref().or(outer.timestamp.as_deref()).ok_or("no timestamp")?;
        let occurred_at: Timestamp = timestamp.parse().map_err(|_| "the timestamp is not one (RFC 3339)")?;
        if occurred_at > self.now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX) {
            return Err("the timestamp is in the future; set the clock of the machine that wrote it");
        }
        let message_id =
            message.id.as_deref().or(line.uuid.as_deref()).ok_or("neither message.id nor uuid")?;
        let geo = match consumed.inference_geo.as_deref() {
            None | Some("global" | "not_available") => "",
            Some(geo) => geo,
        };
        Ok(Usage {
            key: MessageKey {
                message_id: message_id.into(),
                request_id: line.request_id.as_deref().unwrap_or_default().into(),
            },
            provider: self.name("anthropic"),
            model: self.name(model),
            project: self.name(line.cwd.as_deref().or(outer.cwd.as_deref()).unwrap_or_default()),
            session: self
                .name(line.session_id.as_deref().or(outer.session_id.as_deref()).unwrap_or_default()),
            sidechain: is_wrapped || line.is_sidechain.unwrap_or(false),
            service_tier: service_tier(consumed.service_tier.as_deref())?,
            speed: speed(consumed.speed.as_deref())?,
            inference_geo: self.name(geo),
            tokens: tokens(consumed)?,
            // The log keeps microseconds.
            occurred_at: Timestamp::from_microsecond(occurred_at.as_microsecond()).unwrap_or(occurred_at),
        })
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

fn service_tier(name: Option<&str>) -> Result<ServiceTier, &'static str> {
    match name {
        None | Some("standard") => Ok(ServiceTier::Standard),
        Some("batch") => Ok(ServiceTier::Batch),
        Some("priority") => Ok(ServiceTier::Priority),
        Some("flex") => Ok(ServiceTier::Flex),
        Some(_) => Err("a service tier that this mecris does not know; use a newer one"),
    }
}

fn speed(name: Option<&str>) -> Result<Speed, &'static str> {
    match name {
        None | Some("standard") => Ok(Speed::Standard),
        Some("fast") => Ok(Speed::Fast),
        Some(_) => Err("a speed that this mecris does not know; use a newer one"),
    }
}

fn tokens(consumed: &Consumed<'_>) -> Result<Tokens, &'static str> {
    let total = consumed.cache_creation_input_tokens.get()?;
    let (five_minutes, hour) = match &consumed.cache_creation {
        // Where the split is absent, or tells of less than the total, the rest counts as five minutes.
        None => (total, 0),
        Some(split) => {
            let (five_minutes, hour) =
                (split.ephemeral_5m_input_tokens.get()?, split.ephemeral_1h_input_tokens.get()?);
            (five_minutes + total.saturating_sub(five_minutes + hour), hour)
        }
    };
    let searches =
        consumed.server_tool_use.as_ref().map_or(Ok(0), |tools| tools.web_search_requests.get())?;
    Ok(Tokens {
        input: consumed.input_tokens.get()?,
        output: consumed.output_tokens.get()?,
        cache_write_5m: five_minutes,
        cache_write_1h: hour,
        cache_read: consumed.cache_read_input_tokens.get()?,
        web_searches: searches,
    })
}

#[cfg(test)]
mod tests;
