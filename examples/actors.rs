//! The actor kit alone: a small tree, a crash and a restart, a poison message, and a supervisor that gives up.
//!
//! `cargo run --example actors`

use std::rc::Rc;
use std::time::Duration;

use mecris::actor::{
    self, ActorError, AskError, Behaviour, ChildSpec, Context, ExitReason, Handle, Intensity, Reply,
    Shutdown, Strategy, SupervisionEvent, Supervisor,
};

/// How long a question may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A till adds up amounts; it forgets the sum with each restart, for it keeps it nowhere else.
struct Till {
    sum: u32,
}

/// What a till is told.
enum Order {
    /// Add an amount, and answer with the sum.
    Pay(u32, Reply<u32>),
    /// Divide the sum among so many, which nobody has done well with none.
    Split(u32, Reply<u32>),
    /// Print the sum. Printing it twice does no harm, so it may be repeated.
    Print { ink: u32 },
}

impl Behaviour for Till {
    type Message = Order;

    async fn handle(&mut self, order: Order, _: &Context<Self>) -> Result<(), ActorError> {
        match order {
            Order::Pay(amount, reply) => {
                self.sum += amount;
                reply.send(self.sum);
            }
            Order::Split(people, reply) => reply.send(self.sum / people),
            Order::Print { ink: 0 } => return Err(ActorError("the ink is dry".to_owned())),
            Order::Print { .. } => {}
        }
        Ok(())
    }

    fn label(order: &Order) -> &'static str {
        match order {
            Order::Pay(..) => "pay",
            Order::Split(..) => "split",
            Order::Print { .. } => "print",
        }
    }

    fn redeliver(order: &Order) -> Option<Order> {
        match order {
            Order::Print { ink } => Some(Order::Print { ink: *ink }),
            Order::Pay(..) | Order::Split(..) => None,
        }
    }
}

/// Tells what supervision did.
fn describe(event: &SupervisionEvent) -> String {
    match event {
        SupervisionEvent::Restarting { path, reason, .. } => format!("{path} {reason} and is restarted"),
        SupervisionEvent::Ended { path, reason } => format!("{path} has ended: {reason}"),
        SupervisionEvent::Escalated { path, reason } => format!("{path} gives up; {reason}"),
        SupervisionEvent::CutOff { path } => format!("{path} did not stop in time"),
        SupervisionEvent::SetAside { path, message, times, .. } => {
            format!("{path} sets a message aside: {message}, deliveries: {times}")
        }
    }
}

async fn pay(till: &Handle<Order>, amount: u32) -> Result<u32, AskError> {
    till.ask(|reply| Order::Pay(amount, reply), PATIENCE).await
}

/// Plays the example, telling each step.
///
/// # Errors
/// [`AskError`]: a till did not answer where it should have.
pub async fn play(tell: impl Fn(String) + 'static) -> Result<ExitReason, AskError> {
    let tell = Rc::new(tell);
    let heard = tell.clone();
    let listener: Rc<dyn Fn(SupervisionEvent)> =
        Rc::new(move |event| heard(format!("  * {}", describe(&event))));

    // shop (one_for_one) { front, back office (rest_for_one) { safe, books } }
    let hour = Duration::from_hours(1);
    let mut shop = Supervisor::new("shop", Strategy::OneForOne, listener.clone())
        .intensity(Intensity { restarts: 5, within: hour });
    let front = shop.add("front", ChildSpec::default(), || Till { sum: 0 });
    let mut office = Supervisor::new("shop/office", Strategy::RestForOne, listener)
        .intensity(Intensity { restarts: 1, within: hour });
    let safe = office.add("safe", ChildSpec::default(), || Till { sum: 0 });
    let books = office.add("books", ChildSpec::default(), || Till { sum: 0 });
    shop.add_supervisor(office);
    let vitals = shop.vitals();
    let stop = Shutdown::default();
    let running = tokio::task::spawn_local(shop.run_until(stop.clone()));

    tell(format!("the front till has {}", pay(&front, 5).await?));
    tell("somebody splits the bill among nobody".to_owned());
    match front.ask(|reply| Order::Split(0, reply), PATIENCE).await {
        Err(error) => tell(format!("and hears: {error}")),
        Ok(share) => tell(format!("and pays {share}")),
    }
    tell(format!("the same handle leads to a fresh till, which has {}", pay(&front, 1).await?));

    tell("an order that is poison is tried twice".to_owned());
    front.tell(Order::Print { ink: 0 }, PATIENCE).await?;
    tell(format!("what waited behind it is served: {}", pay(&front, 2).await?));

    pay(&books, 7).await?;
    tell("the safe fails twice, more than the office bears".to_owned());
    for _ in 0..2 {
        // The error is the point.
        let _ = safe.ask(|reply| Order::Split(0, reply), PATIENCE).await;
    }
    tell(format!("the office is open again, and the safe has {}", pay(&safe, 1).await?));
    for actor in vitals.snapshot() {
        tell(format!("{}: restarted {}, set aside {}", actor.path, actor.restarts, actor.set_aside));
    }
    stop.request();
    running.await.map_or(Err(AskError::UnknownOutcome), Ok)
}

#[allow(dead_code, reason = "the test that runs the example has a main of its own")]
fn main() -> Result<(), AskError> {
    // Where, without what: a panic's text may hold anything.
    std::panic::set_hook(Box::new(|panic| {
        println!("  ! a panic at {}", panic.location().map_or_else(String::new, ToString::to_string));
    }));
    let ended = actor::run(play(|line| println!("{line}")))?;
    println!("the shop {ended}");
    Ok(())
}
