//! Datapoints: what was meant to be written, and what became of it.
//!
//! A datapoint is an effect on the world, so it is told of twice: an intent before it is sent, an outcome
//! after. Its request id is made before the intent, and the keeper of the goal takes the same id again as the
//! same datapoint: an intent without an outcome is sent again, and nothing is counted twice.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::money::Picodollars;
use super::slug::{GoalSlug, is_plain};
use crate::domain::words::words;

/// Longer comments are refused, in characters.
const COMMENT_MAX: usize = 200;
/// A float, which is what goals are kept in, tells this many digits apart.
const DIGITS_MAX: usize = 15;

/// Why something is not a datapoint.
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

/// A decimal number, exactly as it was said but without needless zeros.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal(String);

impl Decimal {
    /// Reads one: digits, with at most one point and one sign.
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

    /// The number as text.
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

    /// Takes a stored number as it is: one of money may have more digits than a person may type.
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

/// The idempotency key of a datapoint, unique in its goal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestId(String);

impl RequestId {
    /// The id as text.
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

/// Who keeps a goal.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Keeper {
    /// Beeminder.
    Beeminder,
    /// This system itself.
    Local,
}

words! { Keeper { Beeminder: "beeminder", Local: "local" } }

/// Which datapoint.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PointKey {
    /// Of which goal.
    pub slug: GoalSlug,
    /// The idempotency key.
    pub request_id: RequestId,
}

/// What a datapoint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// Who keeps the goal.
    pub keeper: Keeper,
    /// The day that it counts for.
    pub day: Date,
    /// How much.
    pub value: Decimal,
    /// What is said with it.
    pub comment: String,
    /// The feed that it comes from; none where a person wrote it.
    pub feed: Option<String>,
}

impl Point {
    /// Refuses what no keeper should be sent.
    ///
    /// # Errors
    /// [`DatapointError::Comment`].
    pub fn checked(self) -> Result<Self, DatapointError> {
        check_comment(&self.comment)?;
        Ok(self)
    }
}

/// Whether a text can be a datapoint's comment.
///
/// # Errors
/// [`DatapointError::Comment`].
pub fn check_comment(comment: &str) -> Result<(), DatapointError> {
    match comment.chars().count() {
        0..=COMMENT_MAX => Ok(()),
        length => Err(DatapointError::Comment(length)),
    }
}

/// What became of an intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Nothing is known yet: it is to be sent, perhaps again.
    Open,
    /// It is written.
    Written,
    /// It was refused, and is not sent again by itself.
    Refused {
        /// When.
        at: Timestamp,
        /// Why, in words of ours.
        reason: String,
    },
}

/// A datapoint and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts what was meant to be written under this key, from 1.
    pub revision: u32,
    /// The newest of it.
    pub point: Point,
    /// What became of that.
    pub fate: Fate,
}

/// All datapoints that were meant to be written, by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger(BTreeMap<PointKey, Entry>);

/// Something happened to a datapoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PointChange {
    /// It is going to be written.
    Intended(Point),
    /// It is written.
    Written,
    /// It was refused.
    Refused {
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
}

/// What is to be done about a datapoint that shall be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is written.
    Done,
    /// It is to be sent; whether it was before is not known.
    Send {
        /// The revision that was intended.
        revision: u32,
    },
    /// It is to be intended as this revision, and then sent.
    Intend {
        /// The revision.
        revision: u32,
    },
}

impl Ledger {
    /// What is known of a datapoint.
    #[must_use]
    pub fn get(&self, key: &PointKey) -> Option<&Entry> {
        self.0.get(key)
    }

    /// All of them.
    pub fn entries(&self) -> impl Iterator<Item = (&PointKey, &Entry)> {
        self.0.iter()
    }

    /// Those whose outcome is not known.
    pub fn open(&self) -> impl Iterator<Item = (&PointKey, &Entry)> {
        self.0.iter().filter(|(_, entry)| entry.fate == Fate::Open)
    }

    /// Whether a local goal has a datapoint of a day.
    #[must_use]
    pub fn has_local(&self, slug: &GoalSlug, day: Date) -> bool {
        let is_it = |(key, entry): (&PointKey, &Entry)| {
            key.slug == *slug && entry.point.day == day && entry.point.keeper == Keeper::Local
        };
        self.0.iter().any(is_it)
    }

    /// What is to be done so that this is written under this key.
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

    /// Applies a change. The outcome of a revision that another one has replaced says nothing any more.
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
        // What happened, in order, and what is then to be done so that 1 is written.
        let table: [(&[(u32, PointChange)], Step); 6] = [
            (&[], Step::Intend { revision: 1 }),
            (&[(1, PointChange::Intended(point("1")))], Step::Send { revision: 1 }),
            (&[(1, PointChange::Intended(point("1"))), (1, PointChange::Written)], Step::Done),
            (&[(1, PointChange::Intended(point("1"))), (1, refused)], Step::Intend { revision: 2 }),
            (
                &[(1, PointChange::Intended(point("2"))), (1, PointChange::Written)],
                Step::Intend { revision: 2 },
            ),
            // The first one's outcome comes late: it is not the second one's.
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
