//! The rule for odometers that should be read.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::calendar;
use crate::domain::odometer::{Need, Odometer, changes_at, need};

use super::{Causes, Kind, Severity, grade};

/// Adds a cause for each odometer that should be read. The cause of a month's end belongs to that month, the
/// cause of an old reading to the reading: each alerts once, and the last day of a month is more severe than
/// the days before it.
pub fn add(odometer: &Odometer, now: Timestamp, zone: &TimeZone, causes: &mut Causes) {
    for (provider, meter) in &odometer.meters {
        if let Some(instant) = changes_at(meter, now, zone) {
            causes.may_change_at(instant);
        }
        let Some(need) = need(meter, now, zone) else { continue };
        let (period, severity, text, mend) = match need {
            Need::Stale { taken_at } => {
                let age = calendar::span(now.duration_since(taken_at));
                let text = format!("{provider}: its page was read {age} ago.");
                (
                    taken_at.to_string(),
                    Severity::Info,
                    text,
                    "Look again, and `mecris odometer record`.".to_owned(),
                )
            }
            Need::MonthEnds { month, is_last_day: false } => {
                let last = month.last();
                let text = format!("{provider}: {month} ends on {last}.");
                let mend = "Read its page before then, and `mecris odometer record`.".to_owned();
                (month.to_string(), Severity::Warning, text, mend)
            }
            Need::MonthEnds { month, is_last_day: true } => {
                let text = format!("{provider}: {month} ends today, and its sum with it.");
                let mend = "Read its page, and `mecris odometer record`.".to_owned();
                (month.to_string(), Severity::Critical, text, mend)
            }
            Need::Unfinished { month } => {
                let text = format!("{provider}: {month} is over, and nobody has looked since.");
                let mend = format!(
                    "Read its page, and `mecris odometer record` (with --month {month} for what that month came to)."
                );
                (format!("{month} over"), Severity::Critical, text, mend)
            }
        };
        causes.add(Kind::Odometer, provider, &period, grade(severity, 1), text);
        causes.with_fix(mend);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Picodollars;
    use crate::domain::odometer::{OdometerCommand, decide_reading, evolve};

    /// (now, the expected cause: its period and severity, and a word of its text)
    #[test]
    fn the_last_day_is_worse_and_an_unfinished_month_is_told_by_name() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut odometer = Odometer::default();
        let command = OdometerCommand {
            provider: "groq".into(),
            month: None,
            value: Picodollars::usd(1),
            taken_at: at("2026-10-24T10:00:00Z"),
            note: String::new(),
            is_correction: false,
        };
        let change = decide_reading(&odometer, command, at("2026-10-24T10:00:00Z"), &zone).unwrap().unwrap();
        evolve(&mut odometer, change);
        let told = [
            ("2026-10-28T10:00:00Z", None),
            ("2026-10-29T10:00:00Z", Some(("2026-10", Severity::Warning, "ends on 2026-10-31"))),
            ("2026-10-31T10:00:00Z", Some(("2026-10", Severity::Critical, "ends today"))),
            ("2026-11-01T10:00:00Z", Some(("2026-10 over", Severity::Critical, "--month 2026-10"))),
            ("2026-11-04T10:00:00Z", Some(("2026-10-24T10:00:00Z", Severity::Info, "read 11 d"))),
        ];
        for (now, expected) in told {
            let mut causes = Causes::default();
            add(&odometer, at(now), &zone, &mut causes);
            assert_eq!(causes.present.len(), usize::from(expected.is_some()), "{now}");
            for (cause, (period, severity, word)) in causes.present.iter().zip(expected) {
                assert_eq!((cause.key.kind, cause.key.subject.as_str()), (Kind::Odometer, "groq"), "{now}");
                assert_eq!((cause.key.period.as_str(), cause.grade.severity), (period, severity), "{now}");
                assert!(cause.for_the_person().contains(word), "{now}: {}", cause.for_the_person());
            }
            assert!(causes.changes_at.is_some_and(|changes| changes > at(now)), "{now}");
        }
    }
}
