use std::cell::RefCell;

use tokio::task::LocalSet;

use super::super::{ActorError, AskError, Context, Reply, SendError};
use super::*;

const PATIENCE: Duration = Duration::from_secs(100);

/// What happened, in order.
type Story = Rc<RefCell<Vec<String>>>;

struct Counter {
    name: &'static str,
    count: u32,
    story: Story,
}

enum Message {
    Count(Reply<u32>),
    Panic,
    PanicWhenAsked(Reply<u32>),
    PanicBeside,
    Fail,
    Hang,
}

impl Behaviour for Counter {
    type Message = Message;

    async fn started(&mut self, _: &Context<Self>) -> Result<(), ActorError> {
        self.story.borrow_mut().push(format!("{} started", self.name));
        Ok(())
    }

    async fn handle(&mut self, message: Message, context: &Context<Self>) -> Result<(), ActorError> {
        match message {
            Message::Count(reply) => {
                self.count += 1;
                reply.send(self.count);
            }
            Message::Panic => panic!("as the test wants"),
            Message::PanicWhenAsked(_reply) => panic!("as the test wants"),
            Message::PanicBeside => context.spawn(async { panic!("as the test wants") }),
            Message::Fail => return Err(ActorError("as the test wants".into())),
            Message::Hang => std::future::pending().await,
        }
        Ok(())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.story.borrow_mut().push(format!("{} gone", self.name));
    }
}

struct Scene {
    story: Story,
    events: Rc<RefCell<Vec<SupervisionEvent>>>,
    supervisor: Supervisor,
}

impl Scene {
    fn new(strategy: Strategy) -> Self {
        let events: Rc<RefCell<Vec<SupervisionEvent>>> = Rc::default();
        let heard = events.clone();
        let listener: Listener = Rc::new(move |event| heard.borrow_mut().push(event));
        Self { story: Rc::default(), events, supervisor: Supervisor::new("root", strategy, listener) }
    }

    fn counter(&mut self, name: &'static str) -> Handle<Message> {
        let story = self.story.clone();
        let spec = ChildSpec { capacity: 4, ..ChildSpec::default() };
        self.supervisor.add(name, spec, move || Counter { name, count: 0, story: story.clone() })
    }

    /// Plays a scene while the supervisor runs; the exit reason at the end.
    async fn play(self, script: impl AsyncFnOnce()) -> (ExitReason, Vec<String>, Vec<SupervisionEvent>) {
        let Self { story, events, supervisor } = self;
        let (stop, stopping) = watch::channel(false);
        let local = LocalSet::new();
        let reason = local
            .run_until(async {
                let run = tokio::task::spawn_local(supervisor.run_until(stopping));
                script().await;
                stop.send_replace(true);
                run.await.unwrap()
            })
            .await;
        let told = std::mem::take(&mut *story.borrow_mut());
        let heard = std::mem::take(&mut *events.borrow_mut());
        (reason, told, heard)
    }
}

async fn count(handle: &Handle<Message>) -> Result<u32, AskError> {
    handle.ask(Message::Count, PATIENCE).await
}

#[tokio::test(start_paused = true)]
async fn each_failure_restarts_the_actor_afresh_and_keeps_what_is_queued() {
    type Break = fn() -> Message;
    let failures: [(&str, Break); 4] = [
        ("panicked", || Message::Panic),
        ("panicked", || Message::PanicBeside),
        ("failed: as the test wants", || Message::Fail),
        ("hung", || Message::Hang),
    ];
    for (reason, failure) in failures {
        let mut scene = Scene::new(Strategy::OneForOne);
        let handle = scene.counter("one");
        let vitals = scene.supervisor.vitals();
        let (exit, story, events) = scene
            .play(async || {
                assert_eq!(count(&handle).await, Ok(1));
                handle.tell(failure(), PATIENCE).await.unwrap();
                let queued = [count(&handle), count(&handle)];
                let answers = futures_util::future::join_all(queued).await;
                // A panic beside the messages takes the one along that is being handled just then.
                let lost = answers.iter().filter(|answer| **answer == Err(AskError::UnknownOutcome)).count();
                let kept = answers.iter().filter(|answer| answer.is_ok()).count();
                let may_be_lost = usize::from(matches!(failure(), Message::PanicBeside));
                assert!(kept + lost == 2 && lost <= may_be_lost, "{reason}: {answers:?}");
                let snapshot = &vitals.snapshot()[0];
                assert_eq!((snapshot.restarts, snapshot.mailbox_depth), (1, 0), "{reason}");
                assert_eq!(snapshot.last_error.as_deref(), Some(reason));
            })
            .await;
        assert_eq!(exit, ExitReason::Requested);
        assert_eq!(story, ["one started", "one gone", "one started", "one gone"], "{reason}");
        assert!(
            matches!(&events[..], [SupervisionEvent::Restarting { path, .. }] if path == "root/one"),
            "{events:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_panicking_message_s_sender_hears_that_the_outcome_is_not_known() {
    let mut scene = Scene::new(Strategy::OneForOne);
    let handle = scene.counter("one");
    scene
        .play(async || {
            let answer = handle.ask(Message::PanicWhenAsked, PATIENCE).await;
            assert_eq!(answer, Err(AskError::UnknownOutcome));
            assert_eq!(count(&handle).await, Ok(1), "the next one finds a fresh actor");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn strategies_restart_whom_they_name() {
    let cases = [
        (Strategy::OneForOne, vec!["b"]),
        (Strategy::RestForOne, vec!["b", "c"]),
        (Strategy::OneForAll, vec!["a", "b", "c"]),
    ];
    for (strategy, restarted) in cases {
        let mut scene = Scene::new(strategy);
        let handles = ["a", "b", "c"].map(|name| scene.counter(name));
        let (_, story, _) = scene
            .play(async || {
                for handle in &handles {
                    count(handle).await.unwrap();
                }
                handles[1].tell(Message::Panic, PATIENCE).await.unwrap();
                for handle in &handles {
                    count(handle).await.unwrap();
                }
            })
            .await;
        let started: Vec<&str> = story.iter().filter_map(|line| line.strip_suffix(" started")).collect();
        let expected = [vec!["a", "b", "c"], restarted].concat();
        assert_eq!(started, expected, "{strategy:?}: {story:?}");
        let gone: Vec<&str> =
            story.iter().rev().take(3).filter_map(|line| line.strip_suffix(" gone")).collect();
        assert_eq!(gone.len(), 3, "{strategy:?}: {story:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_restarts_escalate_through_the_tree() {
    let mut scene = Scene::new(Strategy::OneForAll);
    let listener = scene.supervisor.listener.clone();
    let intensity = Intensity { restarts: 3, within: Duration::from_hours(1) };
    let mut below = Supervisor::new("below", Strategy::OneForOne, listener).intensity(intensity);
    let story = scene.story.clone();
    let handle = below.add("one", ChildSpec::default(), move || Counter {
        name: "one",
        count: 0,
        story: story.clone(),
    });
    scene.supervisor.add_supervisor(below);
    let (exit, story, events) = scene
        .play(async || {
            for _ in 0..4 {
                handle.tell(Message::Panic, PATIENCE).await.unwrap();
            }
            // The tree has ended when nobody takes messages any more.
            while handle.tell(Message::Panic, PATIENCE).await != Err(SendError::Stopped) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
        .await;
    assert!(matches!(exit, ExitReason::Escalated(_)), "{exit}");
    assert_eq!(story.iter().filter(|line| line.ends_with("started")).count(), 4);
    let escalated = |event: &&SupervisionEvent| matches!(event, SupervisionEvent::Escalated { .. });
    assert_eq!(events.iter().filter(escalated).count(), 2, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_refuses_and_a_stopped_actor_says_so() {
    let mut scene = Scene::new(Strategy::OneForOne);
    let handle = scene.counter("one");
    scene
        .play(async || {
            handle.tell(Message::Hang, PATIENCE).await.unwrap();
            for _ in 0..3 {
                handle.try_tell(Message::Fail).unwrap();
            }
            assert_eq!(handle.try_tell(Message::Fail), Err(SendError::Busy));
            assert_eq!(handle.tell(Message::Fail, Duration::from_millis(5)).await, Err(SendError::Busy));
        })
        .await;
    assert_eq!(handle.try_tell(Message::Fail), Err(SendError::Stopped));
    assert_eq!(count(&handle).await, Err(SendError::Stopped.into()));
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handled_before_an_orderly_stop() {
    let mut scene = Scene::new(Strategy::OneForOne);
    let handle = scene.counter("one");
    let asked = Rc::new(RefCell::new(Vec::new()));
    let asking = asked.clone();
    scene
        .play(async || {
            for _ in 0..4 {
                let handle = handle.clone();
                let ask = tokio::task::spawn_local(async move { count(&handle).await });
                asking.borrow_mut().push(ask);
            }
            tokio::task::yield_now().await;
        })
        .await;
    let mut answers = Vec::new();
    for ask in asked.take() {
        answers.push(ask.await.unwrap());
    }
    assert_eq!(answers, [Ok(1), Ok(2), Ok(3), Ok(4)]);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_panics_loses_no_answer() {
    let mut scene = Scene::new(Strategy::OneForOne);
    scene.supervisor.intensity = Intensity { restarts: 10_000, within: Duration::from_hours(1) };
    let story = scene.story.clone();
    let spec = ChildSpec { capacity: 64, ..ChildSpec::default() };
    let handle =
        scene.supervisor.add("one", spec, move || Counter { name: "one", count: 0, story: story.clone() });
    let vitals = scene.supervisor.vitals();
    scene
        .play(async || {
            let mut asks = Vec::new();
            for number in 0..5_000 {
                let handle = handle.clone();
                asks.push(tokio::task::spawn_local(async move {
                    let patience = Duration::from_hours(100);
                    if number % 10 == 0 {
                        handle.ask(Message::PanicWhenAsked, patience).await
                    } else {
                        handle.ask(Message::Count, patience).await
                    }
                }));
            }
            let (mut answered, mut unknown) = (0, 0);
            for ask in asks {
                match ask.await.unwrap() {
                    Ok(_) => answered += 1,
                    Err(AskError::UnknownOutcome) => unknown += 1,
                    Err(other) => panic!("{other}"),
                }
            }
            assert_eq!((answered, unknown), (4_500, 500));
            let snapshot = &vitals.snapshot()[0];
            assert_eq!((snapshot.mailbox_depth, snapshot.handled), (0, 4_500));
        })
        .await;
}
