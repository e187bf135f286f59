//! What becomes of messages: poison, repetition, withdrawal, room.

use std::time::Duration;

use futures_util::future::join;

use super::stage::*;
use crate::actor::*;

const SECOND: Duration = Duration::from_secs(1);

fn set_aside(told: &Told) -> Vec<(&'static str, &'static str, u32)> {
    let entry = |event: &SupervisionEvent| match event {
        SupervisionEvent::SetAside { message, reason, times, .. } => Some((*message, reason.kind(), *times)),
        _ => None,
    };
    told.events.iter().filter_map(entry).collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_may_be_repeated_is_set_aside_when_it_ends_a_second_run() {
    // (how it fails, how often, what it says in the end, what is set aside)
    #[rustfmt::skip]
    let table = [
        (Failure::Panic, 1, vec![1, 2, 3], None),
        (Failure::Error, 1, vec![1, 2, 3], None),
        (Failure::Hang,  1, vec![1, 2, 3], None),
        (Failure::Panic, 2, vec![2, 3],    Some("panicked")),
        (Failure::Error, 2, vec![2, 3],    Some("failed")),
        (Failure::Hang,  2, vec![2, 3],    Some("hung")),
        // The failures happened outside of the message: they do not count against it.
        (Failure::PanicBeside, 4, vec![1, 2, 3], None),
    ];
    for (failure, failures, said, reason) in table {
        let name = format!("{failure:?}, {failures} times");
        let mut stage = Stage::new(Strategy::OneForOne);
        let a = stage.role("a");
        let vitals = stage.root.vitals();
        a.part.bad_lines.set(Some((failure, failures)));
        let told = stage
            .play(async || {
                a.handle.try_tell(Line::Repeatable(1)).unwrap();
                a.handle.try_tell(Line::Repeatable(2)).unwrap();
                assert_eq!(a.say(3).await, Ok(3), "{name}");
            })
            .await;
        assert_eq!(a.said(), said, "{name}: not in order");
        let expected: Vec<_> = reason.into_iter().map(|reason| ("repeatable", reason, 2)).collect();
        assert_eq!(set_aside(&told), expected, "{name}");
        let snapshot = &vitals.snapshot()[0];
        let shown = snapshot.last_set_aside.iter().map(|entry| (entry.reason.as_str(), entry.times));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            reason.map(|reason| (reason, 2)).into_iter().collect::<Vec<_>>()
        );
        assert_eq!(
            (snapshot.set_aside, snapshot.restarts),
            (expected.len() as u64, u64::from(failures)),
            "{name}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_must_not_be_repeated_is_set_aside_at_once() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let a = stage.role("a");
    let told = stage
        .play(async || {
            a.handle.try_tell(Line::FailUnasked(Failure::Panic)).unwrap();
            assert_eq!(a.fail(Failure::Error).await, Err(AskError::UnknownOutcome));
            assert_eq!(a.fail(Failure::PanicBeside).await, Err(AskError::UnknownOutcome));
            assert_eq!(a.say(1).await, Ok(1));
        })
        .await;
    assert_eq!(set_aside(&told), [("fail", "panicked", 1), ("fail", "failed", 1), ("fail", "panicked", 1)]);
}

#[tokio::test(start_paused = true)]
async fn the_list_is_bounded_and_the_count_is_not() {
    let mut stage = Stage::new(Strategy::OneForOne).bears(100);
    let a = stage.role("a");
    let vitals = stage.root.vitals();
    stage
        .play(async || {
            for _ in 0..20 {
                assert_eq!(a.fail(Failure::Error).await, Err(AskError::UnknownOutcome));
            }
            assert_eq!(a.say(1).await, Ok(1));
            let snapshot = &vitals.snapshot()[0];
            assert_eq!((snapshot.set_aside, snapshot.last_set_aside.len()), (20, 16));
            let ages: Vec<u64> = snapshot.last_set_aside.iter().map(|entry| entry.seconds_ago).collect();
            assert!(ages.is_sorted_by(|older, newer| older >= newer) && ages[0] > ages[15], "{ages:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn one_interrupted_by_its_sibling_s_failure_is_repeated_without_blame() {
    let mut stage = Stage::new(Strategy::OneForAll);
    let a = stage.role("a");
    let b = stage.role("b");
    // It is cut off twice, since it does not finish, and is handled at the third time.
    a.part.bad_lines.set(Some((Failure::Hang, 2)));
    let told = stage
        .play(async || {
            assert_eq!(b.say(0).await, Ok(0));
            a.handle.try_tell(Line::Repeatable(1)).unwrap();
            for _ in 0..2 {
                assert_eq!(b.fail(Failure::Panic).await, Err(AskError::UnknownOutcome));
                assert_eq!(b.say(0).await, Ok(0));
            }
            assert_eq!(a.say(2).await, Ok(2));
        })
        .await;
    assert_eq!(a.said(), [1, 2]);
    assert!(set_aside(&told).iter().all(|(message, ..)| *message == "fail"), "{:?}", told.events);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_begun_in_time_is_never_done() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let a = stage.role("a");
    stage
        .play(async || {
            let slow = a.handle.ask(|reply| Line::SayLater(1, SECOND * 2, reply), PATIENCE);
            let hasty = a.handle.ask(|reply| Line::Say(2, reply), SECOND);
            assert_eq!(join(slow, hasty).await, (Ok(1), Err(SendError::Busy.into())));
            // Begun, but not answered: that may still be done, and is.
            let hasty = a.handle.ask(|reply| Line::SayLater(3, SECOND * 2, reply), SECOND);
            assert_eq!(hasty.await, Err(AskError::Deadline));
            assert_eq!(a.say(4).await, Ok(4));
            assert_eq!(a.said(), [1, 3, 4]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_refuses_and_has_room_again() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let a = stage.role("a");
    stage
        .play(async || {
            assert_eq!(a.say(0).await, Ok(0));
            a.handle.try_tell(Line::FailUnasked(Failure::Hang)).unwrap();
            for _ in 1..CAPACITY {
                a.handle.try_tell(Line::Rest).unwrap();
            }
            assert_eq!(a.handle.try_tell(Line::Rest), Err(SendError::Busy));
            assert_eq!(a.handle.tell(Line::Rest, SECOND).await, Err(SendError::Busy));
            let patient = a.handle.ask(|reply| Line::Say(1, reply), SECOND).await;
            assert_eq!(patient, Err(SendError::Busy.into()));
            assert_eq!(a.say(2).await, Ok(2), "with patience there is room");
        })
        .await;
    assert_eq!(a.handle.try_tell(Line::Rest), Err(SendError::Stopped));
    assert_eq!(a.handle.tell(Line::Rest, PATIENCE).await, Err(SendError::Stopped));
}

/// Handles as many messages as it is sent, and counts them.
struct Busy(std::rc::Rc<std::cell::Cell<u32>>);

impl Behaviour for Busy {
    type Message = Option<Reply<u32>>;

    async fn handle(&mut self, message: Self::Message, context: &Context<Self>) -> Result<(), ActorError> {
        let Some(reply) = message else {
            self.0.set(self.0.get() + 1);
            return Ok(());
        };
        // What is spawned runs while this waits for it.
        let (sender, receiver) = tokio::sync::oneshot::channel();
        context.spawn(async move {
            tokio::time::sleep(SECOND).await;
            sender.send(7).unwrap();
        });
        reply.send(receiver.await.map_err(|_| ActorError("not sent".into()))?);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_spawned_runs_beside_the_message_in_hand() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let busy = stage.root.add("busy", ChildSpec::default(), || Busy(std::rc::Rc::default()));
    stage.play(async || assert_eq!(busy.ask(Some, PATIENCE).await, Ok(7))).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_queue_leaves_the_others_their_turn() {
    let mut stage = Stage::new(Strategy::OneForOne);
    let count: std::rc::Rc<std::cell::Cell<u32>> = std::rc::Rc::default();
    let counted = count.clone();
    let spec = ChildSpec { capacity: 1_000, ..ChildSpec::default() };
    let busy = stage.root.add("busy", spec, move || Busy(counted.clone()));
    let other = stage.role("other");
    stage
        .play(async || {
            assert_eq!(other.say(0).await, Ok(0));
            for _ in 0..1_000 {
                busy.try_tell(None).unwrap();
            }
            assert_eq!(other.say(1).await, Ok(1));
            assert!(count.get() < 1_000, "the queue was handled without a break");
        })
        .await;
    assert_eq!(count.get(), 1_000);
}
