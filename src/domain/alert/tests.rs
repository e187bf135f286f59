//! Tables that read like a diary: when it is, what happens, and what is done then.
//!
//! Times are those of the person's clock (`11-23 08:00`), or UTC with a `Z`. What happens, parted by commas:
//!
//! ```text
//! +a w2       a goal named a is a warning of level 2 (i info, w warning, c critical, ! immediate)
//! +a@p w2     the same, in the period p          -a    it is so no more       ?a    it is not known
//! 1.2 stray   the result of attempt 2 of alert 1: accepted, unsent, refused, delivered, stray, lost
//! ack 1       the person takes note              has sms ntfy    the channels that can be used now
//! zone UTC    the person moves
//! ```
//!
//! What is done: `raised 1`, `graded 1`, `resolved 1`, `queued 1`, `sms 1.2` (attempt 2 starts), and what then
//! waits: `1 quiet until 11-24 07:00`, `1 unknown`, `1 has no channel`; but not that what was just sent waits
//! for its answer.

mod balances;
mod clocks;
mod devices;
mod ladder;
mod life;
mod limits;
mod outcomes;
mod periods;
mod quiet;
mod texts;
mod throttle;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::money::Picodollars;

use super::book::AlertState;
use super::command::acknowledge;
use super::policy::Policy;
use super::policy::Usable;
use super::step::{HoldReason, OutgoingMessage, Situation, Step, step};
use super::{
    AlertChange, AlertId, AttemptId, Cause, CauseKey, Causes, Channel, Delivery, Grade, Kind, Outcome,
    Severity,
};

/// A person, the causes for them, and what was sent to them.
struct Bench {
    zone: TimeZone,
    policy: Policy,
    usable: Vec<Usable>,
    book: AlertState,
    causes: Causes,
    now: Timestamp,
    /// Whether what is sent is accepted at once.
    accepts: bool,
    /// All that was sent.
    sent: Vec<OutgoingMessage>,
}

impl Bench {
    /// In Berlin, with the default policy, and an SMS channel that accepts everything at once.
    fn new() -> Self {
        Self {
            zone: zone("Europe/Berlin"),
            policy: Policy::default(),
            usable: vec![usable(Channel::Sms)],
            book: AlertState::default(),
            causes: Causes::default(),
            now: Timestamp::UNIX_EPOCH,
            accepts: true,
            sent: Vec::new(),
        }
    }

    /// The same, with every outcome unknown until a row gives it.
    fn unanswered(channels: &[Channel]) -> Self {
        let usable = channels.iter().copied().map(usable).collect();
        Self { accepts: false, usable, ..Self::new() }
    }

    /// The same, without quiet hours.
    fn always(self) -> Self {
        Self { policy: Policy { quiet: None, ..self.policy }, ..self }
    }

    fn rows(&mut self, rows: &[(&str, &str, &str)]) {
        for (number, (time, acts, expected)) in rows.iter().enumerate() {
            self.now = self.instant(time);
            for act in acts.split(", ").filter(|act| !act.is_empty()) {
                self.act(act);
            }
            assert_eq!(self.settle(), *expected, "row {}: {time} {acts}", number + 1);
        }
    }

    /// Of the year 2026.
    fn instant(&self, time: &str) -> Timestamp {
        let civil: DateTime = format!("2026-{}", time.trim_end_matches('Z')).parse().unwrap();
        let zone = if time.ends_with('Z') { &TimeZone::UTC } else { &self.zone };
        zone.to_timestamp(civil).unwrap()
    }

    fn act(&mut self, act: &str) {
        let (what, rest) = act.split_once(' ').unwrap_or((act, ""));
        match (what, what.split_at(1)) {
            ("ack", _) => {
                let id = AlertId(rest.parse().unwrap());
                let change = acknowledge(&self.book, id).unwrap();
                self.book.evolve(self.now, change.expect("something to take note of"));
            }
            ("has", _) => {
                let channels = rest.split(' ').filter_map(Channel::of_word);
                self.usable = channels.map(usable).collect();
            }
            ("zone", _) => self.zone = zone(rest),
            (_, ("+", named)) => self.begin(key(named), grade(rest)),
            (_, ("-", named)) => self.forget(named),
            (_, ("?", named)) => {
                self.forget(named);
                self.causes.unknown.insert((Kind::Goal, named.to_owned()));
            }
            _ => self.hear(what, rest),
        }
    }

    fn begin(&mut self, key: CauseKey, grade: Grade) {
        self.forget(&key.subject.clone());
        let text = format!("goal {} stands at {}", key.subject, grade.level);
        self.causes.present.push(Cause { key, grade, text, mend: None });
    }

    fn forget(&mut self, named: &str) {
        self.causes.present.retain(|cause| cause.key.subject != named);
        self.causes.unknown.retain(|(_, subject)| subject != named);
    }

    /// The result of an attempt.
    fn hear(&mut self, of: &str, what: &str) {
        let (id, attempt) = of.split_once('.').unwrap();
        let (id, attempt) = (AlertId(id.parse().unwrap()), AttemptId(attempt.parse().unwrap()));
        let ended = |outcome| AlertChange::Ended { id, attempt, outcome };
        let noted = |delivery| AlertChange::Noted { id, attempt, delivery };
        let change = match what {
            "accepted" => ended(Outcome::Accepted { id: format!("SM{of}") }),
            "unsent" => ended(Outcome::Unsent { reason: "busy".into(), code: None }),
            "refused" => ended(Outcome::Refused { reason: "not a number".into(), code: Some(21211) }),
            "delivered" => noted(Delivery::Delivered),
            "stray" => noted(Delivery::Undelivered { code: Some(30003), may_retry: true }),
            "lost" => noted(Delivery::Undelivered { code: Some(30005), may_retry: false }),
            _ => panic!("nothing is {what}"),
        };
        self.book.evolve(self.now, change);
    }

    fn step(&self) -> Step {
        let Self { causes, policy, usable, zone, now, .. } = self;
        step(&self.book, &Situation { causes, policy, usable, zone, now: *now })
    }

    /// Steps until there is nothing left to do, and returns what was done.
    fn settle(&mut self) -> String {
        let (mut done, sent_before) = (Vec::new(), self.sent.len());
        for _ in 0..10 {
            let Step { changes, sendings, held, due } = self.step();
            if changes.is_empty() {
                assert!(sendings.is_empty(), "sent without an event: {sendings:?}");
                assert!(due.is_none_or(|due| due > self.now), "it would be asked again and again: {due:?}");
                let is_new = |id: &AlertId| self.sent[sent_before..].iter().any(|sending| sending.id == *id);
                let held =
                    held.iter().filter(|(id, hold)| !(is_new(id) && matches!(hold, HoldReason::Waiting(_))));
                done.extend(held.map(|(id, hold)| self.describe_hold(*id, *hold)));
                return done.join(", ");
            }
            done.extend(changes.iter().map(describe));
            for change in changes {
                self.book.evolve(self.now, change);
            }
            for sending in &sendings {
                if self.accepts {
                    self.hear(&format!("{}.{}", sending.id, sending.attempt.0), "accepted");
                }
            }
            self.sent.extend(sendings);
        }
        panic!("it does not come to rest: {done:?}");
    }

    fn describe_hold(&self, id: AlertId, hold: HoldReason) -> String {
        let why = match hold {
            HoldReason::Quiet(_) => "quiet",
            HoldReason::Throttled(_) => "throttled",
            HoldReason::Limited(_) => "limited",
            HoldReason::Waiting(_) => "waiting",
            HoldReason::NoChannel => "has no channel",
            HoldReason::Unknown => "unknown",
        };
        let until = hold.until().map(|until| {
            let civil = self.zone.to_datetime(until);
            civil.strftime(if civil.second() == 0 { " until %m-%d %H:%M" } else { " until %m-%d %H:%M:%S" })
        });
        format!("{id} {why}{}", until.map(|until| until.to_string()).unwrap_or_default())
    }
}

fn describe(change: &AlertChange) -> String {
    match change {
        AlertChange::Raised { id, .. } => format!("raised {id}"),
        AlertChange::Graded { id, .. } => format!("graded {id}"),
        AlertChange::Resolved { id } => format!("resolved {id}"),
        AlertChange::Queued { id } => format!("queued {id}"),
        AlertChange::Started { id, attempt, parcel } => format!("{} {id}.{}", parcel.channel, attempt.0),
        other => panic!("a step decides no {other:?}"),
    }
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn usable(channel: Channel) -> Usable {
    let contact = channel.needs_consent().then(|| "c-1".to_owned());
    Usable { channel, contact, price: Picodollars::usd(1).scale(1, 100) }
}

fn key(named: &str) -> CauseKey {
    let (subject, period) = named.split_once('@').unwrap_or((named, ""));
    CauseKey { kind: Kind::Goal, subject: subject.into(), period: period.into() }
}

fn grade(text: &str) -> Grade {
    let (severity, level) = text.split_at(1);
    let severity = match severity {
        "i" => Severity::Info,
        "w" => Severity::Warning,
        "c" => Severity::Critical,
        _ => Severity::Immediate,
    };
    Grade { severity, level: level.parse().unwrap() }
}
