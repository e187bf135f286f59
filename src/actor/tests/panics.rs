//! A panic never leaves its cell, wherever it comes from.

use std::cell::Cell;
use std::rc::Rc;

use super::stage::*;
use crate::actor::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Factory,
    Started,
    Handler,
    Spawned,
    Label,
    Redeliver,
    DropOfState,
    DropOfSpawned,
    DropOfQueued,
}

struct Thrower {
    place: Option<Place>,
}

/// Its own place is where it panics; another one's is where the behaviour does.
struct Thrown(Place, Option<Reply<()>>);

impl Drop for Thrown {
    fn drop(&mut self) {
        if self.0 == Place::DropOfQueued && !std::thread::panicking() {
            quiet_panic();
        }
    }
}

/// What a future or a factory holds.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            quiet_panic();
        }
    }
}

impl Behaviour for Thrower {
    type Message = Thrown;

    async fn started(&mut self, _: &Context<Self>) -> Result<(), ActorError> {
        if self.place == Some(Place::Started) {
            quiet_panic();
        }
        Ok(())
    }

    async fn handle(&mut self, mut message: Thrown, context: &Context<Self>) -> Result<(), ActorError> {
        match message.0 {
            Place::Handler => quiet_panic(),
            Place::Spawned => context.spawn(async { quiet_panic() }),
            Place::DropOfSpawned => {
                let bomb = Bomb;
                context.spawn(async move {
                    let _kept = bomb;
                    std::future::pending::<()>().await;
                });
                context.stop();
            }
            Place::DropOfState => {
                self.place = Some(Place::DropOfState);
                return Err(ActorError("the state is dropped".into()));
            }
            _ => {}
        }
        if let Some(reply) = message.1.take() {
            reply.send(());
        }
        Ok(())
    }

    fn label(message: &Thrown) -> &'static str {
        if message.0 == Place::Label { quiet_panic() } else { "thrown" }
    }

    fn redeliver(message: &Thrown) -> Option<Thrown> {
        if message.0 == Place::Redeliver { quiet_panic() } else { None }
    }
}

impl Drop for Thrower {
    fn drop(&mut self) {
        if self.place == Some(Place::DropOfState) && !std::thread::panicking() {
            quiet_panic();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_never_leaves_its_cell() {
    let places = [
        Place::Factory,
        Place::Started,
        Place::Handler,
        Place::Spawned,
        Place::Label,
        Place::Redeliver,
        Place::DropOfState,
        Place::DropOfSpawned,
        Place::DropOfQueued,
    ];
    for place in places {
        let mut stage = Stage::new(Strategy::OneForOne);
        let runs: Rc<Cell<u32>> = Rc::default();
        let run = runs.clone();
        let thrower = stage.root.add("thrower", ChildSpec::default(), move || {
            run.set(run.get() + 1);
            let is_first = run.get() == 1;
            if is_first && place == Place::Factory {
                quiet_panic();
            }
            Thrower { place: Some(place).filter(|place| is_first && *place == Place::Started) }
        });
        let other = stage.role("other");
        let vitals = stage.root.vitals();
        let told = stage
            .play(async || {
                let harmless = || thrower.ask(|reply| Thrown(Place::Started, Some(reply)), PATIENCE);
                if ![Place::Factory, Place::Started].contains(&place) {
                    harmless().await.unwrap();
                    thrower.try_tell(Thrown(place, None)).unwrap();
                }
                // A failure outside of the message may also end the next run, or not.
                let _ = harmless().await;
                assert_eq!(harmless().await, Ok(()), "{place:?}");
                assert!(runs.get() >= 2, "{place:?}: it was not restarted");
                assert_eq!(other.say(1).await, Ok(1), "{place:?}");
                assert_eq!(vitals.snapshot()[0].mailbox_depth, 0, "{place:?}");
                // Dropped with the mailbox, at the end of the tree.
                if place == Place::DropOfQueued {
                    thrower.try_tell(Thrown(Place::Spawned, None)).unwrap();
                    thrower.try_tell(Thrown(place, None)).unwrap();
                }
            })
            .await;
        assert_eq!(told.exit, ExitReason::Requested, "{place:?}");
        assert_eq!(vitals.snapshot()[0].mailbox_depth, 0, "{place:?}: a permit was lost");
    }
}

#[tokio::test(start_paused = true)]
async fn nor_does_a_panic_of_what_is_dropped_with_an_actor_that_has_ended() {
    for place in [Place::Factory, Place::DropOfQueued] {
        let mut stage = Stage::new(Strategy::OneForOne);
        let spec = ChildSpec { restart: Restart::Temporary, ..ChildSpec::default() };
        let bomb = (place == Place::Factory).then(|| Bomb);
        let thrower = stage.root.add("thrower", spec, move || {
            let _kept = &bomb;
            Thrower { place: None }
        });
        let other = stage.role("other");
        let told = stage
            .play(async || {
                assert_eq!(other.say(1).await, Ok(1));
                thrower.try_tell(Thrown(Place::Handler, None)).unwrap();
                thrower.try_tell(Thrown(place, None)).unwrap();
                let waited = thrower.ask(|reply| Thrown(Place::Started, Some(reply)), PATIENCE);
                assert_eq!(waited.await, Err(SendError::Stopped.into()), "{place:?}");
                assert_eq!(other.say(2).await, Ok(2), "{place:?}");
            })
            .await;
        assert_eq!(told.exit, ExitReason::Requested, "{place:?}");
    }
}
