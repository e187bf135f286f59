//! What moment.js prints, as a table.

use super::*;
use jiff::civil::{Date, date, datetime};

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
        ("[[] [x]", "[ x"),
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

#[test]
fn every_token_escape_and_long_date_is_moment_s() {
    // Printed by moment.js 2.29.4 in its English locale.
    let afternoon = [
        ("YYYY-MM-DD", "2026-11-03"),
        ("YYYY/MM-MMMM/YYYY-MM-DD-dddd", "2026/11-November/2026-11-03-Tuesday"),
        ("[Week of] YYYY-MM-DD", "Week of 2026-11-03"),
        ("gggg-[W]ww", "2026-W45"),
        ("GGGG-[W]WW", "2026-W45"),
        ("YYYY-[Q]Q", "2026-Q4"),
        ("Qo Mo Do DDDo wo Wo do", "4th 11th 3rd 307th 45th 45th 2nd"),
        ("YY YYYYY YYYYYY Y", "26 02026 +002026 2026"),
        ("y yy yyy yyyy yo N NNNN NNNNN", "2026 2026 2026 2026 2026th AD Anno Domini AD"),
        ("ggg GGG ggggg GGGGG", "26g 26G 02026 02026"),
        ("MMM MMMM dd ddd dddd", "Nov November Tu Tue Tuesday"),
        ("H HH h hh k kk Hmm Hmmss hmm hmmss a A", "14 14 2 02 14 14 1405 140509 205 20509 pm PM"),
        ("S SS SSS SSSS SSSSSS SSSSSSSSS", "1 12 123 1230 123000 123000000"),
        (
            "L LL LLL LLLL LT LTS",
            "11/03/2026 November 3, 2026 November 3, 2026 2:05 PM Tuesday, November 3, 2026 2:05 PM 2:05 PM 2:05:09 PM",
        ),
        ("l ll lll llll", "11/3/2026 Nov 3, 2026 Nov 3, 2026 2:05 PM Tue, Nov 3, 2026 2:05 PM"),
        ("[a] b] YYYY", "a] b 2026"),
        ("[a][b]YYYY", "ab2026"),
        ("[[x] YYYY", "[x 2026"),
        ("[YYYY", "[2026"),
        ("YYYY]", "2026]"),
        ("\\YYYY \\D D", "YYYY D 3"),
        ("\\[YYYY\\]", "[2026]"),
        ("\\\\YYYY", "2026"),
        ("[\\YYYY]", "\\YYYY"),
        ("Daily YYYY", "3pmi11/3/20262026 2026"),
        ("[Daily] YYYY", "Daily 2026"),
        ("日記 YYYY年M月D日", "日記 2026年11月3日"),
        ("YYY YYYYYYY", "262026 +0020262026"),
        ("DDDD DDD", "307 307"),
        ("E e d", "2 2 2"),
        ("MMMMM", "November11"),
        ("ddddd", "Tuesday2"),
        ("Mo[th]", "11thth"),
        ("[L] [LT] \\LT", "L LT LT"),
        ("Q[Q]", "4Q"),
        ("[]YYYY[]", "2026"),
        ("YYYY.MM.DD", "2026.11.03"),
        ("w|o", "w|o"),
        ("T", "T"),
    ];
    let new_year = [
        ("YYYY-MM-DD", "2027-01-01"),
        ("YYYY/MM-MMMM/YYYY-MM-DD-dddd", "2027/01-January/2027-01-01-Friday"),
        ("[Week of] YYYY-MM-DD", "Week of 2027-01-01"),
        ("gggg-[W]ww", "2027-W01"),
        ("GGGG-[W]WW", "2026-W53"),
        ("YYYY-[Q]Q", "2027-Q1"),
        ("Qo Mo Do DDDo wo Wo do", "1st 1st 1st 1st 1st 53rd 5th"),
        ("YY YYYYY YYYYYY Y", "27 02027 +002027 2027"),
        ("y yy yyy yyyy yo N NNNN NNNNN", "2027 2027 2027 2027 2027th AD Anno Domini AD"),
        ("ggg GGG ggggg GGGGG", "27g 26G 02027 02026"),
        ("MMM MMMM dd ddd dddd", "Jan January Fr Fri Friday"),
        ("H HH h hh k kk Hmm Hmmss hmm hmmss a A", "0 00 12 12 24 24 000 00000 1200 120000 am AM"),
        ("S SS SSS SSSS SSSSSS SSSSSSSSS", "0 00 000 0000 000000 000000000"),
        (
            "L LL LLL LLLL LT LTS",
            "01/01/2027 January 1, 2027 January 1, 2027 12:00 AM Friday, January 1, 2027 12:00 AM 12:00 AM 12:00:00 AM",
        ),
        ("l ll lll llll", "1/1/2027 Jan 1, 2027 Jan 1, 2027 12:00 AM Fri, Jan 1, 2027 12:00 AM"),
        ("[a] b] YYYY", "a] b 2027"),
        ("[a][b]YYYY", "ab2027"),
        ("[[x] YYYY", "[x 2027"),
        ("[YYYY", "[2027"),
        ("YYYY]", "2027]"),
        ("\\YYYY \\D D", "YYYY D 1"),
        ("\\[YYYY\\]", "[2027]"),
        ("\\\\YYYY", "2027"),
        ("[\\YYYY]", "\\YYYY"),
        ("Daily YYYY", "1ami1/1/20272027 2027"),
        ("[Daily] YYYY", "Daily 2027"),
        ("日記 YYYY年M月D日", "日記 2027年1月1日"),
        ("YYY YYYYYYY", "272027 +0020272027"),
        ("DDDD DDD", "001 1"),
        ("E e d", "5 5 5"),
        ("MMMMM", "January1"),
        ("ddddd", "Friday5"),
        ("Mo[th]", "1stth"),
        ("[L] [LT] \\LT", "L LT LT"),
        ("Q[Q]", "1Q"),
        ("[]YYYY[]", "2027"),
        ("YYYY.MM.DD", "2027.01.01"),
        ("w|o", "w|o"),
        ("T", "T"),
    ];
    for (moment, cases) in [
        (datetime(2026, 11, 3, 14, 5, 9, 123_000_000), &afternoon[..]),
        (datetime(2027, 1, 1, 0, 0, 0, 0), &new_year),
    ] {
        for (pattern, expected) in cases {
            assert_eq!(format(moment, pattern, Weeks::Sunday), *expected, "{pattern} {moment}");
        }
    }
}

/// The days that the next table is about.
const DAYS: &str = "2020-12-31 2021-01-01 2021-01-02 2021-01-03 2021-01-04 2022-01-01 2022-01-02 2022-12-31 2023-01-01 2023-12-31 2024-01-01 2024-02-29 2024-12-28 2024-12-29 2024-12-30 2025-01-01 2026-12-26 2026-12-27 2026-12-31 2027-01-01 2027-01-03 2028-12-31 2000-01-01 1999-12-31";

#[test]
fn weeks_are_numbered_as_moment_numbers_them_whatever_day_they_begin_on() {
    // Printed by moment.js 2.29.4 with the locale's `week` set: `gggg[W]ww.e`, and the first day of the week.
    let cases = [
        (
            Weeks::Sunday,
            "2021W01.4/12-27 2021W01.5/12-27 2021W01.6/12-27 2021W02.0/01-03 2021W02.1/01-03 2022W01.6/12-26 \
             2022W02.0/01-02 2022W53.6/12-25 2023W01.0/01-01 2024W01.0/12-31 2024W01.1/12-31 2024W09.4/02-25 \
             2024W52.6/12-22 2025W01.0/12-29 2025W01.1/12-29 2025W01.3/12-29 2026W52.6/12-20 2027W01.0/12-27 \
             2027W01.4/12-27 2027W01.5/12-27 2027W02.0/01-03 2029W01.0/12-31 2000W01.6/12-26 2000W01.5/12-26",
        ),
        (
            Weeks::Iso,
            "2020W53.3/12-28 2020W53.4/12-28 2020W53.5/12-28 2020W53.6/12-28 2021W01.0/01-04 2021W52.5/12-27 \
             2021W52.6/12-27 2022W52.5/12-26 2022W52.6/12-26 2023W52.6/12-25 2024W01.0/01-01 2024W09.3/02-26 \
             2024W52.5/12-23 2024W52.6/12-23 2025W01.0/12-30 2025W01.2/12-30 2026W52.5/12-21 2026W52.6/12-21 \
             2026W53.3/12-28 2026W53.4/12-28 2026W53.6/12-28 2028W52.6/12-25 1999W52.5/12-27 1999W52.4/12-27",
        ),
        (
            Weeks::Sunday.beginning_on(1),
            "2021W01.3/12-28 2021W01.4/12-28 2021W01.5/12-28 2021W01.6/12-28 2021W02.0/01-04 2022W01.5/12-27 \
             2022W01.6/12-27 2022W53.5/12-26 2022W53.6/12-26 2023W52.6/12-25 2024W01.0/01-01 2024W09.3/02-26 \
             2024W52.5/12-23 2024W52.6/12-23 2025W01.0/12-30 2025W01.2/12-30 2026W52.5/12-21 2026W52.6/12-21 \
             2027W01.3/12-28 2027W01.4/12-28 2027W01.6/12-28 2028W53.6/12-25 2000W01.5/12-27 2000W01.4/12-27",
        ),
        (
            Weeks::Iso.beginning_on(0),
            "2020W53.4/12-27 2020W53.5/12-27 2020W53.6/12-27 2021W01.0/01-03 2021W01.1/01-03 2021W52.6/12-26 \
             2022W01.0/01-02 2022W52.6/12-25 2023W01.0/01-01 2024W01.0/12-31 2024W01.1/12-31 2024W09.4/02-25 \
             2024W52.6/12-22 2025W01.0/12-29 2025W01.1/12-29 2025W01.3/12-29 2026W52.6/12-20 2026W53.0/12-27 \
             2026W53.4/12-27 2026W53.5/12-27 2027W01.0/01-03 2029W01.0/12-31 1999W52.6/12-26 1999W52.5/12-26",
        ),
        (
            Weeks::Other { dow: 6, doy: 12 },
            "2021W01.5/12-26 2021W01.6/12-26 2021W02.0/01-02 2021W02.1/01-02 2021W02.2/01-02 2022W01.0/01-01 \
             2022W01.1/01-01 2023W01.0/12-31 2023W01.1/12-31 2024W01.1/12-30 2024W01.2/12-30 2024W09.5/02-24 \
             2025W01.0/12-28 2025W01.1/12-28 2025W01.2/12-28 2025W01.4/12-28 2027W01.0/12-26 2027W01.1/12-26 \
             2027W01.5/12-26 2027W01.6/12-26 2027W02.1/01-02 2029W01.1/12-30 2000W01.0/01-01 1999W53.6/12-25",
        ),
        (
            Weeks::Sunday.beginning_on(6),
            "2020W52.5/12-26 2020W52.6/12-26 2021W01.0/01-02 2021W01.1/01-02 2021W01.2/01-02 2022W01.0/01-01 \
             2022W01.1/01-01 2022W53.0/12-31 2022W53.1/12-31 2023W52.1/12-30 2023W52.2/12-30 2024W08.5/02-24 \
             2024W52.0/12-28 2024W52.1/12-28 2024W52.2/12-28 2024W52.4/12-28 2026W52.0/12-26 2026W52.1/12-26 \
             2026W52.5/12-26 2026W52.6/12-26 2027W01.1/01-02 2028W53.1/12-30 2000W01.0/01-01 1999W52.6/12-25",
        ),
    ];
    for (weeks, expected) in cases {
        let shown = |day: &str| {
            let day: Date = day.parse().unwrap();
            let first = day.saturating_sub(jiff::Span::new().days(weeks.day_of_week(day)));
            let week = format(day.at(0, 0, 0, 0), "gggg[W]ww.e", weeks);
            format!("{week}/{}", format(first.at(0, 0, 0, 0), "MM-DD", weeks))
        };
        let all: Vec<String> = DAYS.split(' ').map(shown).collect();
        assert_eq!(all.join(" "), expected, "{weeks:?}");
    }
    for day in [Date::MIN, Date::MAX] {
        let (year, week) = Weeks::Other { dow: 3, doy: 9 }.of(day);
        assert!((1..=53).contains(&week) && (year - i32::from(day.year())).abs() <= 1, "{day}");
    }
}

#[test]
fn a_format_says_what_it_depends_on() {
    let cases = [
        ("YYYY-MM-DD", ""),
        ("YYYY/MM/DDDD [at HH:mm MMM]", ""),
        ("GGGG-[W]WW E d", ""),
        ("gggg-[W]ww", "weeks"),
        ("YYYY e", "weeks"),
        ("MMM", "names"),
        ("dddd", "names"),
        ("Do", "names"),
        ("wo", "names weeks"),
        ("LL", "names"),
        ("YYYY-MM-DD HHmm", "time"),
        ("X", "time"),
        ("Z", "time"),
        ("h A", "time names"),
        ("\\HH", ""),
        ("LT", "time names"),
    ];
    for (pattern, expected) in cases {
        let Needs { time, names, weeks } = needs(pattern);
        let said = [(time, "time"), (names, "names"), (weeks, "weeks")];
        let said: Vec<&str> = said.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
        assert_eq!(said.join(" "), expected, "{pattern}");
    }
}
