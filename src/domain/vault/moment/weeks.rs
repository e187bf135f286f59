//! How weeks are numbered where a token leaves it to the locale.
//!
//! Source: moment.js 2.29, `week-calendar-utils.js` (`firstWeekOffset`, `weekOfYear`). A locale says on which day a
//! week begins (`dow`), and by `doy` which day of January is always in the first week: 7 + `dow` - `doy`.

use jiff::civil::Date;

/// The numbering of weeks where a token leaves it to the locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weeks {
    /// From Sunday, the first one with 1 January in it: English in the United States.
    #[default]
    Sunday,
    /// From Monday, the first one with a Thursday in it (ISO 8601): most of Europe.
    Iso,
    /// As another locale or a plugin says, in moment's own numbers.
    Other {
        /// The first day of a week: 0 is Sunday.
        dow: u8,
        /// See the module.
        doy: u8,
    },
}

impl Weeks {
    /// moment's `dow` and `doy`.
    fn spec(self) -> (i64, i64) {
        match self {
            Self::Sunday => (0, 6),
            Self::Iso => (1, 4),
            Self::Other { dow, doy } => (i64::from(dow), i64::from(doy)),
        }
    }

    /// The same, but for the day on which a week begins: 0 is Sunday. `doy` stays, as in the plugins
    /// (liamcain/obsidian-calendar-ui, `src/localization.ts`: `updateLocale` with `dow` alone).
    #[must_use]
    pub fn beginning_on(self, dow: u8) -> Self {
        let doy = u8::try_from(self.spec().1).unwrap_or_default();
        match (dow % 7, doy) {
            (0, 6) => Self::Sunday,
            (1, 4) => Self::Iso,
            (dow, doy) => Self::Other { dow, doy },
        }
    }

    /// A day's place in its week: 0 is the week's first day.
    #[must_use]
    pub fn day_of_week(self, date: Date) -> i64 {
        let from_sunday = i64::from(date.weekday().to_sunday_zero_offset());
        (from_sunday - self.spec().0).rem_euclid(7)
    }

    /// The year of a day's week, and the week's number in it.
    #[must_use]
    pub fn of(self, date: Date) -> (i32, i64) {
        let year = i32::from(date.year());
        let in_year = |year| {
            let days = if is_leap(year) { 366 } else { 365 };
            (days - self.offset(year) + self.offset(year + 1)) / 7
        };
        let week = (i64::from(date.day_of_year()) - self.offset(year) - 1).div_euclid(7) + 1;
        if week < 1 {
            (year - 1, week + in_year(year - 1))
        } else if week > in_year(year) {
            (year + 1, week - in_year(year))
        } else {
            (year, week)
        }
    }

    /// Days from 1 January to the first day of the first week.
    fn offset(self, year: i32) -> i64 {
        let (dow, doy) = self.spec();
        let in_first_week = 7 + dow - doy;
        let weekday = (new_year(year) + in_first_week - 1).rem_euclid(7);
        in_first_week - 1 - (7 + weekday - dow).rem_euclid(7)
    }
}

/// The weekday of 1 January: 0 is Sunday. Reckoned, for the year after the last one that a date can have.
fn new_year(year: i32) -> i64 {
    let before = i64::from(year) - 1;
    (1 + before + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400)).rem_euclid(7)
}

fn is_leap(year: i32) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}
