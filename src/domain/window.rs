//! Times of the day: windows such as "from 22:00 to 06:00" and the days that a goal itself reckons in,
//! both as stretches of instants.
//!
//! Where clocks are changed, a civil time is not always one instant. One rule holds for all that is here:
//! a time that clocks **skip** is the instant of the skip, and a time that they **repeat** is its first
//! instant. So a later time is never an earlier instant, days neither overlap nor leave a hole, and a window
//! is one stretch a day. (RFC 5545 would move a skipped 02:30 on to 03:30, past a window's end at 03:00.)

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::calendar;

/// Why a text is not a time of the day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a time of the day; write it like 06:30 or 22:00 (00:00 to 23:59)")]
pub struct TimeError(pub String);

/// A stretch of each day, such as quiet hours. It begins on its day and may pass midnight; one whose ends are
/// equal is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyWindow {
    /// The time it begins at.
    #[serde(with = "clock")]
    pub from: Time,
    /// The time it ends at, which is not part of it; on the next day where it is not after `from`.
    #[serde(with = "clock")]
    pub until: Time,
}

/// One day's stretch of a window: the instants from `start` to before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The civil day that it begins on; what begins before midnight keeps it.
    pub day: Date,
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Stretch {
    /// Whether an instant is one of it.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        (self.start..self.end).contains(&instant)
    }
}

impl DailyWindow {
    /// Reads the ends, each like `22:00`.
    ///
    /// # Errors
    /// [`TimeError`] names the end that is not a time.
    pub fn parse(from: &str, until: &str) -> Result<Self, TimeError> {
        Ok(Self { from: parse_time(from)?, until: parse_time(until)? })
    }

    /// Whether there is no time that it holds at.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.from == self.until
    }

    /// The stretch that `now` lies in.
    #[must_use]
    pub fn stretch(&self, now: Timestamp, zone: &TimeZone) -> Option<Stretch> {
        self.around(now, zone).find(|stretch| stretch.contains(now))
    }

    /// The first beginning after `now`; none where the window is never.
    #[must_use]
    pub fn next_start(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        self.next(now, zone).map(|stretch| stretch.start)
    }

    /// The first stretch that begins after `now`; none where the window is never.
    #[must_use]
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Stretch> {
        self.around(now, zone).find(|stretch| stretch.start > now)
    }

    /// The stretch that begins on a day; none where the window is never, or where the zone left that day out.
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
        // Clocks skip all of it. It is held after the skip, so that no day goes without, unless there is no
        // such day (Samoa had no 30 December 2011).
        let length = last_day.to_datetime(self.until).duration_since(day.to_datetime(self.from));
        let end = start.checked_add(length).ok()?;
        (calendar::day_of(start, zone) == day).then_some(Stretch { day, start, end })
    }

    /// The stretches of the days about `now`, in order. Two days on, because one may have been left out.
    fn around(self, now: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Stretch> {
        let today = calendar::day_of(now, zone);
        (-1..=2).filter_map(move |days: i64| self.on(today.checked_add(days.days()).ok()?, zone))
    }
}

/// The day in a goal's own terms. Its deadline is `deadline_s` seconds from the midnight that ends a day: at
/// 10800 the day lasts until 03:00, at -10800 the next one begins at 21:00 already. The instant of the
/// deadline belongs to the next day. Beeminder allows -17 h to +6 h; what is beyond a day is taken as a day.
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

/// Seconds by the clock in a day on which it is not changed.
const DAY_S: i64 = 24 * 3600;

/// The instant of a civil time: the skip's where clocks skip it, the first where they repeat it. None at the
/// ends of time (the years -9999 and 9999).
fn instant_of(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(civil).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // By the new offset a skipped time lies before the skip.
            let before_the_skip = after.to_timestamp(civil).ok()?;
            zone.following(before_the_skip).next().map(|skip| skip.timestamp())
        }
    }
}

/// Reads a time of the day like `22:00`.
///
/// # Errors
/// [`TimeError`] where it is not two digits of hours, a colon and two of minutes.
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

/// A time of the day as text, in whatever format.
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
