use jiff::civil::{Weekday, date};

use super::*;

fn weekly(starts: WeekStart) -> Period {
    Period::Weekly { starts }
}

fn rolling(days: u32) -> Period {
    Period::Rolling { days: days.try_into().unwrap() }
}

fn yearly(starts: &str) -> Period {
    Period::Yearly { starts: starts.parse().unwrap() }
}

#[test]
fn periods_have_the_calendar_s_edges() {
    use WeekStart::{Monday, Saturday, Sunday, Wednesday};
    let cases = [
        (Period::Daily, date(2026, 3, 29), date(2026, 3, 29), date(2026, 3, 29)),
        (weekly(Monday), date(2026, 11, 22), date(2026, 11, 16), date(2026, 11, 22)),
        (weekly(Monday), date(2027, 1, 1), date(2026, 12, 28), date(2027, 1, 3)),
        (weekly(Sunday), date(2026, 11, 22), date(2026, 11, 22), date(2026, 11, 28)),
        (weekly(Sunday), date(2027, 1, 1), date(2026, 12, 27), date(2027, 1, 2)),
        (weekly(Saturday), date(2027, 1, 1), date(2026, 12, 26), date(2027, 1, 1)),
        (weekly(Wednesday), date(2024, 2, 29), date(2024, 2, 28), date(2024, 3, 5)),
        (Period::Monthly, date(2028, 2, 10), date(2028, 2, 1), date(2028, 2, 29)),
        (rolling(1), date(2026, 11, 22), date(2026, 11, 22), date(2026, 11, 22)),
        (rolling(7), date(2027, 1, 3), date(2026, 12, 28), date(2027, 1, 3)),
        (rolling(30), date(2024, 3, 1), date(2024, 2, 1), date(2024, 3, 1)),
        (rolling(366), date(2024, 12, 31), date(2024, 1, 1), date(2024, 12, 31)),
        (yearly("01-01"), date(2026, 11, 22), date(2026, 1, 1), date(2026, 12, 31)),
        (yearly("04-06"), date(2026, 4, 5), date(2025, 4, 6), date(2026, 4, 5)),
        (yearly("04-06"), date(2026, 4, 6), date(2026, 4, 6), date(2027, 4, 5)),
        (yearly("12-31"), date(2026, 12, 30), date(2025, 12, 31), date(2026, 12, 30)),
        // A year that holds a 29 February, and one that begins after it.
        (yearly("03-01"), date(2024, 2, 29), date(2023, 3, 1), date(2024, 2, 29)),
        (yearly("03-01"), date(2025, 2, 28), date(2024, 3, 1), date(2025, 2, 28)),
        // One that begins on it.
        (yearly("02-29"), date(2024, 2, 28), date(2023, 2, 28), date(2024, 2, 28)),
        (yearly("02-29"), date(2024, 2, 29), date(2024, 2, 29), date(2025, 2, 27)),
        (yearly("02-29"), date(2025, 2, 28), date(2025, 2, 28), date(2026, 2, 27)),
        (yearly("02-29"), date(2028, 3, 1), date(2028, 2, 29), date(2029, 2, 27)),
        // 1900 and 2100 are no leap years.
        (yearly("02-29"), date(2100, 2, 28), date(2100, 2, 28), date(2101, 2, 27)),
    ];
    for (period, today, first, last) in cases {
        assert_eq!(period.days(today), (first, last), "{period:?} {today}");
    }
}

/// Over the ends of ten years, two of them leap years, for all seven: each week has seven days, begins with its own
/// day, and follows the one before it.
#[test]
fn weeks_of_every_beginning_follow_each_other_over_the_ends_of_years() {
    let weekdays = [
        Weekday::Monday,
        Weekday::Tuesday,
        Weekday::Wednesday,
        Weekday::Thursday,
        Weekday::Friday,
        Weekday::Saturday,
        Weekday::Sunday,
    ];
    for (starts, weekday) in WeekStart::ALL.into_iter().zip(weekdays) {
        for year in 2020..2030 {
            let days = date(year, 12, 20).series(1.day()).take(25);
            for today in days {
                let (first, last) = weekly(starts).days(today);
                assert!((first..=last).contains(&today), "{starts} {today}");
                assert_eq!((first.weekday(), last), (weekday, first.saturating_add(6.days())), "{starts}");
                assert_eq!(weekly(starts).days(last.tomorrow().unwrap()).0, last.tomorrow().unwrap());
            }
        }
    }
}

/// For every beginning there is, over nine years with three leap years: years have no gap and no overlap.
#[test]
fn budget_years_follow_each_other_whatever_they_begin_with() {
    let mut beginnings = 0;
    for start in date(2024, 1, 1).series(1.day()).take(366) {
        let period = yearly(&start.strftime("%m-%d").to_string());
        let (mut first, mut last) = period.days(date(2020, 6, 15));
        for _ in 0..9 {
            let length = last.since(first).unwrap().get_days() + 1;
            assert!((365..=366).contains(&length), "{period:?}: {first} to {last}");
            assert_eq!((period.days(first), period.days(last)), ((first, last), (first, last)), "{period:?}");
            let next = period.days(last.tomorrow().unwrap());
            assert_eq!(next.0, last.tomorrow().unwrap(), "{period:?}");
            (first, last) = next;
        }
        beginnings += 1;
    }
    assert_eq!(beginnings, 366);
}

#[test]
fn a_year_begins_on_a_day_that_there_is() {
    for text in
        ["02-30", "13-01", "00-01", "01-00", "1-1", "01-1", "0101", "01-01-01", "+1-01", "", "2026-01-01"]
    {
        assert_eq!(text.parse::<YearStart>(), Err(CalendarError::YearStart(text.to_owned())));
    }
    assert_eq!("02-29".parse::<YearStart>().unwrap().to_string(), "02-29");
    assert_eq!(YearStart::default().to_string(), "01-01");
}

/// The last days are days of the clock on the wall: on the two nights on which clocks change a window of two days has
/// 47 and 49 hours.
#[test]
fn a_rolling_window_has_days_of_23_and_of_25_hours() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let hours = |today, days| {
        let (first, last) = rolling(days).days(today);
        (end_of(last, &zone).as_second() - start_of(first, &zone).as_second()) / 3600
    };
    assert_eq!(hours(date(2026, 3, 29), 2), 47);
    assert_eq!(hours(date(2026, 3, 30), 1), 24);
    assert_eq!(hours(date(2026, 3, 30), 2), 47);
    assert_eq!(hours(date(2026, 10, 25), 2), 49);
    assert_eq!(hours(date(2026, 10, 31), 7), 7 * 24 + 1);
    assert_eq!(hours(date(2026, 11, 1), 7), 7 * 24);
    assert_eq!(hours(date(2026, 12, 31), 365), 365 * 24);
}

#[test]
fn what_is_written_is_read_and_what_is_read_is_written() {
    let all = [
        Period::Daily,
        weekly(WeekStart::Thursday),
        Period::Monthly,
        yearly("07-01"),
        rolling(14),
        Period::Fixed { from: date(2026, 1, 1), until: date(2026, 1, 9) },
    ];
    assert_eq!(all.map(|period: Period| period.kind().word()), PeriodKind::WORDS);
    for period in all {
        assert_eq!(PeriodTerms::from(period).read(WeekStart::Sunday), Ok(period));
        assert_eq!(period.kind().to_string().parse(), Ok(period.kind()));
    }
    for day in WeekStart::ALL {
        assert_eq!(day.word().to_uppercase().parse(), Ok(day));
    }
}

fn terms(name: &str) -> PeriodTerms {
    PeriodTerms { kind: (!name.is_empty()).then(|| name.parse().unwrap()), ..PeriodTerms::default() }
}

#[test]
fn what_is_not_said_has_its_standard_and_what_makes_no_sense_is_an_error() {
    let read = |terms: PeriodTerms| terms.read(WeekStart::Saturday).map_err(|error| error.to_string());
    let day = date(2026, 1, 1);
    let good = [
        (terms(""), Period::Monthly),
        (terms("weekly"), weekly(WeekStart::Saturday)),
        (PeriodTerms { week_starts: Some(WeekStart::Friday), ..terms("") }, weekly(WeekStart::Friday)),
        (terms("yearly"), yearly("01-01")),
        (PeriodTerms { days: Some(9), ..terms("") }, rolling(9)),
        (
            PeriodTerms { from: Some(day), until: Some(day), ..terms("") },
            Period::Fixed { from: day, until: day },
        ),
    ];
    for (terms, period) in good {
        assert_eq!(read(terms.clone()), Ok(period), "{terms:?}");
    }
    let bad = [
        (terms("rolling"), "a rolling period needs its number of days (days)"),
        (terms("fixed"), "a fixed period needs both a first and a last day (from, until)"),
        (PeriodTerms { until: Some(day), ..terms("") }, "a fixed period needs both"),
        (PeriodTerms { days: Some(0), ..terms("") }, "from 1 to 366 days, not 0"),
        (PeriodTerms { days: Some(367), ..terms("rolling") }, "from 1 to 366 days, not 367"),
        (PeriodTerms { days: Some(65_537), ..terms("rolling") }, "not 65537"),
        (
            PeriodTerms { days: Some(7), ..terms("weekly") },
            "'days' belongs to a rolling period, and this one is weekly",
        ),
        (
            PeriodTerms { year_starts: Some(YearStart::default()), days: Some(7), ..terms("") },
            "'year_starts' belongs to a yearly period, and this one is rolling",
        ),
        (PeriodTerms { from: Some(day), until: Some(day), ..terms("daily") }, "'from' belongs to a fixed"),
    ];
    for (terms, expected) in bad {
        let said = read(terms.clone()).unwrap_err();
        assert!(said.contains(expected), "{terms:?}: {said}");
    }
    let hourly = "hourly".parse::<PeriodKind>().unwrap_err().to_string();
    assert_eq!(hourly, "'hourly' is not a period; use daily, weekly, monthly, yearly, rolling, fixed");
    let someday = "someday".parse::<WeekStart>().unwrap_err().to_string();
    for day in WeekStart::ALL {
        assert!(someday.contains(day.word()), "{someday}");
    }
}

#[test]
fn of_a_period_that_is_changed_the_rest_stays() {
    let change = |terms: PeriodTerms, before| terms.change(before, WeekStart::Monday);
    assert_eq!(change(terms(""), rolling(7)), Ok(rolling(7)));
    assert_eq!(change(terms("rolling"), rolling(7)), Ok(rolling(7)));
    assert_eq!(change(terms("weekly"), weekly(WeekStart::Sunday)), Ok(weekly(WeekStart::Sunday)));
    assert_eq!(change(terms("weekly"), rolling(7)), Ok(weekly(WeekStart::Monday)));
    assert_eq!(change(PeriodTerms { days: Some(9), ..terms("") }, rolling(7)), Ok(rolling(9)));
    assert_eq!(change(terms("yearly"), yearly("04-06")), Ok(yearly("04-06")));
    assert!(change(terms("rolling"), Period::Monthly).is_err());
}

#[test]
fn a_day_has_23_or_25_hours_when_the_clocks_change() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let hours = |day| (end_of(day, &zone).as_second() - start_of(day, &zone).as_second()) / 3600;
    assert_eq!(hours(date(2026, 3, 29)), 23);
    assert_eq!(hours(date(2026, 10, 25)), 25);
    assert_eq!(hours(date(2026, 7, 1)), 24);
}

#[test]
fn quarters_regroup_into_days_of_odd_zones() {
    for name in ["Asia/Kathmandu", "Australia/Eucla", "Pacific/Chatham", "America/St_Johns"] {
        let zone = TimeZone::get(name).unwrap();
        let midnight = start_of(date(2026, 11, 23), &zone);
        assert_eq!(Quarter::of(midnight).start(), midnight, "{name}");
    }
}

#[test]
fn a_zone_is_called_what_it_is() {
    let rule = "CET-1CEST,M3.5.0,M10.5.0/3";
    assert_eq!(zone_name(&TimeZone::get("europe/berlin").unwrap()), "Europe/Berlin");
    assert_eq!(zone_name(&TimeZone::posix(rule).unwrap()), rule);
    assert_eq!(zone_name(&TimeZone::UTC), "UTC");
    assert_eq!(zone_name(&TimeZone::unknown()), "UTC");
}
