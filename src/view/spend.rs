//! The cube of usage: sums by quarter of an hour, model, project and session.
//!
//! The quarter is fine enough for the days of every time zone, so one cube answers every report. Cells stand in the
//! order of time, so that what is asked of a day or a month touches no others. Beside them stand the sums of whole UTC days
//! without sessions, some hundred times fewer: a long time is added up from those, and from the cells of its two ends.
//!
//! Copies share what is alike: see [`super::pieces`].

mod cell;
mod stored;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::calendar::{self, Quarter};
use crate::domain::money::Picodollars;
use crate::domain::naming;
use crate::domain::project::{self, AliasChange, Aliases};
use crate::event::payload::UsageRecorded;

use super::names::{NameId, Names};
use super::pieces::{Pieces, Rows};
use super::shared::Shared;
use cell::{CellKey, DAY, DayKey, first_quarter};

pub use cell::{Cell, Part, Sum};
pub(super) use stored::StoredSpend;

/// The cube.
#[derive(Debug, Clone, Default)]
pub struct SpendView {
    names: Names,
    cells: Pieces<CellKey, Sum>,
    /// What each UTC day adds up to: follows from the cells.
    days: Pieces<DayKey, Sum>,
    /// The first and the last quarter that a session may have a cell in, by its name's number: follows from the cells.
    sessions: Rows<Option<(Quarter, Quarter)>>,
    /// Which project a directory and its repository were folded into.
    folded: Shared<BTreeMap<(NameId, NameId), NameId>>,
    aliases: Shared<Aliases>,
    /// When the newest call happened.
    pub newest: Option<Timestamp>,
    /// What a provider's and a model's names mean: follows from them.
    resolved: Shared<HashMap<(NameId, NameId), (NameId, NameId)>>,
    /// What each directory is called, by its name's number: follows from the aliases.
    called: Rows<NameId>,
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
        let sum = Sum::one(usage);
        self.cells.entry(key, Sum::default).add(&sum);
        self.days.entry(key.of_day(), Sum::default).add(&sum);
        self.note_session(&key);
        self.newest = self.newest.max(Some(occurred_at));
        self.names.shared(key.provider)
    }

    /// Takes back a call that was added. Who was paid for it.
    pub fn take_back(&mut self, occurred_at: Timestamp, usage: &UsageRecorded<'_>) -> Arc<str> {
        let key = self.key(Quarter::of(occurred_at), usage);
        let mut taken = Sum::one(usage);
        let is_there = self.cells.change(&key, |sum| {
            let before = *sum;
            sum.take_back(&taken);
            if sum.messages == 0 {
                // With the cell goes all that it held.
                taken = before;
            }
            sum.messages == 0
        });
        if is_there {
            self.days.change(&key.of_day(), |sum| {
                sum.take_back(&taken);
                sum.messages == 0
            });
        }
        self.names.shared(key.provider)
    }

    /// A session has a cell in this quarter. What is taken back makes no session's time shorter: it is only looked through.
    fn note_session(&mut self, key: &CellKey) {
        let number = key.session.0 as usize;
        let quarter = key.quarter;
        match self.sessions.get(number) {
            Some(Some((first, last))) if (*first..=*last).contains(&quarter) => return,
            Some(_) => {}
            None => self.sessions.fill(number + 1, |_| None),
        }
        if let Some(known) = self.sessions.get_mut(number) {
            let (first, last) = known.unwrap_or((quarter, quarter));
            *known = Some((first.min(quarter), last.max(quarter)));
        }
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
        let number = directory.0 as usize;
        self.called.fill(number + 1, |number| NameId(number as u32));
        if self.called.get(number) != Some(&name)
            && let Some(called) = self.called.get_mut(number)
        {
            *called = name;
        }
    }

    /// A person calls a directory otherwise.
    pub fn alias(&mut self, change: AliasChange) {
        self.aliases.evolve(change);
        self.call_all();
    }

    /// In the order of the directories' numbers: new names get theirs in the same order everywhere.
    fn call_all(&mut self) {
        let directories: BTreeSet<NameId> = self.folded.values().copied().collect();
        for directory in directories {
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
        self.called.get(directory.0 as usize).copied().unwrap_or(directory)
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
        self.of_quarters(first_quarter(from), first_quarter(until))
    }

    fn of_quarters(&self, from: Quarter, until: Quarter) -> impl Iterator<Item = Cell<'_>> {
        let range = self.cells.range(CellKey::least(from), CellKey::least(until));
        range.map(|(key, sum)| self.cell(key, sum))
    }

    /// A session's cells, in the order of time. Touches the time of that session alone.
    pub fn cells_of_session(&self, session: &str) -> impl Iterator<Item = Cell<'_>> {
        let id = self.names.find(session);
        let time = id.and_then(|id| *self.sessions.get(id.0 as usize)?);
        let of_session = move |(first, last): (Quarter, Quarter)| {
            let range = self.cells.range(CellKey::least(first), CellKey::least(Quarter(last.0 + 1)));
            range.filter(move |(key, _)| Some(key.session) == id).map(|(key, sum)| self.cell(key, sum))
        };
        time.into_iter().flat_map(of_session)
    }

    /// What was used in the quarters that begin between two instants, in parts: those of whole UTC days, and the cells of
    /// the two ends. Few, however long the time is, and their sums are those of its cells.
    pub fn parts_between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Part<'_>> {
        let (from, until) = (first_quarter(from), first_quarter(until));
        let (first, last) = (-(-from.0).div_euclid(DAY), until.0.div_euclid(DAY));
        // Without a whole day in it all of it is one end.
        let (ends, days) = if first < last {
            ([(from, Quarter(first * DAY)), (Quarter(last * DAY), until)], first..last)
        } else {
            ([(from, until), (until, until)], 0..0)
        };
        let days = self.days.range(DayKey::least(days.start), DayKey::least(days.end));
        let of_day = |(key, sum)| self.part(key, sum);
        let ends = ends.into_iter().flat_map(|(from, until)| self.of_quarters(from, until));
        days.map(of_day).chain(ends.map(|cell| cell.part()))
    }

    /// What was used on UTC days, from one to another, both included.
    pub fn utc_days(&self, first: Date, last: Date) -> impl Iterator<Item = (Date, Part<'_>)> {
        let day = |day: Date| day.since((jiff::Unit::Day, Date::constant(1970, 1, 1)));
        let number = |of: Date| day(of).map_or(0, |span| span.get_days());
        let days =
            self.days.range(DayKey::least(number(first)), DayKey::least(number(last).saturating_add(1)));
        days.map(|(key, sum)| {
            let start = Quarter(key.day.saturating_mul(DAY)).start();
            (calendar::day_of(start, &TimeZone::UTC), self.part(key, sum))
        })
    }

    fn cell<'a>(&'a self, key: &CellKey, sum: &'a Sum) -> Cell<'a> {
        let Part { provider, model, directory, project, sum } = self.part(&key.of_day(), sum);
        let session = self.names.name(key.session);
        Cell { quarter: key.quarter, provider, model, directory, project, session, sum }
    }

    fn part<'a>(&'a self, key: &DayKey, sum: &'a Sum) -> Part<'a> {
        Part {
            provider: self.names.name(key.provider),
            model: self.names.name(key.model),
            directory: self.names.name(key.project),
            project: self.names.name(self.name_of(key.project)),
            sum,
        }
    }

    /// What all of it adds up to.
    #[must_use]
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        self.days.iter().for_each(|(_, sum)| total.add(sum));
        total
    }

    /// What the quarters that begin between two instants add up to.
    #[must_use]
    pub fn sum_between(&self, from: Timestamp, until: Timestamp) -> Sum {
        let mut total = Sum::default();
        self.parts_between(from, until).for_each(|part| total.add(part.sum));
        total
    }

    /// What each model of each provider adds up to, in the names' order.
    #[must_use]
    pub fn by_model(&self) -> BTreeMap<(&str, &str), Sum> {
        let mut sums: HashMap<(NameId, NameId), Sum> = HashMap::new();
        for (key, sum) in self.days.iter() {
            sums.entry((key.provider, key.model)).or_default().add(sum);
        }
        let named = |((provider, model), sum)| ((self.names.name(provider), self.names.name(model)), sum);
        sums.into_iter().map(named).collect()
    }

    /// Cost by day of `zone`, from one day on where one is named, over the cells that `covers` accepts.
    #[must_use]
    pub fn by_day(
        &self,
        zone: &TimeZone,
        first: Option<Date>,
        covers: impl Fn(&Cell<'_>) -> bool,
    ) -> BTreeMap<Date, Picodollars> {
        let mut days = DayCache::new(zone);
        let mut spent: BTreeMap<Date, Picodollars> = BTreeMap::new();
        let from = first.map_or(Timestamp::MIN, |first| calendar::start_of(first, zone));
        for cell in self.cells_between(from, Timestamp::MAX).filter(covers) {
            *spent.entry(days.day(cell.quarter)).or_default() += cell.sum.cost;
        }
        spent
    }
}

/// The civil day of quarters, looked up in the time zone once for each quarter where they come in the order of time.
pub struct DayCache<'a> {
    zone: &'a TimeZone,
    last: Option<(Quarter, Date)>,
}

impl<'a> DayCache<'a> {
    /// For the days of a time zone.
    #[must_use]
    pub fn new(zone: &'a TimeZone) -> Self {
        Self { zone, last: None }
    }

    /// The day that a quarter belongs to.
    pub fn day(&mut self, quarter: Quarter) -> Date {
        if let Some((_, day)) = self.last.filter(|(last, _)| *last == quarter) {
            return day;
        }
        let day = calendar::day_of(quarter.start(), self.zone);
        self.last = Some((quarter, day));
        day
    }
}

#[cfg(test)]
mod tests;
