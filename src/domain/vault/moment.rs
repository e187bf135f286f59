//! Dates in the format tokens of moment.js, which name Obsidian's daily notes.
//!
//! Source: moment.js, "Display > Format" and its English locale, in which a week begins on Sunday and the first
//! week of a year is the one with 1 January in it. Names of months and days are English.

use jiff::civil::{Date, DateTime, Weekday};

/// Longest first: if two tokens match, the longer one counts.
const TOKENS: &[&str] = &[
    "YYYYYY", "YYYYY", "YYYY", "YY", "Y", "MMMM", "MMM", "MM", "Mo", "M", "DDDD", "DDDo", "DDD", "DD", "Do",
    "D", "Qo", "Q", "dddd", "ddd", "dd", "do", "d", "e", "E", "gggg", "gg", "GGGG", "GG", "ww", "wo", "w",
    "WW", "Wo", "W", "HH", "H", "hh", "h", "kk", "k", "mm", "m", "ss", "s", "SSS", "SS", "S", "A", "a", "X",
];

/// The numbering of weeks where a token leaves it to the locale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Weeks {
    /// From Sunday, the first one with 1 January in it: English in the United States.
    #[default]
    Sunday,
    /// From Monday, the first one with a Thursday in it (ISO 8601): most of Europe.
    Iso,
}

/// Formats a moment.
#[must_use]
pub fn format(moment: DateTime, format: &str, weeks: Weeks) -> String {
    let (mut text, mut rest) = (String::new(), format);
    // How much of the format follows the last bracket that ends a literal.
    let last_end = format.rfind(']').map_or(usize::MAX, |at| format.len() - at);
    while let Some(next) = rest.chars().next() {
        if let Some(inner) = rest.strip_prefix('[').filter(|inner| inner.len() >= last_end)
            && let Some((literal, after)) = inner.split_once(']')
        {
            text.push_str(literal);
            rest = after;
        } else if let Some(token) = TOKENS.iter().find(|token| rest.starts_with(**token)) {
            text.push_str(&of(moment, token, weeks));
            rest = &rest[token.len()..];
        } else if let Some(escaped) = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()) {
            text.push(escaped);
            rest = &rest[1 + escaped.len_utf8()..];
        } else {
            text.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    text
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

fn of(moment: DateTime, token: &str, weeks: Weeks) -> String {
    let (date, time) = (moment.date(), moment.time());
    let (year, month, day) = (i32::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    let name_of_month = MONTHS[usize::from(date.month().unsigned_abs()) - 1];
    let from_sunday = i64::from(date.weekday().to_sunday_zero_offset());
    let name_of_day = DAYS[from_sunday as usize];
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    let quarter = (month - 1) / 3 + 1;
    let local = week(date, weeks);
    let iso = week(date, Weeks::Iso);
    match token {
        "YYYYYY" => format!("{year:+07}"),
        "YYYYY" => format!("{year:05}"),
        "YYYY" => format!("{year:04}"),
        "Y" => year.to_string(),
        "YY" => format!("{:02}", year.rem_euclid(100)),
        "MMMM" => name_of_month.to_owned(),
        "MMM" => name_of_month[..3].to_owned(),
        "MM" => format!("{month:02}"),
        "Mo" => ordinal(month),
        "M" => month.to_string(),
        "DDDD" => format!("{:03}", date.day_of_year()),
        "DDDo" => ordinal(i64::from(date.day_of_year())),
        "DDD" => date.day_of_year().to_string(),
        "DD" => format!("{day:02}"),
        "Do" => ordinal(day),
        "D" => day.to_string(),
        "Qo" => ordinal(quarter),
        "Q" => quarter.to_string(),
        "dddd" => name_of_day.to_owned(),
        "ddd" => name_of_day[..3].to_owned(),
        "dd" => name_of_day[..2].to_owned(),
        "do" => ordinal(from_sunday),
        "e" if weeks == Weeks::Iso => date.weekday().to_monday_zero_offset().to_string(),
        "d" | "e" => from_sunday.to_string(),
        "E" => date.weekday().to_monday_one_offset().to_string(),
        "gggg" => format!("{:04}", local.0),
        "gg" => format!("{:02}", local.0.rem_euclid(100)),
        "GGGG" => format!("{:04}", iso.0),
        "GG" => format!("{:02}", iso.0.rem_euclid(100)),
        "ww" => format!("{:02}", local.1),
        "wo" => ordinal(local.1),
        "w" => local.1.to_string(),
        "WW" => format!("{:02}", iso.1),
        "Wo" => ordinal(iso.1),
        "W" => iso.1.to_string(),
        "HH" => format!("{hour:02}"),
        "H" => hour.to_string(),
        "kk" => format!("{:02}", if hour == 0 { 24 } else { hour }),
        "k" => (if hour == 0 { 24 } else { hour }).to_string(),
        "hh" => format!("{:02}", (hour + 11) % 12 + 1),
        "h" => ((hour + 11) % 12 + 1).to_string(),
        "mm" => format!("{minute:02}"),
        "m" => minute.to_string(),
        "ss" => format!("{second:02}"),
        "s" => second.to_string(),
        "SSS" => format!("{:03}", time.millisecond()),
        "SS" => format!("{:02}", time.millisecond() / 10),
        "S" => (time.millisecond() / 100).to_string(),
        "A" => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
        "a" => (if hour < 12 { "am" } else { "pm" }).to_owned(),
        // As if the moment were in UTC: note names do not need it.
        _ => moment
            .to_zoned(jiff::tz::TimeZone::UTC)
            .map_or(String::new(), |zoned| zoned.timestamp().as_second().to_string()),
    }
}

/// The year of a week and its number.
fn week(date: Date, weeks: Weeks) -> (i32, i64) {
    match weeks {
        Weeks::Iso => {
            let week = date.iso_week_date();
            (i32::from(week.year()), i64::from(week.week()))
        }
        Weeks::Sunday => {
            // The week belongs to the year of its Saturday: the week with 1 January is the first.
            let ahead = i64::from(Weekday::Saturday.since(date.weekday()));
            let saturday = date.saturating_add(jiff::Span::new().days(ahead));
            (i32::from(saturday.year()), (i64::from(saturday.day_of_year()) - 1) / 7 + 1)
        }
    }
}

/// `1st`, `2nd`, `3rd`, `4th`.
fn ordinal(number: i64) -> String {
    let suffix = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn tokens_say_what_moment_says() {
        // As printed by moment.js 2.30.
        let moment = datetime(2026, 11, 3, 14, 5, 9, 0);
        let cases = [
            ("YYYY-MM-DD", "2026-11-03"),
            ("YYYY/MM-MMMM/YYYY-MM-DD-dddd", "2026/11-November/2026-11-03-Tuesday"),
            ("[Daily] D. MMM YY", "Daily 3. Nov 26"),
            ("Do [of] MMMM", "3rd of November"),
            ("gggg-[W]ww", "2026-W45"),
            ("GGGG-[W]WW", "2026-W45"),
            ("YYYY-[Q]Q", "2026-Q4"),
            ("DDDD DDD Qo wo", "307 307 4th 45th"),
            ("HH:mm:ss h A a H", "14:05:09 2 PM pm 14"),
            ("ddd dd d e E", "Tue Tu 2 2 2"),
            ("[[] x", "[ x"),
            ("日記 YYYY年M月D日", "日記 2026年11月3日"),
            // An unclosed bracket is a character, and tokens follow it.
            ("[YYYY", "[2026"),
            ("", ""),
        ];
        for (pattern, expected) in cases {
            assert_eq!(format(moment, pattern, Weeks::Sunday), expected, "{pattern}");
        }
    }

    #[test]
    fn weeks_turn_at_new_year_by_their_own_rule() {
        let cases = [
            (date(2026, 12, 26), "2026-W52 2026-W52"),
            (date(2026, 12, 27), "2027-W01 2026-W52"),
            (date(2026, 12, 31), "2027-W01 2026-W53"),
            (date(2027, 1, 1), "2027-W01 2026-W53"),
            (date(2027, 1, 3), "2027-W02 2026-W53"),
            (date(2027, 1, 4), "2027-W02 2027-W01"),
            (date(2023, 1, 1), "2023-W01 2022-W52"),
            (date(2024, 12, 30), "2025-W01 2025-W01"),
        ];
        for (day, expected) in cases {
            let moment = day.at(0, 0, 0, 0);
            assert_eq!(format(moment, "gggg-[W]ww GGGG-[W]WW", Weeks::Sunday), expected, "{day}");
            let iso = format(moment, "gggg-[W]ww", Weeks::Iso);
            assert_eq!(iso, expected.split(' ').nth(1).unwrap(), "{day}");
        }
    }
}
