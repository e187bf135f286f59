//! The cube of usage: sums by quarter of an hour, provider, model, project and session.
//!
//! A quarter is fine enough for the days of every time zone, so one cube serves every report. Cells are
//! sorted by time, so that a query for a day or a month reads no others. The sums of whole UTC days without
//! sessions, some hundred times fewer, are kept as well: a long range is summed from those, and from the
//! cells of its two ends.
//!
//! Copies share unchanged parts: see [`super::pieces`].

mod cell;
mod stored;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::calendar::{self, Quarter};
use crate::domain::goal_day::GoalClock;
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
    /// Sums of UTC days, derived from the cells.
    days: Pieces<DayKey, Sum>,
    /// The first and last quarter in which a session may have a cell, by its name's number; derived from the
    /// cells.
    sessions: Rows<Option<(Quarter, Quarter)>>,
    /// The project of each directory and repository.
    folded: Shared<BTreeMap<(NameId, NameId), NameId>>,
    aliases: Shared<Aliases>,
    /// Time of the newest call.
    pub newest: Option<Timestamp>,
    /// The canonical names of each provider and model, derived from them.
    resolved: Shared<HashMap<(NameId, NameId), (NameId, NameId)>>,
    /// Each directory's name, by number; derived from the aliases.
    called: Rows<NameId>,
}

impl PartialEq for SpendView {
    /// Ignores derived state.
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
    /// Adds a call. Returns the provider's canonical name.
    pub fn add(&mut self, occurred_at: Timestamp, usage: &UsageRecorded<'_>) -> Arc<str> {
        let key = self.key(Quarter::of(occurred_at), usage);
        let sum = Sum::one(usage);
        self.cells.entry(key, Sum::default).add(&sum);
        self.days.entry(key.of_day(), Sum::default).add(&sum);
        self.note_session(&key);
        self.newest = self.newest.max(Some(occurred_at));
        self.names.shared(key.provider)
    }

    /// Removes a call that was added. Returns the provider's canonical name.
    pub fn take_back(&mut self, occurred_at: Timestamp, usage: &UsageRecorded<'_>) -> Arc<str> {
        let key = self.key(Quarter::of(occurred_at), usage);
        let mut taken = Sum::one(usage);
        let is_there = self.cells.change(&key, |sum| {
            let before = *sum;
            sum.take_back(&taken);
            if sum.messages == 0 {
                // Removing the cell removes everything in it.
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

    /// Widens a session's range to this quarter. Removing a call does not narrow it: that only costs time.
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

    /// Resolves a directory's name.
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

    /// Sets or removes an alias.
    pub fn alias(&mut self, change: AliasChange) {
        self.aliases.evolve(change);
        self.call_all();
    }

    /// By directory number, so that new names get the same numbers everywhere.
    fn call_all(&mut self) {
        let directories: BTreeSet<NameId> = self.folded.values().copied().collect();
        for directory in directories {
            self.call(directory);
        }
    }

    /// The aliases.
    #[must_use]
    pub fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// The project of each place: where a session began, the repository around it, the project's directory,
    /// and its name.
    pub fn projects(&self) -> impl Iterator<Item = [&str; 4]> {
        self.folded.iter().map(|((project, repository), directory)| {
            [*project, *repository, *directory, self.name_of(*directory)].map(|name| self.names.name(name))
        })
    }

    fn name_of(&self, directory: NameId) -> NameId {
        self.called.get(directory.0 as usize).copied().unwrap_or(directory)
    }

    /// All cells, by time.
    pub fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().map(|(key, sum)| self.cell(key, sum))
    }

    /// The sessions that have usage, or once had.
    pub fn session_names(&self) -> impl Iterator<Item = &str> {
        self.names
            .all()
            .zip(self.sessions.iter())
            .filter(|(_, quarters)| quarters.is_some())
            .map(|(name, _)| name)
    }

    /// The cells since an instant, including its whole quarter.
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

    /// A session's cells, by time. Reads only the cells of the session's time range.
    pub fn cells_of_session(&self, session: &str) -> impl Iterator<Item = Cell<'_>> {
        let id = self.names.find(session);
        let time = id.and_then(|id| *self.sessions.get(id.0 as usize)?);
        let session_usage = move |(first, last): (Quarter, Quarter)| {
            let range = self.cells.range(CellKey::least(first), CellKey::least(Quarter(last.0 + 1)));
            range.filter(move |(key, _)| Some(key.session) == id).map(|(key, sum)| self.cell(key, sum))
        };
        time.into_iter().flat_map(session_usage)
    }

    /// Usage of the quarters that begin between two instants, in parts: sums of whole UTC days, and the cells
    /// of the two ends. There are few parts however long the range is, and they add up to its cells.
    pub fn parts_between(&self, from: Timestamp, until: Timestamp) -> impl Iterator<Item = Part<'_>> {
        let (from, until) = (first_quarter(from), first_quarter(until));
        let (first, last) = (-(-from.0).div_euclid(DAY), until.0.div_euclid(DAY));
        // Without a whole day in it, all of it is one end.
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

    /// Usage of UTC days, both ends inclusive.
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

    /// The sum of all cells.
    #[must_use]
    pub fn total(&self) -> Sum {
        let mut total = Sum::default();
        self.days.iter().for_each(|(_, sum)| total.add(sum));
        total
    }

    /// The sum of the quarters that begin between two instants.
    #[must_use]
    pub fn sum_between(&self, from: Timestamp, until: Timestamp) -> Sum {
        let mut total = Sum::default();
        self.parts_between(from, until).for_each(|part| total.add(part.sum));
        total
    }

    /// The sum of each model of each provider, by name.
    #[must_use]
    pub fn by_model(&self) -> BTreeMap<(&str, &str), Sum> {
        let mut sums: HashMap<(NameId, NameId), Sum> = HashMap::new();
        for (key, sum) in self.days.iter() {
            sums.entry((key.provider, key.model)).or_default().add(sum);
        }
        let named = |((provider, model), sum)| ((self.names.name(provider), self.names.name(model)), sum);
        sums.into_iter().map(named).collect()
    }

    /// Cost by day of `zone`, optionally from a first day on, over the cells that `covers` accepts.
    #[must_use]
    pub fn by_day(
        &self,
        zone: &TimeZone,
        first: Option<Date>,
        covers: impl Fn(&Cell<'_>) -> bool,
    ) -> BTreeMap<Date, Picodollars> {
        let mut days = DayCache::new(zone);
        let from = first.map_or(Timestamp::MIN, |first| calendar::start_of(first, zone));
        self.by(from, covers, |quarter| days.day(quarter))
    }

    /// Cost by a goal's days from a first one on, over the cells that `covers` accepts. A quarter of an hour
    /// in which a day turns counts for the day in which it begins.
    #[must_use]
    pub fn by_goal_day(
        &self,
        clock: &GoalClock,
        first: Date,
        covers: impl Fn(&Cell<'_>) -> bool,
    ) -> BTreeMap<Date, Picodollars> {
        let mut last: Option<(Quarter, Date)> = None;
        self.by(clock.start(first), covers, |quarter| {
            let known = last.filter(|(last, _)| *last == quarter);
            let day = known.map_or_else(|| clock.day(quarter.start()), |(_, day)| day);
            last = Some((quarter, day));
            day
        })
    }

    fn by(
        &self,
        from: Timestamp,
        covers: impl Fn(&Cell<'_>) -> bool,
        mut day: impl FnMut(Quarter) -> Date,
    ) -> BTreeMap<Date, Picodollars> {
        let mut spent: BTreeMap<Date, Picodollars> = BTreeMap::new();
        for cell in self.cells_between(from, Timestamp::MAX).filter(covers) {
            *spent.entry(day(cell.quarter)).or_default() += cell.sum.cost;
        }
        spent
    }
}

/// The civil day of a quarter, computed once per quarter if quarters arrive in order of time.
pub struct DayCache<'a> {
    zone: &'a TimeZone,
    last: Option<(Quarter, Date)>,
}

impl<'a> DayCache<'a> {
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
