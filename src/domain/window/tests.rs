use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window(from: &str, until: &str) -> DailyWindow {
    DailyWindow::parse(from, until).unwrap()
}

/// A window's stretch on a day, and what it is as `start/end` in UTC; `-` for none.
fn stretch_on(zone_name: &str, ends: (&str, &str), day: Date) -> String {
    window(ends.0, ends.1)
        .on(day, &zone(zone_name))
        .map_or("-".into(), |stretch| format!("{:.0}/{:.0}", stretch.start, stretch.end))
}

#[test]
fn stretches_follow_the_clock_where_it_is_changed() {
    let berlin = "Europe/Berlin";
    // Summer time begins at 01:00Z on 29 March (02:00 to 03:00 is skipped), ends at 01:00Z on 25 October
    // (02:00 to 03:00 comes twice).
    let table = [
        (berlin, ("18:00", "21:00"), date(2026, 7, 1), "2026-07-01T16:00:00Z/2026-07-01T19:00:00Z"),
        (berlin, ("22:00", "06:00"), date(2026, 3, 28), "2026-03-28T21:00:00Z/2026-03-29T04:00:00Z"),
        (berlin, ("22:00", "06:00"), date(2026, 10, 24), "2026-10-24T20:00:00Z/2026-10-25T05:00:00Z"),
        (berlin, ("01:00", "02:30"), date(2026, 3, 29), "2026-03-29T00:00:00Z/2026-03-29T01:00:00Z"),
        (berlin, ("02:30", "04:00"), date(2026, 3, 29), "2026-03-29T01:00:00Z/2026-03-29T02:00:00Z"),
        // All of it is skipped: it is held after the skip.
        (berlin, ("02:10", "02:50"), date(2026, 3, 29), "2026-03-29T01:00:00Z/2026-03-29T01:40:00Z"),
        (berlin, ("02:30", "03:00"), date(2026, 3, 29), "2026-03-29T01:00:00Z/2026-03-29T01:30:00Z"),
        // What comes twice counts the first time.
        (berlin, ("02:10", "02:50"), date(2026, 10, 25), "2026-10-25T00:10:00Z/2026-10-25T00:50:00Z"),
        (berlin, ("02:30", "03:30"), date(2026, 10, 25), "2026-10-25T00:30:00Z/2026-10-25T02:30:00Z"),
        (
            "America/New_York",
            ("21:00", "03:00"),
            date(2026, 3, 7),
            "2026-03-08T02:00:00Z/2026-03-08T07:00:00Z",
        ),
        // Half an hour is skipped; three quarters of an hour lie in the offset; midnight itself is skipped.
        (
            "Australia/Lord_Howe",
            ("02:15", "03:00"),
            date(2026, 10, 4),
            "2026-10-03T15:30:00Z/2026-10-03T16:00:00Z",
        ),
        (
            "Asia/Kathmandu",
            ("07:00", "08:00"),
            date(2026, 11, 23),
            "2026-11-23T01:15:00Z/2026-11-23T02:15:00Z",
        ),
        ("Africa/Cairo", ("00:00", "01:30"), date(2026, 4, 24), "2026-04-23T22:00:00Z/2026-04-23T22:30:00Z"),
        (
            "Pacific/Chatham",
            ("22:00", "06:00"),
            date(2026, 9, 26),
            "2026-09-26T09:15:00Z/2026-09-26T16:15:00Z",
        ),
        // Samoa had no 30 December 2011; what began on it before the skip ends with the skip.
        ("Pacific/Apia", ("18:00", "21:00"), date(2011, 12, 30), "-"),
        ("Pacific/Apia", ("22:00", "06:00"), date(2011, 12, 29), "2011-12-30T08:00:00Z/2011-12-30T10:00:00Z"),
        ("UTC", ("08:00", "08:00"), date(2026, 11, 23), "-"),
    ];
    for (zone, ends, day, expected) in table {
        assert_eq!(stretch_on(zone, ends, day), expected, "{zone} {ends:?} {day}");
    }
}

#[test]
fn an_instant_lies_in_the_stretch_of_the_day_that_it_began_on() {
    let quiet = window("22:00", "06:00");
    let table = [
        ("2026-11-23T20:59:59Z", None),
        ("2026-11-23T21:00:00Z", Some(date(2026, 11, 23))),
        ("2026-11-24T04:59:59Z", Some(date(2026, 11, 23))),
        ("2026-11-24T05:00:00Z", None),
    ];
    for (now, day) in table {
        let found = quiet.stretch(at(now), &zone("Europe/Berlin")).map(|stretch| stretch.day);
        assert_eq!(found, day, "{now}");
    }
}

#[test]
fn the_next_start_is_after_now_even_at_a_start() {
    let evening = window("18:00", "21:00");
    let table = [
        ("Europe/Berlin", "2026-11-23T16:59:59Z", "2026-11-23T17:00:00Z"),
        ("Europe/Berlin", "2026-11-23T17:00:00Z", "2026-11-24T17:00:00Z"),
        ("Europe/Berlin", "2026-11-23T23:30:00Z", "2026-11-24T17:00:00Z"),
        ("Europe/Berlin", "2026-03-28T18:00:00Z", "2026-03-29T16:00:00Z"),
        ("Europe/Berlin", "2026-10-24T18:00:00Z", "2026-10-25T17:00:00Z"),
        // From the evening of the 29th to that of the 31st: there is no window in between.
        ("Pacific/Apia", "2011-12-30T05:00:00Z", "2011-12-31T04:00:00Z"),
    ];
    for (name, now, start) in table {
        assert_eq!(evening.next_start(at(now), &zone(name)), Some(at(start)), "{name} {now}");
    }
    assert_eq!(window("08:00", "08:00").next_start(at("2026-11-23T00:00:00Z"), &TimeZone::UTC), None);
}

/// A person flies from Berlin to New York, and another from Los Angeles to Tokyo: each evening has its day's
/// name, so that what is done once a day is not done again for having moved.
#[test]
fn a_person_who_moves_zone_has_the_day_of_the_place() {
    let evening = window("18:00", "21:00");
    let table = [
        ("Europe/Berlin", "2026-11-23T17:30:00Z", Some(date(2026, 11, 23))),
        ("America/New_York", "2026-11-23T17:30:00Z", None),
        ("America/New_York", "2026-11-23T23:30:00Z", Some(date(2026, 11, 23))),
        ("Europe/Berlin", "2026-11-23T23:30:00Z", None),
        ("America/Los_Angeles", "2026-11-24T03:00:00Z", Some(date(2026, 11, 23))),
        ("Asia/Tokyo", "2026-11-24T09:00:00Z", Some(date(2026, 11, 24))),
    ];
    for (name, now, day) in table {
        assert_eq!(evening.stretch(at(now), &zone(name)).map(|stretch| stretch.day), day, "{name} {now}");
    }
}

#[test]
fn a_goal_s_day_ends_at_its_deadline() {
    const HOUR: i64 = 3600;
    let berlin = "Europe/Berlin";
    let table = [
        // Midnight.
        (berlin, 0, "2026-11-23T22:59:59Z", date(2026, 11, 23)),
        (berlin, 0, "2026-11-23T23:00:00Z", date(2026, 11, 24)),
        // 03:00: the day lasts past midnight.
        (berlin, 3 * HOUR, "2026-11-24T01:59:59Z", date(2026, 11, 23)),
        (berlin, 3 * HOUR, "2026-11-24T02:00:00Z", date(2026, 11, 24)),
        // 21:00: the next day begins in the evening.
        (berlin, -3 * HOUR, "2026-11-23T19:59:59Z", date(2026, 11, 23)),
        (berlin, -3 * HOUR, "2026-11-23T20:00:00Z", date(2026, 11, 24)),
        // The ends of what Beeminder allows: 07:00 of the day itself, 06:00 of the next.
        (berlin, -17 * HOUR, "2026-11-23T05:59:59Z", date(2026, 11, 23)),
        (berlin, -17 * HOUR, "2026-11-23T06:00:00Z", date(2026, 11, 24)),
        (berlin, 6 * HOUR, "2026-11-24T04:59:59Z", date(2026, 11, 23)),
        (berlin, 6 * HOUR, "2026-11-24T05:00:00Z", date(2026, 11, 24)),
        // Summer time begins (02:00 to 03:00 is skipped): by the clock, not 24 hours after the last one.
        (berlin, 3 * HOUR, "2026-03-29T00:59:59Z", date(2026, 3, 28)),
        (berlin, 3 * HOUR, "2026-03-29T01:00:00Z", date(2026, 3, 29)),
        (berlin, 2 * HOUR + 1800, "2026-03-29T00:59:59Z", date(2026, 3, 28)),
        (berlin, 2 * HOUR + 1800, "2026-03-29T01:00:00Z", date(2026, 3, 29)),
        (berlin, -3 * HOUR, "2026-03-29T18:59:59Z", date(2026, 3, 29)),
        (berlin, -3 * HOUR, "2026-03-29T19:00:00Z", date(2026, 3, 30)),
        (berlin, 0, "2026-03-28T23:00:00Z", date(2026, 3, 29)),
        // It ends (02:00 to 03:00 comes twice): a deadline in it is the first, and the day does not come back.
        (berlin, 3 * HOUR, "2026-10-25T01:59:59Z", date(2026, 10, 24)),
        (berlin, 3 * HOUR, "2026-10-25T02:00:00Z", date(2026, 10, 25)),
        (berlin, 2 * HOUR + 1800, "2026-10-25T00:29:59Z", date(2026, 10, 24)),
        (berlin, 2 * HOUR + 1800, "2026-10-25T00:30:00Z", date(2026, 10, 25)),
        (berlin, 2 * HOUR + 1800, "2026-10-25T01:10:00Z", date(2026, 10, 25)),
        (berlin, -3 * HOUR, "2026-10-25T19:59:59Z", date(2026, 10, 25)),
        (berlin, -3 * HOUR, "2026-10-25T20:00:00Z", date(2026, 10, 26)),
        ("Asia/Kathmandu", -3 * HOUR, "2026-11-23T15:15:00Z", date(2026, 11, 24)),
        ("America/New_York", 3 * HOUR, "2026-11-24T07:59:59Z", date(2026, 11, 23)),
        ("Pacific/Apia", 0, "2011-12-30T09:59:59Z", date(2011, 12, 29)),
        ("Pacific/Apia", 0, "2011-12-30T10:00:00Z", date(2011, 12, 31)),
        // Invalid input is tolerated.
        ("UTC", i64::MIN, "2026-11-23T12:00:00Z", date(2026, 11, 24)),
        ("UTC", i64::MAX, "2026-11-23T12:00:00Z", date(2026, 11, 22)),
    ];
    for (name, deadline_s, now, day) in table {
        assert_eq!(goal_day(at(now), &zone(name), deadline_s), day, "{name} {deadline_s} {now}");
    }
}

#[test]
fn times_are_hours_and_minutes_or_refused() {
    for (text, hour, minute) in [("00:00", 0, 0), ("06:30", 6, 30), ("23:59", 23, 59)] {
        assert_eq!(parse_time(text), Ok(jiff::civil::time(hour, minute, 0, 0)), "{text}");
    }
    for text in ["", "24:00", "7:00", "07:60", "07:00:00", "+7:00", "22", "22:0", "10pm", "٠٧:00"] {
        assert_eq!(parse_time(text), Err(TimeError(text.into())), "{text}");
    }
    let json = serde_json::json!({ "from": "22:00", "until": "06:05" });
    let read: DailyWindow = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(read, window("22:00", "06:05"));
    assert_eq!(serde_json::to_value(read).unwrap(), json);
    let wrong = serde_json::json!({ "from": "22:00", "until": "24:00" });
    let error = serde_json::from_value::<DailyWindow>(wrong).unwrap_err().to_string();
    assert!(error.contains("'24:00' is not a time of the day"), "{error}");
}

const ZONES: [&str; 7] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Pacific/Chatham",
    "Asia/Kathmandu",
];

fn minute_of_day(minute: i16) -> Time {
    jiff::civil::time((minute / 60) as i8, (minute % 60) as i8, 0, 0)
}

proptest! {
    /// Over two years of zones that change their clocks at odd hours.
    #[test]
    fn each_day_has_one_stretch_and_none_overlap(
        (from, until) in (0_i16..1440, 0_i16..1440).prop_filter("is a window", |(from, until)| from != until),
        start_day in 0_i64..730,
        zone_index in 0..ZONES.len(),
    ) {
        let zone = zone(ZONES[zone_index]);
        let window = DailyWindow { from: minute_of_day(from), until: minute_of_day(until) };
        let first = date(2025, 1, 1).saturating_add(start_day.days());
        let second = first.saturating_add(1.day());
        let (a, b) = (window.on(first, &zone).unwrap(), window.on(second, &zone).unwrap());
        prop_assert!(a.start < a.end && a.end <= b.start && b.start < b.end, "{a:?} {b:?}");
        prop_assert_eq!(window.stretch(a.start, &zone), Some(a));
        prop_assert_ne!(window.stretch(a.end, &zone), Some(a));
        prop_assert_eq!(window.next(a.start, &zone), Some(b));
    }

    #[test]
    fn a_goal_s_days_follow_one_another_without_a_hole(
        second in 1_735_689_600_i64..1_798_761_600,
        step in 0_i64..90_000,
        deadline_s in -17 * 3600_i64..=6 * 3600,
        zone_index in 0..ZONES.len(),
    ) {
        let zone = zone(ZONES[zone_index]);
        let now = Timestamp::from_second(second).unwrap();
        let day = goal_day(now, &zone, deadline_s);
        prop_assert!(now < goal_day_end(day, &zone, deadline_s));
        prop_assert!(goal_day_end(day.yesterday().unwrap(), &zone, deadline_s) <= now);
        prop_assert!(goal_day(Timestamp::from_second(second + step).unwrap(), &zone, deadline_s) >= day);
    }
}
