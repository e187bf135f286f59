//! Sequences of readings by a person, and their results.
//!
//! ```text
//! 2026-10-05 12:00 4.00 --month 2026-10      recorded at this local time; `--at 2026-10-03_12:00` says when it was read
//! … ! word                                   it is refused, and the message has this word
//! … ~                                        it changes nothing
//! = 2026-11-02 12:00 2026-10 4 closed, …     how the months stand at this time
//! days 2026-10-01 0.5, …                     what was spent on each day
//! ```

mod sequences;

use jiff::civil::{Date, DateTime};
use proptest::prelude::*;

use super::*;

use sequences::SEQUENCES;

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

    /// Records a reading. Returns whether it changed anything.
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
        let change = decide_reading(&self.odometer, command, now, &self.zone)?;
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
        // For any readings, the days of a month add up to its last reading, and to nothing else.
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
fn one_that_is_stopped_asks_for_nothing_until_it_is_read_again() {
    let mut bench = Bench::new("UTC");
    let stop = |bench: &Bench, provider: &str| {
        let order = OdometerOrder::Stop { provider: provider.into() };
        decide(&bench.odometer, order, bench.instant("2026-11-01", "12:00"), &bench.zone)
    };
    assert_eq!(stop(&bench, "groq"), Err(OdometerError::Unknown("groq".into())));
    bench.tell("2026-10-31 12:00 5").unwrap();
    let now = bench.instant("2026-11-02", "12:00");
    assert!(need(&bench.meter(), now, &bench.zone).is_some());
    let stopped = stop(&bench, "groq").unwrap().unwrap();
    evolve(&mut bench.odometer, stopped);
    assert_eq!(stop(&bench, "groq"), Ok(None));
    assert_eq!(
        (need(&bench.meter(), now, &bench.zone), changes_at(&bench.meter(), now, &bench.zone)),
        (None, None)
    );
    assert_eq!(bench.months("2026-12-24", "12:00"), "2026-10 5 closed");
    bench.tell("2026-12-01 12:00 1").unwrap();
    assert_eq!(bench.months("2026-12-24", "12:00"), "2026-10 5 closed, 2026-11 - missed, 2026-12 1 open");
    assert!(need(&bench.meter(), bench.instant("2026-12-24", "12:00"), &bench.zone).is_some());
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
    let decided = |command| decide_reading(&bench.odometer, command, now, &bench.zone);
    for provider in ["", "Groq", "a b", &"a".repeat(41)] {
        assert!(matches!(decided(command(provider, "")), Err(OdometerError::Provider(_))), "{provider}");
    }
    for note in ["two\nlines", &"ä".repeat(101)] {
        assert_eq!(decided(command("groq", note)), Err(OdometerError::Note), "{note}");
    }
    assert!(decided(command("groq", &"ä".repeat(100))).unwrap().is_some());
}

proptest! {
    /// Any readings of any length of months, in any order of recording: what was accepted never falls within a
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
            if let Ok(Some(change)) = decide_reading(&bench.odometer, command, now, &bench.zone) {
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
