//! How the cube's cells become groups.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::calendar::{Quarter, WeekStart};
use crate::domain::money::Picodollars;
use crate::view::spend::{Cell, DayCache, Part, SpendView, Sum};

use super::{
    DayGroup, Grouping, HourGroup, ModelLine, MonthGroup, Only, ProjectGroup, ProviderGroup, Range, Report,
    SessionGroup, Totals, WeekGroup, YearGroup,
};

/// The sums of one group.
#[derive(Default)]
struct Group<'a> {
    models: BTreeMap<(&'a str, &'a str), Sum>,
    first: Option<Timestamp>,
    last: Option<(Timestamp, &'a str)>,
}

impl<'a> Group<'a> {
    fn add(&mut self, part: &Part<'a>) {
        self.models.entry((part.provider, part.model)).or_default().add(part.sum);
    }

    /// The same, with the time and place of the cell.
    fn add_timed(&mut self, cell: &Cell<'a>) {
        self.add(&cell.part());
        let at = cell.quarter.start();
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(Some((at, cell.project)));
    }

    fn cost(&self) -> Picodollars {
        self.models.values().map(|sum| sum.cost).sum()
    }

    fn total(&self) -> Totals {
        let mut total = Sum::default();
        self.models.values().for_each(|sum| total.add(sum));
        (&total).into()
    }

    fn lines(&self) -> Vec<ModelLine> {
        let line = |(&(provider, model), sum): (&(&str, &str), &Sum)| ModelLine {
            provider: provider.to_owned(),
            model: model.to_owned(),
            totals: sum.into(),
        };
        self.models.iter().map(line).collect()
    }
}

/// A day, and the quarter where that matters.
type Time = (Date, Option<Quarter>);

/// Whether groups are named by what usage is of, and not by when it was.
fn is_by_name(grouping: Grouping) -> bool {
    matches!(grouping, Grouping::Project | Grouping::Provider | Grouping::Model)
}

/// Builds a report over the days of `zone`, of what `only` leaves; weeks begin on `week`.
#[must_use]
pub fn report(
    spend: &SpendView,
    grouping: Grouping,
    range: &Range,
    only: &Only,
    zone: &TimeZone,
    week: WeekStart,
) -> Report {
    let (from, until) = range.instants(zone);
    let mut groups: BTreeMap<String, Group<'_>> = BTreeMap::new();
    let mut total = Sum::default();
    if is_by_name(grouping) && !only.needs_sessions() {
        for part in spend.parts_between(from, until).filter(|part| only.takes(part)) {
            total.add(part.sum);
            groups.entry(named(grouping, &part).to_owned()).or_default().add(&part);
        }
        return arrange(grouping, groups, (&total).into());
    }
    let mut days = DayCache::new(zone);
    // The last cell's group name: cells of one time are adjacent.
    let mut last: Option<(Time, String)> = None;
    for cell in spend.cells_between(from, until).filter(|cell| only.takes_cell(cell)) {
        total.add(cell.sum);
        if grouping == Grouping::Session {
            groups.entry(cell.session.to_owned()).or_default().add_timed(&cell);
            continue;
        }
        let part = cell.part();
        if is_by_name(grouping) {
            groups.entry(named(grouping, &part).to_owned()).or_default().add(&part);
            continue;
        }
        // An hour is of a quarter, everything longer of a day.
        let time = (days.day(cell.quarter), (grouping == Grouping::Hourly).then_some(cell.quarter));
        let name = match last.take().filter(|(known, _)| *known == time) {
            Some((_, name)) => name,
            None => time_name(grouping, time, zone, week),
        };
        match groups.get_mut(&name) {
            Some(group) => group.add(&part),
            None => groups.entry(name.clone()).or_default().add(&part),
        }
        last = Some((time, name));
    }
    arrange(grouping, groups, (&total).into())
}

/// The name of a part's group. By model there is one group: its lines are the models.
fn named<'a>(grouping: Grouping, part: &Part<'a>) -> &'a str {
    match grouping {
        Grouping::Project => part.project,
        Grouping::Provider => part.provider,
        _ => "",
    }
}

/// The name of a time's group.
fn time_name(grouping: Grouping, (day, quarter): Time, zone: &TimeZone, week: WeekStart) -> String {
    if let Some(quarter) = quarter {
        return zone.to_datetime(quarter.start()).strftime("%Y-%m-%d %H:00").to_string();
    }
    match grouping {
        Grouping::Weekly => week.week_of(day).to_string(),
        Grouping::Monthly => day.strftime("%Y-%m").to_string(),
        Grouping::Yearly => day.strftime("%Y").to_string(),
        _ => day.to_string(),
    }
}

fn arrange(grouping: Grouping, groups: BTreeMap<String, Group<'_>>, total: Totals) -> Report {
    let lines = |groups: BTreeMap<String, Group<'_>>| {
        groups.into_iter().map(|(name, group)| (name, group.lines(), group.total())).collect::<Vec<_>>()
    };
    let dearest_first = |groups: BTreeMap<String, Group<'_>>| {
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.cost()));
        groups.into_iter().map(|(name, group)| (name, group.lines(), group.total())).collect::<Vec<_>>()
    };
    match grouping {
        Grouping::Hourly => {
            let group = |(hour, models, total)| HourGroup { hour, models, total };
            Report::Hourly { hours: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Daily => {
            let group = |(day, models, total)| DayGroup { day, models, total };
            Report::Daily { days: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Weekly => {
            let group = |(week, models, total)| WeekGroup { week, models, total };
            Report::Weekly { weeks: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Monthly => {
            let group = |(month, models, total)| MonthGroup { month, models, total };
            Report::Monthly { months: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Yearly => {
            let group = |(year, models, total)| YearGroup { year, models, total };
            Report::Yearly { years: lines(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Provider => {
            let group = |(provider, models, total)| ProviderGroup { provider, models, total };
            Report::Provider { providers: dearest_first(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Project => {
            let group = |(project, models, total)| ProjectGroup { project, models, total };
            Report::Project { projects: dearest_first(groups).into_iter().map(group).collect(), total }
        }
        Grouping::Session => {
            let mut sessions: Vec<_> = groups.into_iter().map(session_group).collect();
            sessions.sort_by_key(|session| std::cmp::Reverse(session.last_seen));
            Report::Session { sessions, total }
        }
        Grouping::Model => {
            let mut models: Vec<_> = groups.into_values().flat_map(|group| group.lines()).collect();
            models.sort_by_key(|line| std::cmp::Reverse(line.totals.cost_usd));
            Report::Model { models, total }
        }
    }
}

fn session_group((session, group): (String, Group<'_>)) -> SessionGroup {
    let (last_seen, project) = group.last.unwrap_or((Timestamp::UNIX_EPOCH, ""));
    SessionGroup {
        session,
        project: project.to_owned(),
        first_seen: group.first.unwrap_or(last_seen),
        last_seen,
        models: group.lines(),
        total: group.total(),
    }
}
