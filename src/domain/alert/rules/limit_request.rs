//! The rule for limit requests.

use jiff::Timestamp;

use crate::domain::calendar;
use crate::domain::limit_request::LimitRequests;

use super::{Causes, Kind, Severity, grade};

/// Adds a cause for each request that waits for the person's answer. Each request is a subject of its own, so
/// that a second one on the same day alerts too; their number is limited when they are asked.
///
/// The text has the number, the amount and the limit, and no word of whoever asked: it may be sent as an SMS,
/// where nobody could see whose words they are.
pub fn add(requests: &LimitRequests, now: Timestamp, causes: &mut Causes) {
    for request in requests.open(now) {
        causes.may_change_at(request.expires_at());
        let (number, wish) = (request.number, &request.wish);
        let left = calendar::span(request.expires_at().duration_since(now));
        let text = format!(
            "request {number}: {} USD beyond {} are asked for. It is open for {left}.",
            wish.amount.exact(),
            wish.reach.label()
        );
        let period = request.asked_at.to_string();
        causes.add(Kind::LimitRequest, &number.to_string(), &period, grade(Severity::Warning, 1), text);
        causes.with_fix(format!(
            "`mecris limit list` has the reason; `mecris limit grant {number}` or `refuse {number}`."
        ));
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::allowance::reach::Reach;
    use crate::domain::limit_request::{Answer, LimitChange, LimitRequest, Wish, evolve};
    use crate::domain::money::Picodollars;

    #[test]
    fn an_open_request_is_told_without_a_word_of_whoever_asks() {
        let at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let hours = |hours| at + SignedDuration::from_hours(hours);
        let mut requests = LimitRequests::default();
        let reach = Reach {
            limit: Some("budget:main".parse().unwrap()),
            session: Some("marked-session".into()),
            project: Some("/marked/project".into()),
        };
        let wish = Wish { amount: Picodollars::usd(5), reason: "marked words".into(), reach, minutes: None };
        let request = |number, asked_at, answer| LimitRequest {
            number,
            wish: wish.clone(),
            by: "agt-marked".into(),
            asked_at,
            answer,
        };
        evolve(&mut requests, LimitChange::Requested(request(1, at, None)));
        evolve(&mut requests, LimitChange::Requested(request(2, hours(2), Some(Answer::Withdrawn { at }))));
        let told = |now| {
            let mut causes = Causes::default();
            add(&requests, now, &mut causes);
            let mut causes = causes.present.into_iter();
            let cause = causes.next();
            assert_eq!(causes.next(), None);
            cause
        };
        let cause = told(hours(1)).unwrap();
        assert_eq!((cause.key.subject.as_str(), cause.grade.severity), ("1", Severity::Warning));
        assert_eq!(
            cause.text,
            "request 1: 5 USD beyond budget main, for one session of one project are asked for. It is open for 23 h 0 min."
        );
        assert!(cause.for_the_person().contains("`mecris limit grant 1`"));
        assert!(!cause.for_the_person().contains("marked"), "{}", cause.for_the_person());
        assert_eq!(told(hours(24)), None, "it expires by itself");
    }
}
