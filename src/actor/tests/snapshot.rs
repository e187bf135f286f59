//! What is seen from outside.

use std::time::Duration;

use super::stage::*;
use crate::actor::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_snapshot_tells_how_each_actor_is() {
    let mut stage = Stage::new(Strategy::RestForOne);
    let a = stage.role("a");
    let b = stage.role("b");
    let vitals = stage.root.vitals();
    let states = || vitals.snapshot().into_iter().map(|snapshot| snapshot.state).collect::<Vec<_>>();
    a.part.slow_start.set(SECOND);
    stage
        .play({
            let vitals = vitals.clone();
            async move || {
                assert_eq!(states(), [State::Waiting, State::Waiting]);
                tokio::time::sleep(SECOND / 2).await;
                assert_eq!(states(), [State::Starting, State::Waiting]);
                assert_eq!(b.say(1).await, Ok(1));
                assert_eq!(states(), [State::Running, State::Running]);

                tokio::time::sleep(SECOND * 5).await;
                let before = &vitals.snapshot()[1];
                assert_eq!((before.uptime_seconds, before.restarts, before.handled), (5, 0, 1));
                assert_eq!((before.last_error.as_deref(), before.next_restart_seconds), (None, None));

                assert!(a.fail(Failure::Error).await.is_err());
                b.handle.try_tell(Line::Rest).unwrap();
                b.handle.try_tell(Line::Rest).unwrap();
                tokio::task::yield_now().await;
                let during = vitals.snapshot();
                assert_eq!(states(), [State::BackingOff, State::BackingOff]);
                assert_eq!(during[0].last_error.as_deref(), Some("failed: as the play wants"));
                assert_eq!(during[1].last_error, None, "it was none of its errors");
                assert!(
                    during.iter().all(|snapshot| snapshot.next_restart_seconds > Some(0.0)),
                    "{during:?}"
                );
                assert_eq!((during[1].mailbox_depth, during[1].uptime_seconds), (2, 0));

                assert_eq!(b.say(2).await, Ok(2));
                let after = vitals.snapshot();
                assert_eq!(states(), [State::Running, State::Running]);
                assert_eq!((after[0].restarts, after[1].restarts), (1, 1));
                assert_eq!(
                    (after[0].handled, after[1].handled),
                    (0, 4),
                    "a failure is not a message handled"
                );
                assert_eq!((after[1].mailbox_depth, after[1].mailbox_capacity), (0, CAPACITY));
                assert!(after.iter().all(|snapshot| snapshot.next_restart_seconds.is_none()), "{after:?}");
            }
        })
        .await;
    assert!(vitals.snapshot().iter().all(|snapshot| snapshot.state == State::Stopped));
}

#[tokio::test(start_paused = true)]
async fn what_hangs_is_found_and_replaced() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let a = stage.role("a");
    let vitals = stage.root.vitals();
    stage
        .play(async || {
            // It is busy longer than its heartbeat with many messages, each of which is short.
            let heartbeat = ChildSpec::default().heartbeat;
            let busy = |number| {
                a.handle.ask(move |reply| Line::SayLater(number, heartbeat * 3 / 4, reply), PATIENCE)
            };
            let answers = futures_util::future::join_all((0..4).map(busy)).await;
            assert_eq!(answers, [Ok(0), Ok(1), Ok(2), Ok(3)]);
            assert_eq!(vitals.snapshot()[0].restarts, 0);

            assert_eq!(a.fail(Failure::Hang).await, Err(AskError::UnknownOutcome));
            assert_eq!(a.say(4).await, Ok(4));
            let snapshot = &vitals.snapshot()[0];
            assert_eq!((snapshot.restarts, snapshot.last_error.as_deref()), (1, Some("hung")));
        })
        .await;
}
