//! The storm: panics everywhere while commands flow from several threads.

use std::collections::HashMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::actor::*;

const COMMANDS: u32 = 10_000;
const SENDERS: u32 = 8;
/// Every so many of each sender's commands ends a run.
const PANIC_EVERY: u32 = 8;
const RESTARTS: u64 = 1_000;
const PATIENCE: Duration = Duration::from_mins(2);
const CAPACITY: usize = 32;

/// What was done, by command: how often.
type Ledger = Arc<Mutex<HashMap<u32, u32>>>;

struct Worker(Ledger);

struct Command {
    number: u32,
    panics: bool,
    reply: Reply<u32>,
}

impl Behaviour for Worker {
    type Message = Command;

    async fn handle(&mut self, command: Command, context: &Context<Self>) -> Result<(), ActorError> {
        *self.0.lock().unwrap().entry(command.number).or_default() += 1;
        if command.number.is_multiple_of(3) {
            tokio::task::yield_now().await;
        }
        if command.panics && command.number.is_multiple_of(2) {
            resume_unwind(Box::new("the storm"));
        }
        if command.panics {
            context.spawn(async { resume_unwind(Box::new("the storm")) });
            std::future::pending::<()>().await;
        }
        command.reply.send(command.number);
        Ok(())
    }
}

/// root (one_for_one) { a, pair (one_for_all) { b, c }, chain (rest_for_one) { d, e, f } }
fn tree(ledger: &Ledger) -> (Supervisor, Vec<Handle<Command>>) {
    let quick = Backoff {
        initial: Duration::from_micros(10),
        max: Duration::from_micros(100),
        reset_after: Duration::from_secs(1),
    };
    let always = Intensity { restarts: usize::MAX, within: Duration::from_hours(1) };
    let supervisor = |path, strategy| {
        Supervisor::new(path, strategy, std::rc::Rc::new(|_| {})).backoff(quick).intensity(always)
    };
    let spec = ChildSpec { capacity: CAPACITY, ..ChildSpec::default() };
    let mut handles = Vec::new();
    let mut add = |supervisor: &mut Supervisor, name| {
        let ledger = ledger.clone();
        handles.push(supervisor.add(name, spec, move || Worker(ledger.clone())));
    };
    let mut root = supervisor("root", Strategy::OneForOne);
    let mut pair = supervisor("root/pair", Strategy::OneForAll);
    let mut chain = supervisor("root/chain", Strategy::RestForOne);
    add(&mut root, "a");
    add(&mut pair, "b");
    add(&mut pair, "c");
    add(&mut chain, "d");
    add(&mut chain, "e");
    add(&mut chain, "f");
    root.add_supervisor(pair);
    root.add_supervisor(chain);
    (root, handles)
}

/// What its sender heard of a command.
type Heard = (u32, bool, Result<u32, AskError>);

/// Sends a share of the commands, waiting for each answer, now and then with little patience.
async fn send(sender: u32, handles: Vec<Handle<Command>>) -> Vec<Heard> {
    let mut heard = Vec::new();
    for turn in 0..COMMANDS / SENDERS {
        let number = sender * (COMMANDS / SENDERS) + turn;
        let panics = turn % PANIC_EVERY == PANIC_EVERY - 1;
        let handle = &handles[((sender + turn) as usize) % handles.len()];
        let patience = if turn % 50 == 0 { Duration::from_micros(100) } else { PATIENCE };
        let answer = handle.ask(|reply| Command { number, panics, reply }, patience).await;
        heard.push((number, panics, answer));
    }
    heard
}

#[test]
fn a_storm_of_panics_loses_no_answer_and_leaves_nothing_behind() {
    run(async {
        let ledger = Ledger::default();
        let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let before = alive();
        let (root, handles) = tree(&ledger);
        let vitals = root.vitals();
        let shutdown = Shutdown::default();
        let tree = tokio::task::spawn_local(root.run_until(shutdown.clone()));
        let senders: Vec<_> =
            (0..SENDERS).map(|sender| tokio::spawn(send(sender, handles.clone()))).collect();
        let mut heard = Vec::new();
        for sender in senders {
            heard.extend(sender.await.unwrap());
        }
        check(&heard, &ledger.lock().unwrap());

        let restarts: u64 = vitals.snapshot().iter().map(|snapshot| snapshot.restarts).sum();
        assert!(restarts >= RESTARTS, "{restarts} restarts are no storm");
        for (handle, snapshot) in handles.iter().zip(vitals.snapshot()) {
            assert_eq!(snapshot.mailbox_depth, 0, "{snapshot:?}");
            let number = COMMANDS;
            let answer = handle.ask(|reply| Command { number, panics: false, reply }, PATIENCE).await;
            assert_eq!(answer, Ok(number), "by the address of before: {}", snapshot.path);
        }
        shutdown.request();
        assert_eq!(tree.await.unwrap(), ExitReason::Requested);
        // A task is let go a moment after its end can be heard of.
        let gone = async {
            while alive() > before {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, gone).await.is_ok(), "a task was left behind");
        assert!(vitals.snapshot().iter().all(|snapshot| snapshot.mailbox_depth == 0), "a permit was lost");
        assert_eq!(Arc::strong_count(&ledger), 1, "an actor was left behind");
    });
}

/// Each command was heard of once, and what was heard is what was done.
fn check(heard: &[Heard], ledger: &HashMap<u32, u32>) {
    assert_eq!(heard.len(), COMMANDS as usize);
    let mut answered = 0;
    for (number, panics, answer) in heard {
        let done = ledger.get(number).copied().unwrap_or(0);
        let is_honest = match answer {
            Ok(echo) => !panics && echo == number && done == 1,
            Err(AskError::NotSent(SendError::Busy)) => done == 0,
            Err(AskError::NotSent(SendError::Stopped)) => false,
            // A sibling's failure may take a command along only by force, after its deadline.
            Err(AskError::UnknownOutcome) => *panics && done == 1,
            Err(AskError::Deadline) => done == 1,
        };
        assert!(is_honest, "{number} (panics: {panics}) was done {done} times, heard {answer:?}");
        answered += u32::from(answer.is_ok());
    }
    assert!(answered > COMMANDS / 2, "only {answered} were answered");
}
