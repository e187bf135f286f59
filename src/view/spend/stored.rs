//! The cube's format in a snapshot.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::calendar::Quarter;
use crate::domain::money::Picodollars;
use crate::domain::project::Aliases;
use crate::domain::tokens::Tokens;
use crate::view::names::Names;
use crate::view::pieces::Pieces;

use super::SpendView;
use super::cell::{CellKey, DayKey, Sum};

/// A cell in a snapshot: quarter, provider, model, project, session, and the sum.
type StoredCell = ((i32, [u32; 4]), (u64, u64, u64, Tokens, Tokens, Picodollars));

/// The cube in a snapshot.
#[derive(Serialize, Deserialize)]
pub(in crate::view) struct StoredSpend {
    names: Vec<String>,
    /// Sorted, so that the same cube gives the same bytes.
    cells: Vec<StoredCell>,
    folded: Vec<(u32, u32, u32)>,
    aliases: Aliases,
    newest_us: Option<i64>,
}

impl SpendView {
    pub(in crate::view) fn to_stored(&self) -> StoredSpend {
        let cell = |(key, sum): (&CellKey, &Sum)| {
            let names = [key.provider, key.model, key.project, key.session].map(|name| name.0);
            let Sum { messages, unpriced, partial, tokens, lacking, cost } = *sum;
            ((key.quarter.0, names), (messages, unpriced, partial, tokens, lacking, cost))
        };
        StoredSpend {
            names: self.names.all().map(str::to_owned).collect(),
            cells: self.cells.iter().map(cell).collect(),
            folded: self.folded.iter().map(|((one, other), into)| (one.0, other.0, into.0)).collect(),
            aliases: (*self.aliases).clone(),
            newest_us: self.newest.map(Timestamp::as_microsecond),
        }
    }

    /// The cube, unless a cell refers to a missing name.
    pub(in crate::view) fn from_stored(stored: StoredSpend) -> Option<Self> {
        let mut names = Names::default();
        for name in &stored.names {
            names.intern(name);
        }
        let mut cells = Vec::with_capacity(stored.cells.len());
        for ((quarter, [provider, model, project, session]), numbers) in stored.cells {
            let key = CellKey {
                quarter: Quarter(quarter),
                provider: names.id(provider)?,
                model: names.id(model)?,
                project: names.id(project)?,
                session: names.id(session)?,
            };
            let (messages, unpriced, partial, tokens, lacking, cost) = numbers;
            cells.push((key, Sum { messages, unpriced, partial, tokens, lacking, cost }));
        }
        if !cells.is_sorted_by(|(one, _), (other, _)| one < other) {
            return None;
        }
        let mut folded = BTreeMap::new();
        for (project, repository, into) in stored.folded {
            folded.insert((names.id(project)?, names.id(repository)?), names.id(into)?);
        }
        let newest = stored.newest_us.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let (folded, aliases) = (folded.into(), stored.aliases.into());
        let mut view = Self { names, folded, aliases, newest, ..Self::default() };
        // Derives the day sums: cells are sorted by day.
        let mut days: Vec<(DayKey, Sum)> = Vec::new();
        let mut day: BTreeMap<DayKey, Sum> = BTreeMap::new();
        for (key, sum) in &cells {
            view.note_session(key);
            let of_day = key.of_day();
            if day.keys().next().is_some_and(|known| known.day != of_day.day) {
                days.extend(std::mem::take(&mut day));
            }
            day.entry(of_day).or_default().add(sum);
        }
        days.extend(day);
        (view.cells, view.days) = (Pieces::from_sorted(cells), Pieces::from_sorted(days));
        view.call_all();
        Some(view)
    }
}
