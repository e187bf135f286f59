use proptest::prelude::*;

use crate::domain::currency::Currency;
use crate::domain::report::{CostLine, UsageLine};

use super::*;

const MILLI: i128 = 1_000_000_000;

fn tokens(counts: [u64; 5]) -> Tokens {
    let [input, output, cache_write_5m, cache_write_1h, cache_read] = counts;
    Tokens { input, output, cache_write_5m, cache_write_1h, cache_read, web_searches: 0 }
}

/// What is recorded of a model: calls, those without a price, its tokens, its cost in thousandths of a dollar.
type Here = (&'static str, u64, u64, [u64; 5], i128);
/// What is reported of a model: what for, and its cost in thousandths of a dollar.
type There = (&'static str, &'static str, i128);

fn recorded(rows: &[Here]) -> Recorded {
    let of = |(model, calls, unpriced, counts, milli): &Here| {
        let cost = Picodollars(milli * MILLI);
        ((*model).to_owned(), ModelUse { calls: *calls, unpriced: *unpriced, tokens: tokens(*counts), cost })
    };
    rows.iter().map(of).collect()
}

fn cost(rows: &[There]) -> CostReport {
    let line = |(model, kind, milli): &There| CostLine {
        model: (*model).to_owned(),
        kind: (*kind).to_owned(),
        cost: Picodollars(milli * MILLI),
    };
    CostReport { currency: Currency::USD, lines: rows.iter().map(line).collect(), left_out: 0 }
}

fn usage(rows: &[(&str, [u64; 5])]) -> UsageReport {
    let line = |(model, counts): &(&str, [u64; 5])| UsageLine {
        model: (*model).to_owned(),
        tokens: tokens(*counts),
    };
    UsageReport { lines: rows.iter().map(line).collect(), left_out: 0 }
}

/// `unpriced-model 3000, late-data -20`.
fn said(parts: &[Attribution]) -> String {
    let word = |part: &Attribution| format!("{} {}", part.cause.word(), part.amount.0 / MILLI);
    parts.iter().map(word).collect::<Vec<_>>().join(", ")
}

#[test]
fn causes_are_named_where_they_can_be_told() {
    use Standing::{Open, Provisional, Settled};
    const T: [u64; 5] = [100, 50, 30, 0, 500];
    type Usage = Option<Vec<(&'static str, [u64; 5])>>;
    type Row = (&'static str, Vec<Here>, Vec<There>, Usage, Standing, &'static str);
    let rows: Vec<Row> = vec![
        ("nothing at all", vec![], vec![], None, Settled, ""),
        ("equal", vec![("opus", 2, 0, T, 5000)], vec![("opus", "", 5000)], None, Settled, ""),
        (
            "a cut line is the same",
            vec![("opus", 2, 0, T, 5000)],
            vec![("opus", "a", 2000), ("opus", "b", 3000)],
            None,
            Settled,
            "",
        ),
        (
            "a thousandth",
            vec![("opus", 2, 0, T, 5000)],
            vec![("opus", "", 5004)],
            None,
            Settled,
            "rounding 4",
        ),
        (
            "more than a thousandth",
            vec![("opus", 2, 0, T, 5000)],
            vec![("opus", "", 5010)],
            None,
            Settled,
            "unknown 10",
        ),
        // Unpriced: also where some of the calls have a price.
        (
            "no price",
            vec![("new", 3, 3, T, 0)],
            vec![("new", "", 3000)],
            None,
            Settled,
            "unpriced-model 3000",
        ),
        (
            "some without a price",
            vec![("new", 3, 1, T, 2000)],
            vec![("new", "", 3000)],
            None,
            Settled,
            "unpriced-model 1000",
        ),
        (
            "no price, and another fits",
            vec![("new", 3, 3, T, 0), ("opus", 1, 0, T, 100)],
            vec![("new", "", 3000), ("opus", "", 100)],
            None,
            Settled,
            "unpriced-model 3000",
        ),
        // Elsewhere: a model that is not here, or more tokens than here.
        (
            "a model of elsewhere",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 100), ("haiku", "", 700)],
            None,
            Settled,
            "usage-elsewhere 700",
        ),
        (
            "more tokens there",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 300)],
            Some(vec![("opus", [200, 90, 30, 0, 500])]),
            Settled,
            "usage-elsewhere 200",
        ),
        (
            "more and less",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 300)],
            Some(vec![("opus", [50, 90, 30, 0, 500])]),
            Settled,
            "usage-elsewhere 200",
        ),
        ("nothing here at all", vec![], vec![("opus", "", 300)], None, Open, "usage-elsewhere 300"),
        // The names of snapshots and of lists are of one model.
        (
            "names with a date",
            vec![("claude-opus-5-20260801", 1, 0, T, 100)],
            vec![("claude-opus-5", "", 100)],
            None,
            Settled,
            "",
        ),
        (
            "dates with dashes",
            vec![("gpt-5", 1, 0, T, 100)],
            vec![("gpt-5-2026-08-07", "", 300)],
            Some(vec![("gpt-5-2026-08-07", T)]),
            Settled,
            "price 200",
        ),
        // The cache: the split of tokens, or the kinds of cost.
        (
            "an hour for five minutes",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 130)],
            Some(vec![("opus", [100, 50, 0, 30, 500])]),
            Settled,
            "cache-tier 30",
        ),
        (
            "five minutes for an hour",
            vec![("opus", 1, 0, [100, 50, 0, 30, 500], 100)],
            vec![("opus", "", 80)],
            Some(vec![("opus", T)]),
            Settled,
            "cache-tier -20",
        ),
        (
            "an hour, by its cost",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "output_tokens", 70), ("opus", "cache_creation.ephemeral_1h_input_tokens", 60)],
            None,
            Settled,
            "cache-tier 30",
        ),
        (
            "five minutes, by its cost",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "output_tokens", 70), ("opus", "cache_creation.ephemeral_5m_input_tokens", 60)],
            None,
            Settled,
            "unknown 30",
        ),
        // The same tokens at another price.
        (
            "a discount",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 50)],
            Some(vec![("opus", T)]),
            Settled,
            "price -50",
        ),
        // Less there: not yet, or never.
        (
            "not all is told yet",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 60)],
            None,
            Open,
            "late-data -40",
        ),
        ("nor on the next day", vec![("opus", 1, 0, T, 100)], vec![], None, Provisional, "late-data -100"),
        (
            "nor its tokens",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 60)],
            Some(vec![("opus", [60, 30, 20, 0, 300])]),
            Provisional,
            "late-data -40",
        ),
        ("a subscription", vec![("opus", 1, 0, T, 100)], vec![], None, Settled, "not-billed -100"),
        (
            "a part of it",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 60)],
            Some(vec![("opus", [60, 30, 20, 0, 300])]),
            Settled,
            "not-billed -40",
        ),
        (
            "a part of it, without tokens",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 60)],
            None,
            Settled,
            "unknown -40",
        ),
        (
            "a model that usage leaves out",
            vec![("opus", 1, 0, T, 100), ("haiku", 1, 0, T, 50)],
            vec![("opus", "", 100)],
            Some(vec![("opus", T)]),
            Settled,
            "not-billed -50",
        ),
        // Several at once; the largest part first.
        (
            "two causes",
            vec![("new", 3, 3, T, 0), ("opus", 1, 0, T, 100)],
            vec![("new", "", 40), ("haiku", "", 700), ("opus", "", 100)],
            None,
            Settled,
            "usage-elsewhere 700, unpriced-model 40",
        ),
        (
            "up and down",
            vec![("new", 3, 3, T, 0), ("opus", 1, 0, T, 500)],
            vec![("new", "", 400)],
            None,
            Settled,
            "not-billed -500, unpriced-model 400",
        ),
        (
            "that cancel out",
            vec![("new", 3, 3, T, 0), ("opus", 1, 0, T, 400)],
            vec![("new", "", 400)],
            None,
            Settled,
            "",
        ),
        // A provider that names no model.
        (
            "no names",
            vec![("new", 3, 3, T, 0), ("opus", 1, 0, T, 100)],
            vec![("", "", 400)],
            None,
            Settled,
            "unpriced-model 300",
        ),
        (
            "no names, more tokens",
            vec![("opus", 1, 0, T, 100)],
            vec![("", "", 400)],
            Some(vec![("", [200, 50, 30, 0, 500])]),
            Settled,
            "usage-elsewhere 300",
        ),
        (
            "no names and nothing to tell by",
            vec![("opus", 1, 0, T, 100)],
            vec![("", "", 400)],
            None,
            Settled,
            "unknown 300",
        ),
        (
            "a line without a name",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 100), ("", "code_execution", 400)],
            None,
            Settled,
            "unknown 400",
        ),
        (
            "a credit",
            vec![("opus", 1, 0, T, 100)],
            vec![("opus", "", 100), ("", "credit", -30)],
            None,
            Settled,
            "unknown -30",
        ),
    ];
    for (name, here, there, told, standing, expected) in rows {
        let told = told.map(|rows| usage(&rows));
        let parts = attribute(&recorded(&here), &cost(&there), told.as_ref(), standing);
        assert_eq!(said(&parts), expected, "{name}");
    }
}

#[test]
fn a_model_s_family_is_its_name_without_a_date() {
    for (model, expected) in [
        ("claude-opus-5", "claude-opus-5"),
        ("claude-opus-4-20250514", "claude-opus-4"),
        ("gpt-5-2025-08-07", "gpt-5"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("-20250514", "-20250514"),
        ("model-12345678a", "model-12345678a"),
        ("модель-20250514", "модель"),
        ("ы", "ы"),
        ("", ""),
    ] {
        assert_eq!(family(model), expected, "{model}");
    }
}

#[test]
fn a_fall_of_the_balance_is_held_against_what_is_recorded() {
    let rows = [
        // Fell by, recorded (thousandths of a dollar), calls, unpriced.
        (0, 0, 0, 0, None),
        (5000, 5000, 3, 0, None),
        (5000, 4991, 3, 0, Some(Cause::Rounding)),
        (5000, 4000, 3, 1, Some(Cause::UnpricedModel)),
        (5000, 4000, 3, 0, Some(Cause::Unknown)),
        (5000, 0, 0, 0, Some(Cause::UsageElsewhere)),
        (0, 5000, 3, 0, Some(Cause::NotBilled)),
        (3000, 5000, 3, 0, Some(Cause::Unknown)),
        (-15_000, 5000, 3, 0, Some(Cause::TopUpUntold)),
    ];
    for (fell, cost, calls, unpriced, expected) in rows {
        let recorded = ModelUse { calls, unpriced, cost: Picodollars(cost * MILLI), ..ModelUse::default() };
        let span = Span { fell: Picodollars(fell * MILLI), recorded };
        assert_eq!(span.cause(), expected, "{fell} {cost} {calls} {unpriced}");
        assert_eq!(span.drift(), Picodollars((fell - cost) * MILLI));
    }
}

proptest! {
    /// The parts of a drift add up to it, to the picodollar, for any recorded and reported usage.
    #[test]
    fn the_parts_add_up_to_the_drift(
        here in prop::collection::vec((0_usize..5, 0_u64..3, 0_u64..3, 0_i128..10_i128.pow(14)), 0..12),
        there in prop::collection::vec((0_usize..6, -10_i128.pow(12)..10_i128.pow(14)), 0..12),
        told in prop::option::of(prop::collection::vec((0_usize..6, 0_u64..100), 0..6)),
        standing in prop::sample::select(vec![Standing::Open, Standing::Provisional, Standing::Settled]),
    ) {
        const MODELS: [&str; 6] = ["opus", "opus-20260801", "haiku", "new", "gpt-5-2026-08-07", ""];
        let mut recorded = Recorded::new();
        for (model, calls, unpriced, pico) in here {
            let used = ModelUse { calls, unpriced, tokens: tokens([calls, 0, 0, 0, 0]), cost: Picodollars(pico) };
            recorded.entry(MODELS[model].to_owned()).or_default().add(&used);
        }
        let line = |(model, pico): (usize, i128)| CostLine {
            model: MODELS[model].to_owned(), kind: String::new(), cost: Picodollars(pico),
        };
        let cost = CostReport {
            currency: Currency::USD,
            lines: there.into_iter().map(line).collect(),
            left_out: 0,
        };
        let told = told.map(|rows| {
            usage(&rows.iter().map(|(model, input)| (MODELS[*model], [*input, 0, 0, 0, 0])).collect::<Vec<_>>())
        });
        let parts = attribute(&recorded, &cost, told.as_ref(), standing);
        let estimate: Picodollars = recorded.values().map(|used| used.cost).sum();
        let sum: Picodollars = parts.iter().map(|part| part.amount).sum();
        prop_assert_eq!(sum, cost.total() - estimate);
    }
}
