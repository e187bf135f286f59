#![allow(clippy::explicit_counter_loop, clippy::cast_possible_wrap)] // small numbers
use crate::domain::access::Principal;
use crate::domain::allowance::{self, Allowance, AllowanceChange};

use super::*;

fn at(hours: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_hours(hours)
}

fn principal(kind: Kind, reference: &str) -> Principal {
    Principal { kind, reference: reference.into() }
}

fn agent() -> Principal {
    principal(Kind::Agent, "agt-1")
}

fn person() -> Principal {
    principal(Kind::Owner, "owner")
}

fn wish(usd: i64, reason: &str) -> Wish {
    Wish { amount: Picodollars::usd(usd), reason: reason.into(), reach: Reach::default(), minutes: None }
}

#[derive(Default)]
struct LocalGoals {
    requests: LimitRequests,
    allowance: Allowance,
}

impl LocalGoals {
    /// Whether something changed.
    fn order(&mut self, order: LimitOrder, by: &Principal, now: Timestamp) -> Result<bool, LimitError> {
        let Some(change) = decide(&self.requests, &self.allowance, order, by, now)? else { return Ok(false) };
        match change.clone() {
            LimitChange::Granted { granted, .. } => {
                allowance::evolve(&mut self.allowance, AllowanceChange::Overridden(granted));
            }
            LimitChange::Ended { number, at } => {
                allowance::evolve(&mut self.allowance, AllowanceChange::Ended { number, at });
            }
            _ => {}
        }
        evolve(&mut self.requests, change);
        Ok(true)
    }

    fn ask(&mut self, usd: i64, now: Timestamp) -> Result<bool, LimitError> {
        self.order(LimitOrder::Ask(wish(usd, "tests fail")), &agent(), now)
    }

    fn state(&self, number: u32, now: Timestamp) -> State {
        self.requests.get(number).unwrap().state(now)
    }

    fn allowed(&self, now: Timestamp) -> Picodollars {
        self.allowance.active(now).map(|granted| granted.amount).sum()
    }
}

fn grant(number: u32, usd: Option<i64>, until: Timestamp) -> LimitOrder {
    LimitOrder::Grant { number, amount: usd.map(Picodollars::usd), until: Until::At(until) }
}

#[test]
fn a_request_is_asked_once_answered_once_and_its_grant_ends_by_itself() {
    let mut local_goals = LocalGoals::default();
    assert_eq!(local_goals.ask(5, at(0)), Ok(true));
    assert_eq!(local_goals.ask(5, at(1)), Ok(false), "the same again is the same request");
    let reworded = LimitOrder::Ask(wish(5, "please"));
    assert_eq!(local_goals.order(reworded, &agent(), at(1)), Ok(false), "in other words too");
    assert_eq!(local_goals.allowed(at(1)), Picodollars::ZERO, "asking allows nothing");
    // The person decides how much, and until when.
    assert_eq!(local_goals.order(grant(1, Some(3), at(3)), &person(), at(1)), Ok(true));
    assert_eq!(local_goals.order(grant(1, Some(3), at(4)), &person(), at(2)), Ok(false), "told twice");
    assert_eq!(
        (local_goals.state(1, at(2)), local_goals.allowed(at(2))),
        (State::Granted, Picodollars::usd(3))
    );
    assert_eq!(local_goals.ask(5, at(2)), Ok(false), "what is granted need not be asked for");
    assert_eq!((local_goals.state(1, at(3)), local_goals.allowed(at(3))), (State::Over, Picodollars::ZERO));
    // What is over can be asked for again, and be ended before its time.
    assert_eq!(local_goals.ask(5, at(3)), Ok(true));
    assert_eq!(local_goals.order(grant(2, None, at(20)), &person(), at(4)), Ok(true));
    assert_eq!(local_goals.allowed(at(4)), Picodollars::usd(5));
    assert_eq!(local_goals.order(LimitOrder::End { number: 2 }, &person(), at(5)), Ok(true));
    assert_eq!(local_goals.order(LimitOrder::End { number: 2 }, &person(), at(6)), Ok(false));
    assert_eq!((local_goals.state(2, at(5)), local_goals.allowed(at(5))), (State::Over, Picodollars::ZERO));
}

#[test]
fn only_a_person_grants_refuses_and_ends_whatever_the_kind_that_tries() {
    let mut local_goals = LocalGoals::default();
    local_goals.ask(5, at(0)).unwrap();
    local_goals.ask(6, at(0)).unwrap();
    local_goals.order(grant(2, None, at(9)), &person(), at(0)).unwrap();
    let before = (local_goals.requests.clone(), local_goals.allowance.clone());
    for kind in [Kind::Agent, Kind::Ingest, Kind::Member, Kind::Auditor] {
        let orders = [
            grant(1, Some(1), at(2)),
            LimitOrder::Refuse { number: 1, reason: String::new() },
            LimitOrder::End { number: 2 },
        ];
        for order in orders {
            // Its own request too: the reference is the asker's.
            let refused = local_goals.order(order, &principal(kind, "agt-1"), at(1)).unwrap_err();
            assert!(
                refused.code() == Code::Forbidden && refused.to_string().contains("only a person"),
                "{refused}"
            );
        }
    }
    for kind in [Kind::Ingest, Kind::Auditor] {
        let asked = local_goals.order(LimitOrder::Ask(wish(7, "x")), &principal(kind, "other"), at(1));
        assert_eq!(asked, Err(LimitError::MayNotAsk(kind)));
    }
    assert_eq!((local_goals.requests, local_goals.allowance), before);
}

#[test]
fn a_flood_of_requests_is_bounded_by_those_that_wait_and_by_the_day() {
    let mut local_goals = LocalGoals::default();
    for usd in 1..=3 {
        assert_eq!(local_goals.ask(usd, at(0)), Ok(true));
    }
    assert_eq!(local_goals.ask(4, at(0)), Err(LimitError::TooManyOpen(3)));
    // To take one back makes room among those that wait, and none in the day.
    for number in 1..=2 {
        assert_eq!(local_goals.order(LimitOrder::Withdraw { number }, &agent(), at(1)), Ok(true));
        assert_eq!(local_goals.ask(10 + i64::from(number), at(1)), Ok(true));
    }
    assert_eq!(local_goals.order(LimitOrder::Withdraw { number: 3 }, &agent(), at(1)), Ok(true));
    assert_eq!(local_goals.ask(20, at(2)), Err(LimitError::TooManyAsked(at(24))));
    assert_eq!(local_goals.ask(20, at(24)), Ok(true), "the first of them are a day old");
    // Another principal has its own count, until all together are too many.
    let mut open = local_goals.requests.open(at(24)).count();
    for number in 0.. {
        let other = principal(Kind::Agent, &format!("agt-{}", number / OPEN_MAX + 2));
        let asked = local_goals.order(LimitOrder::Ask(wish(number as i64 + 1, "x")), &other, at(24));
        if open == OPEN_MAX_OF_ALL {
            assert_eq!(asked, Err(LimitError::TooManyOpen(OPEN_MAX_OF_ALL)));
            break;
        }
        assert_eq!(asked, Ok(true), "{number}");
        open += 1;
    }
}

#[test]
fn what_nobody_answers_expires_and_what_is_answered_is_answered_once() {
    let mut local_goals = LocalGoals::default();
    for usd in 1..=3 {
        local_goals.ask(usd, at(0)).unwrap();
    }
    assert_eq!(local_goals.state(1, at(23)), State::Open);
    assert_eq!(local_goals.state(1, at(24)), State::Expired);
    let late = local_goals.order(grant(1, None, at(25)), &person(), at(24)).unwrap_err();
    assert!(late.code() == Code::LimitRequestSettled && late.to_string().contains("expired"), "{late}");
    let refuse = |reason: &str| LimitOrder::Refuse { number: 2, reason: reason.into() };
    assert_eq!(local_goals.order(refuse("not today"), &person(), at(1)), Ok(true));
    assert_eq!(local_goals.order(refuse("not today"), &person(), at(1)), Ok(false));
    assert_eq!(
        local_goals.order(refuse("never"), &person(), at(1)).unwrap_err().code(),
        Code::LimitRequestSettled
    );
    assert_eq!(local_goals.ask(2, at(1)), Ok(false), "no means no");
    assert_eq!(
        local_goals.order(grant(2, None, at(2)), &person(), at(1)).unwrap_err().code(),
        Code::LimitRequestSettled
    );
    assert_eq!(local_goals.order(LimitOrder::Withdraw { number: 3 }, &agent(), at(1)), Ok(true));
    assert_eq!(
        local_goals.order(grant(3, None, at(2)), &person(), at(1)).unwrap_err().code(),
        Code::LimitRequestSettled
    );
    assert_eq!(
        local_goals.order(LimitOrder::End { number: 3 }, &person(), at(1)).unwrap_err().code(),
        Code::LimitRequestSettled
    );
    assert_eq!(
        local_goals.order(grant(9, None, at(2)), &person(), at(1)).unwrap_err().code(),
        Code::LimitRequestUnknown
    );
    let stranger = principal(Kind::Agent, "agt-2");
    local_goals.ask(4, at(2)).unwrap();
    let taken = local_goals.order(LimitOrder::Withdraw { number: 4 }, &stranger, at(2));
    assert_eq!(taken, Err(LimitError::NotYours(4)));
    assert_eq!(local_goals.allowed(at(2)), Picodollars::ZERO);
}

#[test]
fn what_makes_no_sense_is_not_asked_for() {
    let reach = |limit: Option<Lifted>, session: Option<&str>, project: Option<&str>| Reach {
        limit,
        session: session.map(str::to_owned),
        project: project.map(str::to_owned),
    };
    let with = |reach: Reach| Wish { reach, ..wish(1, "x") };
    let cases = [
        (wish(0, "x"), "0 USD cannot"),
        (wish(-1, "x"), "-1 USD cannot"),
        (wish(ASK_MAX_USD + 1, "x"), "at most 1000"),
        (wish(1, ""), "say why"),
        (wish(1, " "), "say why"),
        (wish(1, &"a".repeat(201)), "say why"),
        (wish(1, "a\nb"), "say why"),
        (wish(1, "\u{1b}[2J"), "say why"),
        (wish(1, "a\u{202e}b"), "say why"),
        (wish(1, "a\u{e0041}"), "say why"),
        (wish(1, "a\u{200b}"), "say why"),
        (with(reach(None, Some("a b"), None)), "a session is named"),
        (with(reach(None, Some(""), None)), "a session is named"),
        (with(reach(None, Some(&"s".repeat(129)), None)), "a session is named"),
        (with(reach(Some(Lifted::Session), None, None)), "name it"),
        (with(reach(None, None, Some("home"))), "an absolute path"),
        (with(reach(None, None, Some("/home\u{7}"))), "an absolute path"),
        (Wish { minutes: Some(0), ..wish(1, "x") }, "0 minutes"),
        (Wish { minutes: Some(10_081), ..wish(1, "x") }, "10081 minutes"),
    ];
    let mut local_goals = LocalGoals::default();
    for (wish, expected) in cases {
        let refused = local_goals.order(LimitOrder::Ask(wish.clone()), &agent(), at(0)).unwrap_err();
        assert!(refused.to_string().contains(expected), "{wish:?}: {refused}");
    }
    assert_eq!(local_goals.requests, LimitRequests::default());
    // At most seven days, and a default that the asker cannot stretch.
    let wanted = |minutes| Wish { minutes: Some(minutes), ..wish(2, "x") };
    for (number, minutes) in [(1, 60), (2, 10_080)] {
        local_goals
            .order(LimitOrder::Ask(wanted(minutes)), &person(), at(0))
            .unwrap_or_else(|error| panic!("{error}"));
        let Err(refused) = local_goals.order(grant(number, Some(1), at(7 * 24 + 1)), &person(), at(0)) else {
            panic!("a grant of more than seven days")
        };
        assert_eq!(refused, LimitError::Until(at(7 * 24 + 1)));
        let tonight =
            LimitOrder::Grant { number, amount: Some(Picodollars::usd(1)), until: Until::Tonight(at(10)) };
        local_goals.order(tonight, &person(), at(0)).unwrap();
        let Some(Answer::Granted(granted)) = &local_goals.requests.get(number).unwrap().answer else {
            panic!()
        };
        assert_eq!(granted.until, at(if minutes == 60 { 1 } else { 10 }));
    }
}
