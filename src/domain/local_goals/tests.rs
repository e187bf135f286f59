use jiff::civil::date;

use crate::domain::local_goal::Priority;

use super::*;

const TODAY: Date = date(2026, 11, 23);

fn slug(text: &str) -> GoalSlug {
    text.parse().unwrap()
}

fn goal(name: &str) -> LocalGoal {
    LocalGoal { slug: slug(name), title: "Taxes".into(), priority: Priority::High, due: TODAY }
}

fn facts() -> Facts {
    Facts {
        at_beeminder: BTreeSet::from(["spend".to_owned()]),
        has_beeminder: true,
        budgets: BTreeSet::from(["main".parse().unwrap()]),
        today: Some(TODAY),
    }
}

fn start(name: &str, budget: Option<&str>, since: Option<Date>) -> LocalGoalCommand {
    let budget = budget.map(|name| name.parse().unwrap());
    LocalGoalCommand::StartFeed { slug: slug(name), budget, since, fresh_id: "fresh".into() }
}

fn done(local_goals: &mut LocalGoals, command: LocalGoalCommand) -> Vec<LocalGoalChange> {
    let changes = local_goals.decide(command, &facts(), Timestamp::UNIX_EPOCH).unwrap();
    changes.iter().cloned().for_each(|change| local_goals.evolve(change));
    changes
}

#[test]
fn commands_that_make_no_sense_are_refused_with_the_mend() {
    let untitled = LocalGoal { title: String::new(), ..goal("tax") };
    let close = LocalGoalCommand::CloseGoal { slug: slug("tax"), end: End::Done };
    let tomorrow = date(2026, 11, 24);
    let table = [
        (LocalGoalCommand::SetGoal(untitled), LocalGoalError::Title(0)),
        (LocalGoalCommand::SetGoal(goal("spend")), LocalGoalError::Taken(slug("spend"))),
        (close, LocalGoalError::UnknownGoal(slug("tax"))),
        (start("spend", Some("other"), None), LocalGoalError::UnknownBudget("other".parse().unwrap())),
        (start("spend", None, Some(tomorrow)), LocalGoalError::Future(tomorrow)),
        (LocalGoalCommand::StopFeed { slug: slug("spend") }, LocalGoalError::UnknownFeed(slug("spend"))),
    ];
    for (command, error) in table {
        let refused = LocalGoals::default().decide(command, &facts(), Timestamp::UNIX_EPOCH);
        assert_eq!(refused, Err(error));
    }
    let without = Facts { has_beeminder: false, ..facts() };
    let refused = LocalGoals::default().decide(start("spend", None, None), &without, Timestamp::UNIX_EPOCH);
    assert_eq!(refused, Err(LocalGoalError::NoKeeper(slug("spend"))));
}

#[test]
fn a_goal_that_is_closed_is_fed_no_more() {
    let mut local_goals = LocalGoals::default();
    done(&mut local_goals, LocalGoalCommand::SetGoal(goal("tax")));
    assert_eq!(done(&mut local_goals, LocalGoalCommand::SetGoal(goal("tax"))), [], "nothing changed");
    done(&mut local_goals, start("tax", Some("main"), None));
    assert_eq!(local_goals.feeds[&slug("tax")].keeper, Keeper::Local);
    let changes =
        done(&mut local_goals, LocalGoalCommand::CloseGoal { slug: slug("tax"), end: End::Dropped });
    let closed = LocalGoalChange::GoalClosed { slug: slug("tax"), end: End::Dropped };
    assert_eq!(changes, [LocalGoalChange::FeedStopped { slug: slug("tax") }, closed]);
    assert!(local_goals.goals.is_empty() && !local_goals.feeds[&slug("tax")].is_running);
}

#[test]
fn a_feed_keeps_its_id_for_ever_and_its_first_day_while_it_runs() {
    let mut local_goals = LocalGoals::default();
    let first = date(2026, 11, 1);
    done(&mut local_goals, start("spend", None, Some(first)));
    done(&mut local_goals, start("spend", Some("main"), None));
    let feed = local_goals.feeds[&slug("spend")].clone();
    assert_eq!((feed.since, feed.budget.map(|name| name.to_string())), (first, Some("main".into())));
    done(&mut local_goals, LocalGoalCommand::StopFeed { slug: slug("spend") });
    assert_eq!(done(&mut local_goals, LocalGoalCommand::StopFeed { slug: slug("spend") }), []);
    let again = LocalGoalCommand::StartFeed {
        slug: slug("spend"),
        budget: None,
        since: None,
        fresh_id: "another".into(),
    };
    done(&mut local_goals, again);
    let feed = &local_goals.feeds[&slug("spend")];
    assert_eq!((feed.id.as_str(), feed.since, feed.is_running), ("fresh", TODAY, true));
}

#[test]
fn a_loop_that_makes_goals_comes_to_an_end_and_closing_one_makes_room() {
    let mut local_goals = LocalGoals::default();
    for n in 0..GOALS_MAX {
        done(&mut local_goals, LocalGoalCommand::SetGoal(goal(&format!("g{n}"))));
    }
    let one_more = LocalGoalCommand::SetGoal(goal("one-more"));
    let refused = local_goals.decide(one_more.clone(), &facts(), Timestamp::UNIX_EPOCH);
    assert_eq!(refused, Err(LocalGoalError::TooMany));
    let changed = LocalGoal { title: "Other".into(), ..goal("g1") };
    assert_eq!(done(&mut local_goals, LocalGoalCommand::SetGoal(changed)).len(), 1);
    done(&mut local_goals, LocalGoalCommand::CloseGoal { slug: slug("g1"), end: End::Done });
    assert_eq!(done(&mut local_goals, one_more).len(), 1);
}
