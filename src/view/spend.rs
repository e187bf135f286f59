//! The cube of usage: sums by quarter of an hour, model, project and session.
//!
//! The quarter is fine enough for the days of every time zone, so one cube answers every report. Cells stand in the
//! order of time, so that what is asked of a day or a month touches no others.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::{self, Quarter};
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::event::payload::{Superseded, UsageRecorded};

use super::names::{NameId, Names};

/// What a number of calls add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Billed calls.
    pub messages: u64,
    /// Those without a price, whose cost is not in `cost`.
    pub unpriced: u64,
    /// What was consumed.
    pub tokens: Tokens,
    /// What it cost.
    pub cost: Picodollars,
}

impl Sum {
    pub(super) fn one(tokens: Tokens, cost: Option<Picodollars>) -> Self {
        Self { messages: 1, unpriced: u64::from(cost.is_none()), tokens, cost: cost.unwrap_or_default() }
    }

    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.unpriced += other.unpriced;
        self.tokens += other.tokens;
        self.cost += other.cost;
    }

    /// Takes a sum back that was added.
    pub(super) fn take_back(&mut self, other: &Self) {
        self.messages -= other.messages;
        self.unpriced -= other.unpriced;
        self.tokens -= other.tokens;
        self.cost -= other.cost;
    }
}

/// Where in the cube a sum stands. Ordered by time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct CellKey {
    quarter: Quarter,
    provider: NameId,
    model: NameId,
    project: NameId,
    session: NameId,
}

/// A cell as readers see it.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    /// The quarter of an hour.
    pub quarter: Quarter,
    /// Who is paid.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// The project, or empty.
    pub project: &'a str,
    /// The session, or empty.
    pub session: &'a str,
    /// What was used.
    pub sum: &'a Sum,
}

/// The cube.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpendView {
    names: Names,
    cells: BTreeMap<CellKey, Sum>,
    /// When the newest call happened.
    pub newest: Option<Timestamp>,
}

impl SpendView {
    /// Adds a call.
    pub fn add(&mut self, occurred_at: Timestamp, usage: &UsageRecorded<'_>) {
        let key = self.key(Quarter::of(occurred_at), usage);
        self.cells.entry(key).or_default().add(&Sum::one(usage.tokens, usage.cost));
        self.newest = self.newest.max(Some(occurred_at));
    }

    /// Takes back what a revision supersedes.
    pub fn take_back(&mut self, usage: &UsageRecorded<'_>, superseded: &Superseded) {
        let key = self.key(Quarter::of(superseded.occurred_at()), usage);
        if let Some(sum) = self.cells.get_mut(&key) {
            sum.take_back(&Sum::one(superseded.tokens, superseded.cost));
            if sum.messages == 0 {
                self.cells.remove(&key);
            }
        }
    }

    fn key(&mut self, quarter: Quarter, usage: &UsageRecorded<'_>) -> CellKey {
        CellKey {
            quarter,
            provider: self.names.intern(&usage.provider),
            model: self.names.intern(&usage.model),
            project: self.names.intern(&usage.project),
            session: self.names.intern(&usage.session),
        }
    }

    /// All cells, the oldest first.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().map(|(key, sum)| self.cell(key, sum))
    }

    /// The cells from the quarter on that an instant lies in; the oldest first.
    pub fn cells_since(&self, since: Timestamp) -> impl Iterator<Item = Cell<'_>> {
        self.cells_between(Quarter::of(since).start(), Timestamp::MAX)
    }

    /// The cells whose quarter begins at an instant or after it, and before another; the oldest first.
    pub fn cells_between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Cell<'_>> {
        let least = |instant: Timestamp| CellKey {
            // The first quarter that begins at the instant or after it.
            quarter: Quarter(Quarter::of(instant).0 + i32::from(Quarter::of(instant).start() < instant)),
            provider: NameId(0),
            model: NameId(0),
            project: NameId(0),
            session: NameId(0),
        };
        let (from, until) = (least(from), least(until));
        let range = (Bound::Included(from), Bound::Excluded(until.max(from)));
        self.cells.range(range).map(|(key, sum)| self.cell(key, sum))
    }

    fn cell<'a>(&'a self, key: &CellKey, sum: &'a Sum) -> Cell<'a> {
        Cell {
            quarter: key.quarter,
            provider: self.names.name(key.provider),
            model: self.names.name(key.model),
            project: self.names.name(key.project),
            session: self.names.name(key.session),
            sum,
        }
    }

    /// What all of it adds up to.
    #[must_use]
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        self.cells.values().for_each(|sum| total.add(sum));
        total
    }

    /// What each model of each provider adds up to, in the names' order. One pass.
    #[must_use]
    pub fn by_model(&self) -> BTreeMap<(&str, &str), Sum> {
        let mut sums: HashMap<(NameId, NameId), Sum> = HashMap::new();
        for (key, sum) in &self.cells {
            sums.entry((key.provider, key.model)).or_default().add(sum);
        }
        let named = |((provider, model), sum)| ((self.names.name(provider), self.names.name(model)), sum);
        sums.into_iter().map(named).collect()
    }

    /// Cost by day of `zone`, over the cells that `covers` accepts.
    #[must_use]
    pub fn by_day(&self, zone: &TimeZone, covers: impl Fn(&Cell<'_>) -> bool) -> BTreeMap<Date, Picodollars> {
        let mut days = DayCache::new(zone);
        let mut spent: BTreeMap<Date, Picodollars> = BTreeMap::new();
        for cell in self.cells().filter(covers) {
            *spent.entry(days.day(cell.quarter)).or_default() += cell.sum.cost;
        }
        spent
    }
}

/// A cell as a snapshot keeps it: quarter, provider, model, project, session, and the sum.
type StoredCell = ((i32, [u32; 4]), (u64, u64, Tokens, Picodollars));

/// The cube as a snapshot keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSpend {
    names: Vec<String>,
    /// Sorted, so that the same cube gives the same bytes.
    cells: Vec<StoredCell>,
    newest_us: Option<i64>,
}

impl SpendView {
    pub(super) fn to_stored(&self) -> StoredSpend {
        let cell = |(key, sum): (&CellKey, &Sum)| {
            let names = [key.provider, key.model, key.project, key.session].map(|name| name.0);
            ((key.quarter.0, names), (sum.messages, sum.unpriced, sum.tokens, sum.cost))
        };
        StoredSpend {
            names: self.names.all().map(str::to_owned).collect(),
            cells: self.cells.iter().map(cell).collect(),
            newest_us: self.newest.map(Timestamp::as_microsecond),
        }
    }

    /// The cube, unless a cell names what is not there.
    pub(super) fn from_stored(stored: StoredSpend) -> Option<Self> {
        let mut names = Names::default();
        for name in &stored.names {
            names.intern(name);
        }
        let mut cells = BTreeMap::new();
        for ((quarter, [provider, model, project, session]), (messages, unpriced, tokens, cost)) in
            stored.cells
        {
            let key = CellKey {
                quarter: Quarter(quarter),
                provider: names.id(provider)?,
                model: names.id(model)?,
                project: names.id(project)?,
                session: names.id(session)?,
            };
            cells.insert(key, Sum { messages, unpriced, tokens, cost });
        }
        let newest = stored.newest_us.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        Some(Self { names, cells, newest })
    }
}

/// The civil day of quarters, looked up in the time zone once for each quarter.
pub struct DayCache<'a> {
    zone: &'a TimeZone,
    days: HashMap<Quarter, Date>,
}

impl<'a> DayCache<'a> {
    /// For the days of a time zone.
    #[must_use]
    pub fn new(zone: &'a TimeZone) -> Self {
        Self { zone, days: HashMap::new() }
    }

    /// The day that a quarter belongs to.
    pub fn day(&mut self, quarter: Quarter) -> Date {
        let zone = self.zone;
        *self.days.entry(quarter).or_insert_with(|| calendar::day_of(quarter.start(), zone))
    }
}
