use jiff::civil::date;

use crate::domain::calendar::WeekStart;

use super::*;

fn usd(text: &str) -> Picodollars {
    Picodollars::parse(text).unwrap()
}

fn budget(amount: &str, period: Period) -> Budget {
    Budget {
        name: "main".parse().unwrap(),
        amount: usd(amount),
        period,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    }
}

/// Status at noon UTC of a day of November 2026, with spend given as (day of November, USD).
fn at(day: i8, budget: &Budget, spent: &[(i8, &str)]) -> BudgetStatus {
    let spent = spent.iter().map(|&(day, amount)| (date(2026, 11, day), usd(amount))).collect();
    let now = format!("2026-11-{day:02}T12:00:00Z").parse().unwrap();
    status(budget, &spent, now, &TimeZone::UTC)
}

/// Name, budget, day, spend, and the flags and health expected.
type Case = (&'static str, Budget, i8, &'static [(i8, &'static str)], &'static [Flag], Health);

#[test]
fn flags_and_health_follow_the_rules() {
    use Flag::{BurnRateHigh, DailyLimitExceeded, LowBudget, PeriodEnding};
    let monthly = |amount| budget(amount, Period::Monthly);
    let cases: [Case; 9] = [
        ("nothing spent", monthly("50"), 10, &[], &[], Health::Good),
        ("exactly 5 USD remain", monthly("50"), 10, &[(1, "45")], &[], Health::Good),
        ("less than 5 USD remain", monthly("50"), 10, &[(1, "45.01")], &[LowBudget], Health::Warning),
        ("2 USD today is within the limit", monthly("500"), 10, &[(10, "2")], &[], Health::Good),
        ("over 2 USD today", monthly("500"), 10, &[(10, "2.01")], &[DailyLimitExceeded], Health::Warning),
        ("the rate overruns", monthly("50"), 10, &[(9, "20")], &[BurnRateHigh], Health::Warning),
        ("the last day", monthly("50"), 30, &[], &[PeriodEnding], Health::Warning),
        (
            "three flags",
            monthly("20"),
            10,
            &[(10, "16")],
            &[LowBudget, BurnRateHigh, DailyLimitExceeded],
            Health::Critical,
        ),
        ("nothing remains", monthly("20"), 10, &[(1, "20")], &[LowBudget], Health::Critical),
    ];
    for (name, budget, day, spent, flags, health) in cases {
        let status = at(day, &budget, spent);
        assert_eq!((status.flags.as_slice(), status.health), (flags, health), "{name}: {status:?}");
    }
}

#[test]
fn the_burn_rate_is_the_mean_of_seven_days_and_projects_to_the_period_s_end() {
    let status = at(10, &budget("50", Period::Monthly), &[(3, "100"), (4, "7"), (10, "7")]);
    assert_eq!(status.burn_rate, usd("2"), "the 3rd is eight days back");
    assert_eq!(status.used, usd("114"));
    assert_eq!(status.days_left, 21);
    assert_eq!(status.projected_spend, usd("41"), "20 days and a half at 2 USD");
    assert_eq!(status.projected_total, usd("155"));
}

#[test]
fn a_new_period_begins_from_nothing() {
    let weekly = budget("10", Period::Weekly { starts: WeekStart::Monday });
    assert_eq!(at(15, &weekly, &[(15, "9")]).used, usd("9"), "Sunday");
    assert_eq!(at(16, &weekly, &[(15, "9")]).used, Picodollars::ZERO, "Monday");
    let daily = budget("10", Period::Daily);
    assert_eq!(at(16, &daily, &[(15, "9"), (16, "1")]).used, usd("1"));
    assert_eq!(at(16, &daily, &[]).flags, [], "a daily budget always ends today, and does not say so");
}

#[test]
fn a_rolling_budget_counts_its_last_days_and_never_says_that_it_ends() {
    let mut rolling = budget("10", Period::Rolling { days: 7.try_into().unwrap() });
    // Even where every period would be ending.
    rolling.thresholds.ending_days = 400;
    let spent: &[(i8, &str)] = &[(9, "3"), (10, "4"), (16, "2"), (17, "100")];
    let status = at(16, &rolling, spent);
    assert_eq!((status.period_first, status.period_last), (date(2026, 11, 10), date(2026, 11, 16)));
    assert_eq!((status.used, status.remaining, status.days_left), (usd("6"), usd("4"), 1));
    // Six USD in the seven days until noon: half a day's share until tonight, when the window is another one.
    assert_eq!(status.burn_rate, usd("6").scale(1, 7));
    assert_eq!(status.projected_spend, status.burn_rate.scale(1, 2));
    assert_eq!(status.flags, [Flag::LowBudget], "4 of 5 USD are left, and it does not end");
    assert_eq!(at(17, &rolling, &spent[..3]).used, usd("2"), "the 10th has left it");
}

#[test]
fn a_budget_year_is_projected_to_its_own_end() {
    let year = budget("1000", Period::Yearly { starts: "12-01".parse().unwrap() });
    let status = at(29, &year, &[(10, "3"), (29, "7")]);
    assert_eq!((status.period_first, status.period_last), (date(2025, 12, 1), date(2026, 11, 30)));
    assert_eq!((status.used, status.days_left), (usd("10"), 2));
    assert_eq!(status.projected_spend, usd("1.5"), "a day and a half at 1 USD");
    assert_eq!(at(30, &year, &[]).flags, [Flag::PeriodEnding]);
}

#[test]
fn fixed_dates_count_before_within_and_after() {
    let trip = budget("70", Period::Fixed { from: date(2026, 11, 10), until: date(2026, 11, 16) });
    let spent: &[(i8, &str)] = &[(9, "1"), (10, "2"), (16, "3"), (17, "4")];
    let days = |day| {
        let status = at(day, &trip, spent);
        (status.used, status.days_left)
    };
    assert_eq!(days(8), (Picodollars::ZERO, 7), "not begun");
    assert_eq!(days(12), (usd("2"), 5), "within");
    assert_eq!(days(20), (usd("5"), 0), "over");
    assert_eq!(at(20, &trip, spent).projected_spend, Picodollars::ZERO);
}

#[test]
fn a_scope_covers_by_provider_model_pattern_and_project() {
    let scope = |provider: Option<&str>, model: Option<&str>, project: Option<&str>| Scope {
        provider: provider.map(str::to_owned),
        model: model.map(str::to_owned),
        project: project.map(str::to_owned),
    };
    let covers = |scope: Scope| scope.covers("anthropic", "claude-opus-5", "/home/ada/work");
    let covered = [
        scope(None, None, None),
        scope(Some("anthropic"), None, None),
        scope(None, Some("claude-*"), Some("/home/ada")),
        scope(None, Some("*opus*"), Some("/home/ada/work/")),
        scope(None, Some("claude-opus-5"), None),
        scope(None, Some("c*-*-5"), None),
    ];
    for scope in covered {
        assert!(covers(scope.clone()), "{scope:?}");
    }
    let not = [
        scope(Some("groq"), None, None),
        scope(None, Some("claude-sonnet-*"), None),
        scope(None, Some("claude-opus"), None),
        scope(None, None, Some("/home/ada/wor")),
        scope(None, Some("claude-opus-5*5"), None),
    ];
    for scope in not {
        assert!(!covers(scope.clone()), "{scope:?}");
    }
}

#[test]
fn commands_are_refused_with_the_reason_or_change_something() {
    let mut budgets = BTreeMap::new();
    let set = |amount| BudgetCommand::Set(budget(amount, Period::Monthly));
    let change = decide(&budgets, set("50")).unwrap().unwrap();
    evolve(&mut budgets, change);
    assert_eq!(decide(&budgets, set("50")), Ok(None), "the same again changes nothing");
    assert!(matches!(decide(&budgets, set("60")), Ok(Some(BudgetChange::Set(_)))));
    assert_eq!(decide(&budgets, set("0")), Err(BudgetError::Amount("0".into())));
    let backwards = budget("1", Period::Fixed { from: date(2026, 2, 2), until: date(2026, 2, 1) });
    assert!(matches!(decide(&budgets, BudgetCommand::Set(backwards)), Err(BudgetError::Dates { .. })));
    assert!("Main budget".parse::<BudgetName>().is_err());
    let other: BudgetName = "other".parse().unwrap();
    assert_eq!(decide(&budgets, BudgetCommand::Remove(other.clone())), Err(BudgetError::Unknown(other)));
    let change = decide(&budgets, BudgetCommand::Remove("main".parse().unwrap())).unwrap().unwrap();
    evolve(&mut budgets, change);
    assert!(budgets.is_empty());
}

#[test]
fn a_loop_that_makes_budgets_comes_to_an_end_and_those_there_are_can_still_be_changed() {
    let mut budgets = BTreeMap::new();
    let mut set = |name: String, amount: &str| {
        let command =
            BudgetCommand::Set(Budget { name: name.parse().unwrap(), ..budget(amount, Period::Monthly) });
        let change = decide(&budgets, command)?;
        if let Some(change) = change {
            evolve(&mut budgets, change);
        }
        Ok::<_, BudgetError>(budgets.len())
    };
    for n in 1..=BUDGETS_MAX {
        assert_eq!(set(format!("b{n}"), "5"), Ok(n));
    }
    assert_eq!(set("one-more".to_owned(), "5"), Err(BudgetError::TooMany));
    assert_eq!(set("b1".to_owned(), "6"), Ok(BUDGETS_MAX));
}
