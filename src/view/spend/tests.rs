use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::domain::budget::Scope;

use super::*;

const PROVIDERS: [&str; 2] = ["anthropic", "openai"];
const PLACES: [&str; 3] = ["", "/w/a", "/w/b/c"];
const SESSIONS: [&str; 3] = ["", "s1", "s2"];

fn start() -> Timestamp {
    "2026-03-28T12:00:00Z".parse().unwrap()
}

/// A call: how many minutes after the start, of whom, where, in which session, and what it cost; none where it has no price.
type Call = (i64, usize, usize, usize, Option<i128>);

fn call() -> impl Strategy<Value = Call> {
    (-5_000_i64..5_000, 0..2_usize, 0..3_usize, 0..3_usize, prop::option::of(0..1_000_i128))
}

fn at(call: &Call) -> Timestamp {
    start() + SignedDuration::from_mins(call.0)
}

fn usage(call: &Call) -> UsageRecorded<'static> {
    UsageRecorded {
        provider: PROVIDERS[call.1].into(),
        model: "model".into(),
        project: PLACES[call.2].into(),
        session: SESSIONS[call.3].into(),
        cost: call.4.map(Picodollars),
        ..UsageRecorded::default()
    }
}

fn sum<'a>(sums: impl Iterator<Item = &'a Sum>) -> Sum {
    let mut total = Sum::default();
    sums.for_each(|sum| total.add(sum));
    total
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Lookups equal the sums of the cells after any additions and removals, also after a stored snapshot.
    #[test]
    fn lookups_say_what_the_cells_say(
        calls in prop::collection::vec(call(), 0..60),
        taken in prop::collection::vec(any::<bool>(), 60),
        (from, length) in (-6_000_i64..6_000, 0_i64..8_000),
    ) {
        let mut view = SpendView::default();
        for call in &calls {
            view.add(at(call), &usage(call));
        }
        for (call, _) in calls.iter().zip(&taken).filter(|(_, taken)| **taken) {
            view.take_back(at(call), &usage(call));
        }
        let stored = SpendView::from_stored(view.to_stored()).unwrap();
        prop_assert_eq!(&stored, &view);
        let from = start() + SignedDuration::from_mins(from);
        let until = from + SignedDuration::from_mins(length);
        for view in [&view, &stored] {
            let cells = || view.cells_between(from, until);
            let scanned = || view.cells().filter(|cell| (from..until).contains(&cell.quarter.start()));
            prop_assert_eq!(cells().count(), scanned().count());
            prop_assert_eq!(sum(view.parts_between(from, until).map(|part| part.sum)), sum(scanned().map(|cell| cell.sum)));
            let scope = Scope { provider: Some("openai".into()), project: Some("/w/b".into()), ..Scope::default() };
            let parts = view.parts_between(from, until).filter(|part| part.is_in(&scope)).map(|part| part.sum);
            prop_assert_eq!(sum(parts), sum(scanned().filter(|cell| cell.is_in(&scope)).map(|cell| cell.sum)));
            prop_assert_eq!(view.total(), sum(view.cells().map(|cell| cell.sum)));
            prop_assert_eq!(view.total(), sum(view.by_model().values()));
            for session in SESSIONS {
                let found: Vec<_> = view.cells_of_session(session).map(|cell| (cell.quarter, cell.part().sum)).collect();
                let all = view.cells().filter(|cell| cell.session == session);
                prop_assert_eq!(found, all.map(|cell| (cell.quarter, cell.sum)).collect::<Vec<_>>());
            }
            let mut days: BTreeMap<Date, Sum> = BTreeMap::new();
            for cell in view.cells() {
                let day = calendar::day_of(cell.quarter.start(), &TimeZone::UTC);
                days.entry(day).or_default().add(cell.sum);
            }
            let mut looked_up: BTreeMap<Date, Sum> = BTreeMap::new();
            for (day, part) in view.utc_days("2026-01-01".parse().unwrap(), "2026-12-31".parse().unwrap()) {
                looked_up.entry(day).or_default().add(part.sum);
            }
            prop_assert_eq!(looked_up, days);
        }
    }
}

#[test]
fn a_copy_is_not_changed_by_what_comes_after_it() {
    let mut view = SpendView::default();
    let one: Call = (0, 0, 1, 1, Some(5));
    view.add(at(&one), &usage(&one));
    let before = view.clone();
    let two: Call = (700, 1, 2, 2, Some(7));
    view.add(at(&two), &usage(&two));
    view.take_back(at(&one), &usage(&one));
    assert_eq!((before.total().cost, before.cells().count()), (Picodollars(5), 1));
    assert_eq!((view.total().cost, view.cells().count()), (Picodollars(7), 1));
    assert_eq!(before.cells_of_session("s2").count(), 0);
}
