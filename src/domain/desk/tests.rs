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

fn start(name: &str, budget: Option<&str>, since: Option<Date>) -> DeskCommand {
    let budget = budget.map(|name| name.parse().unwrap());
    DeskCommand::StartFeed { slug: slug(name), budget, since, fresh_id: "fresh".into() }
}

fn done(desk: &mut Desk, command: DeskCommand) -> Vec<DeskChange> {
    let changes = desk.decide(command, &facts(), Timestamp::UNIX_EPOCH).unwrap();
    changes.iter().cloned().for_each(|change| desk.evolve(change));
    changes
}

#[test]
fn commands_that_make_no_sense_are_refused_with_the_mend() {
    let untitled = LocalGoal { title: String::new(), ..goal("tax") };
    let close = DeskCommand::CloseGoal { slug: slug("tax"), end: End::Done };
    let tomorrow = date(2026, 11, 24);
    let table = [
        (DeskCommand::SetGoal(untitled), DeskError::Title(0)),
        (DeskCommand::SetGoal(goal("spend")), DeskError::Taken(slug("spend"))),
        (close, DeskError::UnknownGoal(slug("tax"))),
        (start("spend", Some("other"), None), DeskError::UnknownBudget("other".parse().unwrap())),
        (start("spend", None, Some(tomorrow)), DeskError::Future(tomorrow)),
        (DeskCommand::StopFeed { slug: slug("spend") }, DeskError::UnknownFeed(slug("spend"))),
    ];
    for (command, error) in table {
        let refused = Desk::default().decide(command, &facts(), Timestamp::UNIX_EPOCH);
        assert_eq!(refused, Err(error));
    }
    let without = Facts { has_beeminder: false, ..facts() };
    let refused = Desk::default().decide(start("spend", None, None), &without, Timestamp::UNIX_EPOCH);
    assert_eq!(refused, Err(DeskError::NoKeeper(slug("spend"))));
}

#[test]
fn a_goal_that_is_closed_is_fed_no_more() {
    let mut desk = Desk::default();
    done(&mut desk, DeskCommand::SetGoal(goal("tax")));
    assert_eq!(done(&mut desk, DeskCommand::SetGoal(goal("tax"))), [], "nothing changed");
    done(&mut desk, start("tax", Some("main"), None));
    assert_eq!(desk.feeds[&slug("tax")].keeper, Keeper::Local);
    let changes = done(&mut desk, DeskCommand::CloseGoal { slug: slug("tax"), end: End::Dropped });
    let closed = DeskChange::GoalClosed { slug: slug("tax"), end: End::Dropped };
    assert_eq!(changes, [DeskChange::FeedStopped { slug: slug("tax") }, closed]);
    assert!(desk.goals.is_empty() && !desk.feeds[&slug("tax")].is_running);
}

#[test]
fn a_feed_keeps_its_id_for_ever_and_its_first_day_while_it_runs() {
    let mut desk = Desk::default();
    let first = date(2026, 11, 1);
    done(&mut desk, start("spend", None, Some(first)));
    done(&mut desk, start("spend", Some("main"), None));
    let feed = desk.feeds[&slug("spend")].clone();
    assert_eq!((feed.since, feed.budget.map(|name| name.to_string())), (first, Some("main".into())));
    done(&mut desk, DeskCommand::StopFeed { slug: slug("spend") });
    assert_eq!(done(&mut desk, DeskCommand::StopFeed { slug: slug("spend") }), []);
    let again =
        DeskCommand::StartFeed { slug: slug("spend"), budget: None, since: None, fresh_id: "another".into() };
    done(&mut desk, again);
    let feed = &desk.feeds[&slug("spend")];
    assert_eq!((feed.id.as_str(), feed.since, feed.is_running), ("fresh", TODAY, true));
}

#[test]
fn a_loop_that_makes_goals_comes_to_an_end_and_closing_one_makes_room() {
    let mut desk = Desk::default();
    for n in 0..GOALS_MAX {
        done(&mut desk, DeskCommand::SetGoal(goal(&format!("g{n}"))));
    }
    let one_more = DeskCommand::SetGoal(goal("one-more"));
    let refused = desk.decide(one_more.clone(), &facts(), Timestamp::UNIX_EPOCH);
    assert_eq!(refused, Err(DeskError::TooMany));
    let changed = LocalGoal { title: "Other".into(), ..goal("g1") };
    assert_eq!(done(&mut desk, DeskCommand::SetGoal(changed)).len(), 1);
    done(&mut desk, DeskCommand::CloseGoal { slug: slug("g1"), end: End::Done });
    assert_eq!(done(&mut desk, one_more).len(), 1);
}
