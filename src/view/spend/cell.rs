//! What stands in the cube, and where.

use jiff::Timestamp;

use crate::domain::budget::Scope;
use crate::domain::calendar::Quarter;
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::event::payload::UsageRecorded;
use crate::view::names::NameId;

/// Quarters of a UTC day.
pub(super) const DAY: i32 = 96;

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
    pub(in crate::view) fn take_back(&mut self, other: &Self) {
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
pub(super) struct CellKey {
    pub(super) quarter: Quarter,
    pub(super) provider: NameId,
    pub(super) model: NameId,
    pub(super) project: NameId,
    pub(super) session: NameId,
}

/// Where the sum of a UTC day stands. Ordered by time first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DayKey {
    /// Counted from 1970.
    pub(super) day: i32,
    pub(super) provider: NameId,
    pub(super) model: NameId,
    pub(super) project: NameId,
}

impl CellKey {
    /// The least of all keys of a quarter.
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
    /// The least of all keys of a day.
    pub(super) fn least(day: i32) -> Self {
        let zero = NameId(0);
        Self { day, provider: zero, model: zero, project: zero }
    }
}

/// The first quarter that begins at an instant or after it.
pub(super) fn first_quarter(instant: Timestamp) -> Quarter {
    let quarter = Quarter::of(instant);
    Quarter(quarter.0 + i32::from(quarter.start() < instant))
}

/// What was used of a model in a project, over any time.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// Who is paid.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// The directory of the project, or empty.
    pub directory: &'a str,
    /// What the project is called, or empty.
    pub project: &'a str,
    /// What was used.
    pub sum: &'a Sum,
}

impl Part<'_> {
    /// Whether a budget's scope covers it: by the project's name, or by its directory.
    #[must_use]
    pub fn is_in(&self, scope: &Scope) -> bool {
        scope.covers(self.provider, self.model, self.project)
            || (self.directory != self.project && scope.covers(self.provider, self.model, self.directory))
    }
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
