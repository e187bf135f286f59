//! From the current state to the message: periods that end, deadlines, and three ways to get alerts on budgets
//! wrong that others have met (LiteLLM's issues 3738, 16185 and 31934).

use std::collections::BTreeMap;

use jiff::civil::{Date, date};

use crate::domain::alert::rules::{BalanceFact, Facts, Promise, Rules, SourceFact, SourceTrouble, causes};
use crate::domain::budget::{self, Budget, Scope, Thresholds};
use crate::domain::calendar::{Period, WeekStart, day_of};
use crate::domain::goal::{Goal, Risk};
use crate::domain::window::goal_day_end;

use super::*;

/// How things stand with a person.
pub(super) struct Life {
    pub(super) bench: Bench,
    pub(super) budgets: Vec<Budget>,
    pub(super) goals: Vec<Goal>,
    pub(super) promises: Vec<Promise>,
    pub(super) balances: Vec<BalanceFact>,
    pub(super) sources: BTreeMap<String, SourceFact>,
    pub(super) gave_up: BTreeMap<String, Timestamp>,
    spent: Vec<(Timestamp, Picodollars)>,
}

impl Life {
    pub(super) fn new() -> Self {
        Self {
            bench: Bench::new().always(),
            budgets: Vec::new(),
            goals: Vec::new(),
            promises: Vec::new(),
            balances: Vec::new(),
            sources: BTreeMap::new(),
            gave_up: BTreeMap::new(),
            spent: Vec::new(),
        }
    }

    pub(super) fn with_budget(usd: i64, period: Period) -> Self {
        let scope = Scope::default();
        let thresholds =
            Thresholds { low: Picodollars::ZERO, daily_limit: Picodollars::usd(1000), ending_days: 0 };
        let name = "main".parse().unwrap();
        let budget = Budget { name, amount: Picodollars::usd(usd), period, scope, thresholds };
        Self { budgets: vec![budget], ..Self::new() }
    }

    pub(super) fn at(&mut self, time: &str) {
        self.bench.now = self.bench.instant(time);
    }

    /// Spends so many cents now.
    pub(super) fn spend(&mut self, cents: i128) {
        self.spent.push((self.bench.now, Picodollars::usd(1).scale(cents, 100)));
    }

    /// What the rules say.
    pub(super) fn causes(&self) -> Causes {
        let Bench { zone, now, .. } = &self.bench;
        let mut by_day: BTreeMap<Date, Picodollars> = BTreeMap::new();
        for (at, amount) in &self.spent {
            let day = by_day.entry(day_of(*at, zone)).or_default();
            *day += *amount;
        }
        let facts = Facts {
            goals: self.goals.iter().collect(),
            goals_are_awaited: false,
            promises: self.promises.clone(),
            balances: self.balances.clone(),
            budgets: self.budgets.iter().map(|budget| budget::status(budget, &by_day, *now, zone)).collect(),
            lacking: BTreeMap::new(),
            sources: &self.sources,
            gave_up: &self.gave_up,
            reminders: Vec::new(),
            zone,
            now: *now,
        };
        causes(&facts, &Rules::default())
    }

    pub(super) fn settle(&mut self) -> String {
        self.bench.causes = self.causes();
        self.bench.settle()
    }

    /// Each row: when, the cents that are spent, and what is done.
    fn rows(&mut self, rows: &[(&str, i128, &str)]) {
        for (time, cents, expected) in rows {
            self.at(time);
            self.spend(*cents);
            assert_eq!(self.settle(), *expected, "{time} {cents}");
        }
    }
}

pub(super) fn goal(safebuf: Option<i64>, losedate: Option<Timestamp>) -> Goal {
    Goal {
        id: "g".into(),
        slug: "walk".into(),
        title: String::new(),
        safebuf,
        losedate,
        deadline_s: 0,
        limsum: String::new(),
        baremin: String::new(),
        pledge: Picodollars::ZERO,
        has_data_today: false,
        is_active: true,
        autodata: None,
    }
}

/// LiteLLM 3738: an alert was sent with each request once a threshold was passed.
#[test]
fn a_budget_that_is_passed_is_told_once_and_not_with_each_call() {
    let mut life = Life::with_budget(10, Period::Monthly);
    life.rows(&[
        // 88 % is shown; that the budget will not last is sent.
        ("11-23 08:00", 880, "raised 1, raised 2, queued 2, sms 2.1"),
        ("11-23 08:01", 30, "graded 1, queued 1, sms 1.1"),
    ]);
    let told: Vec<Kind> = life.bench.book.open().map(|alert| alert.key.kind).collect();
    assert_eq!(told, [Kind::BudgetThreshold, Kind::BudgetProjection]);
    for minute in 2..60 {
        life.rows(&[(&format!("11-23 08:{minute:02}"), 1, "")]);
    }
}

/// LiteLLM 16185: after the first alert there was never another one.
#[test]
fn each_new_period_arms_a_budget_s_alerts_anew() {
    let mut life = Life::with_budget(10, Period::Daily);
    life.rows(&[
        ("11-23 23:00", 1050, "raised 1, queued 1, sms 1.1"),
        ("11-23 23:59:59", 0, ""),
        ("11-24 00:00", 0, "resolved 1"),
        ("11-24 23:00", 1050, "raised 2, queued 2, sms 2.1"),
        // The next day is spent before anything was evaluated.
        ("11-25 23:00", 1050, "resolved 2, raised 3, queued 3, sms 3.1"),
    ]);
}

/// A rolling budget moves on each day: if that were its alerts' period, each would be repeated every morning.
#[test]
fn a_rolling_budget_s_alert_lasts_until_enough_has_left_the_window() {
    let mut life = Life::with_budget(10, Period::Rolling { days: 3.try_into().unwrap() });
    life.rows(&[
        ("11-23 12:00", 1050, "raised 1, queued 1, sms 1.1"),
        ("11-24 00:00", 0, ""),
        ("11-25 12:00", 100, ""),
        ("11-25 23:59:59", 0, ""),
    ]);
    let told = life.bench.book.get(AlertId(1)).unwrap();
    assert_eq!((told.key.kind, told.key.period.as_str()), (Kind::BudgetThreshold, ""));
    assert_eq!(
        life.causes().present[0].text,
        "budget main: 115 % used of the last 3 days, 11.50 of 10.00 USD, -1.50 left."
    );
    let midnight = life.bench.instant("11-26 00:00");
    assert!(life.causes().changes_at <= Some(midnight), "it is looked at then");
    life.rows(&[
        // The 23rd has left the window: 1 USD of use remains, and it can fire again.
        ("11-26 00:00", 0, "resolved 1"),
        ("11-26 12:00", 950, "raised 2, queued 2, sms 2.1"),
    ]);
}

/// LiteLLM 31934: the projection of a daily budget ran to the end of the month.
#[test]
fn a_projection_ends_with_the_budget_s_own_period() {
    let mut life = Life::with_budget(10, Period::Daily);
    life.rows(&[
        // Five USD in a week are 0.71 a day: by midnight 0.64 more. To the month's end it would be far more.
        ("11-23 02:00", 500, ""),
        ("11-23 02:30", 370, "raised 1"),
        // 9.20 USD in a week are 1.31 a day: in the 21 hours that are left 1.15, of 0.80 that remain.
        ("11-23 03:00", 50, "graded 1, raised 2, queued 1, queued 2, sms 1.1, sms 2.1"),
    ]);
    let text = |kind| life.causes().present.into_iter().find(|cause| cause.key.kind == kind).map(|c| c.text);
    assert_eq!(
        text(Kind::BudgetProjection).unwrap(),
        "budget main: at 1.31 USD a day it comes to 10.35 of 10.00 USD by 2026-11-23."
    );
    assert_eq!(
        text(Kind::BudgetThreshold).unwrap(),
        "budget main: 92 % used, 9.20 of 10.00 USD, 0.80 left until 2026-11-23."
    );
    // In the evening the rest of the day is short: the projection is over, the threshold is not.
    life.rows(&[("11-23 20:00", 0, "resolved 2"), ("11-24 00:00", 0, "resolved 1")]);
}

#[test]
fn a_budget_s_period_ends_at_its_own_midnight() {
    let last = |day| Period::Fixed { from: date(2026, 3, 1), until: day };
    // The budget, an instant while it lasts, and the one at which it does not: clocks change on 29 March.
    let table = [
        (Period::Daily, "03-29T21:59:59Z", "03-29T22:00:00Z"),
        (Period::Weekly { starts: WeekStart::Monday }, "03-29T21:59:59Z", "03-29T22:00:00Z"),
        (Period::Monthly, "03-31T21:59:59Z", "03-31T22:00:00Z"),
        (last(date(2026, 3, 28)), "03-28T22:59:59Z", "03-28T23:00:00Z"),
        (last(date(2026, 3, 29)), "03-29T21:59:59Z", "03-29T22:00:00Z"),
        (Period::Daily, "10-25T22:59:59Z", "10-25T23:00:00Z"),
    ];
    for (period, before, after) in table {
        let mut life = Life::with_budget(10, period);
        life.at(before);
        life.spend(1200);
        assert_eq!(life.settle(), "raised 1, queued 1, sms 1.1", "{period:?} {before}");
        assert!(
            life.causes().changes_at <= Some(life.bench.instant(after)),
            "{period:?}: it is looked at then"
        );
        life.at(after);
        // A new period's projection is another matter: it rests on the last seven days.
        assert!(life.settle().starts_with("resolved 1"), "{period:?} {after}");
        let old = life.bench.book.get(AlertId(1)).unwrap().key.period.clone();
        assert!(life.bench.book.open().all(|alert| alert.key.period != old), "{period:?} {after}");
    }
    // One that has not begun has nothing to warn of, though it may have been spent before.
    let mut life =
        Life::with_budget(10, Period::Fixed { from: date(2026, 12, 1), until: date(2026, 12, 31) });
    life.rows(&[("11-23 08:00", 5000, "")]);
}

/// An exceeded threshold is sent, and each higher one.
#[test]
fn each_threshold_is_told_as_it_is_passed() {
    let mut life =
        Life::with_budget(100, Period::Fixed { from: date(2026, 11, 1), until: date(2026, 11, 23) });
    life.rows(&[
        ("11-23 12:00", 7499, ""),
        // From 75 % on it is shown, from 90 % on it is sent.
        ("11-23 12:01", 1, "raised 1"),
        ("11-23 12:02", 1499, ""),
        ("11-23 12:03", 1, "graded 1, queued 1, sms 1.1"),
        // That the last cent will not last; what is spent already is no projection.
        ("11-23 12:04", 999, "raised 2, queued 2, sms 2.1"),
        ("11-23 12:05", 1, "graded 1, resolved 2, queued 1, sms 1.2"),
        ("11-23 12:06", 5000, ""),
        // A call's price is revised.
        ("11-23 12:07", -5100, "graded 1, raised 3, 3 throttled until 11-24 00:00"),
        ("11-23 12:08", 200, "graded 1, resolved 3, 1 throttled until 11-24 00:00"),
        ("11-24 00:00", 0, "resolved 1"),
    ]);
}

/// The limit of a day is each day's own, also within one period.
#[test]
fn a_limit_of_the_day_is_told_on_each_day_that_passes_it() {
    let mut life = Life::with_budget(1000, Period::Monthly);
    life.budgets[0].thresholds.daily_limit = Picodollars::usd(2);
    life.rows(&[
        ("11-23 12:00", 200, ""),
        ("11-23 12:01", 1, "raised 1, queued 1, sms 1.1"),
        ("11-23 12:02", 50, ""),
        ("11-24 00:00", 0, "resolved 1"),
        ("11-24 12:00", 250, "raised 2, queued 2, sms 2.1"),
        ("11-25 12:00", 250, "resolved 2, raised 3, queued 3, sms 3.1"),
    ]);
}

/// Deadlines at 03:00 and at 21:00, also on the days on which clocks change.
#[test]
fn deadlines_of_the_night_and_of_the_evening() {
    let (night, evening) = (3 * 3600, -3 * 3600);
    // The deadline's seconds, the day, when it is found to be the last day, and the message then.
    let table = [
        (night, date(2026, 11, 23), "11-24 00:10", "derails at 03:00 (in 2 h 50 min)"),
        (night, date(2026, 11, 23), "11-23 12:00", "derails on Tue at 03:00 (in 15 h 0 min)"),
        (evening, date(2026, 11, 23), "11-23 20:30", "derails at 21:00 (in 30 min)"),
        (evening, date(2026, 11, 23), "11-22 21:00", "derails on Mon at 21:00 (in 1 d 0 h)"),
        // 02:00 to 03:00 is skipped, and comes twice.
        (night, date(2026, 3, 28), "03-29 00:10", "derails at 03:00 (in 1 h 50 min)"),
        (night, date(2026, 10, 24), "10-25 00:10", "derails at 03:00 (in 3 h 50 min)"),
        (evening, date(2026, 3, 29), "03-29 00:00", "derails at 21:00 (in 20 h 0 min)"),
        (evening, date(2026, 10, 25), "10-25 00:00", "derails at 21:00 (in 22 h 0 min)"),
    ];
    for (deadline_s, day, found, told) in table {
        // In the quiet hours, which it may break.
        let mut life = Life { bench: Bench::new(), ..Life::new() };
        let losedate = goal_day_end(day, &life.bench.zone, deadline_s);
        life.goals = vec![Goal { deadline_s, ..goal(Some(0), Some(losedate)) }];
        life.at(found);
        assert_eq!(life.settle(), "raised 1, queued 1, sms 1.1", "{day} {found}");
        assert_eq!(life.bench.sent[0].text, format!("Mecris: walk {told}. #1"), "{day} {found}");
        assert_eq!(life.bench.step().due, Some(losedate), "it is looked at again at its deadline");
        // The deadline passes without an answer: unknown.
        life.bench.now = losedate;
        assert_eq!(life.settle(), "", "{day}: neither over nor sent");
        assert!(life.bench.book.get(AlertId(1)).unwrap().is_open());
        // It derailed, and has seven days again; or it was saved, and this is another day's deadline.
        let next = losedate + jiff::SignedDuration::from_hours(24 * 7);
        life.goals[0] = Goal { safebuf: Some(7), ..goal(None, Some(next)) };
        assert_eq!(life.settle(), "resolved 1", "{day}");
    }
}

/// What was held until its deadline passed unheard is not sent afterwards.
#[test]
fn a_deadline_that_passed_unheard_is_not_warned_of() {
    let mut life = Life { bench: Bench::new(), ..Life::new() };
    life.bench.policy.immediate_breaks_quiet = false;
    let losedate = life.bench.instant("11-24 03:00");
    life.goals = vec![goal(Some(0), Some(losedate))];
    life.rows(&[
        ("11-23 23:00", 0, "raised 1, 1 quiet until 11-24 07:00"),
        ("11-24 02:59:59", 0, "1 quiet until 11-24 07:00"),
        ("11-24 03:00", 0, "1 unknown"),
        ("11-24 07:00", 0, "1 unknown"),
    ]);
    life.goals[0].safebuf = None;
    life.rows(&[("11-24 08:00", 0, "1 unknown")]);
    life.goals[0] = goal(Some(0), Some(life.bench.instant("11-25 03:00")));
    life.rows(&[("11-24 08:01", 0, "resolved 1, raised 2, queued 2, sms 2.1")]);
}

/// A warning today, done, and as close again a day later: the same day's deadline is not sent twice.
#[test]
fn a_goal_that_is_saved_and_near_again_is_told_once_a_day() {
    let mut life = Life::new();
    let losedate = |life: &Life, day: &str| Some(life.bench.instant(&format!("{day} 21:00")));
    life.goals = vec![goal(Some(0), losedate(&life, "11-23"))];
    life.rows(&[("11-23 08:00", 0, "raised 1, queued 1, sms 1.1")]);
    life.goals = vec![goal(Some(1), losedate(&life, "11-24"))];
    life.rows(&[
        ("11-23 09:00", 0, "resolved 1, raised 2, 2 throttled until 11-24 00:00"),
        ("11-24 00:00", 0, "queued 2, sms 2.1"),
    ]);
    // The next day begins at 21:00: the last safe day is gone.
    life.goals = vec![goal(Some(0), losedate(&life, "11-24"))];
    life.rows(&[("11-24 00:01", 0, "graded 2, queued 2, sms 2.2")]);
    life.goals.clear();
    life.rows(&[("11-24 00:02", 0, "resolved 2")]);
}

#[test]
fn goals_that_do_not_count_and_risks_that_are_none() {
    let soon = |life: &Life| Some(life.bench.instant("11-24 03:00"));
    let table = [
        (Some(0), true, Some((Severity::Immediate, 3))),
        (Some(-2), true, Some((Severity::Immediate, 3))),
        (Some(1), true, Some((Severity::Warning, 2))),
        (Some(3), true, Some((Severity::Info, 1))),
        (Some(4), true, None),
        (Some(0), false, None),
    ];
    for (safebuf, is_active, expected) in table {
        let mut life = Life::new();
        life.at("11-23 08:00");
        life.goals = vec![Goal { is_active, ..goal(safebuf, soon(&life)) }];
        let found = life.causes().present.first().map(|cause| (cause.grade.severity, cause.grade.level));
        assert_eq!(found, expected, "{safebuf:?} {is_active}");
    }
}

#[test]
fn a_source_is_told_of_after_half_an_hour_and_a_refused_key_at_once() {
    let mut life = Life::new();
    let since = life.bench.instant("11-23 08:00");
    let fact = |trouble| SourceFact { trouble, since };
    life.sources.insert("beeminder".into(), fact(Some(SourceTrouble::Failing)));
    life.rows(&[("11-23 08:29:59", 0, "")]);
    assert_eq!(life.causes().changes_at, Some(life.bench.instant("11-23 08:30")));
    life.rows(&[("11-23 08:30", 0, "raised 1, queued 1, sms 1.1"), ("11-24 08:30", 0, "")]);
    life.sources.insert("beeminder".into(), fact(None));
    life.rows(&[("11-24 09:00", 0, "resolved 1")]);
    life.sources.insert("twilio".into(), fact(Some(SourceTrouble::Unauthorized)));
    life.rows(&[("11-24 09:01", 0, "raised 2, queued 2, sms 2.1")]);
}

#[test]
fn that_an_actor_gave_up_is_told_for_six_hours() {
    let mut life = Life::new();
    life.gave_up.insert("usage".into(), life.bench.instant("11-23 08:00"));
    life.rows(&[
        ("11-23 08:00", 0, "raised 1, queued 1, sms 1.1"),
        ("11-23 13:59:59", 0, ""),
        ("11-23 14:00", 0, "resolved 1"),
    ]);
}

#[test]
fn what_one_promised_oneself_is_told_like_a_goal() {
    let mut life = Life::new();
    let due = life.bench.instant("11-23 23:59:59");
    let promise = |risk| Promise { slug: "tax".into(), risk, due, title: "the tax".into() };
    life.promises = vec![promise(Risk::Safe)];
    life.rows(&[("11-22 08:00", 0, "")]);
    life.promises = vec![promise(Risk::Critical)];
    life.rows(&[("11-23 08:00", 0, "raised 1, queued 1, sms 1.1"), ("11-25 08:00", 0, "")]);
    assert_eq!(life.causes().present[0].text, "the tax was due on 2026-11-23.");
}
