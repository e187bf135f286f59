//! Budget periods and their text form, which the command line, HTTP, MCP and the events share through
//! [`PeriodTerms`].

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::{RollingDays, WeekStart, YearStart};
use crate::domain::words::words;

/// Why a period is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// No such period.
    #[error("'{0}' is not a period; use {names}", names = PeriodKind::WORDS.join(", "))]
    Period(String),
    /// No such day of the week.
    #[error("'{0}' is not a day of the week; use {names}", names = WeekStart::WORDS.join(", "))]
    WeekStart(String),
    /// No such day of the year.
    #[error("'{0}' is not a day of the year; write MM-DD, such as 04-01")]
    YearStart(String),
    /// Too few, or too many.
    #[error("a rolling period has from 1 to 366 days, not {0}")]
    RollingDays(u32),
    /// A required term is missing.
    #[error("a {word} period needs {parts}", word = .kind.word(), parts = .kind.parts())]
    Missing {
        /// The kind that needs it.
        kind: PeriodKind,
    },
    /// A term that belongs to another kind of period, and would silently have no effect.
    #[error("'{part}' belongs to a {of} period, and this one is {word}", of = .owner.word(), word = .kind.word())]
    Foreign {
        /// The given term.
        part: &'static str,
        /// The kind it belongs to.
        owner: PeriodKind,
        /// The given kind.
        kind: PeriodKind,
    },
}

impl Coded for CalendarError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

/// The kinds of periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PeriodKind {
    Daily,
    Weekly,
    Monthly,
    Yearly,
    Rolling,
    Fixed,
}

words! {
    PeriodKind {
        Daily: "daily",
        Weekly: "weekly",
        Monthly: "monthly",
        Yearly: "yearly",
        Rolling: "rolling",
        Fixed: "fixed",
    }
}

impl PeriodKind {
    /// The terms that it requires.
    fn parts(self) -> &'static str {
        match self {
            Self::Fixed => "both a first and a last day (from, until)",
            Self::Rolling => "its number of days (days)",
            Self::Daily | Self::Weekly | Self::Monthly | Self::Yearly => "nothing more",
        }
    }
}

impl FromStr for PeriodKind {
    type Err = CalendarError;

    fn from_str(name: &str) -> Result<Self, CalendarError> {
        Self::of_word(name).ok_or_else(|| CalendarError::Period(name.to_owned()))
    }
}

impl TryFrom<String> for PeriodKind {
    type Error = CalendarError;

    fn try_from(name: String) -> Result<Self, CalendarError> {
        name.parse()
    }
}

impl From<PeriodKind> for String {
    fn from(kind: PeriodKind) -> Self {
        kind.to_string()
    }
}

impl fmt::Display for PeriodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A budget's period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Period {
    Daily,
    /// Each week.
    Weekly {
        /// The first day of the week.
        starts: WeekStart,
    },
    Monthly,
    /// Each budget year.
    Yearly {
        /// The first day of the year.
        starts: YearStart,
    },
    /// A window of the last days: at each midnight one day leaves it and one enters.
    Rolling {
        /// Length in days, including today.
        days: RollingDays,
    },
    /// One fixed range of days.
    Fixed {
        /// First day.
        from: Date,
        /// Last day, inclusive.
        until: Date,
    },
}

impl Period {
    /// First and last day (inclusive) of the period that contains `today`; always the same for fixed dates.
    #[must_use]
    pub fn days(self, today: Date) -> (Date, Date) {
        match self {
            Self::Daily => (today, today),
            Self::Weekly { starts } => {
                let first = starts.week_of(today);
                (first, first.saturating_add(6.days()))
            }
            Self::Monthly => (today.first_of_month(), today.last_of_month()),
            Self::Yearly { starts } => starts.year_of(today),
            Self::Rolling { days } => (days.first(today), today),
            Self::Fixed { from, until } => (from, until),
        }
    }

    #[must_use]
    pub fn kind(self) -> PeriodKind {
        match self {
            Self::Daily => PeriodKind::Daily,
            Self::Weekly { .. } => PeriodKind::Weekly,
            Self::Monthly => PeriodKind::Monthly,
            Self::Yearly { .. } => PeriodKind::Yearly,
            Self::Rolling { .. } => PeriodKind::Rolling,
            Self::Fixed { .. } => PeriodKind::Fixed,
        }
    }

    /// Whether an approaching end is worth reporting. A day always ends today, and a rolling window never
    /// ends.
    #[must_use]
    pub fn has_an_end(self) -> bool {
        !matches!(self, Self::Daily | Self::Rolling { .. })
    }
}

/// A period as it is written: its kind, and what belongs to some of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeriodTerms {
    /// Its kind.
    pub kind: Option<PeriodKind>,
    /// First day of a fixed period.
    pub from: Option<Date>,
    /// Last day of a fixed period, inclusive.
    pub until: Option<Date>,
    /// Length of a rolling period in days.
    pub days: Option<u32>,
    /// First day of a weekly period.
    pub week_starts: Option<WeekStart>,
    /// First day of a yearly period.
    pub year_starts: Option<YearStart>,
}

impl PeriodTerms {
    /// The period that this says. Without a kind it is the one that the other terms belong to, or else a month; a week
    /// that does not say what it begins with begins with `standard`.
    ///
    /// # Errors
    /// [`CalendarError`]: something is missing, or something belongs to another kind.
    pub fn read(&self, standard: WeekStart) -> Result<Period, CalendarError> {
        let kind = self.kind_meant();
        if let Some((part, owner)) = self.parts().find(|(_, owner)| *owner != kind) {
            return Err(CalendarError::Foreign { part, owner, kind });
        }
        let missing = CalendarError::Missing { kind };
        Ok(match kind {
            PeriodKind::Daily => Period::Daily,
            PeriodKind::Weekly => Period::Weekly { starts: self.week_starts.unwrap_or(standard) },
            PeriodKind::Monthly => Period::Monthly,
            PeriodKind::Yearly => Period::Yearly { starts: self.year_starts.unwrap_or_default() },
            PeriodKind::Rolling => Period::Rolling { days: self.days.ok_or(missing)?.try_into()? },
            PeriodKind::Fixed => match (self.from, self.until) {
                (Some(from), Some(until)) => Period::Fixed { from, until },
                _ => return Err(missing),
            },
        })
    }

    /// The period after a change of `before`: terms that are not given are kept if they belong to the new
    /// kind.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn change(self, before: Period, standard: WeekStart) -> Result<Period, CalendarError> {
        if self == Self::default() {
            return Ok(before);
        }
        let kept = if self.kind_meant() == before.kind() { Self::from(before) } else { Self::default() };
        let changed = Self {
            from: self.from.or(kept.from),
            until: self.until.or(kept.until),
            days: self.days.or(kept.days),
            week_starts: self.week_starts.or(kept.week_starts),
            year_starts: self.year_starts.or(kept.year_starts),
            ..self
        };
        changed.read(standard)
    }

    fn kind_meant(&self) -> PeriodKind {
        let by_parts = || self.parts().next().map_or(PeriodKind::Monthly, |(_, owner)| owner);
        self.kind.unwrap_or_else(by_parts)
    }

    /// What is given beside the kind, and the kind that it belongs to.
    fn parts(&self) -> impl Iterator<Item = (&'static str, PeriodKind)> {
        let parts = [
            (self.from.is_some(), "from", PeriodKind::Fixed),
            (self.until.is_some(), "until", PeriodKind::Fixed),
            (self.days.is_some(), "days", PeriodKind::Rolling),
            (self.week_starts.is_some(), "week_starts", PeriodKind::Weekly),
            (self.year_starts.is_some(), "year_starts", PeriodKind::Yearly),
        ];
        parts.into_iter().filter_map(|(is_given, part, owner)| is_given.then_some((part, owner)))
    }
}

impl From<Period> for PeriodTerms {
    fn from(period: Period) -> Self {
        let named = Self { kind: Some(period.kind()), ..Self::default() };
        match period {
            Period::Daily | Period::Monthly => named,
            Period::Weekly { starts } => Self { week_starts: Some(starts), ..named },
            Period::Yearly { starts } => Self { year_starts: Some(starts), ..named },
            Period::Rolling { days } => Self { days: Some(days.into()), ..named },
            Period::Fixed { from, until } => Self { from: Some(from), until: Some(until), ..named },
        }
    }
}
