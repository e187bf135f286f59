//! Sequences of readings, as a person tells them, and what is made of them.
//!
//! ```text
//! 2026-10-05 12:00 4.00 --month 2026-10      told at this time of the zone; `--at 2026-10-03_12:00` says when it was read
//! … ! less than                              it is refused, and the mend holds this word
//! … ~                                        it changes nothing
//! = 2026-11-02 12:00 2026-10 4 closed, …     how the months stand at this time
//! days 2026-10-01 0.5, …                     what was spent on each day
//! ```

use jiff::civil::{Date, DateTime};
use proptest::prelude::*;

use super::*;

const SEQUENCES: [(&str, &str, &str); 29] = [
    (
        "readings of one month",
        "UTC",
        "2026-10-05 00:00 4.00
         2026-10-09 00:00 6.00
         days 2026-10-01 1, 2026-10-02 1, 2026-10-03 1, 2026-10-04 1, 2026-10-05 0.5, 2026-10-06 0.5, \
         2026-10-07 0.5, 2026-10-08 0.5
         = 2026-10-09 12:00 2026-10 6 open",
    ),
    (
        "month change: a smaller value closes the month before",
        "UTC",
        "2026-10-05 12:00 4.00
         2026-10-31 20:00 9.50
         2026-11-01 12:00 0.30
         = 2026-11-01 12:00 2026-10 9.5 closed, 2026-11 0.3 open",
    ),
    (
        "the month is over and nobody has looked",
        "UTC",
        "2026-10-31 23:59 9.50
         = 2026-11-01 00:00 2026-10 9.5 unfinished, 2026-11 - open",
    ),
    (
        "the old month's sum, read after its end",
        "UTC",
        "2026-10-20 12:00 9.00
         2026-11-02 12:00 11.00 --month 2026-10
         2026-11-03 12:00 0.70
         = 2026-11-03 12:00 2026-10 11 final, 2026-11 0.7 open",
    ),
    (
        "the old month's sum, read after the new one's first",
        "UTC",
        "2026-10-20 12:00 9.00
         2026-11-02 12:00 0.70
         2026-11-03 12:00 11.00 --month 2026-10
         2026-11-03 12:05 0.80
         = 2026-11-03 12:00 2026-10 11 final, 2026-11 0.8 open",
    ),
    (
        "the old month's sum grows after its end, by late billing",
        "UTC",
        "2026-10-20 00:00 19.00
         2026-11-01 09:00 31.00 --month 2026-10
         2026-11-02 09:00 32.00 --month 2026-10
         = 2026-11-02 12:00 2026-10 32 final, 2026-11 - open",
    ),
    (
        "just after the month's end a value may be of either month",
        "UTC",
        "2026-10-31 22:00 9.50
         2026-11-01 00:20 9.60 ! --month 2026-10 or --month 2026-11
         2026-11-01 00:20 9.60 --month 2026-10
         2026-11-01 09:00 9.60 ! --month
         2026-11-01 09:00 9.60 --month 2026-11
         = 2026-11-01 09:00 2026-10 9.6 final, 2026-11 9.6 open",
    ),
    (
        "a larger value later in the new month is the new month's",
        "UTC",
        "2026-10-31 22:00 9.50
         2026-11-02 02:01 12.00
         = 2026-11-02 03:00 2026-10 9.5 closed, 2026-11 12 open",
    ),
    (
        "nothing spent in either month",
        "UTC",
        "2026-10-31 22:00 0
         2026-11-01 00:20 0
         = 2026-11-01 09:00 2026-10 0 closed, 2026-11 0 open",
    ),
    (
        "a missed month",
        "UTC",
        "2026-09-28 12:00 5.00
         2026-11-04 12:00 1.00
         = 2026-11-04 12:00 2026-09 5 closed, 2026-10 - missed, 2026-11 1 open",
    ),
    (
        "a missed month that is read on an invoice",
        "UTC",
        "2026-09-28 12:00 5.00
         2026-11-04 12:00 1.00
         2026-11-05 12:00 3.10 --month 2026-10
         = 2026-11-05 12:00 2026-09 5 closed, 2026-10 3.1 final, 2026-11 1 open
         days 2026-10-15 0.1",
    ),
    (
        "a smaller value in the same month is refused, and no other",
        "UTC",
        "2026-10-05 12:00 4.00
         2026-10-06 12:00 3.99 ! --correct
         2026-10-06 12:00 4.00
         2026-10-06 13:00 4.000000000001
         = 2026-10-06 13:00 2026-10 4.000000000001 open",
    ),
    (
        "a typing error is mended",
        "UTC",
        "2026-10-05 12:00 10.6
         2026-10-05 12:01 1.06 ! --correct
         2026-10-05 12:02 1.06 --correct
         2026-10-06 12:00 1.20
         = 2026-10-06 12:00 2026-10 1.2 open",
    ),
    (
        "a typing error upwards is mended too",
        "UTC",
        "2026-10-05 12:00 1.06
         2026-10-05 12:01 10.6 --correct
         = 2026-10-06 12:00 2026-10 10.6 open",
    ),
    (
        "a correction holds to the readings beside it",
        "UTC",
        "2026-10-05 12:00 2
         2026-10-06 12:00 30
         2026-10-07 12:00 40
         2026-10-08 12:00 3 --correct ! less than
         2026-10-08 12:00 3 --correct --at 2026-10-06_12:00
         2026-10-08 12:00 4 --correct
         = 2026-10-08 12:00 2026-10 4 open",
    ),
    (
        "a correction of a correction",
        "UTC",
        "2026-10-05 12:00 5
         2026-10-05 12:01 6 --correct
         2026-10-05 12:02 5 --correct
         2026-10-05 12:02 5 --correct ~
         = 2026-10-06 12:00 2026-10 5 open",
    ),
    (
        "nothing to correct",
        "UTC",
        "2026-10-05 12:00 5 --correct ! leave --correct out
         2026-10-06 12:00 5
         2026-10-07 12:00 4 --correct --at 2026-10-04_12:00 ! leave --correct out
         2026-11-01 12:00 4 --correct ! --month
         2026-11-01 12:00 4 --correct --month 2026-10
         = 2026-11-01 12:00 2026-10 4 final, 2026-11 - open",
    ),
    (
        "the same value again is a reading; the same reading again is none",
        "UTC",
        "2026-10-05 00:00 4
         2026-10-09 00:00 4
         2026-10-09 00:00 4 ~
         2026-10-10 00:00 5
         = 2026-10-10 00:00 2026-10 5 open
         days 2026-10-01 1, 2026-10-02 1, 2026-10-03 1, 2026-10-04 1, 2026-10-09 1",
    ),
    (
        "backdated, between two",
        "UTC",
        "2026-10-05 00:00 4
         2026-10-15 00:00 14
         2026-10-16 00:00 13 --at 2026-10-07_00:00
         2026-10-16 00:00 3 --at 2026-10-07_00:00 ! less than
         2026-10-16 00:00 15 --at 2026-10-07_00:00 ! later
         = 2026-10-16 00:00 2026-10 14 open
         days 2026-10-01 1, 2026-10-02 1, 2026-10-03 1, 2026-10-04 1, 2026-10-05 4.5, 2026-10-06 4.5, \
         2026-10-07 0.125, 2026-10-08 0.125, 2026-10-09 0.125, 2026-10-10 0.125, 2026-10-11 0.125, \
         2026-10-12 0.125, 2026-10-13 0.125, 2026-10-14 0.125",
    ),
    (
        "backdated, before all others and into the month before",
        "UTC",
        "2026-11-10 12:00 2
         2026-11-11 12:00 7 --at 2026-10-30_12:00
         2026-11-11 12:00 1 --at 2026-11-01_12:00
         = 2026-11-11 12:00 2026-10 7 closed, 2026-11 2 open",
    ),
    (
        "a leap February",
        "UTC",
        "2028-02-29 23:00 5.80
         2028-03-01 12:00 0.10
         = 2028-03-01 12:00 2028-02 5.8 closed, 2028-03 0.1 open",
    ),
    (
        "the invoice of a leap February is spread over 29 days",
        "UTC",
        "2028-03-02 12:00 2.90 --month 2028-02
         2028-03-02 12:01 0.20
         days 2028-02-29 0.1, 2028-02-01 0.1
         = 2028-03-02 12:01 2028-02 2.9 final, 2028-03 0.2 open",
    ),
    (
        "an ordinary February",
        "UTC",
        "2027-02-28 12:00 2.80
         2027-03-01 12:00 0.10
         = 2027-03-01 12:00 2027-02 2.8 closed, 2027-03 0.1 open",
    ),
    (
        "December to January",
        "UTC",
        "2026-12-31 23:00 30
         2027-01-01 01:00 0.01
         2027-01-01 02:00 31 --month 2026-12
         = 2027-01-01 02:00 2026-12 31 final, 2027-01 0.01 open",
    ),
    (
        "a zone ahead of the provider: midnight here, and the page has not begun anew",
        "Asia/Tokyo",
        "2026-10-31 23:00 9
         2026-11-01 08:00 9.2 ! --month
         2026-11-01 08:00 9.2 --month 2026-10
         2026-11-01 10:00 0.1
         = 2026-11-01 10:00 2026-10 9.2 final, 2026-11 0.1 open",
    ),
    (
        "a zone behind the provider: the page has begun anew, and it is still the old month here",
        "America/Los_Angeles",
        "2026-10-31 16:00 9
         2026-10-31 18:00 0.1 ! --month
         2026-10-31 18:00 0.1 --month 2026-11
         2026-11-01 12:00 0.7
         = 2026-11-01 12:00 2026-10 9 closed, 2026-11 0.7 open
         days 2026-11-01 0.7",
    ),
    (
        "the day on which clocks change has 25 hours",
        "Europe/Berlin",
        "2026-10-25 00:00 24
         2026-10-26 00:00 49
         2026-10-27 00:00 73
         days 2026-10-25 25, 2026-10-26 24, 2026-10-24 1
         = 2026-10-27 00:00 2026-10 73 open",
    ),
    (
        "months that are not there yet, and readings that were not taken yet",
        "UTC",
        "2026-10-05 12:00 4 --month 2026-11 ! had not begun
         2026-10-05 12:00 4 --at 2026-10-05_12:01 ! future
         2026-10-05 12:00 4 --month 2026-10 --at 2026-09-15_12:00 ! had not begun
         2026-10-05 12:00 4
         = 2026-10-05 12:00 2026-10 4 open",
    ),
    (
        "amounts that cannot be",
        "UTC",
        "2026-10-05 12:00 -1 ! below nothing
         2026-10-05 12:00 1000000.01 ! decimal point
         2026-10-05 12:00 0
         = 2026-10-05 12:00 2026-10 0 open",
    ),
];

/// A person in a time zone, and the odometer of one provider.
struct Bench {
    zone: TimeZone,
    odometer: Odometer,
}

impl Bench {
    fn new(zone: &str) -> Self {
        Self { zone: TimeZone::get(zone).unwrap(), odometer: Odometer::default() }
    }

    fn instant(&self, day: &str, time: &str) -> Timestamp {
        let civil: DateTime = format!("{day}T{time}").parse().unwrap();
        civil.to_zoned(self.zone.clone()).unwrap().timestamp()
    }

    fn meter(&self) -> Meter {
        self.odometer.meters.get("groq").cloned().unwrap_or_default()
    }

    /// Tells a reading: whether it changed anything.
    fn tell(&mut self, line: &str) -> Result<bool, OdometerError> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let option = |name: &str| {
            words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied()
        };
        let now = self.instant(words[0], words[1]);
        let at = option("--at").map(|at| at.split_once('_').unwrap());
        let command = OdometerCommand {
            provider: "groq".into(),
            month: option("--month").map(|month| month.parse().unwrap()),
            value: Picodollars::parse(words[2]).unwrap(),
            taken_at: at.map_or(now, |(day, time)| self.instant(day, time)),
            note: String::new(),
            is_correction: words.contains(&"--correct"),
        };
        let change = decide(&self.odometer, command, now, &self.zone)?;
        let is_change = change.is_some();
        if let Some(change) = change {
            evolve(&mut self.odometer, change);
        }
        Ok(is_change)
    }

    fn months(&self, day: &str, time: &str) -> String {
        let line = |line: MonthLine| {
            let total = line.total.map_or_else(|| "-".to_owned(), Picodollars::exact);
            let state = serde_json::to_value(line.state).unwrap();
            format!("{} {total} {}", line.month, state.as_str().unwrap())
        };
        let lines = months(&self.meter(), self.instant(day, time), &self.zone).into_iter().map(line);
        lines.collect::<Vec<_>>().join(", ")
    }

    fn days(&self) -> BTreeMap<Date, Picodollars> {
        let mut days = BTreeMap::new();
        self.meter().spreads(&self.zone).iter().for_each(|spread| spread.add_by_day(&self.zone, &mut days));
        days
    }
}

#[test]
fn sequences_of_readings_are_what_a_person_means_by_them() {
    for (name, zone, text) in SEQUENCES {
        let mut bench = Bench::new(zone);
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix("= ") {
                let parts: Vec<&str> = rest.splitn(3, ' ').collect();
                assert_eq!(bench.months(parts[0], parts[1]), parts[2], "{name}");
            } else if let Some(rest) = line.strip_prefix("days ") {
                let days = bench.days();
                for (day, amount) in rest.split(", ").map(|part| part.trim().split_once(' ').unwrap()) {
                    let spent = days.get(&day.parse().unwrap()).copied().unwrap_or_default();
                    assert_eq!(spent.exact(), amount, "{name}: {day} of {days:?}");
                }
            } else if let Some((told, mend)) = line.split_once(" ! ") {
                let before = bench.odometer.clone();
                let refused = bench.tell(told).expect_err(line).to_string();
                assert!(refused.contains(mend), "{name}: {line}: {refused}");
                assert_eq!(bench.odometer, before, "{name}: {line}");
            } else {
                let told = line.strip_suffix('~').unwrap_or(line);
                let is_change = bench.tell(told).unwrap_or_else(|error| panic!("{name}: {line}: {error}"));
                assert_eq!(is_change, !line.ends_with('~'), "{name}: {line}");
            }
        }
        // Whatever was told, the days of a month add up to its last reading, and to nothing else.
        let mut sums: BTreeMap<Month, Picodollars> = BTreeMap::new();
        for (day, amount) in bench.days() {
            assert!(amount > Picodollars::ZERO, "{name}: {day}");
            *sums.entry(Month::of(day)).or_default() += amount;
        }
        let meter = bench.meter();
        for line in months(&meter, bench.instant("2028-06-01", "00:00"), &bench.zone) {
            let total = line.total.unwrap_or_default();
            assert_eq!(sums.get(&line.month).copied().unwrap_or_default(), total, "{name}: {}", line.month);
        }
    }
}

/// (now, the last readings, what is needed), in Berlin.
#[test]
fn a_reading_is_asked_for_near_the_ends_of_months_and_after_a_week() {
    let told: [(&str, &[&str], &str); 19] = [
        ("2026-10-10 12:00", &[], ""),
        ("2026-10-10 12:00", &["2026-10-04 12:00 1"], ""),
        ("2026-10-11 11:59", &["2026-10-04 12:00 1"], ""),
        ("2026-10-11 12:00", &["2026-10-04 12:00 1"], "stale"),
        // The last three days: once, and again on the last.
        ("2026-10-28 23:59", &["2026-10-28 12:00 1"], ""),
        ("2026-10-29 00:00", &["2026-10-28 12:00 1"], "ends"),
        ("2026-10-30 12:00", &["2026-10-29 00:00 1"], ""),
        ("2026-10-31 00:00", &["2026-10-30 23:59 1"], "last day"),
        ("2026-10-31 12:00", &["2026-10-31 00:00 1"], ""),
        ("2026-10-31 12:00", &["2026-10-04 12:00 1"], "last day"),
        // The first three.
        ("2026-11-01 00:00", &["2026-10-31 23:59 1"], "2026-10 unfinished"),
        ("2026-11-03 23:59", &["2026-10-31 23:59 1"], "2026-10 unfinished"),
        ("2026-11-04 00:00", &["2026-10-31 23:59 1"], ""),
        ("2026-11-02 12:00", &["2026-10-31 12:00 5", "2026-11-01 12:00 0.2"], ""),
        ("2026-11-02 12:00", &["2026-10-31 12:00 5", "2026-11-01 12:00 6 --month 2026-10"], ""),
        ("2026-11-02 12:00", &["2026-09-30 12:00 5"], "2026-10 unfinished"),
        ("2027-01-01 12:00", &["2026-12-31 12:00 5"], "2026-12 unfinished"),
        ("2028-02-27 12:00", &["2028-02-26 12:00 5"], "ends"),
        ("2027-02-28 12:00", &["2027-02-27 12:00 5"], "last day"),
    ];
    for (now, readings, expected) in told {
        let mut bench = Bench::new("Europe/Berlin");
        for reading in readings {
            bench.tell(reading).unwrap();
        }
        let (day, time) = now.split_once(' ').unwrap();
        let now = bench.instant(day, time);
        let shown = match need(&bench.meter(), now, &bench.zone) {
            None => String::new(),
            Some(Need::Stale { .. }) => "stale".to_owned(),
            Some(Need::MonthEnds { is_last_day: true, .. }) => "last day".to_owned(),
            Some(Need::MonthEnds { .. }) => "ends".to_owned(),
            Some(Need::Unfinished { month }) => format!("{month} unfinished"),
        };
        assert_eq!(shown, expected, "{now} {readings:?}");
        let changes = changes_at(&bench.meter(), now, &bench.zone);
        assert_eq!(changes.is_some(), !readings.is_empty());
        assert!(changes.is_none_or(|changes| changes > now));
    }
}

#[test]
fn months_are_written_one_way() {
    for text in ["2026-10", "2028-02", "0999-12"] {
        assert_eq!(text.parse::<Month>().unwrap().to_string(), text);
    }
    for text in ["", "2026", "2026-1", "2026-13", "2026-00", "26-10", "2026-10-01", "2026/10", "+202-10"] {
        assert_eq!(text.parse::<Month>(), Err(OdometerError::Month(text.to_owned())), "{text}");
    }
}

#[test]
fn names_and_notes_that_cannot_be_are_refused() {
    let bench = Bench::new("UTC");
    let now = bench.instant("2026-10-05", "12:00");
    let command = |provider: &str, note: &str| OdometerCommand {
        provider: provider.into(),
        month: None,
        value: Picodollars::usd(1),
        taken_at: now,
        note: note.into(),
        is_correction: false,
    };
    let decided = |command| decide(&bench.odometer, command, now, &bench.zone);
    for provider in ["", "Groq", "a b", &"a".repeat(41)] {
        assert!(matches!(decided(command(provider, "")), Err(OdometerError::Provider(_))), "{provider}");
    }
    for note in ["two\nlines", &"ä".repeat(101)] {
        assert_eq!(decided(command("groq", note)), Err(OdometerError::Note), "{note}");
    }
    assert!(decided(command("groq", &"ä".repeat(100))).unwrap().is_some());
}

proptest! {
    /// Any readings of any length of months, in any order of telling: what was accepted never falls within a
    /// month, and the days add up to the last readings.
    #[test]
    fn whatever_is_told_no_month_falls_and_no_cent_is_lost(
        told in prop::collection::vec((0_i64..120 * 24, 0_i64..40 * 24, 0_i128..30_000_000_000_000, any::<bool>()), 0..40),
        zone in prop::sample::select(vec!["UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Kiritimati"]),
    ) {
        let mut bench = Bench::new(zone);
        let start = bench.instant("2026-09-17", "12:00");
        for (hours, ago, value, is_correction) in told {
            let now = start + SignedDuration::from_hours(hours);
            let command = OdometerCommand {
                provider: "groq".into(),
                month: None,
                value: Picodollars(value),
                taken_at: now - SignedDuration::from_hours(ago),
                note: String::new(),
                is_correction,
            };
            if let Ok(Some(change)) = decide(&bench.odometer, command, now, &bench.zone) {
                evolve(&mut bench.odometer, change);
            }
        }
        let meter = bench.meter();
        for pair in meter.readings.windows(2).filter(|pair| pair[0].month == pair[1].month) {
            prop_assert!(pair[0].value <= pair[1].value);
        }
        let last_of_each = meter.readings.chunk_by(|one, other| one.month == other.month);
        let total: Picodollars = last_of_each.filter_map(<[Reading]>::last).map(|last| last.value).sum();
        prop_assert_eq!(bench.days().values().copied().sum::<Picodollars>(), total);
    }
}
