//! Times of day: windows such as "from 22:00 to 06:00", and the days by a goal's own deadline, both as ranges
//! of instants.
//!
//! When clocks change, a civil time is not always one instant. One rule applies here: a time that clocks
//! **skip** is the instant of the skip, and a time that they **repeat** is its first instant. So a later time
//! is never an earlier instant, days neither overlap nor leave a gap, and a window is one range per day. (RFC
//! 5545 would move a skipped 02:30 to 03:30, past a window's end at 03:00.)

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::calendar;

/// Why a text is not a time of day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time of the day; write it like 06:30 or 22:00 (00:00 to 23:59)")]
pub struct TimeError(pub String);

/// A daily time range, such as quiet hours. It begins on its day and may extend past midnight; if both ends
/// are equal it never applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyWindow {
    /// The start time.
    #[serde(with = "clock")]
    pub from: Time,
    /// The end time, exclusive; on the next day if it is not after `from`.
    #[serde(with = "clock")]
    pub until: Time,
}

/// One day's occurrence of a window: the instants from `start` to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The civil day on which it begins.
    pub day: Date,
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Stretch {
    /// Whether it contains an instant.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        (self.start..self.end).contains(&instant)
    }
}

impl DailyWindow {
    /// Parses the two times, each like `22:00`.
    ///
    /// # Errors
    /// [`TimeError`] names the invalid one.
    pub fn parse(from: &str, until: &str) -> Result<Self, TimeError> {
        Ok(Self { from: parse_time(from)?, until: parse_time(until)? })
    }

    /// Whether it never applies.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.from == self.until
    }

    /// The occurrence that contains `now`.
    #[must_use]
    pub fn stretch(&self, now: Timestamp, zone: &TimeZone) -> Option<Stretch> {
        self.around(now, zone).find(|stretch| stretch.contains(now))
    }

    /// The first start after `now`; none if the window never applies.
    #[must_use]
    pub fn next_start(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.next(now, zone).map(|stretch| stretch.start)
    }

    /// The first occurrence that starts after `now`; none if the window never applies.
    #[must_use]
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Stretch> {
        self.around(now, zone).find(|stretch| stretch.start > now)
    }

    /// The occurrence that starts on a day; none if the window never applies, or the time zone skipped that
    /// day.
    #[must_use]
    pub fn on(&self, day: Date, zone: &TimeZone) -> Option<Stretch> {
        if self.is_never() {
            return None;
        }
        let last_day = if self.until > self.from { day } else { day.checked_add(1.day()).ok()? };
        let start = instant_of(day.to_datetime(self.from), zone)?;
        let end = instant_of(last_day.to_datetime(self.until), zone)?;
        if start < end {
            return Some(Stretch { day, start, end });
        }
        // Clocks skip all of it. It is moved to after the skip, so that no day goes without, unless the day
        // itself was skipped (Samoa had no 30 December 2011).
        let length = last_day.to_datetime(self.until).duration_since(day.to_datetime(self.from));
        let end = start.checked_add(length).ok()?;
        (calendar::day_of(start, zone) == day).then_some(Stretch { day, start, end })
    }

    /// The occurrences around `now`, in order. Two days ahead, because one may have been skipped.
    fn around(self, now: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Stretch> {
        let today = calendar::day_of(now, zone);
        (-1..=2).filter_map(move |days: i64| self.on(today.checked_add(days.days()).ok()?, zone))
    }
}

/// The day by a goal's own deadline. The deadline is `deadline_s` seconds from the midnight that ends a day:
/// at 10800 the day lasts until 03:00, at -10800 the next one begins at 21:00. The instant of the deadline
/// belongs to the next day. Beeminder allows -17 h to +6 h; values beyond a day count as a day.
#[must_use]
pub fn goal_day(now: Timestamp, zone: &TimeZone, deadline_s: i64) -> Date {
    let deadline_s = deadline_s.clamp(-DAY_S, DAY_S);
    let guess = zone.to_datetime(now).saturating_sub(deadline_s.seconds()).date();
    let mut days = (-1..=1).map(|days: i64| guess.saturating_add(days.days()));
    days.find(|&day| now < goal_day_end(day, zone, deadline_s)).unwrap_or(guess)
}

/// The first instant after a goal's day: its deadline. See [`goal_day`].
#[must_use]
pub fn goal_day_end(day: Date, zone: &TimeZone, deadline_s: i64) -> Timestamp {
    let midnight = day.saturating_add(1.day()).to_datetime(Time::midnight());
    let deadline = midnight.saturating_add(deadline_s.clamp(-DAY_S, DAY_S).seconds());
    instant_of(deadline, zone).unwrap_or(Timestamp::MAX)
}

/// Seconds in a day without a clock change.
const DAY_S: i64 = 24 * 3600;

/// The instant of a civil time: the skip if clocks skip it, the first one if they repeat it. None at the ends
/// of time (the years -9999 and 9999).
fn instant_of(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(civil).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // With the new offset a skipped time is before the skip.
            let before_the_skip = after.to_timestamp(civil).ok()?;
            zone.following(before_the_skip).next().map(|skip| skip.timestamp())
        }
    }
}

/// Parses a time of day like `22:00`.
///
/// # Errors
/// [`TimeError`] if it is not two digits, a colon and two digits.
pub fn parse_time(text: &str) -> Result<Time, TimeError> {
    let error = || TimeError(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(error)?;
    let number = |digits: &str| match digits.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9'] => digits.parse::<i8>().ok(),
        _ => None,
    };
    let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(error)?;
    Time::new(hour, minute, 0, 0).map_err(|_| error())
}

/// A time of day as text, in any serialization format.
mod clock {
    use jiff::civil::Time;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.strftime("%H:%M"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_time(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
