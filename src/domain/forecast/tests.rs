//! Histories that are known to be what they are, and what is said of them.

use jiff::civil::date;

use super::backtest::{Coverage, backtest};
use super::*;

const TODAY: Date = date(2026, 11, 23);

fn usd(dollars: i64) -> Picodollars {
    Picodollars::usd(dollars)
}

/// Midnight, so that all of today is to come.
fn now() -> Timestamp {
    calendar::start_of(TODAY, &TimeZone::UTC)
}

/// What was spent on the days before today, the newest first.
fn spent(days: impl IntoIterator<Item = Picodollars>) -> BTreeMap<Date, Picodollars> {
    (1_i64..).zip(days).map(|(back, amount)| (TODAY.saturating_sub(back.days()), amount)).collect()
}

fn of(days: impl IntoIterator<Item = Picodollars>) -> History {
    History::before(TODAY, &spent(days))
}

fn asked(history: &History, left: Picodollars, until: Option<Date>) -> Forecast {
    forecast(history, left, until, now(), &TimeZone::UTC).unwrap()
}

fn all<T: Copy>(value: T) -> Quantiles<T> {
    Quantiles { p10: value, p50: value, p90: value }
}

#[test]
fn of_a_steady_life_the_day_is_known() {
    let history = of(vec![usd(2); 40]);
    // Ten dollars at two a day are gone at the end of the fifth day.
    let said = asked(&history, usd(10), None);
    assert_eq!(said.runs_out, all(Some(date(2026, 11, 27))));
    assert_eq!((said.chance_percent, said.spent), (100, all(usd(60))));
    assert_eq!(said.spent_until, date(2026, 12, 22));
    let said = asked(&history, usd(10), Some(date(2026, 11, 26)));
    assert_eq!((said.runs_out, said.chance_percent, said.spent), (all(None), 0, all(usd(8))));
    // Half of today is over.
    let noon = now() + jiff::SignedDuration::from_hours(12);
    let said = forecast(&history, usd(10), None, noon, &TimeZone::UTC).unwrap();
    assert_eq!(said.runs_out, all(Some(date(2026, 11, 28))));
    // More than a year.
    assert_eq!(asked(&history, usd(731), None).runs_out, all(None));
    assert_eq!(asked(&history, usd(730), None).runs_out, all(Some(date(2027, 11, 22))));
}

#[test]
fn the_weekend_is_not_the_week() {
    let pattern = (1..=70).map(|back| {
        let weekend = TODAY.saturating_sub(i64::from(back).days()).weekday().to_monday_zero_offset() >= 5;
        if weekend { Picodollars::ZERO } else { usd(10) }
    });
    // Today is a Monday: five working days are 50, and the weekend brings nothing.
    let history = of(pattern);
    assert_eq!(asked(&history, usd(50), None).runs_out, all(Some(date(2026, 11, 27))));
    assert_eq!(asked(&history, usd(51), None).runs_out, all(Some(date(2026, 11, 30))));
}

#[test]
fn what_was_done_lately_weighs_more() {
    let history = of([vec![usd(10); 21], vec![usd(1); 63]].concat());
    let said = asked(&history, usd(1_000_000), None);
    // The plain mean would be 3.25 a day; of the last twelve weeks the last three weigh half.
    assert!(said.spent.p50 > usd(4 * SPEND_DAYS), "{said:?}");
    assert!(said.spent.p10 < said.spent.p50 && said.spent.p50 < said.spent.p90, "{said:?}");
}

type Said = Result<(bool, bool), NotEnoughHistory>;

/// (history, what is said where 100 dollars are left: not enough, or whether half of the runs, and whether all, end within a year)
#[test]
fn odd_histories_give_a_name_or_a_sane_range() {
    let outlier = || std::iter::once(usd(1_000_000)).chain(vec![usd(1); 40]);
    let spike_long_ago = || vec![Picodollars::ZERO; 60].into_iter().chain([usd(5)]);
    let not_enough = |days: usize| Err(NotEnoughHistory { days });
    let cases: [(&str, History, Said); 8] = [
        ("no day", of([]), not_enough(0)),
        ("all zero", of(vec![Picodollars::ZERO; 50]), not_enough(0)),
        ("one day", of([usd(3)]), not_enough(1)),
        ("six days", of(vec![usd(3); 6]), not_enough(6)),
        ("seven days", of(vec![usd(3); 7]), Ok((true, true))),
        ("only credits", of(vec![usd(-3); 30]), not_enough(0)),
        ("an outlier", of(outlier()), Ok((true, true))),
        ("once, long ago", of(spike_long_ago()), Ok((false, false))),
    ];
    for (name, history, expected) in cases {
        let said = forecast(&history, usd(100), None, now(), &TimeZone::UTC);
        let shown = said.as_ref().map(|said| (said.runs_out.p50.is_some(), said.chance_percent == 100));
        assert_eq!(shown.map_err(|error| *error), expected, "{name}: {said:?}");
        if let Ok(said) = said {
            assert!(said.spent.p10 <= said.spent.p50 && said.spent.p50 <= said.spent.p90, "{name}");
            assert!(said.spent.p10 >= Picodollars::ZERO, "{name}");
        }
    }
    // Of one day in forty the middle run of a week sees nothing, and the range does.
    let said = asked(&of(outlier()), usd(100), Some(date(2026, 11, 29)));
    assert!(said.spent.p10 <= usd(7), "{said:?}");
}

#[test]
fn the_same_history_gives_the_same_answer() {
    let history = of((0..60).map(|day| usd(day * 7 % 11)));
    let said = asked(&history, usd(100), None);
    assert_eq!(asked(&history, usd(100), None), said);
    // A fixed result: a change of the method changes past forecasts, and must be deliberate.
    let shown = format!("{:?}", (said.runs_out, said.spent.p50.rounded(2)));
    assert_eq!(shown, PINNED);
}

const PINNED: &str =
    "(Quantiles { p10: Some(2026-12-09), p50: Some(2026-12-12), p90: Some(2026-12-17) }, \"150.00\")";

/// People who spend at random: by weekday, with days off, with days of five times as much.
fn person(seed: u64, days: i64) -> BTreeMap<Date, Picodollars> {
    let mut random = Random::new(seed);
    let (usual, weekend) = (random.below(900) + 100, random.below(100));
    let mut spent = BTreeMap::new();
    for back in 1..=days {
        let day = TODAY.saturating_sub(back.days());
        let share = if day.weekday().to_monday_zero_offset() >= 5 { weekend } else { 100 };
        let busy = if random.below(12) == 0 { 5 } else { 1 };
        let off = u64::from(random.below(10) != 0);
        // About a bell, from 20 to 180 percent.
        let luck = (0..4).map(|_| random.below(41)).sum::<u64>() + 20;
        let cents = usual * share * busy * off * luck / 10_000;
        spent.insert(day, usd(1).scale(i128::from(cents), 100));
    }
    spent
}

/// Of the sums that came, four fifths lie between 10 and 90 percent, and as many below
/// as above. Days that overlap are no independent draws, so the bands are wide; single days are often alike.
#[test]
fn what_comes_lies_where_it_is_said_to() {
    let mut all = [Coverage::default(); 4];
    for seed in 0..LIVES {
        let spent = person(seed, 200);
        let found = backtest(&spent, TODAY.saturating_sub(140.days()), TODAY);
        for (sum, found) in all.iter_mut().zip(found) {
            sum.days = found.days;
            sum.asked += found.asked;
            sum.within += found.within;
            sum.below += found.below;
            sum.above += found.above;
        }
    }
    for coverage in all {
        let percent = coverage.percent().unwrap();
        println!("{coverage:?}: {percent} %");
        assert!((70..=90).contains(&percent), "{coverage:?}: {percent} %");
        let share = |count: u32| count * 100 / coverage.asked;
        assert!(share(coverage.below) <= 16 && share(coverage.above) <= 16, "{coverage:?}");
    }
}

const LIVES: u64 = 8;

#[test]
fn a_short_life_is_not_asked() {
    let found = backtest(&spent(vec![usd(1); 6]), TODAY.saturating_sub(6.days()), TODAY);
    assert!(found.iter().all(|coverage| coverage.asked == 0 && coverage.percent().is_none()), "{found:?}");
    let found = backtest(&spent(vec![usd(1); 8]), TODAY.saturating_sub(8.days()), TODAY);
    assert_eq!((found[0].asked, found[0].within, found[1].asked), (1, 1, 0), "{found:?}");
}
