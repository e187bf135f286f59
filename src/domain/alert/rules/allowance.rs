//! The rule for a virtual budget that is spent.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::affording::{Limit, LimitKind};
use crate::domain::calendar;
use crate::domain::money::Picodollars;

use super::{Causes, Kind, Severity, grade};

/// Level of a touched reserve.
const TOUCHED: u32 = 100;
/// Level of a spent reserve.
const GONE: u32 = 200;

/// Adds causes for the virtual budget's limits. A cause belongs to its day or month. Spend within an override
/// causes no alert: the person granted it.
pub fn add(limits: &[Limit], now: Timestamp, zone: &TimeZone, causes: &mut Causes) {
    let today = calendar::day_of(now, zone);
    for limit in limits {
        let (subject, period) = match limit.kind {
            LimitKind::Daily => ("all providers, today", today),
            LimitKind::Monthly => ("all providers, this month", today.first_of_month()),
            LimitKind::Cap | LimitKind::Budget | LimitKind::Balance => continue,
        };
        causes.may_change_at(calendar::end_of(today, zone));
        if limit.left() > Picodollars::ZERO {
            continue;
        }
        let usd = |amount: Picodollars| amount.rounded(2);
        let (spent, of) = (usd(limit.spent), usd(limit.of));
        let is_gone = limit.spent >= limit.of + limit.allowed;
        let (severity, level, text) = if is_gone {
            (
                Severity::Critical,
                GONE,
                format!("{subject}: {spent} of {of} USD are spent, the reserve with them."),
            )
        } else {
            let reserve = usd(limit.reserve);
            let text = format!(
                "{subject}: {spent} of {of} USD are spent; what is left of the reserve of {reserve} is for emergencies."
            );
            (Severity::Warning, TOUCHED, text)
        };
        causes.add(Kind::BudgetThreshold, subject, &period.to_string(), grade(severity, level), text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lacking::Lacking;

    /// (kind, of, spent, reserve, override, and the expected cause: period, severity)
    #[test]
    fn a_touched_reserve_is_a_warning_and_one_that_is_gone_is_critical() {
        use LimitKind::{Balance, Daily, Monthly};
        let told = [
            (Daily, 20, 15, 4, 0, None),
            (Daily, 20, 16, 4, 0, Some(("2026-11-23", Severity::Warning))),
            (Daily, 20, 19, 4, 0, Some(("2026-11-23", Severity::Warning))),
            (Daily, 20, 20, 4, 0, Some(("2026-11-23", Severity::Critical))),
            (Daily, 20, 16, 4, 5, None),
            (Daily, 20, 22, 4, 5, Some(("2026-11-23", Severity::Warning))),
            (Daily, 20, 25, 4, 5, Some(("2026-11-23", Severity::Critical))),
            (Daily, 20, 20, 0, 0, Some(("2026-11-23", Severity::Critical))),
            (Monthly, 100, 90, 20, 0, Some(("2026-11-01", Severity::Warning))),
            (Balance, 0, 0, 0, 0, None),
        ];
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (kind, of, spent, reserve, allowed, expected) in told {
            let [of, spent, reserve, allowed] = [of, spent, reserve, allowed].map(Picodollars::usd);
            let limit =
                Limit { kind, name: String::new(), of, spent, lacking: Lacking::default(), reserve, allowed };
            let mut causes = Causes::default();
            add(std::slice::from_ref(&limit), now, &TimeZone::UTC, &mut causes);
            let found = causes.present.first();
            let shown = found.map(|cause| (cause.key.period.as_str(), cause.grade.severity));
            assert_eq!(shown, expected, "{limit:?}");
        }
    }
}
