use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3600;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The day by Beeminder's rule, from an offset in minutes that is written down and not looked up: the local time, less the
/// deadline, in whole days since 1970.
fn by_hand(instant: Timestamp, offset_min: i64, deadline_s: i64) -> Date {
    let days = (instant.as_second() + offset_min * 60 - deadline_s).div_euclid(24 * HOUR);
    date(1970, 1, 1) + days.days()
}

/// Zones with the offset that holds around each instant, in minutes; the instants are on both sides of each deadline below.
const WORLD: [(&str, &[(&str, i64)]); 8] = [
    ("Pacific/Pago_Pago", &[("2026-12-31", -660), ("2026-02-28", -660)]),
    ("Pacific/Kiritimati", &[("2026-12-31", 840), ("2026-02-28", 840)]),
    ("Asia/Kathmandu", &[("2026-06-30", 345), ("2026-12-31", 345)]),
    ("UTC", &[("2026-06-30", 0)]),
    // Summer time begins at 01:00 in UTC, and ends then.
    ("Europe/Berlin", &[("2026-03-28", 60), ("2026-03-30", 120), ("2026-10-24", 120), ("2026-10-26", 60)]),
    ("America/New_York", &[("2026-03-07", -300), ("2026-03-09", -240), ("2026-11-02", -300)]),
    // By half an hour.
    ("Australia/Lord_Howe", &[("2026-04-03", 660), ("2026-04-06", 630)]),
    // Until 2011 its 30 December was as everywhere; it left it out.
    ("Pacific/Apia", &[("2011-12-28", -600), ("2012-01-01", 840)]),
];

#[test]
fn a_day_is_the_account_s_and_ends_at_the_goal_s_deadline() {
    let mut count = 0;
    for (name, days) in WORLD {
        for (day, offset_min) in days {
            for deadline_s in [-17 * HOUR, -11 * HOUR, -6 * HOUR, -2 * HOUR, 0, 3 * HOUR, 6 * HOUR, 13 * HOUR]
            {
                let clock = GoalClock::new(zone(name), deadline_s).unwrap();
                for minute in (5..24 * 60).step_by(235) {
                    let instant = at(&format!("{day}T00:00:00Z")) + minute.minutes();
                    let expected = by_hand(instant, *offset_min, deadline_s);
                    assert_eq!(clock.day(instant), expected, "{name} {instant} {deadline_s}");
                    assert!(
                        clock.start(expected) <= instant && instant < clock.end(expected),
                        "{name} {instant}"
                    );
                    count += 1;
                }
            }
        }
    }
    assert!(count >= 200, "{count}");
}

#[test]
fn days_turn_at_the_second_of_the_deadline_also_where_clocks_change() {
    // Berlin on the days on which summer time begins and ends, and a zone whose change is at midnight.
    let table = [
        ("Europe/Berlin", 3 * HOUR, "2026-03-29T01:00:00Z", date(2026, 3, 29)),
        ("Europe/Berlin", 0, "2026-03-29T22:00:00Z", date(2026, 3, 30)),
        ("Europe/Berlin", -6 * HOUR, "2026-03-29T16:00:00Z", date(2026, 3, 30)),
        ("Europe/Berlin", -11 * HOUR, "2026-03-29T11:00:00Z", date(2026, 3, 30)),
        ("Europe/Berlin", 3 * HOUR, "2026-10-25T02:00:00Z", date(2026, 10, 25)),
        ("Europe/Berlin", 0, "2026-10-25T23:00:00Z", date(2026, 10, 26)),
        ("Europe/Berlin", -6 * HOUR, "2026-10-25T17:00:00Z", date(2026, 10, 26)),
        ("America/Santiago", 0, "2026-09-06T04:00:00Z", date(2026, 9, 6)),
        ("Pacific/Kiritimati", -2 * HOUR, "2026-11-23T08:00:00Z", date(2026, 11, 24)),
        ("Pacific/Pago_Pago", 3 * HOUR, "2026-11-23T14:00:00Z", date(2026, 11, 23)),
    ];
    for (name, deadline_s, turn, day) in table {
        let (clock, turn) = (GoalClock::new(zone(name), deadline_s).unwrap(), at(turn));
        assert_eq!((clock.day(turn), clock.start(day)), (day, turn), "{name} {deadline_s}");
        assert_eq!(clock.day(turn - 1.second()), day.yesterday().unwrap(), "{name} {deadline_s}");
    }
    let person = GoalClock::of_person(zone("Asia/Kathmandu"));
    assert_eq!(person.day(at("2026-11-23T18:15:00Z")), date(2026, 11, 24));
}

#[test]
fn what_was_not_said_is_unknown() {
    let named = |name: &str| TimeZone::get(name).ok();
    let mut days = GoalDays::default();
    assert_eq!(days.clock("read", named), Err(DayUnknown::Account));
    days.tell_goal("read", 3 * HOUR);
    assert_eq!(days.clock("read", named), Err(DayUnknown::Account), "a deadline is of a zone");
    // What cannot be a name says nothing, and takes nothing away.
    for odd in ["", " ", "Europe/Berlin\n", "<b>", &"x".repeat(65), "Zürich"] {
        days.tell_account(odd);
        assert_eq!(days.timezone(), None, "{odd:?}");
    }
    days.tell_account("Mars/Olympus");
    assert_eq!(days.clock("read", named), Err(DayUnknown::Zone("Mars/Olympus".into())));
    days.tell_account("Asia/Kathmandu");
    days.tell_account("");
    assert_eq!(days.clock("run", named), Err(DayUnknown::Goal));
    for slug in ["read", "Read"] {
        assert_eq!(days.clock(slug, named), GoalClock::new(zone("Asia/Kathmandu"), 3 * HOUR), "{slug}");
    }
    for odd in [NO_DEADLINE, i64::MIN, 24 * HOUR + 1, -24 * HOUR - 1] {
        days.tell_goal("odd", odd);
        assert_eq!(days.clock("odd", named), Err(DayUnknown::Deadline), "{odd}");
    }
    // What is said again counts from then on, and what is none does not take it away.
    for (told, counts) in [(0, 0), (NO_DEADLINE, 0), (-HOUR, -HOUR)] {
        days.tell_goal("odd", told);
        assert_eq!(days.clock("odd", named), GoalClock::new(zone("Asia/Kathmandu"), counts), "{told}");
    }
}

#[test]
fn zones_are_compared_by_their_clocks_and_not_by_their_names() {
    let (winter, summer) = (at("2026-12-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
    for (one, other, is_same) in [
        ("Europe/Berlin", "Europe/Berlin", true),
        ("Europe/Berlin", "Europe/Paris", true),
        ("Asia/Kathmandu", "Asia/Katmandu", true),
        ("UTC", "Etc/GMT", true),
        // The same in winter only, and in summer only.
        ("Europe/London", "UTC", false),
        ("America/Phoenix", "America/Denver", false),
        ("Pacific/Kiritimati", "Pacific/Honolulu", false),
    ] {
        for now in [winter, summer] {
            assert_eq!(is_same_time(&zone(one), &zone(other), now), is_same, "{one} {other} {now}");
            assert_eq!(is_same_time(&zone(other), &zone(one), now), is_same, "{other} {one} {now}");
        }
    }
    assert!(is_same_time(&TimeZone::unknown(), &TimeZone::UTC, winter), "the unknown zone's days are UTC's");
}

proptest! {
    /// No goal anywhere is on a later day.
    #[test]
    fn no_day_is_later_than_the_latest(
        second in 1_700_000_000_i64..1_900_000_000,
        deadline_s in -24 * HOUR..=24 * HOUR,
        name in prop::sample::select(vec!["Pacific/Kiritimati", "Pacific/Pago_Pago", "Pacific/Chatham"]),
    ) {
        let (now, clock) = (Timestamp::from_second(second).unwrap(), GoalClock::new(zone(name), deadline_s).unwrap());
        prop_assert!(clock.day(now) <= latest_day(now));
        prop_assert!(clock.start(clock.day(now)) <= now && now < clock.end(clock.day(now)));
    }
}
