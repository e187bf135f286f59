use jiff::civil::date;
use proptest::prelude::*;

use super::*;

/// A Monday.
fn today() -> Date {
    date(2026, 11, 30)
}

fn span(text: &str, today: Date, week: WeekStart) -> (Date, Date) {
    text.parse::<Days>().unwrap_or_else(|error| panic!("{text}: {error}")).span(today, week)
}

#[test]
fn what_a_person_writes_means_these_days() {
    let table = [
        ("2026-11-23", date(2026, 11, 23), date(2026, 11, 23)),
        ("today", today(), today()),
        ("Yesterday", date(2026, 11, 29), date(2026, 11, 29)),
        ("1d", today(), today()),
        ("7d", date(2026, 11, 24), today()),
        ("7 days", date(2026, 11, 24), today()),
        ("2w", date(2026, 11, 17), today()),
        ("1m", date(2026, 11, 1), today()),
        ("3m", date(2026, 9, 1), today()),
        ("1y", date(2025, 12, 1), today()),
        ("this week", date(2026, 11, 30), date(2026, 12, 6)),
        ("last week", date(2026, 11, 23), date(2026, 11, 29)),
        ("LAST_WEEK", date(2026, 11, 23), date(2026, 11, 29)),
        ("this-month", date(2026, 11, 1), date(2026, 11, 30)),
        ("last month", date(2026, 10, 1), date(2026, 10, 31)),
        ("last year", date(2025, 1, 1), date(2025, 12, 31)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-W48", date(2026, 11, 23), date(2026, 11, 29)),
        ("2026-w01", date(2025, 12, 29), date(2026, 1, 4)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        (" 2026-11-23 ", date(2026, 11, 23), date(2026, 11, 23)),
    ];
    for (text, first, last) in table {
        assert_eq!(span(text, today(), WeekStart::Monday), (first, last), "{text}");
    }
    // A week begins where the settings say, and ISO 8601's on Monday all the same.
    assert_eq!(span("this week", today(), WeekStart::Sunday), (date(2026, 11, 29), date(2026, 12, 5)));
    assert_eq!(span("2026-W48", today(), WeekStart::Sunday), (date(2026, 11, 23), date(2026, 11, 29)));
    // Months of other lengths.
    let march = date(2026, 3, 31);
    assert_eq!(span("1m", march, WeekStart::Monday), (date(2026, 3, 1), march));
    assert_eq!(span("last month", march, WeekStart::Monday), (date(2026, 2, 1), date(2026, 2, 28)));
    let leap = date(2024, 2, 29);
    assert_eq!(span("1y", leap, WeekStart::Monday), (date(2023, 3, 1), leap));
}

#[test]
fn what_means_none_is_refused_by_what_is_wrong_with_it() {
    for text in [
        "",
        " ",
        "tomorrow",
        "7",
        "0d",
        "10000d",
        "99999999999999999999d",
        "7h",
        "-7d",
        "7.5d",
        "last",
        "last day",
        "this weekend",
        "last week ago",
        "26-11-23",
        "2026-1-2",
        "2026/11/23",
        "2026-11-23T00:00",
        "2026-11-23-1",
        "2026-W5",
        "٧d",
        "２０２６",
        "yesterday\n\u{1b}[2Jx",
        "a very long text that names no days at all, and more",
    ] {
        assert_eq!(text.parse::<Days>(), Err(DaysError::Form(text.to_owned())), "{text:?}");
    }
    for text in ["2026-02-30", "2026-13", "2026-00", "2025-W53", "2026-W00", "2026-11-31"] {
        assert_eq!(text.parse::<Days>(), Err(DaysError::Calendar(text.to_owned())), "{text:?}");
    }
    let (since, until) = (Days::This(Unit::Day), Days::Before(Unit::Day));
    let wrong = Days::between(Some(since), Some(until), today(), WeekStart::Monday);
    assert_eq!(wrong, Err(DaysError::Backwards { since: today(), until: date(2026, 11, 29) }));
    assert_eq!(Days::Last(7, Unit::Day).one(today()), Err(DaysError::Many(Days::Last(7, Unit::Day))));
}

#[test]
fn a_range_goes_from_the_first_of_one_to_the_last_of_the_other() {
    let between = |since: &str, until: &str| {
        let days = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        Days::between(days(since), days(until), today(), WeekStart::Monday).unwrap()
    };
    assert_eq!(between("2026-10", "2026-11"), (Some(date(2026, 10, 1)), Some(date(2026, 11, 30))));
    assert_eq!(between("last week", "last week"), (Some(date(2026, 11, 23)), Some(date(2026, 11, 29))));
    assert_eq!(between("", "yesterday"), (None, Some(date(2026, 11, 29))));
    assert_eq!(between("7d", ""), (Some(date(2026, 11, 24)), None));
}

fn days() -> impl Strategy<Value = Days> {
    let unit = prop::sample::select(&Unit::ALL[..]);
    let day = (0..9999_i16, 1..=12_i8, 1..=28_i8).prop_map(|(year, month, day)| date(year, month, day));
    prop_oneof![
        day.clone().prop_map(Days::Day),
        day.clone().prop_map(|day| Days::Month(day.first_of_month())),
        day.clone().prop_map(|day| Days::Year(day.first_of_year())),
        day.prop_filter_map("a year of four digits", |day| {
            let monday = WeekStart::Monday.week_of(day);
            (0..=9999).contains(&monday.iso_week_date().year()).then_some(Days::IsoWeek(monday))
        }),
        (1..=COUNT_MAX, unit.clone()).prop_map(|(count, unit)| Days::Last(count, unit)),
        unit.clone().prop_map(Days::This),
        unit.prop_map(Days::Before),
    ]
}

proptest! {
    #[test]
    fn they_read_as_they_are_written_and_never_end_before_they_begin(days in days(), ahead in -800_000..2_900_000_i32) {
        prop_assert_eq!(days.to_string().parse::<Days>(), Ok(days));
        let today = date(2026, 11, 30).saturating_add(ahead.days());
        for week in WeekStart::ALL {
            let (first, last) = days.span(today, week);
            prop_assert!(first <= last, "{} on {}: {} to {}", days, today, first, last);
        }
    }
}
