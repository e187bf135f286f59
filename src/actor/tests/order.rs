//! The order of starts and stops, and what happens to those who do not keep it.

use std::time::Duration;

use futures_util::future::{join, join3};

use super::stage::*;
use crate::actor::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn each_child_starts_when_the_one_before_it_has_started_and_stops_before_it() {
    let mut stage = Stage::new(Strategy::RestForOne);
    let a = stage.role("a");
    let mut below = stage.supervisor("root/below", Strategy::OneForOne);
    let b = stage.role_in(&mut below, "b", ChildSpec::default());
    let c = stage.role_in(&mut below, "c", ChildSpec::default());
    stage.root.add_supervisor(below);
    let d = stage.role("d");
    for role in [&a, &b, &c, &d] {
        role.part.slow_start.set(SECOND);
    }
    let told = stage.play(async || assert_eq!(d.say(1).await, Ok(1))).await;
    assert_eq!(told.story, "(a +a (b +b (c +c (d +d -d -c -b -a");
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_start_in_time_is_started_again_and_only_those_who_depend_on_it_wait() {
    let table = [
        (Strategy::OneForOne, "(a -a (b +b (a +a -b -a"),
        (Strategy::RestForOne, "(a -a (a +a (b +b -b -a"),
        (Strategy::OneForAll, "(a -a (a +a (b +b -b -a"),
    ];
    for (strategy, story) in table {
        let mut stage = Stage::new(strategy);
        let a = stage.role("a");
        let b = stage.role("b");
        a.part.slow_start.set(ChildSpec::default().start * 2);
        b.part.slow_start.set(SECOND / 1000);
        let told = stage
            .play(async || {
                while !a.part.story().contains(&"-a".to_owned()) {
                    tokio::time::sleep(SECOND / 100).await;
                }
                a.part.slow_start.set(SECOND);
                assert_eq!((a.say(1).await, b.say(1).await), (Ok(1), Ok(1)));
            })
            .await;
        assert_eq!(told.story, story, "{strategy:?}");
        let hung = |event: &&SupervisionEvent| matches!(event, SupervisionEvent::Restarting { reason, .. } if *reason == ExitReason::Hung);
        assert_eq!(told.events.iter().filter(hung).count(), 1, "{strategy:?}: {:?}", told.events);
    }
}

#[tokio::test(start_paused = true)]
async fn those_after_a_supervisor_wait_until_its_children_have_made_up_for_a_bad_start() {
    let table = [
        (Strategy::OneForOne, "!a -a +b +c +a -c -b -a"),
        (Strategy::RestForOne, "!a -a +a +b +c -c -b -a"),
        (Strategy::OneForAll, "!a -a +a +b +c -c -b -a"),
    ];
    for (strategy, story) in table {
        let mut stage = Stage::new(Strategy::RestForOne);
        let mut below = stage.supervisor("root/below", strategy);
        let a = stage.role_in(&mut below, "a", ChildSpec::default());
        stage.role_in(&mut below, "b", ChildSpec::default());
        stage.root.add_supervisor(below);
        let c = stage.role("c");
        a.part.bad_starts.set(Some((Failure::PanicInStarted, 1)));
        let told = stage
            .play(async || {
                assert_eq!(c.say(1).await, Ok(1));
                assert_eq!(a.say(1).await, Ok(1));
            })
            .await;
        assert_eq!(told.story, story, "{strategy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sibling_finishes_the_message_in_hand_before_it_is_restarted() {
    let mut stage = Stage::new(Strategy::OneForAll);
    let a = stage.role("a");
    let b = stage.role("b");
    let told = stage
        .play(async || {
            assert_eq!(b.say(0).await, Ok(0));
            let later = a.handle.ask(|reply| Line::SayLater(1, SECOND, reply), PATIENCE);
            let (finished, failed, queued) = join3(later, b.fail(Failure::Panic), a.say(2)).await;
            assert_eq!((failed, finished, queued), (Err(AskError::UnknownOutcome), Ok(1), Ok(2)));
            assert_eq!(a.said(), [1, 2], "what waited was handled by the next run");
        })
        .await;
    assert_eq!(told.story, "+a +b -b -a +a +b -b -a");
}

#[tokio::test(start_paused = true)]
async fn a_sibling_that_does_not_stop_in_time_is_cut_off() {
    let mut stage = Stage::new(Strategy::OneForAll);
    let a = stage.role("a");
    let b = stage.role("b");
    let told = stage
        .play(async || {
            assert_eq!(b.say(0).await, Ok(0));
            let later = a.handle.ask(|reply| Line::SayLater(1, SECOND * 20, reply), PATIENCE);
            let (cut, failed) = join(later, b.fail(Failure::Panic)).await;
            assert_eq!((failed, cut), (Err(AskError::UnknownOutcome), Err(AskError::UnknownOutcome)));
            assert_eq!((a.say(2).await, b.say(2).await), (Ok(2), Ok(2)));
        })
        .await;
    assert_eq!(told.story, "+a +b -b -a +a +b -b -a");
    let cut = SupervisionEvent::CutOff { path: "root/a".into() };
    assert_eq!(told.events.iter().filter(|event| **event == cut).count(), 1, "{:?}", told.events);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_while_others_are_being_stopped_is_not_forgotten() {
    let mut stage = Stage::new(Strategy::RestForOne);
    let [a, b, c] = ["a", "b", "c"].map(|name| stage.role(name));
    let told = stage
        .play(async || {
            assert_eq!(c.say(0).await, Ok(0));
            // While b's failure waits for c to finish, a fails.
            let busy = c.handle.ask(|reply| Line::SayLater(1, SECOND, reply), PATIENCE);
            let first = async {
                tokio::time::sleep(SECOND / 2).await;
                a.fail(Failure::Panic).await
            };
            let (finished, failed, also_failed) = join3(busy, b.fail(Failure::Panic), first).await;
            assert_eq!(finished, Ok(1));
            assert_eq!((failed, also_failed), (Err(AskError::UnknownOutcome), Err(AskError::UnknownOutcome)));
            for role in [&c, &b, &a] {
                assert_eq!(role.say(2).await, Ok(2), "{}", role.part.name);
            }
        })
        .await;
    assert_eq!(told.story, "+a +b +c -b -a -c +a +b +c -c -b -a");
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_while_those_after_it_wait_for_their_restart_is_restarted_first() {
    let mut stage = Stage::new(Strategy::RestForOne);
    let [a, b, c] = ["a", "b", "c"].map(|name| stage.role(name));
    let told = stage
        .play(async || {
            assert_eq!(c.say(0).await, Ok(0));
            let (failed, also_failed) = join(b.fail(Failure::Panic), a.fail(Failure::Panic)).await;
            assert_eq!((failed, also_failed), (Err(AskError::UnknownOutcome), Err(AskError::UnknownOutcome)));
            assert_eq!(c.say(2).await, Ok(2));
        })
        .await;
    let (_, after) = told.story.split_once("-a ").unwrap();
    assert!(after.trim_start_matches("-c ").starts_with("+a +b +c"), "{}", told.story);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handled_before_an_orderly_stop_and_nothing_more_is_taken() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let a = stage.role("a");
    let (first, later) = (a.handle.clone(), a.handle.clone());
    let ask = |handle: Handle<Line>, number| async move {
        handle.ask(|reply| Line::SayLater(number, SECOND / 4, reply), PATIENCE).await
    };
    let mut asks = Vec::new();
    let told = stage
        .play(async || {
            assert_eq!(a.say(0).await, Ok(0));
            asks = (1..=4).map(|number| tokio::task::spawn_local(ask(first.clone(), number))).collect();
            asks.push(tokio::task::spawn_local(async move {
                tokio::time::sleep(SECOND / 2).await;
                ask(later, 5).await
            }));
            tokio::task::yield_now().await;
        })
        .await;
    let mut answers = Vec::new();
    for ask in asks {
        answers.push(ask.await.unwrap());
    }
    assert_eq!(answers, [Ok(1), Ok(2), Ok(3), Ok(4), Err(SendError::Stopped.into())]);
    assert!(told.events.is_empty(), "{:?}", told.events);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_at_the_end_is_cut_off_and_the_others_stop_in_order() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let [a, b, c] = ["a", "b", "c"].map(|name| stage.role(name));
    let told = stage
        .play(async || {
            assert_eq!(c.say(0).await, Ok(0));
            b.handle.try_tell(Line::FailUnasked(Failure::Hang)).unwrap();
            assert_eq!(a.say(0).await, Ok(0));
        })
        .await;
    assert_eq!(told.story, "+a +b +c -c -b -a");
    assert_eq!(told.exit, ExitReason::Requested);
    assert!(told.events.contains(&SupervisionEvent::CutOff { path: "root/b".into() }), "{:?}", told.events);
}
