use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use jiff::civil::date;
use proptest::prelude::*;

use crate::domain::budget::{Budget, Scope, Thresholds, status};
use crate::domain::calendar::{Period, WeekStart};

use super::*;

const HOUR: i64 = 3600;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn rule(name: &str, from: &str, until: &str) -> ReminderRule {
    ReminderRule {
        name: name.into(),
        goal: None,
        window: DailyWindow::parse(from, until).unwrap(),
        days: Days::ALL,
        unless_data_today: false,
        message: "Go!".parse().unwrap(),
        full: None,
        severity: Severity::Warning,
    }
}

fn goal(slug: &str, deadline_s: i64, has_data_today: bool) -> Goal {
    Goal {
        id: format!("id-{slug}"),
        slug: slug.into(),
        title: String::new(),
        safebuf: Some(0),
        losedate: Some(at("2026-11-24T02:00:00Z")),
        deadline_s,
        limsum: "+1 within 1 day".into(),
        baremin: String::new(),
        pledge: Picodollars::usd(5),
        has_data_today,
        is_active: true,
        autodata: None,
    }
}

fn budget(name: &str, remaining: &str, period: Period, now: Timestamp) -> BudgetStatus {
    let budget = Budget {
        name: name.parse().unwrap(),
        amount: Picodollars::parse(remaining).unwrap(),
        period,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    };
    status(&budget, &BTreeMap::new(), now, &TimeZone::UTC)
}

const NOTHING: Known<'_> = Known { goals: &[], budgets: &[] };

/// The names of the rules that are due, each with its day.
fn keys(
    rules: &[ReminderRule],
    known: &Known<'_>,
    now: Timestamp,
    zone: &TimeZone,
) -> BTreeSet<(String, Date)> {
    due(rules, &Tiers::default(), known, now, zone).into_iter().map(|due| (due.rule, due.day)).collect()
}

#[test]
fn a_rule_is_due_in_its_window_on_its_days() {
    use Weekday::{Monday, Saturday, Sunday};
    let workday = ReminderRule { days: Days::of(&[Monday]), ..rule("evening", "18:00", "21:00") };
    let night = ReminderRule { days: Days::of(&[Sunday]), ..rule("night", "23:00", "01:00") };
    let rules = [workday, night, ReminderRule { days: Days::of(&[]), ..rule("never", "00:00", "23:59") }];
    let sunday = date(2026, 11, 22);
    let table = [
        ("2026-11-23T17:59:59Z", None),
        ("2026-11-23T18:00:00Z", Some(("evening", date(2026, 11, 23)))),
        ("2026-11-23T20:59:59Z", Some(("evening", date(2026, 11, 23)))),
        ("2026-11-23T21:00:00Z", None),
        ("2026-11-24T18:00:00Z", None),
        // It begins on Sunday and lasts into Monday; Monday night is not one of its days.
        ("2026-11-22T23:00:00Z", Some(("night", sunday))),
        ("2026-11-23T00:59:59Z", Some(("night", sunday))),
        ("2026-11-23T23:00:00Z", None),
    ];
    for (now, expected) in table {
        let expected: BTreeSet<_> = expected.into_iter().map(|(name, day)| (name.to_owned(), day)).collect();
        assert_eq!(keys(&rules, &NOTHING, at(now), &TimeZone::UTC), expected, "{now}");
    }
    assert_eq!(next_change(&rules[2..], &NOTHING, at("2026-11-23T00:00:00Z"), &TimeZone::UTC), None);
    let days = Days::of(&[Sunday, Monday, Saturday, Monday]);
    assert_eq!(days.iter().collect::<Vec<_>>(), [Monday, Saturday, Sunday]);
}

/// In Berlin, in winter: 17:00Z is 18:00 by the clock.
#[test]
fn a_datapoint_of_the_goal_s_own_day_spares_it() {
    let zone = zone("Europe/Berlin");
    let evening = rule("walk", "17:00", "23:00");
    let night = rule("walk", "23:00", "05:00");
    let table = [
        // Midnight: seen with data this morning, or only yesterday.
        (&evening, 0, true, "2026-11-23T07:00:00Z", "2026-11-23T17:00:00Z", false),
        (&evening, 0, false, "2026-11-23T07:00:00Z", "2026-11-23T17:00:00Z", true),
        (&evening, 0, true, "2026-11-22T20:00:00Z", "2026-11-23T17:00:00Z", true),
        // 21:00: what was entered at noon is of the day before, from 21:00 on.
        (&evening, -3 * HOUR, true, "2026-11-23T11:00:00Z", "2026-11-23T19:59:59Z", false),
        (&evening, -3 * HOUR, true, "2026-11-23T11:00:00Z", "2026-11-23T20:00:00Z", true),
        (&evening, -3 * HOUR, true, "2026-11-23T20:00:00Z", "2026-11-23T20:01:00Z", false),
        // 03:00: what was entered at noon counts past midnight, until three.
        (&night, 3 * HOUR, true, "2026-11-23T11:00:00Z", "2026-11-24T01:59:59Z", false),
        (&night, 3 * HOUR, true, "2026-11-23T11:00:00Z", "2026-11-24T02:00:00Z", true),
        (&night, 3 * HOUR, true, "2026-11-24T02:00:00Z", "2026-11-24T02:01:00Z", false),
        // 03:00 when summer time begins at two, and when it ends at three.
        (&night, 3 * HOUR, true, "2026-03-28T20:00:00Z", "2026-03-29T00:59:59Z", false),
        (&night, 3 * HOUR, true, "2026-03-28T20:00:00Z", "2026-03-29T01:00:00Z", true),
        (&night, 3 * HOUR, true, "2026-10-24T20:00:00Z", "2026-10-25T01:59:59Z", false),
        (&night, 3 * HOUR, true, "2026-10-24T20:00:00Z", "2026-10-25T02:00:00Z", true),
        // 21:00 on those days.
        (&evening, -3 * HOUR, true, "2026-03-29T10:00:00Z", "2026-03-29T18:59:59Z", false),
        (&evening, -3 * HOUR, true, "2026-03-29T10:00:00Z", "2026-03-29T19:00:00Z", true),
        (&evening, -3 * HOUR, true, "2026-10-25T10:00:00Z", "2026-10-25T19:59:59Z", false),
        (&evening, -3 * HOUR, true, "2026-10-25T10:00:00Z", "2026-10-25T20:00:00Z", true),
    ];
    for (rule, deadline_s, has_data, seen_at, now, is_due) in table {
        let goal = goal("walk", deadline_s, has_data);
        let clock = GoalClock::new(zone.clone(), deadline_s).unwrap();
        let goals = [SeenGoal { goal: &goal, seen_at: at(seen_at), clock: Some(&clock) }];
        let known = Known { goals: &goals, budgets: &[] };
        let spared = ReminderRule { goal: Some("walk".into()), unless_data_today: true, ..rule.clone() };
        let said = format!("{deadline_s} {has_data} {seen_at} {now}");
        assert_eq!(!keys(std::slice::from_ref(&spared), &known, at(now), &zone).is_empty(), is_due, "{said}");
        // One that does not ask is always due.
        let always = ReminderRule { unless_data_today: false, ..spared };
        assert_eq!(keys(&[always], &known, at(now), &zone).len(), 1, "{said}");
    }
}

/// The person is in Berlin, and the account in Honolulu: its day lasts until 11:00 in Berlin.
#[test]
fn a_goal_s_day_is_the_account_s_and_one_that_is_not_known_spares_nothing() {
    let (berlin, honolulu) = (zone("Europe/Berlin"), zone("Pacific/Honolulu"));
    let spared =
        ReminderRule { goal: Some("walk".into()), unless_data_today: true, ..rule("walk", "08:00", "20:00") };
    let walk = goal("walk", 0, true);
    let clock = GoalClock::new(honolulu, 0).unwrap();
    // It was seen at noon of the day before, which lasts there until 10:00 in UTC.
    let (seen_at, before, after) =
        (at("2026-11-22T22:00:00Z"), at("2026-11-23T09:59:59Z"), at("2026-11-23T10:00:00Z"));
    for (clock, now, is_due) in [
        (Some(&clock), before, false),
        (Some(&clock), after, true),
        (None, before, true),
        (None, seen_at, false),
    ] {
        let goals = [SeenGoal { goal: &walk, seen_at, clock }];
        let known = Known { goals: &goals, budgets: &[] };
        let found = keys(std::slice::from_ref(&spared), &known, now, &berlin);
        assert_eq!(!found.is_empty(), is_due, "{clock:?} {now}");
    }
    let goals = [SeenGoal { goal: &walk, seen_at, clock: Some(&clock) }];
    let known = Known { goals: &goals, budgets: &[] };
    assert_eq!(next_change(&[spared], &known, before, &berlin), Some(after));
}

#[test]
fn a_goal_that_is_gone_or_frozen_is_not_reminded_of() {
    let now = at("2026-11-23T18:00:00Z");
    let rule = ReminderRule { goal: Some("walk".into()), ..rule("walk", "18:00", "21:00") };
    let frozen = Goal { is_active: false, ..goal("walk", 0, false) };
    let (other, walk) = (goal("run", 0, false), goal("walk", 0, false));
    for (goals, count) in [(vec![], 0), (vec![&frozen], 0), (vec![&other], 0), (vec![&other, &walk], 1)] {
        let seen: Vec<_> =
            goals.into_iter().map(|goal| SeenGoal { goal, seen_at: now, clock: None }).collect();
        let known = Known { goals: &seen, budgets: &[] };
        assert_eq!(keys(std::slice::from_ref(&rule), &known, now, &TimeZone::UTC).len(), count, "{seen:?}");
    }
}

/// The budgets with what remains of them, which of them is named, and the tier.
type TierRow<'a> = (&'a [(&'a str, &'a str, Period)], Option<&'a str>, Tier);

#[test]
fn the_tier_follows_the_tightest_budget_or_the_named_one() {
    let now = at("2026-11-23T18:00:00Z");
    let over = Period::Fixed { from: date(2026, 10, 1), until: date(2026, 10, 31) };
    let table: [TierRow<'_>; 9] = [
        (&[], None, Tier::Template),
        (&[("main", "2.01", Period::Daily)], None, Tier::Full),
        (&[("main", "2", Period::Daily)], None, Tier::Template),
        (&[("main", "0.51", Period::Daily)], None, Tier::Template),
        (&[("main", "0.5", Period::Daily)], None, Tier::Plain),
        (
            &[("main", "50", Period::Daily), ("tight", "0.1", Period::Weekly { starts: WeekStart::Monday })],
            None,
            Tier::Plain,
        ),
        (
            &[("main", "50", Period::Daily), ("tight", "0.1", Period::Weekly { starts: WeekStart::Monday })],
            Some("main"),
            Tier::Full,
        ),
        (&[("main", "50", Period::Daily)], Some("gone"), Tier::Template),
        (&[("main", "50", Period::Daily), ("past", "0.1", over)], None, Tier::Full),
    ];
    for (budgets, named, tier) in table {
        let budgets: Vec<_> =
            budgets.iter().map(|(name, remaining, period)| budget(name, remaining, *period, now)).collect();
        let tiers = Tiers { budget: named.map(|name| name.parse().unwrap()), ..Tiers::default() };
        let known = Known { goals: &[], budgets: &budgets };
        let found = due(&[rule("walk", "18:00", "21:00")], &tiers, &known, now, &TimeZone::UTC);
        assert_eq!(found[0].tier, tier, "{budgets:?} {named:?}");
    }
    let own = Tiers { full_above: Picodollars::usd(9), template_above: Picodollars::usd(8), budget: None };
    let tier = |dollars| own.of(Some(Picodollars::usd(dollars)));
    assert_eq!([tier(10), tier(9), tier(8)], [Tier::Full, Tier::Template, Tier::Plain]);
}

#[test]
fn each_tier_says_what_it_may() {
    let now = at("2026-11-23T17:30:00Z");
    let zone = zone("Europe/Berlin");
    let walk = goal("walk", 3 * HOUR, false);
    let clock = GoalClock::new(zone.clone(), walk.deadline_s).unwrap();
    let run = Goal { losedate: Some(at("2026-11-23T23:00:00Z")), ..goal("run", 0, false) };
    let plain = ReminderRule {
        goal: Some("walk".into()),
        message: "{title}: {limsum} before {deadline}, {pledge} USD at stake.".parse().unwrap(),
        ..rule("evening", "18:00", "21:00")
    };
    let own = ReminderRule {
        full: Some("{day}: {emergencies} to do, {most_urgent} first.".parse().unwrap()),
        ..plain.clone()
    };
    let fresh = at("2026-11-23T12:00:00Z");
    let (yesterday, message) =
        (at("2026-11-22T12:00:00Z"), "walk: +1 within 1 day before Tue 03:00, 5.00 USD at stake.");
    let table = [
        (&plain, fresh, "0.10", "Reminder: evening (walk).".to_owned()),
        (&plain, fresh, "1", message.to_owned()),
        (
            &plain,
            fresh,
            "9",
            format!(
                "{message} walk: +1 within 1 day, 8 h 30 min left. First to derail: run. Budget main: 9.00 USD left."
            ),
        ),
        (&own, fresh, "0.10", "Reminder: evening (walk).".to_owned()),
        (&own, fresh, "1", message.to_owned()),
        (&own, fresh, "9", "2026-11-23: 2 to do, run first.".to_owned()),
        // What was said in days yesterday does not hold today; an instant still does.
        (&plain, yesterday, "1", "walk: not known before Tue 03:00, 5.00 USD at stake.".to_owned()),
    ];
    for (rule, seen_at, remaining, text) in table {
        let goals = [&walk, &run].map(|goal| SeenGoal { goal, seen_at, clock: Some(&clock) });
        let budgets = [budget("main", remaining, Period::Daily, now)];
        let known = Known { goals: &goals, budgets: &budgets };
        let found = due(std::slice::from_ref(rule), &Tiers::default(), &known, now, &zone);
        assert_eq!(found[0].text, text, "{seen_at} {remaining}");
        assert_eq!(found[0].until, at("2026-11-23T20:00:00Z"));
        assert_eq!((found[0].goal.as_deref(), found[0].severity), (Some("walk"), Severity::Warning));
    }
    let alone = due(&[rule("drink water", "18:00", "21:00")], &Tiers::default(), &NOTHING, now, &zone);
    assert_eq!(alone[0].text, "Go!");
    // A deadline that has passed is not mentioned: its result is unknown.
    let table = [(1, "1 min"), (61, "1 h 1 min"), (26 * 60 + 5, "1 d 2 h"), (-5, "not known")];
    for (minutes, left) in table {
        let goal = Goal { losedate: Some(now + SignedDuration::from_mins(minutes)), ..walk.clone() };
        let goals = [SeenGoal { goal: &goal, seen_at: now, clock: Some(&clock) }];
        let known = Known { goals: &goals, budgets: &[] };
        let rule = ReminderRule { message: "{time_left}".parse().unwrap(), ..plain.clone() };
        assert_eq!(due(&[rule], &Tiers::default(), &known, now, &zone)[0].text, left, "{minutes}");
    }
}

/// Walks through time by `next_change` alone, as an actor would.
fn walk(rules: &[ReminderRule], from: Timestamp, until: Timestamp, zone: &TimeZone) -> Vec<(String, Date)> {
    let (mut now, mut said, mut seen) = (from, Vec::new(), BTreeSet::new());
    while now < until {
        for key in keys(rules, &NOTHING, now, zone) {
            if seen.insert(key.clone()) {
                said.push(key);
            }
        }
        now = next_change(rules, &NOTHING, now, zone).unwrap();
    }
    said
}

#[test]
fn over_a_year_no_day_is_missed_in_any_zone() {
    // One in the hour that clocks skip or repeat, one past midnight, one by day.
    let rules =
        [rule("early", "02:10", "02:50"), rule("night", "23:30", "00:30"), rule("noon", "12:00", "12:01")];
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "America/Santiago",
        "UTC",
    ];
    for name in zones {
        let zone = zone(name);
        let year = |year| calendar::start_of(date(year, 1, 1), &zone);
        let said = walk(&rules, year(2026), year(2027), &zone);
        for rule in &rules {
            let days: BTreeSet<Date> =
                said.iter().filter(|(name, _)| *name == rule.name).map(|(_, day)| *day).collect();
            let wanted = date(2026, 1, 1).series(1.day()).take_while(|day| day.year() == 2026);
            let missed: Vec<Date> = wanted.filter(|day| !days.contains(day)).collect();
            assert_eq!(missed, [], "{name} {}", rule.name);
        }
    }
    // A day that the zone left out has none.
    let apia = zone("Pacific/Apia");
    let said = walk(&rules[2..], at("2011-12-28T10:00:00Z"), at("2012-01-01T10:00:00Z"), &apia);
    let days: Vec<i8> = said.iter().map(|(_, day)| day.day()).collect();
    assert_eq!(days, [28, 29, 31, 1]);
}

/// A person is reminded in Berlin, lands in New York before the same evening there, and flies on to Tokyo.
#[test]
fn who_moves_is_reminded_once_a_day_of_the_place() {
    let rules = [rule("evening", "18:00", "21:00")];
    let journey = [
        ("Europe/Berlin", "2026-11-23T17:30:00Z", Some(23)),
        ("America/New_York", "2026-11-23T22:00:00Z", None),
        ("America/New_York", "2026-11-23T23:30:00Z", Some(23)),
        ("Asia/Tokyo", "2026-11-24T09:30:00Z", Some(24)),
    ];
    let mut said = BTreeSet::new();
    for (name, now, day) in journey {
        let found = keys(&rules, &NOTHING, at(now), &zone(name));
        assert_eq!(found.iter().map(|(_, day)| day.day()).next(), day, "{name} {now}");
        said.extend(found);
    }
    assert_eq!(said.len(), 2, "{said:?}");
}

fn any_rule(index: usize) -> impl Strategy<Value = ReminderRule> {
    (0_u16..1440, 0_u16..1440, 0_u8..128, any::<bool>(), any::<bool>()).prop_map(
        move |(from, until, days, about_goal, unless_data_today)| {
            let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
            let days: Vec<Weekday> = Weekday::Monday
                .cycle_forward()
                .take(7)
                .enumerate()
                .filter(|(bit, _)| days >> bit & 1 == 1)
                .map(|(_, day)| day)
                .collect();
            ReminderRule {
                goal: about_goal.then(|| "walk".into()),
                days: Days::of(&days),
                unless_data_today,
                ..rule(&format!("rule {index}"), &clock(from), &clock(until))
            }
        },
    )
}

proptest! {
    /// What `next_change` names is the first change: nothing begins or ends unnoticed before it.
    #[test]
    fn nothing_changes_before_the_next_change(
        rules in (any_rule(0), any_rule(1), any_rule(2)).prop_map(|(a, b, c)| [a, b, c]),
        second in 1_767_225_600_i64..1_798_761_600,
        seen_ago in 0_i64..40 * HOUR,
        deadline_s in -17 * HOUR..=6 * HOUR,
        parts in prop::collection::vec(0_i64..1000, 12),
    ) {
        let zone = zone("Europe/Berlin");
        let now = Timestamp::from_second(second).unwrap();
        let goal = goal("walk", deadline_s, true);
        let clock = GoalClock::new(zone.clone(), deadline_s).unwrap();
        let seen_at = Timestamp::from_second(second - seen_ago).unwrap();
        let goals = [SeenGoal { goal: &goal, seen_at, clock: Some(&clock) }];
        let known = Known { goals: &goals, budgets: &[] };
        let before = keys(&rules, &known, now, &zone);
        let next = next_change(&rules, &known, now, &zone);
        prop_assert!(next.is_none_or(|next| next > now), "{next:?}");
        let length = next.map_or(30 * 24 * HOUR, |next| next.as_second() - second);
        for part in parts.into_iter().map(|part| length * part / 1000).chain([length - 1]) {
            let later = Timestamp::from_second(second + part).unwrap();
            prop_assert_eq!(&keys(&rules, &known, later, &zone), &before, "{} .. {} .. {:?}", now, later, next);
        }
    }
}
