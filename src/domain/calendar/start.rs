//! First days of weeks and budget years, and the length of rolling windows.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::CalendarError;
use crate::domain::words::words;

/// The first day of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum WeekStart {
    /// As in ISO 8601.
    #[default]
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
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
    /// The first day of the week that contains a day.
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

    /// Case-insensitive.
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

/// The first day of a budget year. 29 February becomes 28 February in common years, so that years follow each
/// other without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearStart {
    month: i8,
    day: i8,
}

impl Default for YearStart {
    /// The calendar year.
    fn default() -> Self {
        Self { month: 1, day: 1 }
    }
}

impl YearStart {
    /// First and last day (inclusive) of the budget year that contains a day.
    #[must_use]
    pub fn year_of(self, day: Date) -> (Date, Date) {
        let this = self.in_year(day.year());
        let first = if this <= day { this } else { self.in_year(day.year() - 1) };
        (first, self.in_year(first.year() + 1).saturating_sub(1.day()))
    }

    fn in_year(self, year: i16) -> Date {
        // After the calendar's end (year 9999) there is no other year.
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
            // Checked in a leap year, which has every day.
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

/// Length of a rolling window in days, including today: 1 to 366.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RollingDays(u16);

/// Maximum length: a year and a day.
const DAYS_MAX: u32 = 366;

impl RollingDays {
    /// The first day of the window that ends on `today`.
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
