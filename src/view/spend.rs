//! The cube of usage: sums by quarter of an hour, model, project and session.
//!
//! The quarter is fine enough for the days of every time zone, so one cube answers every report. Cells stand in the
//! order of time, so that what is asked of a day or a month touches no others.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::domain::budget::Scope;
use crate::domain::calendar::{self, Quarter};
use crate::domain::money::Picodollars;
use crate::domain::naming;
use crate::domain::project::{self, AliasChange, Aliases};
use crate::domain::tokens::Tokens;
use crate::event::payload::UsageRecorded;

use super::names::{NameId, Names};

/// What a number of calls add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Billed calls.
    pub messages: u64,
    /// Those without a price, whose cost is not in `cost`.
    pub unpriced: u64,
    /// Those whose cost leaves a part out, or rests on the price of another day.
    pub partial: u64,
    /// What was consumed.
    pub tokens: Tokens,
    /// Of that, what `cost` leaves out.
    pub lacking: Tokens,
    /// What it cost, as far as there are prices.
    pub cost: Picodollars,
}

impl Sum {
    pub(super) fn one(usage: &UsageRecorded<'_>) -> Self {
        let is_partial = usage.cost.is_some() && !usage.missing.is_empty();
        Self {
            messages: 1,
            unpriced: u64::from(usage.cost.is_none()),
            partial: u64::from(is_partial),
            tokens: usage.tokens,
            lacking: usage.lacking.unwrap_or_default(),
            cost: usage.cost.unwrap_or_default(),
        }
    }

    /// Whether `cost` is all that it cost, as far as is known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unpriced == 0 && self.partial == 0
    }

    /// Adds another sum.
    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.unpriced += other.unpriced;
        self.partial += other.partial;
        self.tokens += other.tokens;
        self.lacking += other.lacking;
        self.cost += other.cost;
    }

    /// Takes a sum back that was added.
    pub(super) fn take_back(&mut self, other: &Self) {
        self.messages -= other.messages;
        self.unpriced -= other.unpriced;
        self.partial -= other.partial;
        self.tokens -= other.tokens;
        self.lacking -= other.lacking;
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
    /// The directory of the project, or empty.
    pub directory: &'a str,
    /// What the project is called, or empty.
    pub project: &'a str,
    /// The session, or empty.
    pub session: &'a str,
    /// What was used.
    pub sum: &'a Sum,
}

impl Cell<'_> {
    /// Whether a budget's scope covers it: by the project's name, or by its directory.
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        scope.covers(self.provider, self.model, self.project)
            || (self.directory != self.project && scope.covers(self.provider, self.model, self.directory))
    }
}

/// The cube.
#[derive(Debug, Clone, Default)]
pub struct SpendView {
    names: Names,
    cells: BTreeMap<CellKey, Sum>,
    /// Which project a directory and its repository were folded into.
    folded: BTreeMap<(NameId, NameId), NameId>,
    aliases: Aliases,
    /// When the newest call happened.
    pub newest: Option<Timestamp>,
    /// What a provider's and a model's names mean: follows from them.
    resolved: HashMap<(NameId, NameId), (NameId, NameId)>,
    /// What each directory is called: follows from the aliases.
    called: HashMap<NameId, NameId>,
}

impl PartialEq for SpendView {
    /// What follows from the rest is left out.
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
            && self.cells == other.cells
            && self.folded == other.folded
            && self.aliases == other.aliases
            && self.newest == other.newest
    }
}

impl Eq for SpendView {}

impl SpendView {
    /// Adds a call. Who is paid for it, as it is shown.
    pub fn add(&mut self, occurred_at: Timestamp, usage: &UsageRecorded<'_>) -> Arc<str> {
        let key = self.key(Quarter::of(occurred_at), usage);
        self.cells.entry(key).or_default().add(&Sum::one(usage));
        self.newest = self.newest.max(Some(occurred_at));
        self.names.shared(key.provider)
    }

    /// Takes back a call that was added. Who was paid for it.
    pub fn take_back(&mut self, occurred_at: Timestamp, usage: &UsageRecorded<'_>) -> Arc<str> {
        let key = self.key(Quarter::of(occurred_at), usage);
        if let Some(sum) = self.cells.get_mut(&key) {
            sum.take_back(&Sum::one(usage));
            if sum.messages == 0 {
                self.cells.remove(&key);
            }
        }
        self.names.shared(key.provider)
    }

    fn key(&mut self, quarter: Quarter, usage: &UsageRecorded<'_>) -> CellKey {
        let written = (self.names.intern(&usage.provider), self.names.intern(&usage.model));
        let (provider, model) = if let Some(known) = self.resolved.get(&written) {
            *known
        } else {
            let name = naming::resolve(&usage.provider, &usage.model);
            let meant = (self.names.intern(&name.provider), self.names.intern(&name.model));
            self.resolved.insert(written, meant);
            meant
        };
        CellKey {
            quarter,
            provider,
            model,
            project: self.directory(&usage.project, &usage.repository),
            session: self.names.intern(&usage.session),
        }
    }

    fn directory(&mut self, project: &str, repository: &str) -> NameId {
        let written = (self.names.intern(project), self.names.intern(repository));
        if let Some(known) = self.folded.get(&written) {
            return *known;
        }
        let directory = self.names.intern(&project::fold(project, repository));
        self.folded.insert(written, directory);
        self.call(directory);
        directory
    }

    /// Finds what a directory is called.
    fn call(&mut self, directory: NameId) {
        let name = self.aliases.name(self.names.name(directory));
        let name = self.names.intern(&name);
        self.called.insert(directory, name);
    }

    /// A person calls a directory otherwise.
    pub fn alias(&mut self, change: AliasChange) {
        self.aliases.evolve(change);
        let directories: Vec<NameId> = self.called.keys().copied().collect();
        let mut ordered = directories;
        // In the order of their names: new names get their numbers in the same order everywhere.
        ordered.sort_unstable();
        for directory in ordered {
            self.call(directory);
        }
    }

    /// What a person calls directories.
    #[must_use]
    pub fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// What was folded into what: where a session began, the repository around it, the directory that counts, and what it
    /// is called.
    pub fn projects(&self) -> impl Iterator<Item = [&str; 4]> {
        self.folded.iter().map(|((project, repository), directory)| {
            [*project, *repository, *directory, self.name_of(*directory)].map(|name| self.names.name(name))
        })
    }

    fn name_of(&self, directory: NameId) -> NameId {
        self.called.get(&directory).copied().unwrap_or(directory)
    }

    /// All cells, in the order of time.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().map(|(key, sum)| self.cell(key, sum))
    }

    /// The cells of the quarters that begin at an instant or after it; the quarter that it lies in is whole.
    pub fn cells_since(&self, since: Timestamp) -> impl Iterator<Item = Cell<'_>> {
        self.cells_between(Quarter::of(since).start(), Timestamp::MAX)
    }

    /// The cells of the quarters that begin between two instants.
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
            directory: self.names.name(key.project),
            project: self.names.name(self.name_of(key.project)),
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
type StoredCell = ((i32, [u32; 4]), (u64, u64, u64, Tokens, Tokens, Picodollars));

/// The cube as a snapshot keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSpend {
    names: Vec<String>,
    /// Sorted, so that the same cube gives the same bytes.
    cells: Vec<StoredCell>,
    folded: Vec<(u32, u32, u32)>,
    aliases: Aliases,
    newest_us: Option<i64>,
}

impl SpendView {
    pub(super) fn to_stored(&self) -> StoredSpend {
        let cell = |(key, sum): (&CellKey, &Sum)| {
            let names = [key.provider, key.model, key.project, key.session].map(|name| name.0);
            let Sum { messages, unpriced, partial, tokens, lacking, cost } = *sum;
            ((key.quarter.0, names), (messages, unpriced, partial, tokens, lacking, cost))
        };
        StoredSpend {
            names: self.names.all().map(str::to_owned).collect(),
            cells: self.cells.iter().map(cell).collect(),
            folded: self.folded.iter().map(|((one, other), into)| (one.0, other.0, into.0)).collect(),
            aliases: self.aliases.clone(),
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
        for ((quarter, [provider, model, project, session]), numbers) in stored.cells {
            let key = CellKey {
                quarter: Quarter(quarter),
                provider: names.id(provider)?,
                model: names.id(model)?,
                project: names.id(project)?,
                session: names.id(session)?,
            };
            let (messages, unpriced, partial, tokens, lacking, cost) = numbers;
            cells.insert(key, Sum { messages, unpriced, partial, tokens, lacking, cost });
        }
        let mut folded = BTreeMap::new();
        for (project, repository, into) in stored.folded {
            folded.insert((names.id(project)?, names.id(repository)?), names.id(into)?);
        }
        let newest = stored.newest_us.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let mut view = Self { names, cells, folded, aliases: stored.aliases, newest, ..Self::default() };
        let directories: Vec<NameId> = view.folded.values().copied().collect();
        for directory in directories {
            view.call(directory);
        }
        Some(view)
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
