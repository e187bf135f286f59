//! Dates in the format tokens of moment.js, which name Obsidian's daily notes.
//!
//! Source: moment.js 2.29, `format.js` (`formattingTokens`, `makeFormatFunction`, `expandFormat`) and its English
//! locale. Names of months and days are English.

use jiff::civil::DateTime;

mod weeks;

pub use weeks::Weeks;

/// Longest first: if two tokens match, the longer one counts.
const TOKENS: &[&str] = &[
    "Hmmss",
    "hmmss",
    "Hmm",
    "hmm",
    "YYYYYY",
    "YYYYY",
    "YYYY",
    "YY",
    "Y",
    "MMMM",
    "MMM",
    "MM",
    "Mo",
    "M",
    "DDDD",
    "DDDo",
    "DDD",
    "DD",
    "Do",
    "D",
    "Qo",
    "Q",
    "dddd",
    "ddd",
    "dd",
    "do",
    "d",
    "e",
    "E",
    "ggggg",
    "gggg",
    "gg",
    "GGGGG",
    "GGGG",
    "GG",
    "ww",
    "wo",
    "w",
    "WW",
    "Wo",
    "W",
    "HH",
    "H",
    "hh",
    "h",
    "kk",
    "k",
    "mm",
    "m",
    "ss",
    "s",
    "SSSSSSSSS",
    "SSSSSSSS",
    "SSSSSSS",
    "SSSSSS",
    "SSSSS",
    "SSSS",
    "SSS",
    "SS",
    "S",
    "A",
    "a",
    "X",
    "x",
    "NNNNN",
    "NNNN",
    "NNN",
    "NN",
    "N",
    "yyyy",
    "yyy",
    "yy",
    "yo",
    "y",
    "ZZ",
    "Z",
    "zz",
    "z",
];

/// Whole dates and times, which stand for other tokens.
const LONG: &[(&str, &str)] = &[
    ("LTS", "h:mm:ss A"),
    ("LT", "h:mm A"),
    ("LLLL", "dddd, MMMM D, YYYY h:mm A"),
    ("LLL", "MMMM D, YYYY h:mm A"),
    ("LL", "MMMM D, YYYY"),
    ("L", "MM/DD/YYYY"),
    ("llll", "ddd, MMM D, YYYY h:mm A"),
    ("lll", "MMM D, YYYY h:mm A"),
    ("ll", "MMM D, YYYY"),
    ("l", "M/D/YYYY"),
];

/// A part of a format.
enum Part<'a> {
    Token(&'static str),
    Text(&'a str),
}

/// The first part of a format, and the rest.
fn first(format: &str) -> Option<(Part<'_>, &str)> {
    let next = format.chars().next()?;
    if let Some((literal, rest)) = literal(format) {
        return Some((Part::Text(literal), rest));
    }
    if let Some(rest) = format.strip_prefix('\\') {
        // It escapes a whole token, or one character; another backslash vanishes with it.
        if let Some(after) = rest.strip_prefix('\\') {
            return Some((Part::Text(""), after));
        }
        let one = rest.chars().next().map_or(0, char::len_utf8);
        let length = token(rest).map_or(one, str::len);
        return Some((Part::Text(&rest[..length]), &rest[length..]));
    }
    if format.starts_with("w|") || format.starts_with("W|") {
        // The pattern of tokens takes these two together, and they mean nothing.
        return Some((Part::Text(&format[..2]), &format[2..]));
    }
    if let Some(token) = token(format) {
        return Some((Part::Token(token), &format[token.len()..]));
    }
    let (text, rest) = format.split_at(next.len_utf8());
    Some((Part::Text(text), rest))
}

fn token(format: &str) -> Option<&'static str> {
    TOKENS.iter().find(|token| format.starts_with(**token)).copied()
}

/// The text in brackets at the start of a format, and the rest: up to the last `]` before another `[`.
fn literal(format: &str) -> Option<(&str, &str)> {
    let inner = format.strip_prefix('[')?;
    let within = memchr::memchr(b'[', inner.as_bytes()).unwrap_or(inner.len());
    let end = memchr::memrchr(b']', &inner.as_bytes()[..within])?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// The format with its whole dates written out.
fn expanded(format: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(format.len()), format);
    let long = |rest: &str| LONG.iter().find(|(token, _)| rest.starts_with(token)).copied();
    while let Some(next) = rest.chars().next() {
        let kept = match (literal(rest), rest.strip_prefix('\\').and_then(long)) {
            (Some((_, after)), _) => rest.len() - after.len(),
            (_, Some((token, _))) => 1 + token.len(),
            _ => {
                if let Some((token, meaning)) = long(rest) {
                    text.push_str(meaning);
                    rest = &rest[token.len()..];
                    continue;
                }
                next.len_utf8()
            }
        };
        text.push_str(&rest[..kept]);
        rest = &rest[kept..];
    }
    text
}

/// Formats a moment.
#[must_use]
pub fn format(moment: DateTime, format: &str, weeks: Weeks) -> String {
    let (format, mut text) = (expanded(format), String::new());
    let mut rest = format.as_str();
    while let Some((part, after)) = first(rest) {
        match part {
            Part::Token(token) => text.push_str(&of(moment, token, weeks)),
            Part::Text(literal) => text.push_str(literal),
        }
        rest = after;
    }
    text
}

/// What the text of a format depends on, beside the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// The time of day, or the time zone: the text is another one a minute later, or elsewhere.
    pub time: bool,
    /// The names of a language.
    pub names: bool,
    /// On which day a week begins.
    pub weeks: bool,
}

/// What a format depends on.
#[must_use]
pub fn needs(format: &str) -> Needs {
    let (whole, mut needs) = (expanded(format), Needs::default());
    // Whole dates have another order in each language.
    needs.names = whole != format;
    let mut rest = whole.as_str();
    while let Some((part, after)) = first(rest) {
        if let Part::Token(token) = part {
            needs.time |= token.starts_with(['H', 'h', 'k', 'm', 's', 'S', 'A', 'a', 'X', 'x', 'Z', 'z']);
            needs.names |= token.ends_with('o')
                || token.starts_with(['A', 'a', 'N'])
                || matches!(token, "MMM" | "MMMM" | "dd" | "ddd" | "dddd");
            needs.weeks |= token.starts_with(['w', 'g', 'e']);
        }
        rest = after;
    }
    needs
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
    let hour12 = (hour + 11) % 12 + 1;
    let (local, iso) = (weeks.of(date), Weeks::Iso.of(date));
    match token {
        "YYYYYY" => format!("{year:+07}"),
        "YYYYY" => format!("{year:05}"),
        "YYYY" | "yyyy" => format!("{year:04}"),
        "Y" | "y" => year.to_string(),
        "yyy" => format!("{year:03}"),
        "yy" => format!("{year:02}"),
        "yo" => ordinal(i64::from(year)),
        "N" | "NN" | "NNN" | "NNNNN" => "AD".to_owned(),
        "NNNN" => "Anno Domini".to_owned(),
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
        "e" => weeks.day_of_week(date).to_string(),
        "d" => from_sunday.to_string(),
        "E" => date.weekday().to_monday_one_offset().to_string(),
        "ggggg" => format!("{:05}", local.0),
        "GGGGG" => format!("{:05}", iso.0),
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
        "hh" => format!("{hour12:02}"),
        "h" => hour12.to_string(),
        "Hmm" => format!("{hour}{minute:02}"),
        "Hmmss" => format!("{hour}{minute:02}{second:02}"),
        "hmm" => format!("{hour12}{minute:02}"),
        "hmmss" => format!("{hour12}{minute:02}{second:02}"),
        "mm" => format!("{minute:02}"),
        "m" => minute.to_string(),
        "ss" => format!("{second:02}"),
        "s" => second.to_string(),
        token if token.starts_with('S') => {
            format!("{:09}", time.subsec_nanosecond())[..token.len()].to_owned()
        }
        // As if the moment were in UTC: note names do not need it.
        "Z" => "+00:00".to_owned(),
        "ZZ" => "+0000".to_owned(),
        "z" | "zz" => String::new(),
        "A" => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
        "a" => (if hour < 12 { "am" } else { "pm" }).to_owned(),
        token => moment.to_zoned(jiff::tz::TimeZone::UTC).map_or(String::new(), |zoned| {
            let at = zoned.timestamp();
            if token == "x" { at.as_millisecond().to_string() } else { at.as_second().to_string() }
        }),
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
mod tests;
