//! The judge: a plain reckoning of the rules in `docs/alerts.md`. It knows what the program knows and what was put
//! into its log, and asks none of the program's own rules what should be done.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mecris::domain::alert::policy::Usable;
use mecris::domain::alert::policy::{Policy, Until};
use mecris::domain::alert::step::OutgoingMessage;
use mecris::domain::alert::{
    AlertChange, AlertId, AttemptId, CauseKey, Channel, Delivery, Grade, Kind, Outcome, Severity,
};
use mecris::domain::money::Picodollars;

use super::case::{Attempt, Case, Fate};
use super::life::Life;
use super::provider::{Provider, Weather};
use super::reckoning::{Truth, truth};

/// What nothing holds is sent within this: no pause between two tries is longer than a quarter of an hour.
const SLACK: SignedDuration = SignedDuration::from_mins(30);
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

/// A moment, as the program may know it.
pub struct View {
    truth: Truth,
    zone: TimeZone,
    is_up: bool,
    is_clear: bool,
    usable: Vec<Usable>,
    now: Timestamp,
}

impl View {
    pub fn new(life: &Life, is_up: bool, provider: &Provider, usable: Vec<Usable>, now: Timestamp) -> Self {
        let is_clear = provider.weather == Weather::Clear;
        Self { truth: truth(life, now), zone: life.zone.clone(), is_up, is_clear, usable, now }
    }

    fn day(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// From 22:00 to 07:00, by the clock on the wall.
    fn is_night(&self) -> bool {
        !(7..22).contains(&self.zone.to_datetime(self.now).hour())
    }
}

/// What the table shows of a kind.
#[derive(Default, Clone, Copy)]
pub struct Row {
    pub causes: usize,
    pub raised: usize,
    pub told: usize,
    pub withdrawn: usize,
    pub messages: u32,
}

pub struct Oracle {
    policy: Policy,
    cases: BTreeMap<AlertId, Case>,
    open: BTreeSet<AlertId>,
    /// The alerts of a kind and a subject.
    same: BTreeMap<(Kind, String), Vec<AlertId>>,
    /// All attempts, in their order.
    attempts: Vec<(Timestamp, AlertId, AttemptId)>,
    /// The causes that last, as the judge finds them.
    present: BTreeSet<CauseKey>,
    begun: BTreeMap<Kind, usize>,
    truth: Truth,
}

impl Oracle {
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            cases: BTreeMap::new(),
            open: BTreeSet::new(),
            same: BTreeMap::new(),
            attempts: Vec::new(),
            present: BTreeSet::new(),
            begun: BTreeMap::new(),
            truth: Truth::default(),
        }
    }

    /// What is true while the program acts.
    pub fn see(&mut self, view: &View) {
        self.truth = view.truth.clone();
    }

    /// Something was put into the log.
    pub fn heard(&mut self, at: Timestamp, change: &AlertChange) {
        match change {
            AlertChange::Raised { id, key, grade } => self.raised(at, *id, key, *grade),
            AlertChange::Graded { id, grade } => {
                let case = self.cases.get_mut(id).expect("graded what was raised");
                case.history.push((at, *grade));
                let as_bad = case.history.iter().rev().take_while(|(_, then)| then >= grade);
                case.news_since = as_bad.last().expect("it is as bad now").0;
                case.owed_since = None;
                case.grade = *grade;
                case.matters |= grade.severity >= Severity::Warning;
            }
            AlertChange::Acknowledged { id } => {
                self.cases.get_mut(id).expect("it was raised").acknowledged_at = Some(at);
            }
            AlertChange::Resolved { id } => {
                let case = self.cases.get_mut(id).expect("resolved what was raised");
                case.is_open = false;
                assert!(!self.truth.may_last(&case.key), "{:?} may last, and is over", case.key);
                assert!(self.open.remove(id), "{:?} is over twice", case.key);
            }
            AlertChange::Queued { id } => self.cases.get_mut(id).expect("queued what was raised").rounds += 1,
            AlertChange::Started { id, attempt, parcel } => {
                let case = self.cases.get_mut(id).expect("started what was raised");
                let (channel, cost, fate) = (parcel.channel, parcel.cost, Fate::Open);
                let (round, grade) = (case.rounds, case.grade);
                case.owed_since = None;
                let started = Attempt { round, channel, grade, at, changed_at: at, fate, cost };
                assert!(case.attempts.insert(*attempt, started).is_none(), "an attempt's number is its own");
                self.attempts.push((at, *id, *attempt));
            }
            AlertChange::Ended { id, attempt, outcome } => {
                self.settle(at, *id, *attempt, |fate| match outcome {
                    Outcome::Accepted { .. } => Fate::Accepted,
                    _ if fate != Fate::Open => fate,
                    Outcome::Unsent { .. } => Fate::Unsent,
                    Outcome::Refused { .. } => Fate::Refused,
                });
            }
            AlertChange::Noted { id, attempt, delivery } => {
                self.settle(at, *id, *attempt, |_| match delivery {
                    Delivery::Delivered => Fate::Delivered,
                    Delivery::Undelivered { may_retry, .. } => Fate::Lost { for_good: !may_retry },
                });
            }
        }
    }

    fn raised(&mut self, at: Timestamp, id: AlertId, key: &CauseKey, grade: Grade) {
        let is_known = self.open.iter().any(|open| self.cases[open].key == *key);
        assert!(!is_known, "{key:?} is raised twice");
        assert_eq!(self.truth.present.get(key), Some(&grade), "{key:?} is raised");
        let case = Case {
            key: key.clone(),
            grade,
            is_open: true,
            history: vec![(at, grade)],
            news_since: at,
            acknowledged_at: None,
            rounds: 0,
            attempts: BTreeMap::new(),
            owed_since: None,
            matters: grade.severity >= Severity::Warning,
            messages: 0,
        };
        self.open.insert(id);
        self.same.entry((key.kind, key.subject.clone())).or_default().push(id);
        assert!(self.cases.insert(id, case).is_none(), "an alert's number is its own");
    }

    fn settle(&mut self, at: Timestamp, id: AlertId, attempt: AttemptId, change: impl Fn(Fate) -> Fate) {
        let case = self.cases.get_mut(&id).expect("it was raised");
        let attempt = case.attempts.get_mut(&attempt).expect("it was started");
        attempt.fate = change(attempt.fate);
        attempt.changed_at = at;
        case.owed_since = None;
    }

    /// Whether a kind and a subject were told today, or may have been, at least as badly.
    fn is_throttled(&self, view: &View, id: AlertId) -> bool {
        let this = &self.cases[&id];
        // The days of two places are one at most two days apart.
        let same = self.same[&(this.key.kind, this.key.subject.clone())].iter().rev().take(40);
        let mut attempts = same.flat_map(|of| self.cases[of].attempts.values().map(move |it| (*of, it)));
        attempts.any(|(of, it)| {
            (of != id || it.at < this.news_since)
                && view.day(it.at) == view.day(view.now)
                && it.grade >= this.grade
                && it.may_have_told()
        })
    }

    /// What left in a span, and what it cost.
    fn left_since(&self, now: Timestamp, span: SignedDuration) -> (usize, Picodollars) {
        let recent = self.attempts.iter().rev().take_while(|(at, ..)| now.duration_since(*at) < span);
        let left = recent.map(|(_, id, attempt)| &self.cases[id].attempts[attempt]);
        let left = left.filter(|it| !matches!(it.fate, Fate::Unsent | Fate::Refused));
        left.fold((0, Picodollars::ZERO), |(count, cost), it| (count + 1, cost + it.cost))
    }

    /// A message leaves the house.
    pub fn sent(&mut self, view: &View, sending: &OutgoingMessage) {
        let now = view.now;
        let case = &self.cases[&sending.id];
        let of = format!("{} {} at {now}", case.key.kind.word(), case.key.subject);
        // Of what is true, and bad enough.
        let grade = view.truth.present.get(&case.key).unwrap_or_else(|| panic!("{of}: its cause has gone"));
        assert!(grade.severity >= Severity::Warning, "{of}: it is not that bad");
        let may_break = grade.severity == Severity::Immediate && self.policy.immediate_breaks_quiet;
        assert!(!view.is_night() || may_break, "{of}: at night");
        let usable = view.usable.iter().find(|usable| usable.channel == sending.channel);
        assert_eq!(usable.map(|usable| &usable.contact), Some(&sending.contact), "{of}: without leave");
        assert!(case.acknowledged_at.is_none_or(|at| at < case.news_since), "{of}: it was taken note of");
        let (hour, day) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
        let limits = self.policy.limits;
        assert!(self.left_since(now, hour).0 <= limits.per_hour as usize, "{of}: too many in an hour");
        let (count, cost) = self.left_since(now, day);
        assert!(count <= limits.per_day as usize && cost <= limits.usd_per_day, "{of}: too many in a day");
        let in_round = |it: &&Attempt| it.round == case.rounds;
        let begins = case.attempts.values().filter(in_round).all(|it| it.at == now || !it.may_have_told());
        assert!(!begins || !self.is_throttled(view, sending.id), "{of}: twice a day");
        self.once(case, sending, now, &of);
        assert!(sending.text.contains(&format!("#{}", sending.id)), "{of}: {}", sending.text);
    }

    /// Within a round nothing is told twice.
    fn once(&self, case: &Case, sending: &OutgoingMessage, now: Timestamp, of: &str) {
        let others =
            case.attempts.iter().filter(|(id, it)| **id != sending.attempt && it.round == case.rounds);
        for (_, other) in others.filter(|(_, it)| it.may_have_told()) {
            let waited = other.channel != sending.channel && now.duration_since(other.at) >= PATIENCE;
            let is_over = match self.policy.until {
                Until::Accepted => other.fate != Fate::Open,
                Until::Delivered => other.fate == Fate::Delivered,
                Until::Acknowledged => false,
            };
            assert!(waited && !is_over, "{of}: told twice, on {} and {}", other.channel, sending.channel);
        }
    }

    /// The program has done what there was to do.
    pub fn at_rest(&mut self, view: &View) {
        self.follow(view);
        self.compare(view, |_| true);
        self.weigh(view);
    }

    /// While nothing happens, and the program rests. A projection comes nearer with each second: what is open of
    /// it is looked at when something happens.
    pub fn judge(&mut self, view: &View) {
        if view.is_up {
            self.compare(view, |key| key.kind != Kind::BudgetProjection);
        }
        self.weigh(view);
    }

    /// The alerts that are open are those that have a cause.
    fn compare(&self, view: &View, counts: impl Fn(&CauseKey) -> bool) {
        let open: BTreeMap<&CauseKey, Grade> =
            self.open.iter().map(|id| &self.cases[id]).map(|case| (&case.key, case.grade)).collect();
        for (key, grade) in view.truth.present.iter().filter(|(key, _)| counts(key)) {
            assert_eq!(open.get(key), Some(grade), "{key:?} at {}", view.now);
        }
        for key in open.keys().filter(|key| counts(key)) {
            assert!(view.truth.may_last(key), "{key:?} is over at {}", view.now);
        }
    }

    /// Counts the causes that begin.
    fn follow(&mut self, view: &View) {
        for key in view.truth.present.keys() {
            if self.present.insert(key.clone()) {
                *self.begun.entry(key.kind).or_default() += 1;
            }
        }
        self.present.retain(|key| view.truth.may_last(key));
    }

    /// Nothing is missed: what nothing holds is told within [`SLACK`].
    fn weigh(&mut self, view: &View) {
        for id in self.open.clone() {
            let is_owed = self.is_owed(view, id);
            let case = self.cases.get_mut(&id).expect("it is open");
            if !is_owed {
                case.owed_since = None;
                continue;
            }
            let since = *case.owed_since.get_or_insert(view.now);
            let missed = view.now.duration_since(since) > SLACK;
            assert!(!missed, "{:?}, alert {id}, is not told since {since}; it is {}", case.key, view.now);
        }
    }

    fn is_owed(&self, view: &View, id: AlertId) -> bool {
        let case = &self.cases[&id];
        let Some(grade) = view.truth.present.get(&case.key) else { return false };
        let severity = grade.severity;
        let is_held_by_night =
            view.is_night() && !(severity == Severity::Immediate && self.policy.immediate_breaks_quiet);
        let limits = self.policy.limits;
        let (in_hour, _) = self.left_since(view.now, SignedDuration::from_hours(1));
        let (in_day, cost) = self.left_since(view.now, SignedDuration::from_hours(24));
        let is_limited = in_hour >= limits.per_hour as usize
            || in_day >= limits.per_day as usize
            || cost + Picodollars::usd(1).scale(2, 100) > limits.usd_per_day;
        view.is_up
            && view.is_clear
            && severity >= Severity::Warning
            && !case.is_told()
            && !is_held_by_night
            && !is_limited
            && !self.is_throttled(view, id)
            && view.usable.iter().any(|usable| !case.is_spent(usable.channel, view.now))
    }

    /// What the providers took, in the end.
    pub fn end(&mut self, provider: &Provider) {
        let mut arrived: BTreeMap<(AlertId, usize, Channel), Vec<Timestamp>> = BTreeMap::new();
        for message in &provider.taken {
            let case = self.cases.get_mut(&message.alert).expect("of an alert");
            case.messages += 1;
            let is_lost = matches!(message.fate, Some((_, Delivery::Undelivered { .. })));
            if !is_lost {
                arrived
                    .entry((message.alert, message.telling, message.channel))
                    .or_default()
                    .push(message.at);
            }
        }
        for (round, times) in arrived {
            assert_eq!(times.len(), 1, "taken twice, and not lost: {round:?} {times:?}");
        }
    }

    pub fn rows(&self) -> BTreeMap<Kind, Row> {
        let mut rows: BTreeMap<Kind, Row> = BTreeMap::new();
        for (kind, causes) in &self.begun {
            rows.entry(*kind).or_default().causes = *causes;
        }
        for case in self.cases.values() {
            let row = rows.entry(case.key.kind).or_default();
            row.raised += 1;
            row.messages += case.messages;
            row.told += usize::from(case.messages > 0);
            row.withdrawn += usize::from(case.messages == 0 && !case.is_open && case.matters);
        }
        rows
    }
}
