//! The rule for repeated refusals.

use jiff::Timestamp;

use crate::domain::access::refusals::Refused;

use super::{Causes, Kind, Severity, grade};

/// Refusals per hour from which on the person is alerted.
const REPEATED: u64 = 20;

/// Adds a cause if requests are refused repeatedly: an attack, or a forgotten program. A few refusals are not
/// worth an alert.
pub fn add(refused: &Refused, now: Timestamp, causes: &mut Causes) {
    let lately = refused.lately(now);
    if lately.sum() < REPEATED {
        return;
    }
    if let Some(at) = refused.changes_at(now) {
        causes.may_change_at(at);
    }
    let text = format!(
        "{} requests were refused within an hour: {}. If it is not one of your programs, someone is trying to get in; `mecris incidents` has the details.",
        lately.sum(),
        lately.words()
    );
    causes.add(Kind::Access, "requests", "", grade(Severity::Warning, 1), text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::access::refusals::{Refusals, Why};

    fn at(text: &str) -> Timestamp {
        format!("2026-11-29T{text}Z").parse().unwrap()
    }

    fn of(why: Why, count: u64, is_from_network: bool) -> Refusals {
        let mut refusals = Refusals::default();
        (0..count).for_each(|_| refusals.note(why, is_from_network));
        refusals
    }

    fn told(refused: &Refused, now: Timestamp) -> Option<String> {
        let mut causes = Causes::default();
        add(refused, now, &mut causes);
        causes.present.pop().map(|cause| cause.text)
    }

    #[test]
    fn many_within_an_hour_are_told_and_few_are_not() {
        let mut refused = Refused::default();
        refused.evolve(at("12:00:00"), of(Why::Unauthorized, REPEATED - 1, false));
        assert_eq!(told(&refused, at("12:00:01")), None);
        refused.evolve(at("12:30:00"), of(Why::InPlain, 1, true));
        let text = told(&refused, at("12:30:00")).unwrap();
        assert!(text.starts_with("20 requests"), "{text}");
        assert!(
            text.contains("19 without a good token, 1 without encryption; 1 of them over the network"),
            "{text}"
        );
        assert!(told(&refused, at("12:59:59")).is_some());
        assert_eq!(told(&refused, at("13:00:00")), None, "the first are an hour old");
    }
}
