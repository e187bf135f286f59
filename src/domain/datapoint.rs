//! Datapoints: intents to write, and their outcomes.
//!
//! Writing a datapoint has an effect outside, so it has two events: an intent before it is sent, and an
//! outcome after. Its request id is created before the intent, and the goal's keeper treats a repeated id as
//! the same datapoint: an intent without an outcome is sent again, and nothing counts twice.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::money::Picodollars;
use super::slug::{GoalSlug, is_plain};
use crate::domain::words::words;

/// Maximum length of a comment, in characters.
const COMMENT_MAX: usize = 200;
/// Significant digits of a float, in which keepers store values.
const DIGITS_MAX: usize = 15;

/// Why a datapoint is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatapointError {
    /// The value.
    #[error("'{0}' is not a datapoint's value; write a decimal number such as 3 or -0.25")]
    Value(String),
    /// The request id.
    #[error("'{0}' is not a request id; use 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.'")]
    RequestId(String),
    /// The comment.
    #[error("a comment has at most {COMMENT_MAX} characters, not {0}")]
    Comment(usize),
}

impl Coded for DatapointError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

/// A decimal number as it was given, without superfluous zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(String);

impl Decimal {
    /// Parses digits with at most one point and one sign.
    ///
    /// # Errors
    /// [`DatapointError::Value`].
    pub fn parse(text: &str) -> Result<Self, DatapointError> {
        let error = || DatapointError::Value(text.to_owned());
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !is_digits(whole) || !is_digits(fraction) {
            return Err(error());
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        if whole.len() + fraction.len() > DIGITS_MAX {
            return Err(error());
        }
        Ok(Self::from_parts(sign, whole, fraction))
    }

    fn from_parts(sign: &str, whole: &str, fraction: &str) -> Self {
        let sign = if whole.is_empty() && fraction.is_empty() { "" } else { sign };
        let whole = if whole.is_empty() { "0" } else { whole };
        let point = if fraction.is_empty() { "" } else { "." };
        Self(format!("{sign}{whole}{point}{fraction}"))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Picodollars> for Decimal {
    /// The exact amount in USD.
    fn from(amount: Picodollars) -> Self {
        Self(amount.exact())
    }
}

impl TryFrom<String> for Decimal {
    type Error = DatapointError;

    /// Accepts a stored number: one of money may have more digits than a person may type.
    fn try_from(text: String) -> Result<Self, DatapointError> {
        let digits = text.strip_prefix('-').unwrap_or(&text);
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if digits.is_empty() || !is_number { Err(DatapointError::Value(text)) } else { Ok(Self(text)) }
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.0
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The idempotency key of a datapoint, unique within its goal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequestId {
    type Error = DatapointError;

    fn try_from(id: String) -> Result<Self, DatapointError> {
        if is_plain(&id) { Ok(Self(id)) } else { Err(DatapointError::RequestId(id)) }
    }
}

impl From<RequestId> for String {
    fn from(id: RequestId) -> Self {
        id.0
    }
}

/// The keeper of a goal: the system that stores its datapoints.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Keeper {
    Beeminder,
    /// This system.
    Local,
}

words! { Keeper { Beeminder: "beeminder", Local: "local" } }

/// The identity of a datapoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PointKey {
    pub slug: GoalSlug,
    pub request_id: RequestId,
}

/// The content of a datapoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// The goal's keeper.
    pub keeper: Keeper,
    /// The day that it counts for.
    pub day: Date,
    pub value: Decimal,
    pub comment: String,
    /// The feed's id; none if a person wrote it.
    pub feed: Option<String>,
}

impl Point {
    /// Validates the comment.
    ///
    /// # Errors
    /// [`DatapointError::Comment`].
    pub fn checked(self) -> Result<Self, DatapointError> {
        check_comment(&self.comment)?;
        Ok(self)
    }
}

/// Validates a comment.
///
/// # Errors
/// [`DatapointError::Comment`].
pub fn check_comment(comment: &str) -> Result<(), DatapointError> {
    match comment.chars().count() {
        0..=COMMENT_MAX => Ok(()),
        length => Err(DatapointError::Comment(length)),
    }
}

/// The outcome of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Unknown: it is sent, perhaps again.
    Open,
    /// It is written.
    Written,
    /// It was refused, and is not retried automatically.
    Refused {
        at: Timestamp,
        /// The reason, in words of ours.
        reason: String,
    },
}

/// A datapoint and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the intents under this key, from 1.
    pub revision: u32,
    /// The latest content.
    pub point: Point,
    /// The outcome of the latest intent.
    pub fate: Fate,
}

/// All intended datapoints, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger(BTreeMap<PointKey, Entry>);

/// A change of a datapoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointChange {
    /// It is about to be sent.
    Intended(Point),
    Written,
    Refused {
        at: Timestamp,
        reason: String,
    },
}

/// What to do to get a datapoint written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is written.
    Done,
    /// Send it; it may have been sent before.
    Send {
        /// The intended revision.
        revision: u32,
    },
    /// Record an intent with this revision, then send it.
    Intend { revision: u32 },
}

impl Ledger {
    /// A datapoint and its outcome.
    #[must_use]
    pub fn get(&self, key: &PointKey) -> Option<&Entry> {
        self.0.get(key)
    }

    pub fn entries(&self) -> impl Iterator<Item = (&PointKey, &Entry)> {
        self.0.iter()
    }

    /// The datapoints whose outcome is unknown.
    pub fn open(&self) -> impl Iterator<Item = (&PointKey, &Entry)> {
        self.0.iter().filter(|(_, entry)| entry.fate == Fate::Open)
    }

    /// Whether a local goal has a datapoint for a day.
    #[must_use]
    pub fn has_local(&self, slug: &GoalSlug, day: Date) -> bool {
        let is_it = |(key, entry): (&PointKey, &Entry)| {
            key.slug == *slug && entry.point.day == day && entry.point.keeper == Keeper::Local
        };
        self.0.iter().any(is_it)
    }

    /// What to do to get this content written under this key.
    #[must_use]
    pub fn decide(&self, key: &PointKey, point: &Point) -> Step {
        match self.0.get(key) {
            None => Step::Intend { revision: 1 },
            Some(entry) if entry.point != *point => Step::Intend { revision: entry.revision + 1 },
            Some(Entry { fate: Fate::Written, .. }) => Step::Done,
            Some(Entry { fate: Fate::Open, revision, .. }) => Step::Send { revision: *revision },
            Some(Entry { fate: Fate::Refused { .. }, revision, .. }) => {
                Step::Intend { revision: revision + 1 }
            }
        }
    }

    /// Applies a change. The outcome of a replaced revision is ignored.
    pub fn evolve(&mut self, key: PointKey, revision: u32, change: PointChange) {
        let fate = match change {
            PointChange::Intended(point) => {
                self.0.insert(key, Entry { revision, point, fate: Fate::Open });
                return;
            }
            PointChange::Written => Fate::Written,
            PointChange::Refused { at, reason } => Fate::Refused { at, reason },
        };
        if let Some(entry) = self.0.get_mut(&key).filter(|entry| entry.revision == revision) {
            entry.fate = fate;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn key(id: &str) -> PointKey {
        PointKey { slug: "read".parse().unwrap(), request_id: id.to_owned().try_into().unwrap() }
    }

    fn point(value: &str) -> Point {
        Point {
            keeper: Keeper::Beeminder,
            day: date(2026, 11, 23),
            value: Decimal::parse(value).unwrap(),
            comment: String::new(),
            feed: None,
        }
    }

    #[test]
    fn values_are_exact_decimals_or_refused() {
        for (text, value) in
            [("3", "3"), ("-0.250", "-0.25"), ("+007", "7"), (".5", "0.5"), ("-0", "0"), ("1.", "1")]
        {
            assert_eq!(Decimal::parse(text).unwrap().as_str(), value, "{text}");
        }
        for text in ["", ".", "-", "1e3", "1,5", "NaN", "inf", "0x1", "1.2.3", "--1", "1234567890123456"] {
            assert_eq!(Decimal::parse(text), Err(DatapointError::Value(text.into())), "{text}");
        }
        assert_eq!(Decimal::from(Picodollars(1_234_500_000_001)).as_str(), "1.234500000001");
    }

    #[test]
    fn what_is_intended_is_sent_until_its_outcome_is_known_and_never_after() {
        let refused = PointChange::Refused { at: Timestamp::UNIX_EPOCH, reason: "gone".into() };
        // What happened, in order, and then what to do to get 1 written.
        let table: [(&[(u32, PointChange)], Step); 6] = [
            (&[], Step::Intend { revision: 1 }),
            (&[(1, PointChange::Intended(point("1")))], Step::Send { revision: 1 }),
            (&[(1, PointChange::Intended(point("1"))), (1, PointChange::Written)], Step::Done),
            (&[(1, PointChange::Intended(point("1"))), (1, refused)], Step::Intend { revision: 2 }),
            (
                &[(1, PointChange::Intended(point("2"))), (1, PointChange::Written)],
                Step::Intend { revision: 2 },
            ),
            // The first one's outcome arrives late: it is not the second one's.
            (
                &[
                    (1, PointChange::Intended(point("2"))),
                    (2, PointChange::Intended(point("1"))),
                    (1, PointChange::Written),
                ],
                Step::Send { revision: 2 },
            ),
        ];
        for (happened, step) in table {
            let mut ledger = Ledger::default();
            for (revision, change) in happened {
                ledger.evolve(key("r"), *revision, change.clone());
            }
            assert_eq!(ledger.decide(&key("r"), &point("1")), step, "{happened:?}");
            assert_eq!(ledger.open().count(), usize::from(matches!(step, Step::Send { .. })), "{happened:?}");
        }
    }

    #[test]
    fn comments_and_request_ids_have_their_limits() {
        let long = Point { comment: "x".repeat(201), ..point("1") };
        assert_eq!(long.checked(), Err(DatapointError::Comment(201)));
        for id in ["", "a b", "a/b", &"x".repeat(65)] {
            assert_eq!(RequestId::try_from(id.to_owned()), Err(DatapointError::RequestId(id.into())));
        }
    }
}
