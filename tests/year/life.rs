//! A person's year: goals, money, sources and places, and what the program knows of them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use mecris::domain::alert::rules::{self, Facts, Rules, SourceFact, SourceTrouble};
use mecris::domain::alert::{Causes, Severity};
use mecris::domain::budget::{self, Budget, Scope, Thresholds};
use mecris::domain::calendar::{Period, WeekStart, day_of};
use mecris::domain::goal::Goal;
use mecris::domain::money::Picodollars;
use mecris::domain::reminder::{Due, Tier};
use mecris::domain::window::{DailyWindow, goal_day, goal_day_end};
use rand::Rng;
use rand::rngs::SmallRng;

/// Seven cents: burn rates, which are means of seven days, are then exact.
const COIN: Picodollars = Picodollars(70_000_000_000);

/// A goal as it truly is.
struct TrueGoal {
    slug: String,
    deadline_s: i64,
    /// The day at whose deadline it derails.
    last_day: Date,
}

pub struct Life {
    /// Where the person is.
    pub zone: TimeZone,
    /// The zone that Beeminder reckons in.
    home: TimeZone,
    truth: Vec<TrueGoal>,
    /// The goals, as the program last heard.
    pub known: Vec<Goal>,
    /// Whether the program has not looked at them since its start.
    pub awaited: bool,
    pub budgets: Vec<Budget>,
    payments: Vec<(Timestamp, Picodollars)>,
    /// What was spent on each day of the place.
    pub spent: BTreeMap<Date, Picodollars>,
    pub sources: BTreeMap<String, SourceFact>,
    pub gave_up: BTreeMap<String, Timestamp>,
    /// The day on which the evening's reminder is spared.
    pub spared: Option<Date>,
    beeminder_is_down: bool,
}

impl Life {
    pub fn new(start: Timestamp) -> Self {
        let home = TimeZone::get("Europe/Berlin").unwrap();
        // One deadline at 03:00, one at 21:00.
        let deadlines = [0, 3 * 3600, -3 * 3600, 0, -2 * 3600, 6 * 3600];
        let truth = (1..).zip(deadlines).map(|(number, deadline_s)| TrueGoal {
            slug: format!("goal-{number}"),
            deadline_s,
            last_day: day_of(start, &home).saturating_add((number % 5).days()),
        });
        let budget = |name: &str, usd, period, low, daily_limit| Budget {
            name: name.parse().unwrap(),
            amount: Picodollars::usd(usd),
            period,
            scope: Scope::default(),
            thresholds: Thresholds {
                low: Picodollars::usd(low),
                daily_limit: Picodollars::usd(daily_limit),
                ending_days: 1,
            },
        };
        Self {
            truth: truth.collect(),
            zone: home.clone(),
            home,
            known: Vec::new(),
            awaited: true,
            budgets: vec![
                budget("day", 9, Period::Daily, 1, 100),
                budget("week", 40, Period::Weekly { starts: WeekStart::Monday }, 5, 12),
                budget("month", 160, Period::Monthly, 10, 100),
            ],
            payments: Vec::new(),
            spent: BTreeMap::new(),
            sources: BTreeMap::new(),
            gave_up: BTreeMap::new(),
            spared: None,
            beeminder_is_down: false,
        }
    }

    /// The person works for a goal that needs it.
    pub fn enter_data(&mut self, random: &mut SmallRng, now: Timestamp) {
        let index = random.random_range(0..self.truth.len());
        let goal = &mut self.truth[index];
        if goal.safe_days(now, &self.home) < 9 {
            goal.last_day = goal.last_day.saturating_add(random.random_range(1..=4_i64).days());
        }
        if random.random_bool(0.2) {
            self.spared = Some(day_of(now, &self.zone));
        }
    }

    pub fn spend(&mut self, random: &mut SmallRng, now: Timestamp) {
        let coins_max = if random.random_bool(0.1) { 60 } else { 12 };
        let coins = random.random_range(1..coins_max);
        // Now and then what was recorded is revised: a cause may ease, and come back.
        let is_revised = random.random_bool(0.15);
        let amount = COIN.scale(if is_revised { -coins } else { coins }, 1);
        self.payments.push((now, amount));
        *self.spent.entry(day_of(now, &self.zone)).or_default() += amount;
    }

    pub fn move_to(&mut self, zone: &str) {
        self.zone = TimeZone::get(zone).unwrap();
        self.spent.clear();
        for (at, amount) in &self.payments {
            *self.spent.entry(day_of(*at, &self.zone)).or_default() += *amount;
        }
    }

    /// Beeminder fails or is well again; the other source refuses its key or takes it.
    pub fn turn_source(&mut self, random: &mut SmallRng, now: Timestamp) {
        let (name, trouble) = if random.random_bool(0.7) {
            self.beeminder_is_down = !self.beeminder_is_down;
            ("beeminder", self.beeminder_is_down.then_some(SourceTrouble::Failing))
        } else {
            let was = self.sources.get("anthropic").and_then(|fact| fact.trouble);
            ("anthropic", was.is_none().then_some(SourceTrouble::Unauthorized))
        };
        self.sources.insert(name.to_owned(), SourceFact { trouble, since: now });
    }

    /// The program looks at the goals. Whether it learned something.
    pub fn look(&mut self, random: &mut SmallRng, now: Timestamp) -> bool {
        if self.beeminder_is_down {
            return false;
        }
        let before = (std::mem::take(&mut self.known), self.awaited);
        for goal in &mut self.truth {
            while goal.losedate(&self.home) <= now {
                // It derailed, and has a week.
                goal.last_day = goal.last_day.saturating_add(7.days());
            }
            let safebuf = (!random.random_bool(0.002)).then(|| goal.safe_days(now, &self.home));
            self.known.push(goal.told(safebuf, &self.home));
        }
        self.awaited = false;
        before != (self.known.clone(), false)
    }

    /// What the program's rules make of what it knows.
    pub fn causes(&self, now: Timestamp) -> Causes {
        let zone = &self.zone;
        let status = |budget| budget::status(budget, &self.spent, now, zone);
        let evening = DailyWindow::parse("18:00", "21:00").unwrap();
        let stretch = evening.stretch(now, zone).filter(|stretch| self.spared != Some(stretch.day));
        let due = stretch.map(|stretch| Due {
            rule: "evening".into(),
            day: stretch.day,
            goal: None,
            severity: Severity::Warning,
            tier: Tier::Plain,
            text: "look at the day".into(),
            until: stretch.end,
        });
        let facts = Facts {
            lacking: BTreeMap::new(),
            goals: self.known.iter().collect(),
            goals_are_awaited: self.awaited,
            balances: Vec::new(),
            promises: Vec::new(),
            budgets: self.budgets.iter().map(status).collect(),
            sources: &self.sources,
            gave_up: &self.gave_up,
            reminders: due.into_iter().collect(),
            zone,
            now,
        };
        let mut causes = rules::causes(&facts, &Rules::default());
        if let Some(start) = evening.next_start(now, zone) {
            causes.may_change_at(start);
        }
        causes
    }
}

impl TrueGoal {
    fn losedate(&self, home: &TimeZone) -> Timestamp {
        goal_day_end(self.last_day, home, self.deadline_s)
    }

    fn safe_days(&self, now: Timestamp, home: &TimeZone) -> i64 {
        let today = goal_day(now, home, self.deadline_s);
        i64::from(self.last_day.since(today).unwrap().get_days())
    }

    fn told(&self, safebuf: Option<i64>, home: &TimeZone) -> Goal {
        Goal {
            id: self.slug.clone(),
            slug: self.slug.clone(),
            title: String::new(),
            safebuf,
            losedate: Some(self.losedate(home)),
            deadline_s: self.deadline_s,
            limsum: "+1 in 1 day".into(),
            baremin: "+1".into(),
            pledge: Picodollars::usd(5),
            has_data_today: false,
            is_active: true,
            autodata: None,
        }
    }
}

/// Between two happenings of a kind.
pub fn pause(random: &mut SmallRng, minutes: i64) -> SignedDuration {
    SignedDuration::from_millis(random.random_range(1..minutes * 2 * 60_000))
}
