//! Cells of the cube, and their keys.

use jiff::Timestamp;

use crate::domain::budget::Scope;
use crate::domain::calendar::Quarter;
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::event::payload::UsageRecorded;
use crate::view::names::NameId;

/// Quarters per UTC day.
pub(super) const DAY: i32 = 96;

/// The sum of some calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sum {
    /// Billed calls.
    pub messages: u64,
    /// Calls without a price, whose cost is not in `cost`.
    pub unpriced: u64,
    /// Calls whose cost is incomplete, or based on another day's prices.
    pub partial: u64,
    pub tokens: Tokens,
    /// Tokens that `cost` leaves out.
    pub lacking: Tokens,
    /// The cost, as far as there are prices.
    pub cost: Picodollars,
}

impl Sum {
    pub(in crate::view) fn one(usage: &UsageRecorded<'_>) -> Self {
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

    /// Whether `cost` is complete, as far as known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.unpriced == 0 && self.partial == 0
    }

    pub fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.unpriced += other.unpriced;
        self.partial += other.partial;
        self.tokens += other.tokens;
        self.lacking += other.lacking;
        self.cost += other.cost;
    }

    /// Subtracts a sum that was added.
    pub(in crate::view) fn take_back(&mut self, other: &Self) {
        self.messages -= other.messages;
        self.unpriced -= other.unpriced;
        self.partial -= other.partial;
        self.tokens -= other.tokens;
        self.lacking -= other.lacking;
        self.cost -= other.cost;
    }
}

/// The key of a cell. Sorted by time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CellKey {
    pub(super) quarter: Quarter,
    pub(super) provider: NameId,
    pub(super) model: NameId,
    pub(super) project: NameId,
    pub(super) session: NameId,
}

/// The key of a UTC day's sum. Sorted by time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DayKey {
    /// Days since 1970-01-01.
    pub(super) day: i32,
    pub(super) provider: NameId,
    pub(super) model: NameId,
    pub(super) project: NameId,
}

impl CellKey {
    /// The smallest key of a quarter.
    pub(super) fn least(quarter: Quarter) -> Self {
        let zero = NameId(0);
        Self { quarter, provider: zero, model: zero, project: zero, session: zero }
    }

    pub(super) fn of_day(&self) -> DayKey {
        let Self { quarter, provider, model, project, .. } = *self;
        DayKey { day: quarter.0.div_euclid(DAY), provider, model, project }
    }
}

impl DayKey {
    /// The smallest key of a day.
    pub(super) fn least(day: i32) -> Self {
        let zero = NameId(0);
        Self { day, provider: zero, model: zero, project: zero }
    }
}

/// The first quarter that begins at an instant or later.
pub(super) fn first_quarter(instant: Timestamp) -> Quarter {
    let quarter = Quarter::of(instant);
    Quarter(quarter.0 + i32::from(quarter.start() < instant))
}

/// Usage of a model in a project, over any time.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The provider.
    pub provider: &'a str,
    pub model: &'a str,
    /// The project's directory, or empty.
    pub directory: &'a str,
    /// The project's name, or empty.
    pub project: &'a str,
    pub sum: &'a Sum,
}

impl Part<'_> {
    /// Whether a budget's scope covers it, by the project's name or by its directory.
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        scope.covers(self.provider, self.model, self.project)
            || (self.directory != self.project && scope.covers(self.provider, self.model, self.directory))
    }
}

/// A cell with resolved names.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    pub quarter: Quarter,
    /// The provider.
    pub provider: &'a str,
    pub model: &'a str,
    /// The project's directory, or empty.
    pub directory: &'a str,
    /// The project's name, or empty.
    pub project: &'a str,
    /// The session, or empty.
    pub session: &'a str,
    pub sum: &'a Sum,
}

impl<'a> Cell<'a> {
    /// The same without its time and session.
    #[must_use]
    pub fn part(&self) -> Part<'a> {
        let Self { provider, model, directory, project, sum, .. } = *self;
        Part { provider, model, directory, project, sum }
    }

    /// As [`Part::is_in`].
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        self.part().is_in(scope)
    }
}
