//! Two programs that decide on one log: one of them is heard, and one message is sent.

use super::*;

/// The log that both write to.
#[derive(Default)]
struct Log(Vec<(Timestamp, AlertChange)>);

impl Log {
    /// As the log does it: what was decided on an old version is turned away.
    fn append(&mut self, expected: usize, at: Timestamp, changes: Vec<AlertChange>) -> bool {
        let is_current = expected == self.0.len();
        if is_current {
            self.0.extend(changes.into_iter().map(|change| (at, change)));
        }
        is_current
    }
}

/// A program: what it has read, and what it decided and has not appended yet.
struct Device {
    bench: Bench,
    version: usize,
    decided: Option<Step>,
}

impl Device {
    fn new() -> Self {
        let mut bench = Bench::unanswered(&[Channel::Sms]);
        bench.now = bench.instant("11-23 08:00");
        bench.act("+a w1");
        Self { bench, version: 0, decided: None }
    }

    fn load(&mut self, log: &Log) {
        self.bench.book = AlertState::default();
        log.0.iter().cloned().for_each(|(at, change)| self.bench.book.evolve(at, change));
        self.version = log.0.len();
    }

    /// Its next move: it decides, and at the move after that it appends and sends.
    fn advance(&mut self, log: &mut Log) -> &'static str {
        let Some(step) = self.decided.take() else {
            let step = self.bench.step();
            let is_idle = step.changes.is_empty();
            self.decided = (!is_idle).then_some(step);
            return if is_idle { "rests" } else { "decides" };
        };
        if !log.append(self.version, self.bench.now, step.changes) {
            self.load(log);
            return "loses";
        }
        self.load(log);
        let Some(sending) = step.sendings.first() else { return "appends" };
        let (id, attempt) = (sending.id, sending.attempt);
        let outcome = Outcome::Accepted { id: format!("SM{id}.{}", attempt.0) };
        let ended = AlertChange::Ended { id, attempt, outcome };
        assert!(log.append(self.version, self.bench.now, vec![ended]), "nobody came between");
        self.load(log);
        "sends"
    }
}

fn play(moves: impl Iterator<Item = bool>) -> Vec<&'static str> {
    let (mut log, mut devices) = (Log::default(), [Device::new(), Device::new()]);
    moves.map(|is_second| devices[usize::from(is_second)].advance(&mut log)).collect()
}

#[test]
fn of_two_programs_one_sends() {
    let table = [
        ("aaaaaaabb", "decides appends decides appends decides sends rests decides loses"),
        ("abab", "decides decides appends loses"),
        ("abbaba", "decides decides appends loses decides decides"),
        ("aaaaababaa", "decides appends decides appends decides decides sends loses rests rests"),
        ("aaaabbaabb", "decides appends decides appends decides loses decides sends decides loses"),
    ];
    for (moves, expected) in table {
        assert_eq!(play(moves.chars().map(|device| device == 'b')).join(" "), expected, "{moves}");
    }
}

/// Every order of fourteen moves, then each to its end.
#[test]
fn whatever_the_order_one_message_is_sent() {
    let mut conflicts = 0;
    for order in 0..1_u32 << 14 {
        let to_the_end = [false; 8].into_iter().chain([true; 8]);
        let done = play((0..14).map(|bit| order >> bit & 1 == 1).chain(to_the_end));
        let count = |what| done.iter().filter(|done| **done == what).count();
        assert_eq!(count("sends"), 1, "{order:014b}: {done:?}");
        assert_eq!(count("appends"), 2, "raised and queued once each: {order:014b}: {done:?}");
        conflicts += count("loses");
    }
    assert!(conflicts > 10_000, "the orders meet: {conflicts}");
}
