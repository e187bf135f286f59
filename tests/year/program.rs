//! The program's shell, with all that can happen to it: it appends, sends, hears answers, and dies between any two
//! of these. What it knows after a start is what its log holds.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use jiff::civil::date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::domain::alert::book::{AlertState, AttemptState};
use mecris::domain::alert::command::acknowledge;
use mecris::domain::alert::policy::Policy;
use mecris::domain::alert::policy::Usable;
use mecris::domain::alert::step::{Situation, step};
use mecris::domain::alert::{AlertChange, AlertId, AttemptId, Channel, Outcome};
use mecris::domain::consent::{self, By, ConsentCommand, Consents};
use mecris::domain::money::Picodollars;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

use super::life::{Life, pause};
use super::oracle::{Oracle, View};
use super::provider::{Answer, LookupResult, Provider, Weather};
use super::reason;

/// How long a message is given to appear before it is looked for.
const SETTLE: SignedDuration = SignedDuration::from_secs(60);

/// What happens next.
#[derive(Clone)]
enum Event {
    /// The program asked to be woken.
    Wake,
    /// The program looks at the goals.
    Poll,
    /// It has just been started, and looks at once.
    FirstLook,
    /// The judge looks, and the program does not.
    Judge,
    Spend,
    EnterData,
    TurnSource,
    GiveUp,
    TurnWeather,
    Acknowledge,
    TurnConsent,
    MoveTo(&'static str),
    Start,
    /// An answer to a request of this run.
    Answered(u32, AlertId, AttemptId, Answer),
    /// A message of which nothing is known is looked for.
    LookFor(u32, AlertId, AttemptId),
    /// What became of a message is told.
    Fate(u32, AlertId, AttemptId, String),
}

pub struct Year {
    random: SmallRng,
    now: Timestamp,
    queue: BinaryHeap<std::cmp::Reverse<(Timestamp, usize)>>,
    events: Vec<Event>,
    life: Life,
    provider: Provider,
    consents: Consents,
    policy: Policy,
    log: Vec<(Timestamp, AlertChange)>,
    book: AlertState,
    is_up: bool,
    /// Which start this is: an answer to an earlier one is heard by nobody.
    run: u32,
    wake_at: Option<Timestamp>,
    pub crashes: u32,
    pub oracle: Oracle,
    /// Which alerts were ever held, and why.
    pub held: BTreeMap<&'static str, BTreeSet<AlertId>>,
}

impl Year {
    pub fn new(seed: u64, policy: Policy) -> Self {
        let start = date(2026, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let mut year = Self {
            random: SmallRng::seed_from_u64(seed),
            now: start,
            queue: BinaryHeap::new(),
            events: Vec::new(),
            life: Life::new(start),
            provider: Provider::new(),
            consents: Consents::new(),
            oracle: Oracle::new(policy.clone()),
            policy,
            log: Vec::new(),
            book: AlertState::default(),
            is_up: false,
            run: 0,
            wake_at: None,
            crashes: 0,
            held: BTreeMap::new(),
        };
        year.consent(ConsentCommand::Grant, By::Person);
        for event in [
            Event::Start,
            Event::Poll,
            Event::Spend,
            Event::EnterData,
            Event::TurnSource,
            Event::GiveUp,
            Event::TurnWeather,
            Event::Acknowledge,
            Event::TurnConsent,
        ] {
            year.at(start, event);
        }
        // Never at a full hour, at which the program may be about to wake.
        year.at(start + SignedDuration::from_secs(330), Event::Judge);
        for (days, zone) in [(110, "America/New_York"), (240, "Asia/Tokyo")] {
            year.at(start + SignedDuration::from_hours(24 * days), Event::MoveTo(zone));
        }
        year
    }

    /// From the first day of 2026 to the last.
    pub fn run(&mut self) {
        let end = self.now + SignedDuration::from_hours(365 * 24);
        while let Some(std::cmp::Reverse((at, number))) = self.queue.pop() {
            if at > end {
                break;
            }
            self.now = at;
            let event = self.events[number].clone();
            self.happen(event);
        }
        self.oracle.end(&self.provider);
    }

    fn at(&mut self, at: Timestamp, event: Event) {
        self.queue.push(std::cmp::Reverse((at, self.events.len())));
        self.events.push(event);
    }

    fn again(&mut self, minutes: i64, event: Event) {
        let at = self.now + pause(&mut self.random, minutes);
        self.at(at, event);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake if self.wake_at == Some(self.now) => self.wake_at = None,
            Event::Wake => return,
            Event::Judge => {
                let view = View::new(&self.life, self.is_up, &self.provider, self.usable(), self.now);
                self.oracle.judge(&view);
                return self.at(self.now + SignedDuration::from_mins(10), Event::Judge);
            }
            Event::Start => self.start(),
            Event::Answered(run, ..) | Event::LookFor(run, ..) | Event::Fate(run, ..) => {
                if run != self.run || !self.is_up || self.dies() {
                    return;
                }
                self.hear(event);
            }
            other => {
                if !self.turn(other) {
                    return;
                }
            }
        }
        self.come_to_rest();
    }

    /// The world turns. Whether that wakes the program.
    fn turn(&mut self, event: Event) -> bool {
        let (now, random) = (self.now, &mut self.random);
        let (is_heard, minutes) = match event {
            Event::Poll => (self.is_up && self.life.look(random, now), 15),
            Event::FirstLook => return self.is_up && self.life.look(random, now),
            Event::Spend => {
                // At night nobody works, and nothing wakes the program but itself.
                let is_awake = (8..23).contains(&self.life.zone.to_datetime(now).hour());
                if is_awake {
                    self.life.spend(random, now);
                }
                (is_awake, 60)
            }
            Event::EnterData => {
                self.life.enter_data(random, now);
                (true, 600)
            }
            Event::TurnSource => {
                self.life.turn_source(random, now);
                (true, 36 * 60)
            }
            Event::GiveUp => {
                self.life.gave_up.insert("scraper".into(), now);
                (true, 20 * 24 * 60)
            }
            Event::TurnWeather => {
                let is_clear = self.provider.weather == Weather::Clear;
                let storm = if random.random_bool(0.5) { Weather::Busy } else { Weather::Dark };
                self.provider.weather = if is_clear { storm } else { Weather::Clear };
                (true, if is_clear { 100 } else { 24 * 60 })
            }
            Event::Acknowledge => {
                self.take_note();
                (true, 9 * 60)
            }
            Event::TurnConsent => {
                let is_granted = self.consents.values().any(|consent| consent.is_granted);
                let command = if is_granted { ConsentCommand::Revoke } else { ConsentCommand::Grant };
                self.consent(command, By::Message);
                (true, if is_granted { 2 } else { 15 } * 24 * 60)
            }
            Event::MoveTo(zone) => {
                self.life.move_to(zone);
                return true;
            }
            _ => return false,
        };
        self.again(minutes, event);
        is_heard
    }

    fn consent(&mut self, command: ConsentCommand, by: By) {
        if let Some(change) = consent::decide(&self.consents, "c-1", command, by) {
            consent::evolve(&mut self.consents, self.now, change);
        }
    }

    fn take_note(&mut self) {
        let open: Vec<AlertId> = self.book.open().map(|alert| alert.id).collect();
        if self.is_up && !open.is_empty() {
            let id = open[self.random.random_range(0..open.len())];
            if let Some(change) = acknowledge(&self.book, id).unwrap() {
                self.append(change);
            }
        }
    }

    fn usable(&self) -> Vec<Usable> {
        let consent = self.consents.get("c-1").is_some_and(|consent| consent.is_granted);
        let usable = |channel: Channel| Usable {
            channel,
            contact: channel.needs_consent().then(|| "c-1".to_owned()),
            price: Picodollars::usd(1).scale(1, 100),
        };
        let channels = [Channel::Sms, Channel::Whatsapp, Channel::Ntfy].into_iter();
        // A third channel is set up in the second half of the year.
        let has_third = self.life.zone.iana_name() != Some("Europe/Berlin");
        let can = |channel: &Channel| if channel.needs_consent() { consent } else { has_third };
        channels.filter(can).map(usable).collect()
    }

    fn start(&mut self) {
        self.run += 1;
        self.is_up = true;
        self.life.awaited = true;
        self.book = AlertState::default();
        for (at, change) in &self.log {
            self.book.evolve(*at, change.clone());
        }
        let attempts: Vec<_> =
            self.book.alerts().flat_map(|alert| alert.attempts().map(|it| (alert.id, it.clone()))).collect();
        for (id, attempt) in attempts {
            match attempt.state {
                AttemptState::Open => {
                    let at = self.now.max(attempt.started_at + SETTLE);
                    self.at(at, Event::LookFor(self.run, id, attempt.id));
                }
                AttemptState::Accepted(sid) => self.await_fate(id, attempt.id, sid),
                _ => {}
            }
        }
        self.at(self.now, Event::FirstLook);
    }

    fn await_fate(&mut self, id: AlertId, attempt: AttemptId, sid: String) {
        if let Some((at, _)) = self.provider.fate(&sid) {
            self.at(at.max(self.now), Event::Fate(self.run, id, attempt, sid));
        }
    }

    /// Whether this is where it is killed.
    fn dies(&mut self) -> bool {
        if !self.random.random_bool(0.01) {
            return false;
        }
        self.crashes += 1;
        self.is_up = false;
        self.wake_at = None;
        let minutes = if self.random.random_bool(0.1) { 300 } else { 1 };
        self.again(minutes, Event::Start);
        true
    }

    fn append(&mut self, change: AlertChange) {
        self.oracle.heard(self.now, &change);
        self.book.evolve(self.now, change.clone());
        self.log.push((self.now, change));
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Answered(_, id, attempt, answer) => {
                let outcome = match answer {
                    Answer::Accepted(sid) => Outcome::Accepted { id: sid },
                    Answer::Unsent => Outcome::Unsent { reason: "busy".into(), code: None },
                    Answer::Refused => Outcome::Refused { reason: "refused".into(), code: Some(21610) },
                    Answer::Lost => {
                        return self.at(self.now + SETTLE, Event::LookFor(self.run, id, attempt));
                    }
                };
                self.end(id, attempt, outcome);
            }
            Event::LookFor(_, id, attempt) => {
                let found = self.book.get(id).and_then(|alert| alert.attempts().find(|it| it.id == attempt));
                let Some(parcel) = found.map(|it| (it.parcel.clone(), it.started_at)) else { return };
                let (parcel, since) = parcel;
                let contact = parcel.contact.as_ref();
                let outcome = match self.provider.look_for(parcel.channel, contact, parcel.digest, since) {
                    _ if !parcel.channel.needs_consent() => {
                        Outcome::Unsent { reason: "sent again under its key".into(), code: None }
                    }
                    LookupResult::Found(sid) => Outcome::Accepted { id: sid },
                    LookupResult::NotThere => {
                        Outcome::Unsent { reason: "it is not there".into(), code: None }
                    }
                    LookupResult::Unknown => {
                        let later = self.now + SignedDuration::from_mins(5);
                        return self.at(later, Event::LookFor(self.run, id, attempt));
                    }
                };
                self.end(id, attempt, outcome);
            }
            Event::Fate(_, id, attempt, sid) => {
                if let Some((_, delivery)) = self.provider.fate(&sid) {
                    self.append(AlertChange::Noted { id, attempt, delivery });
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, id: AlertId, attempt: AttemptId, outcome: Outcome) {
        if let Outcome::Accepted { id: sid } = &outcome {
            self.await_fate(id, attempt, sid.clone());
        }
        self.append(AlertChange::Ended { id, attempt, outcome });
    }

    /// The program does what there is to do, and may die at each point of it.
    fn come_to_rest(&mut self) {
        for _ in 0..20 {
            if !self.is_up {
                return;
            }
            let (causes, usable) = (self.life.causes(self.now), self.usable());
            let situation = Situation {
                causes: &causes,
                policy: &self.policy,
                usable: &usable,
                zone: &self.life.zone,
                now: self.now,
            };
            let step = step(&self.book, &situation);
            for (id, hold) in &step.held {
                self.held.entry(reason(*hold)).or_default().insert(*id);
            }
            if step.changes.is_empty() {
                self.wake_at = step.due;
                if let Some(due) = step.due {
                    assert!(due > self.now, "it would never rest");
                    self.at(due, Event::Wake);
                }
                let view = View::new(&self.life, true, &self.provider, usable, self.now);
                return self.oracle.at_rest(&view);
            }
            if self.dies() {
                return;
            }
            let view = View::new(&self.life, true, &self.provider, usable, self.now);
            self.oracle.see(&view);
            for change in step.changes {
                self.append(change);
            }
            let mut answers = Vec::new();
            for sending in step.sendings {
                if self.dies() {
                    return;
                }
                self.oracle.sent(&view, &sending);
                let (answer, delay) = self.provider.send(&mut self.random, &sending, self.now);
                answers.push((delay, Event::Answered(self.run, sending.id, sending.attempt, answer)));
            }
            for (delay, answer) in answers {
                self.at(self.now + delay, answer);
            }
        }
        panic!("it does not come to rest at {}", self.now);
    }
}
