//! Restart policies and backoff.

use std::time::Duration;

use super::stage::*;
use crate::actor::*;

#[tokio::test(start_paused = true)]
async fn a_policy_says_who_is_restarted() {
    #[rustfmt::skip]
    let table = [
        (Restart::Permanent, Failure::Stop,  true),
        (Restart::Permanent, Failure::Panic, true),
        (Restart::Permanent, Failure::Error, true),
        (Restart::Permanent, Failure::Hang,  true),
        (Restart::Transient, Failure::Stop,  false),
        (Restart::Transient, Failure::Panic, true),
        (Restart::Transient, Failure::Error, true),
        (Restart::Transient, Failure::Hang,  true),
        (Restart::Temporary, Failure::Stop,  false),
        (Restart::Temporary, Failure::Panic, false),
        (Restart::Temporary, Failure::Error, false),
        (Restart::Temporary, Failure::Hang,  false),
    ];
    for (restart, failure, is_restarted) in table {
        let name = format!("{restart:?}, {failure:?}");
        let mut stage = Stage::new(Strategy::OneForOne);
        let a = stage.role_with("a", ChildSpec { restart, ..ChildSpec::default() });
        let b = stage.role("b");
        let told = stage
            .play(async || {
                assert_eq!(b.say(1).await, Ok(1));
                let (_, waiting) = futures_util::future::join(a.fail(failure), a.say(2)).await;
                let later = if is_restarted { Ok(2) } else { Err(SendError::Stopped.into()) };
                assert_eq!((waiting, a.say(2).await), (later, later), "{name}");
            })
            .await;
        let ended = told.events.iter().any(|event| {
            matches!(event, SupervisionEvent::Ended { path, reason }
                if path == "root/a" && reason.is_failure() == (failure != Failure::Stop))
        });
        assert_eq!(ended, !is_restarted, "{name}: {:?}", told.events);
        assert_eq!(told.exit, ExitReason::Requested, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_temporary_sibling_does_not_come_back_with_the_others() {
    let mut stage = Stage::new(Strategy::OneForAll);
    let a = stage.role("a");
    let b = stage.role_with("b", ChildSpec { restart: Restart::Temporary, ..ChildSpec::default() });
    let c = stage.role_with("c", ChildSpec { restart: Restart::Transient, ..ChildSpec::default() });
    let told = stage
        .play(async || {
            assert_eq!(c.say(1).await, Ok(1));
            assert!(a.fail(Failure::Panic).await.is_err());
            assert_eq!(c.say(2).await, Ok(2));
            assert_eq!(b.say(2).await, Err(SendError::Stopped.into()));
        })
        .await;
    assert_eq!(told.story, "+a +b +c -a -c -b +a +c -c -a");
}

/// The pauses in a play's events.
fn pauses(told: &Told) -> Vec<Duration> {
    let pause = |event: &SupervisionEvent| match event {
        SupervisionEvent::Restarting { pause, .. } => Some(*pause),
        _ => None,
    };
    told.events.iter().filter_map(pause).collect()
}

/// Whether a pause is one after so many failures in a row.
fn is_pause_after(failures: u32, pause: Duration) -> bool {
    let longest = Backoff::default().initial * 2_u32.pow(failures - 1);
    (longest / 2..=longest).contains(&pause)
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_with_each_failure_and_begin_anew_after_a_quiet_time() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let a = stage.role("a");
    let told = stage
        .play(async || {
            for _ in 0..4 {
                assert!(a.fail(Failure::Panic).await.is_err());
                assert_eq!(a.say(1).await, Ok(1));
            }
            tokio::time::sleep(Backoff::default().reset_after).await;
            assert!(a.fail(Failure::Panic).await.is_err());
            assert_eq!(a.say(1).await, Ok(1));
        })
        .await;
    let pauses = pauses(&told);
    assert_eq!(pauses.len(), 5);
    for (pause, failures) in pauses.iter().zip([1, 2, 3, 4, 1]) {
        assert!(is_pause_after(failures, *pause), "{failures}: {pauses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_for_long_is_no_quiet_time() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let heartbeat = Backoff::default().reset_after * 10;
    let a = stage.role_with("a", ChildSpec { heartbeat, ..ChildSpec::default() });
    let told = stage
        .play(async || {
            for _ in 0..3 {
                assert_eq!(a.fail(Failure::Hang).await, Err(AskError::UnknownOutcome));
            }
            assert_eq!(a.say(1).await, Ok(1));
        })
        .await;
    let pauses = pauses(&told);
    assert!(is_pause_after(3, pauses[2]), "{pauses:?}");
}
