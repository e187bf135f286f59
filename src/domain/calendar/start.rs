//! Where weeks and budget years begin, and how far a rolling window looks back.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::CalendarError;
use crate::domain::words::words;

/// The day that a week begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WeekStart {
    /// As ISO 8601 has it.
    #[default]
    Monday,
    /// The day after Monday.
    Tuesday,
    /// The day after Tuesday.
    Wednesday,
    /// The day after Wednesday.
    Thursday,
    /// The day after Thursday.
    Friday,
    /// As in much of the Arab world.
    Saturday,
    /// As in North America.
    Sunday,
}

words! {
    WeekStart {
        Monday: "monday",
        Tuesday: "tuesday",
        Wednesday: "wednesday",
        Thursday: "thursday",
        Friday: "friday",
        Saturday: "saturday",
        Sunday: "sunday",
    }
}

impl WeekStart {
    /// The first day of the week that a day lies in.
    #[must_use]
    pub fn week_of(self, day: Date) -> Date {
        let first = match self {
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Sunday => Weekday::Sunday,
        };
        day.saturating_sub(i64::from(day.weekday().since(first)).days())
    }
}

impl fmt::Display for WeekStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for WeekStart {
    type Err = CalendarError;

    /// In any case of letters.
    fn from_str(name: &str) -> Result<Self, CalendarError> {
        let named = Self::ALL.into_iter().find(|day| day.word().eq_ignore_ascii_case(name));
        named.ok_or_else(|| CalendarError::WeekStart(name.to_owned()))
    }
}

impl TryFrom<String> for WeekStart {
    type Error = CalendarError;

    fn try_from(name: String) -> Result<Self, CalendarError> {
        name.parse()
    }
}

impl From<WeekStart> for String {
    fn from(start: WeekStart) -> Self {
        start.to_string()
    }
}

impl schemars::JsonSchema for WeekStart {
    fn schema_name() -> Cow<'static, str> {
        "WeekStart".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": Self::WORDS })
    }
}

/// The day of the calendar that a budget year begins with. One that begins on 29 February begins on the 28th in years
/// that have none, so that each year follows the one before it without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearStart {
    month: i8,
    day: i8,
}

impl Default for YearStart {
    /// The calendar's own year.
    fn default() -> Self {
        Self { month: 1, day: 1 }
    }
}

impl YearStart {
    /// The first and the last day (included) of the budget year that a day lies in.
    #[must_use]
    pub fn year_of(self, day: Date) -> (Date, Date) {
        let this = self.in_year(day.year());
        let first = if this <= day { this } else { self.in_year(day.year() - 1) };
        (first, self.in_year(first.year() + 1).saturating_sub(1.day()))
    }

    fn in_year(self, year: i16) -> Date {
        // Beyond the calendar's ends (year 9999) there is no other year.
        let Ok(first) = Date::new(year, self.month, 1) else { return Date::MAX };
        first.saturating_add(i64::from(self.day.min(first.days_in_month()) - 1).days())
    }
}

impl FromStr for YearStart {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let two = |part: &str| -> Option<i8> {
            (part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
        };
        let read = || {
            let (month, day) = text.split_once('-')?;
            let start = Self { month: two(month)?, day: two(day)? };
            // Of a leap year, which has every day.
            Date::new(2000, start.month, start.day).is_ok().then_some(start)
        };
        read().ok_or_else(|| CalendarError::YearStart(text.to_owned()))
    }
}

impl TryFrom<String> for YearStart {
    type Error = CalendarError;

    fn try_from(text: String) -> Result<Self, CalendarError> {
        text.parse()
    }
}

impl From<YearStart> for String {
    fn from(start: YearStart) -> Self {
        start.to_string()
    }
}

impl fmt::Display for YearStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// How many days a rolling window has, today among them: 1 to 366.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RollingDays(u16);

/// A year and a day: no window is longer.
const DAYS_MAX: u32 = 366;

impl RollingDays {
    /// The first day of the window whose last day is `today`.
    #[must_use]
    pub fn first(self, today: Date) -> Date {
        today.saturating_sub((i64::from(self.0) - 1).days())
    }
}

impl TryFrom<u32> for RollingDays {
    type Error = CalendarError;

    fn try_from(days: u32) -> Result<Self, CalendarError> {
        match u16::try_from(days) {
            Ok(count) if (1..=DAYS_MAX).contains(&days) => Ok(Self(count)),
            _ => Err(CalendarError::RollingDays(days)),
        }
    }
}

impl From<RollingDays> for u32 {
    fn from(days: RollingDays) -> Self {
        Self::from(days.0)
    }
}

impl fmt::Display for RollingDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
