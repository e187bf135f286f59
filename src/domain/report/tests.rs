use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn line(model: &str, kind: &str, pico: i128) -> CostLine {
    CostLine { model: model.into(), kind: kind.into(), cost: Picodollars(pico) }
}

fn cost(day: Date, lines: Vec<CostLine>) -> DayReport {
    DayReport::cost("anthropic", day, ReportSource::ProviderApi, Currency::USD, lines)
}

fn usage(lines: Vec<UsageLine>) -> DayReport {
    DayReport::usage("anthropic", date(2026, 11, 22), ReportSource::ProviderApi, lines)
}

/// The revision that a report gets, if it is news; it is taken in.
fn tell(reports: &mut Reports, report: DayReport) -> Option<u32> {
    let change = reports.decide(report, now()).unwrap()?;
    let revision = change.revision;
    reports.evolve(now(), change);
    Some(revision)
}

#[test]
fn a_day_told_again_is_news_only_where_it_has_changed() {
    let (day, other) = (date(2026, 11, 22), date(2026, 11, 21));
    let mut reports = Reports::default();
    let rows = [
        // No spend is worth recording once.
        (day, vec![], Some(0)),
        (day, vec![], None),
        (day, vec![line("opus", "output", 5), line("opus", "input", 2)], Some(1)),
        // The order of lines, lines of nothing and how they are cut make no difference.
        (day, vec![line("opus", "input", 2), line("opus", "output", 5)], None),
        (day, vec![line("opus", "input", 2), line("opus", "output", 4), line("opus", "output", 1)], None),
        (day, vec![line("opus", "input", 2), line("opus", "output", 5), line("x", "y", 0)], None),
        (other, vec![line("opus", "output", 5)], Some(0)),
        (day, vec![line("opus", "input", 2), line("opus", "output", 6)], Some(2)),
        // Back to what it was: that is news too.
        (day, vec![line("opus", "input", 2), line("opus", "output", 5)], Some(3)),
    ];
    for (number, (day, lines, expected)) in rows.into_iter().enumerate() {
        assert_eq!(tell(&mut reports, cost(day, lines)), expected, "row {number}");
    }
    let totals: Vec<i128> = reports.costs().map(|(_, latest)| latest.report.total().0).collect();
    assert_eq!(totals, [5, 7]);
    let tokens = |output| Tokens { output, ..Tokens::default() };
    let told = |output| UsageLine { model: "opus".into(), tokens: tokens(output) };
    assert_eq!(tell(&mut reports, usage(vec![told(3)])), Some(0), "usage is told apart from cost");
    assert_eq!(tell(&mut reports, usage(vec![told(2), told(1)])), None);
    assert_eq!(tell(&mut reports, usage(vec![told(4)])), Some(1));
}

/// What is told of a day, in USD or tokens, whether that is an event, and what counts after it.
#[test]
fn a_day_that_falls_to_nothing_is_believed_when_it_is_told_so_again() {
    let day = date(2026, 11, 22);
    let table: &[&[(i128, bool, i128)]] = &[
        &[(12, true, 12), (0, true, 12), (0, true, 0), (0, false, 0)],
        // It was a mistake: what was told before is told again, which ends the doubt.
        &[(12, true, 12), (0, true, 12), (12, true, 12), (12, false, 12), (0, true, 12)],
        &[(12, true, 12), (0, true, 12), (13, true, 13)],
        &[(12, true, 12), (3, true, 3), (0, true, 3), (0, true, 0), (5, true, 5)],
        // A correction of little, and a first report of nothing.
        &[(1, true, 1), (0, true, 0)],
        &[(0, true, 0), (12, true, 12)],
    ];
    let usd = |dollars: i128| Picodollars::usd(1).scale(dollars, 1).0;
    for rows in table {
        let mut reports = Reports::default();
        for (number, (told, is_news, counts)) in rows.iter().enumerate() {
            let lines = if *told == 0 { vec![] } else { vec![line("m", "k", usd(*told))] };
            assert_eq!(tell(&mut reports, cost(day, lines)).is_some(), *is_news, "{rows:?}, {number}");
            let total = reports.costs().map(|(_, latest)| latest.report.total().0).sum::<i128>();
            assert_eq!(total, usd(*counts), "{rows:?}, {number}");
            let is_held = *counts != 0 && *told == 0;
            assert_eq!(reports.doubted("anthropic").count(), usize::from(is_held), "{rows:?}, {number}");
        }
    }
    let told = |output| UsageLine { model: "m".into(), tokens: Tokens { output, ..Tokens::default() } };
    let mut reports = Reports::default();
    for (lines, counts) in [(vec![told(3)], 1), (vec![], 1), (vec![], 0)] {
        tell(&mut reports, usage(lines));
        let (_, latest) = reports.usages().next().unwrap();
        assert_eq!(latest.report.lines.len(), counts);
    }
    assert_eq!(reports.doubted("openai").count(), 0);
}

/// The same numbers say more after the day's end, and again when they have settled.
#[test]
fn a_day_told_again_when_it_is_older_is_news_once() {
    let day = date(2026, 11, 22);
    let mut reports = Reports::default();
    let rows = [
        ("2026-11-22T10:00:00Z", Some(0), Standing::Open),
        ("2026-11-22T23:59:59Z", None, Standing::Open),
        ("2026-11-23T00:00:00Z", Some(1), Standing::Provisional),
        ("2026-11-24T23:59:59Z", None, Standing::Provisional),
        ("2026-11-25T00:00:00Z", Some(2), Standing::Settled),
        ("2026-12-25T00:00:00Z", None, Standing::Settled),
    ];
    for (moment, revision, standing) in rows {
        let moment: Timestamp = moment.parse().unwrap();
        assert_eq!(Standing::of(day, moment), standing, "{moment}");
        let change = reports.decide(cost(day, vec![line("m", "k", 5)]), moment).unwrap();
        assert_eq!(change.as_ref().map(|change| change.revision), revision, "{moment}");
        if let Some(change) = change {
            reports.evolve(moment, change);
        }
    }
}

#[test]
fn reports_that_cannot_be_are_refused_and_change_nothing() {
    let day = date(2026, 11, 22);
    let many = || (0..900).map(|number| line(&format!("model-{number}"), "output", 1)).collect();
    let too_many = MAX_COUNT + 1;
    let odd = UsageLine { model: "m".into(), tokens: Tokens { input: too_many, ..Tokens::default() } };
    let provider = DayReport::cost("An thropic", day, ReportSource::Console, Currency::USD, vec![]);
    let rows = [
        (provider, ReportError::Provider("An thropic".into())),
        (cost(date(2026, 11, 24), vec![]), ReportError::Future(date(2026, 11, 24))),
        (cost(day, vec![line(&"m".repeat(121), "k", 1)]), ReportError::Name(day)),
        (cost(day, vec![line("m", "a\nb", 1)]), ReportError::Name(day)),
        (cost(day, vec![line("m", "k", i128::MAX)]), ReportError::Absurd(day)),
        (cost(day, many()), ReportError::TooLong(day)),
        (usage(vec![odd]), ReportError::Absurd(day)),
    ];
    for (report, expected) in rows {
        assert_eq!(Reports::default().decide(report, now()), Err(expected));
    }
    // A credit is below zero; today, in UTC, has begun.
    assert!(Reports::default().decide(cost(day, vec![line("m", "k", -5)]), now()).is_ok());
    assert!(Reports::default().decide(cost(date(2026, 11, 23), vec![]), now()).is_ok());
}

proptest! {
    /// The report is the same however a provider divides a day into lines, and in any order.
    #[test]
    fn a_report_is_the_same_in_any_order_and_cut(
        lines in prop::collection::vec((0_u8..4, 0_u8..3, -10_i128.pow(15)..10_i128.pow(15)), 0..40),
        seed in 0_usize..1000,
    ) {
        let day = date(2026, 11, 22);
        let whole: Vec<CostLine> =
            lines.iter().map(|(model, kind, pico)| line(&model.to_string(), &kind.to_string(), *pico)).collect();
        let mut cut: Vec<CostLine> = whole.iter().flat_map(|one| {
            let part = one.cost.0 / 3;
            [part, one.cost.0 - part].map(|pico| CostLine { cost: Picodollars(pico), ..one.clone() })
        }).collect();
        let length = cut.len().max(1);
        cut.rotate_left(seed % length);
        let sum: Picodollars = whole.iter().map(|line| line.cost).sum();
        let report = cost(day, whole);
        prop_assert_eq!(&cost(day, cut), &report);
        let Contents::Cost(told) = &report.contents else { unreachable!() };
        prop_assert_eq!(told.total(), sum);
    }
}

#[test]
fn a_part_of_a_report_never_replaces_the_whole_and_the_whole_replaces_a_part() {
    let (day, other) = (date(2026, 11, 22), date(2026, 11, 21));
    let mut reports = Reports::default();
    let whole = || cost(day, vec![line("opus", "output", 5)]);
    let part = |day| cost(day, vec![line("opus", "output", 3)]);
    assert_eq!(tell(&mut reports, whole()), Some(0));
    assert_eq!(tell(&mut reports, part(day).without(1)), None, "what was known stays");
    assert_eq!(tell(&mut reports, part(other).without(2)), Some(0), "a part is more than nothing");
    assert_eq!(tell(&mut reports, part(other).without(2)), None);
    assert_eq!(tell(&mut reports, part(other).without(1)), Some(1), "a larger part");
    assert_eq!(tell(&mut reports, part(other)), Some(2), "the whole, though its sum is the same");
    assert_eq!(tell(&mut reports, part(other).without(1)), None);
    let left_out: Vec<u32> = reports.costs().map(|(_, latest)| latest.report.left_out).collect();
    assert_eq!(left_out, [0, 0]);
    let tokens = |output| UsageLine { model: "opus".into(), tokens: Tokens { output, ..Tokens::default() } };
    assert_eq!(tell(&mut reports, usage(vec![tokens(3)])), Some(0));
    assert_eq!(tell(&mut reports, usage(vec![tokens(2)]).without(1)), None, "of usage as well");
}
