//! Supervisors below supervisors.

use std::time::Duration;

use super::stage::*;
use crate::actor::*;

/// root { a, below { b, c } }, where below bears one restart.
fn tree(strategy: Strategy, root_bears: usize) -> (Stage, [Role; 3]) {
    let mut stage = Stage::new(strategy).bears(root_bears);
    let a = stage.role("a");
    let intensity = Intensity { restarts: 1, within: Duration::from_hours(1) };
    let mut below = stage.supervisor("root/below", Strategy::OneForOne).intensity(intensity);
    let b = stage.role_in(&mut below, "b", ChildSpec::default());
    let c = stage.role_in(&mut below, "c", ChildSpec::default());
    stage.root.add_supervisor(below);
    (stage, [a, b, c])
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_gives_up_is_restarted_with_its_children_and_their_mailboxes() {
    let (stage, [a, b, c]) = tree(Strategy::OneForOne, 5);
    let vitals = stage.root.vitals();
    let told = stage
        .play(async || {
            assert_eq!(c.say(0).await, Ok(0));
            for _ in 0..2 {
                assert_eq!(b.fail(Failure::Panic).await, Err(AskError::UnknownOutcome));
            }
            // Sent while the supervisor is down.
            assert_eq!((b.say(1).await, c.say(1).await, a.say(1).await), (Ok(1), Ok(1), Ok(1)));
            let errors = vitals.snapshot().into_iter().map(|snapshot| snapshot.last_error);
            assert!(errors.eq([None, Some("panicked".to_owned()), None]), "{:?}", vitals.snapshot());
            // It has its restart to give again.
            assert_eq!(b.fail(Failure::Panic).await, Err(AskError::UnknownOutcome));
            assert_eq!(b.say(2).await, Ok(2));
        })
        .await;
    assert_eq!(told.story, "+a +b +c -b +b -b ^root/below -c +b +c -b +b -c -b -a");
    assert_eq!(told.exit, ExitReason::Requested);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_is_restarted_with_the_sibling_that_it_depends_on() {
    let (stage, [a, b, c]) = tree(Strategy::RestForOne, 5);
    let told = stage
        .play(async || {
            assert_eq!(c.say(0).await, Ok(0));
            assert_eq!(a.fail(Failure::Panic).await, Err(AskError::UnknownOutcome));
            assert_eq!((b.say(1).await, c.say(1).await, a.say(1).await), (Ok(1), Ok(1), Ok(1)));
        })
        .await;
    assert_eq!(told.story, "+a +b +c -a -c -b +a +b +c -c -b -a");
}

#[tokio::test(start_paused = true)]
async fn too_many_restarts_escalate_to_the_root_and_end_the_tree_in_order() {
    let (stage, [a, b, c]) = tree(Strategy::OneForOne, 1);
    let told = stage
        .play(async || {
            for _ in 0..4 {
                assert_eq!(c.say(0).await, Ok(0));
                assert_eq!(b.fail(Failure::Panic).await, Err(AskError::UnknownOutcome));
            }
            assert_eq!(b.say(1).await, Err(SendError::Stopped.into()));
            assert_eq!(a.say(1).await, Err(SendError::Stopped.into()));
        })
        .await;
    let once = "-b ^root/below -c";
    assert_eq!(told.story, format!("+a +b +c -b +b {once} +b +c -b +b {once} ^root -a"));
    let why = "escalated: root/below (escalated: root/below/b (panicked))";
    assert_eq!(told.exit.to_string(), why);
    let last = told.events.last().unwrap();
    assert!(
        matches!(last, SupervisionEvent::Escalated { path, reason } if path == "root" && reason.to_string() == why),
        "{last:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn restarts_of_long_ago_do_not_count() {
    let (stage, [_, b, _]) = tree(Strategy::OneForOne, 0);
    let told = stage
        .play(async || {
            for _ in 0..3 {
                assert_eq!(b.fail(Failure::Panic).await, Err(AskError::UnknownOutcome));
                tokio::time::sleep(Duration::from_hours(1)).await;
            }
        })
        .await;
    assert_eq!(told.exit, ExitReason::Requested);
}
