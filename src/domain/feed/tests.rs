use jiff::civil::date;
use proptest::prelude::*;

use jiff::tz::TimeZone;

use crate::domain::datapoint::{Point, PointChange, Step};

use super::*;

const TODAY: Date = date(2026, 11, 23);

fn feed(since: Date) -> Feed {
    Feed {
        id: "0011223344556677".into(),
        slug: "spend".parse().unwrap(),
        keeper: Keeper::Beeminder,
        budget: None,
        since,
        started_at: "2026-11-01T12:00:00Z".parse().unwrap(),
        is_running: true,
    }
}

/// The days of UTC.
fn clock() -> GoalClock {
    GoalClock::of_person(TimeZone::UTC)
}

/// At noon of today.
fn now() -> Timestamp {
    TODAY.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn usd(text: &str) -> Picodollars {
    Picodollars::parse(text).unwrap()
}

fn point(post: &FeedPost) -> Point {
    let (keeper, comment) = (Keeper::Beeminder, String::new());
    Point { keeper, day: post.day, value: post.value.clone(), comment, feed: Some("f".into()) }
}

/// Records an intent and its outcome, as the actor does.
fn write(ledger: &mut Ledger, post: &FeedPost, outcome: Option<PointChange>) {
    let revision = match ledger.decide(&post.key, &point(post)) {
        Step::Intend { revision } => {
            ledger.evolve(post.key.clone(), revision, PointChange::Intended(point(post)));
            revision
        }
        Step::Send { revision } => revision,
        Step::Done => return,
    };
    if let Some(outcome) = outcome {
        ledger.evolve(post.key.clone(), revision, outcome);
    }
}

fn due(feed: &Feed, spent: &BTreeMap<Date, Picodollars>, ledger: &Ledger) -> Vec<(Date, String)> {
    let posts = feed.due(spent, ledger, &clock(), now()).unwrap();
    posts.into_iter().map(|post| (post.day, post.value.to_string())).collect()
}

#[test]
fn days_that_have_ended_are_posted_even_where_nothing_was_spent() {
    let spent = BTreeMap::from([(date(2026, 11, 20), usd("9")), (date(2026, 11, 21), usd("1.25"))]);
    let feed = feed(date(2026, 11, 21));
    let expected = [(date(2026, 11, 21), "1.25".into()), (date(2026, 11, 22), "0".into())];
    assert_eq!(due(&feed, &spent, &Ledger::default()), expected);
    let today = BTreeMap::from([(TODAY, usd("0.000000000001"))]);
    let zeroes = [(date(2026, 11, 21), "0".into()), (date(2026, 11, 22), "0".into())];
    let expected = [zeroes.as_slice(), &[(TODAY, "0.000000000001".into())]].concat();
    assert_eq!(due(&feed, &today, &Ledger::default()), expected);
    assert_eq!(due(&Feed { is_running: false, ..feed }, &spent, &Ledger::default()), []);
}

#[test]
fn a_changed_day_is_posted_again_within_the_window_only() {
    let (feed, mut ledger) = (feed(date(2026, 1, 1)), Ledger::default());
    let mut spent = BTreeMap::from([(date(2026, 11, 22), usd("1"))]);
    let posts = feed.due(&spent, &ledger, &clock(), now()).unwrap();
    assert_eq!((posts.len(), posts[0].day), (35, date(2026, 10, 19)), "the window's days but today");
    for post in &posts {
        write(&mut ledger, post, Some(PointChange::Written));
    }
    assert_eq!(due(&feed, &spent, &ledger), []);
    for (day, amount) in [(date(2026, 11, 22), "1.5"), (date(2026, 10, 19), "2"), (date(2026, 10, 18), "3")] {
        spent.insert(day, usd(amount));
    }
    let expected = [(date(2026, 10, 19), "2".into()), (date(2026, 11, 22), "1.5".into())];
    assert_eq!(due(&feed, &spent, &ledger), expected);
    // What was taken back counts too.
    spent.remove(&date(2026, 11, 22));
    spent.remove(&date(2026, 10, 19));
    assert_eq!(due(&feed, &spent, &ledger), [(date(2026, 11, 22), "0".into())]);
}

#[test]
fn what_was_refused_rests_until_the_next_day_or_a_new_start() {
    let (feed, spent) = (feed(date(2026, 11, 22)), BTreeMap::new());
    let refused = |at: &str| PointChange::Refused { at: at.parse().unwrap(), reason: "gone".into() };
    let ledger = |at: &str| {
        let mut ledger = Ledger::default();
        let post = feed.due(&spent, &ledger, &clock(), now()).unwrap().remove(0);
        write(&mut ledger, &post, Some(refused(at)));
        ledger
    };
    let day: Vec<(Date, String)> = vec![(date(2026, 11, 22), "0".into())];
    assert_eq!(due(&feed, &spent, &ledger("2026-11-23T09:00:00Z")), []);
    assert_eq!(due(&feed, &spent, &ledger("2026-11-22T23:59:59Z")), day, "a new day");
    let again = Feed { started_at: "2026-11-23T10:00:00Z".parse().unwrap(), ..feed.clone() };
    assert_eq!(due(&again, &spent, &ledger("2026-11-23T09:00:00Z")), day, "a new start");
}

#[test]
fn a_day_keeps_its_request_id_whatever_the_budget() {
    let one = feed(TODAY);
    let other = Feed { budget: Some("main".parse().unwrap()), started_at: Timestamp::MAX, ..one.clone() };
    assert_eq!(one.key(TODAY), other.key(TODAY));
    assert_eq!(one.key(TODAY).unwrap().request_id.as_str(), "mecris-0011223344556677-20261123");
    assert_ne!(one.key(TODAY), one.key(TODAY.yesterday().unwrap()));
}

#[derive(Debug, Clone)]
enum Happening {
    /// Usage of a day, this many days ago, in cents.
    Usage(i64, i64),
    /// Everything due is tried; the numbers say where it is cut off and the result of each.
    Tick(Vec<u8>),
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let usage = (0..40_i64, -5..50_i64).prop_map(|(back, cents)| Happening::Usage(back, cents));
    let tick = prop::collection::vec(0..4_u8, 0..40).prop_map(Happening::Tick);
    prop::collection::vec(prop_oneof![usage, tick], 0..40)
}

proptest! {
    /// However often it is cut off, and wherever: in the end the goal has one datapoint for each day, with
    /// what was spent on it.
    #[test]
    fn in_the_end_each_day_has_one_datapoint_with_its_spend(happenings in happenings()) {
        let feed = feed(date(2026, 11, 1));
        let mut spent: BTreeMap<Date, Picodollars> = BTreeMap::new();
        let mut ledger = Ledger::default();
        // The goal itself: an upsert by request id.
        let mut goal: BTreeMap<PointKey, (Date, Decimal)> = BTreeMap::new();
        let end = [Happening::Tick(vec![0; 40])];
        for happening in happenings.iter().chain(&end) {
            match happening {
                Happening::Usage(back, cents) => {
                    let day = TODAY.saturating_sub(back.days());
                    *spent.entry(day).or_default() += usd("0.01").scale(i128::from(*cents), 1);
                }
                Happening::Tick(course) => {
                    let posts = feed.due(&spent, &ledger, &clock(), now()).unwrap();
                    for (post, course) in posts.iter().zip(course) {
                        let is_written = *course != 1;
                        if is_written {
                            goal.insert(post.key.clone(), (post.day, post.value.clone()));
                        }
                        let outcome = (*course == 0).then_some(PointChange::Written);
                        write(&mut ledger, post, outcome);
                        // Killed after the intent (1), or after the write (2): the rest is another run.
                        if *course == 1 || *course == 2 {
                            break;
                        }
                    }
                }
            }
        }
        let mut days: BTreeMap<Date, Decimal> = BTreeMap::new();
        for (day, value) in goal.values() {
            prop_assert!(days.insert(*day, value.clone()).is_none(), "two datapoints of {day}");
        }
        for day in feed.since.series(1.day()).take_while(|day| *day <= TODAY) {
            let amount = spent.get(&day).copied().unwrap_or_default();
            let known = days.remove(&day);
            if day < TODAY || amount != Picodollars::ZERO || known.is_some() {
                prop_assert_eq!(known, Some(Decimal::from(amount)), "{}", day);
            }
        }
        prop_assert_eq!(days, BTreeMap::new());
    }
}
