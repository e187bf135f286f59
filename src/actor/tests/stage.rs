//! The test stage: actors that follow instructions, and a record of what they did.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;

use crate::actor::*;

/// Longer than any play.
pub const PATIENCE: Duration = Duration::from_hours(100);
/// Messages that may wait for a player.
pub const CAPACITY: usize = 8;

/// A panic that the panic hook does not print.
pub fn quiet_panic() -> ! {
    resume_unwind(Box::new("as the play wants"))
}

/// How a player fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Panic,
    PanicBeside,
    Error,
    Hang,
    Stop,
    PanicInStarted,
    ErrorInStarted,
    HangInStarted,
}

/// A player's messages.
pub enum Line {
    /// Answer with this number.
    Say(u32, Reply<u32>),
    /// The same, after this long.
    SayLater(u32, Duration, Reply<u32>),
    /// Fail, without an answer.
    Fail(Failure, Reply<u32>),
    /// The same, of a message without a sender that waits.
    FailUnasked(Failure),
    /// May be repeated; fails as often as the part says.
    Repeatable(u32),
    /// Nothing.
    Rest,
}

/// What a player knows across its restarts.
#[derive(Default)]
pub struct Part {
    pub name: &'static str,
    /// Its next starts take this long, and say when they begin.
    pub slow_start: Cell<Duration>,
    /// How its next starts fail, and how many.
    pub bad_starts: Cell<Option<(Failure, u32)>>,
    /// How its next repeatable messages fail, and how many.
    pub bad_lines: Cell<Option<(Failure, u32)>>,
    /// What it has said, in order.
    pub said: RefCell<Vec<u32>>,
    story: Rc<RefCell<Vec<String>>>,
}

impl Part {
    /// The story so far.
    pub fn story(&self) -> Vec<String> {
        self.story.borrow().clone()
    }

    fn tell(&self, mark: &str) {
        self.story.borrow_mut().push(format!("{mark}{}", self.name));
    }

    fn counted(fails: &Cell<Option<(Failure, u32)>>) -> Option<Failure> {
        let (failure, left) = fails.get()?;
        fails.set((left > 1).then_some((failure, left - 1)));
        Some(failure)
    }
}

pub struct Player(Rc<Part>);

impl Player {
    async fn fail(failure: Failure, context: &Context<Self>) -> Result<(), ActorError> {
        match failure {
            Failure::Panic | Failure::PanicInStarted => quiet_panic(),
            Failure::PanicBeside => {
                context.spawn(async { quiet_panic() });
                std::future::pending().await
            }
            Failure::Error | Failure::ErrorInStarted => Err(ActorError("as the play wants".into())),
            Failure::Hang | Failure::HangInStarted => std::future::pending().await,
            Failure::Stop => {
                context.stop();
                Ok(())
            }
        }
    }
}

impl Behaviour for Player {
    type Message = Line;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        if !self.0.slow_start.get().is_zero() {
            self.0.tell("(");
            tokio::time::sleep(self.0.slow_start.get()).await;
        }
        if let Some(failure) = Part::counted(&self.0.bad_starts) {
            self.0.tell("!");
            Self::fail(failure, context).await?;
        }
        self.0.tell("+");
        Ok(())
    }

    async fn handle(&mut self, line: Line, context: &Context<Self>) -> Result<(), ActorError> {
        match line {
            Line::Say(number, reply) => {
                self.0.said.borrow_mut().push(number);
                reply.send(number);
            }
            Line::SayLater(number, pause, reply) => {
                tokio::time::sleep(pause).await;
                self.0.said.borrow_mut().push(number);
                reply.send(number);
            }
            Line::Fail(failure, _reply) => Self::fail(failure, context).await?,
            Line::FailUnasked(failure) => Self::fail(failure, context).await?,
            Line::Repeatable(number) => {
                if let Some(failure) = Part::counted(&self.0.bad_lines) {
                    Self::fail(failure, context).await?;
                }
                self.0.said.borrow_mut().push(number);
            }
            Line::Rest => {}
        }
        Ok(())
    }

    fn label(line: &Line) -> &'static str {
        match line {
            Line::Say(..) | Line::SayLater(..) => "say",
            Line::Fail(..) | Line::FailUnasked(_) => "fail",
            Line::Repeatable(_) => "repeatable",
            Line::Rest => "rest",
        }
    }

    fn redeliver(line: &Line) -> Option<Line> {
        match line {
            Line::Repeatable(number) => Some(Line::Repeatable(*number)),
            _ => None,
        }
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.0.tell("-");
    }
}

/// An actor, as a play sees it.
pub struct Role {
    pub part: Rc<Part>,
    pub handle: Handle<Line>,
}

impl Role {
    /// Asks it to say a number.
    pub async fn say(&self, number: u32) -> Result<u32, AskError> {
        self.handle.ask(|reply| Line::Say(number, reply), PATIENCE).await
    }

    /// Asks it to fail.
    pub async fn fail(&self, failure: Failure) -> Result<u32, AskError> {
        self.handle.ask(|reply| Line::Fail(failure, reply), PATIENCE).await
    }

    /// What it has said.
    pub fn said(&self) -> Vec<u32> {
        self.part.said.borrow().clone()
    }
}

/// A tree being put together, and what is heard of it. The story has `+a` for a start of a, `!a` for
/// one that fails, `(a` where a slow one begins, `-a` where its state is gone, and `^root` where root gives up.
pub struct Stage {
    story: Rc<RefCell<Vec<String>>>,
    events: Rc<RefCell<Vec<SupervisionEvent>>>,
    pub root: Supervisor,
}

impl Stage {
    pub fn new(strategy: Strategy) -> Self {
        let mut stage = Self {
            story: Rc::default(),
            events: Rc::default(),
            root: Supervisor::new("", strategy, Rc::new(|_| {})),
        };
        stage.root = stage.supervisor("root", strategy);
        stage
    }

    /// Another supervisor that the stage hears.
    pub fn supervisor(&self, path: &str, strategy: Strategy) -> Supervisor {
        let (story, events) = (self.story.clone(), self.events.clone());
        let listener = move |event| {
            if let SupervisionEvent::Escalated { path, .. } = &event {
                story.borrow_mut().push(format!("^{path}"));
            }
            events.borrow_mut().push(event);
        };
        Supervisor::new(path, strategy, Rc::new(listener))
    }

    /// Sets how many restarts within an hour the root bears.
    pub fn bears(mut self, restarts: usize) -> Self {
        self.root = self.root.intensity(Intensity { restarts, within: Duration::from_hours(1) });
        self
    }

    /// A player of the root.
    pub fn role(&mut self, name: &'static str) -> Role {
        self.role_with(name, ChildSpec::default())
    }

    pub fn role_with(&mut self, name: &'static str, spec: ChildSpec) -> Role {
        let mut root =
            std::mem::replace(&mut self.root, Supervisor::new("", Strategy::OneForOne, Rc::new(|_| {})));
        let role = self.role_in(&mut root, name, spec);
        self.root = root;
        role
    }

    /// A player of another supervisor.
    pub fn role_in(&self, supervisor: &mut Supervisor, name: &'static str, spec: ChildSpec) -> Role {
        let part = Rc::new(Part { name, story: self.story.clone(), ..Part::default() });
        let own = part.clone();
        let spec = ChildSpec { capacity: CAPACITY, ..spec };
        let handle = supervisor.add(name, spec, move || Player(own.clone()));
        Role { part, handle }
    }

    /// Gives the play while the tree runs, then stops the tree.
    pub async fn play(self, script: impl AsyncFnOnce()) -> Told {
        let Self { story, events, root } = self;
        let shutdown = Shutdown::default();
        let run = async {
            let run = tokio::task::spawn_local(root.run_until(shutdown.clone()));
            script().await;
            shutdown.request();
            // Whoever requests it again while the tree stops does not wait for it.
            tokio::task::yield_now().await;
            shutdown.request();
            run.await.unwrap()
        };
        let exit = LocalSet::new().run_until(run).await;
        let story = story.borrow().join(" ");
        let events = events.borrow().clone();
        Told { exit, story, events }
    }
}

/// The record of a play.
pub struct Told {
    pub exit: ExitReason,
    pub story: String,
    pub events: Vec<SupervisionEvent>,
}
