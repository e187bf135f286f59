//! The gate as a table of situations.

use super::*;

fn usd(text: &str) -> Picodollars {
    Picodollars::parse(text).unwrap()
}

/// `session 4.99/5`, `day 1/2`, `food 1/2`, `food? 1/2`: a limit, and whether it surely covers. `day 1/2+20:3`: 20 calls
/// without a price are not in the sum, and cost 3 USD at most; `+20:?`: unknown. `day 61/62(2)`: 2 of the 62 by overrides.
fn held(text: &str) -> LimitUse {
    let (name, amounts) = text.split_once(' ').unwrap();
    let (spent, cap) = amounts.split_once('/').unwrap();
    let (cap, lacks) = cap.split_once('+').unwrap_or((cap, "0:0"));
    let (cap, beyond) = cap.trim_end_matches(')').split_once('(').unwrap_or((cap, "0"));
    let (calls, most) = lacks.split_once(':').unwrap();
    let at_most = (most != "?").then(|| usd(most));
    let lacking = Lacking { calls: calls.parse().unwrap(), tokens: 9, at_most };
    let limit = match name.trim_end_matches('?') {
        "session" => Limit::Session,
        "day" => Limit::Day,
        "all-day" => Limit::VirtualDay,
        "all-month" => Limit::VirtualMonth,
        budget => Limit::Budget(budget.parse().unwrap()),
    };
    let is_certain = !name.ends_with('?');
    LimitUse { limit, spent: usd(spent), lacking, cap: usd(cap), beyond: usd(beyond), is_certain }
}

#[test]
fn what_is_spent_decides() {
    use Verdict::{Allow, Block, Warn};
    let cases: &[(&[&str], u32, Verdict, &[&str])] = &[
        // No limit stops nothing.
        (&[], 80, Allow, &[]),
        (&["session 3.99/5"], 80, Allow, &[]),
        (&["session 4/5"], 80, Warn, &["this session: 4.00 of 5.00 USD spent"]),
        (&["session 4.999999999999/5"], 80, Warn, &["this session: 5.00 of 5.00 USD spent"]),
        (&["session 5/5"], 80, Block, &["this session: 5.00 of 5.00 USD spent"]),
        (&["session 7.5/5"], 80, Block, &["this session: 7.50 of 5.00 USD spent"]),
        (&["day 0/20"], 80, Allow, &[]),
        (&["day 20/20"], 80, Block, &["today: 20.00 of 20.00 USD spent"]),
        (&["main 39/50"], 80, Allow, &[]),
        (&["main 45/50"], 80, Warn, &["budget 'main': 45.00 of 50.00 USD spent"]),
        (&["main 50.000000000001/50"], 80, Block, &["budget 'main': 50.00 of 50.00 USD spent"]),
        (&["all-day 9/10"], 80, Warn, &["today, over all providers: 9.00 of 10.00 USD spent"]),
        (&["all-month 10/10"], 80, Block, &["this month, over all providers: 10.00 of 10.00 USD spent"]),
        // An override is part of the limit, and told apart.
        (&["day 61/62(2)"], 80, Warn, &["today: 61.00 of 60.00 + 2.00 override USD spent"]),
        (&["main 62/62(2)"], 80, Block, &["budget 'main': 62.00 of 60.00 + 2.00 override USD spent"]),
        (&["session 2/2(2)"], 80, Block, &["this session: 2.00 of 0.00 + 2.00 override USD spent"]),
        // A cap of nothing lets nothing through.
        (&["session 0/0"], 80, Block, &["this session: 0.00 of 0.00 USD spent"]),
        // Credits may exceed what was spent.
        (&["main -3/50"], 80, Allow, &[]),
        // Whether it covers is not known: it warns and does not stop.
        (&["opus? 12/10"], 80, Warn, &["budget 'opus': 12.00 of 10.00 USD spent"]),
        (&["opus? 1/10"], 80, Allow, &[]),
        // At 100 there is no warning before the end, at 0 there is always one.
        (&["session 4.99/5"], 100, Allow, &[]),
        (&["session 0/5"], 0, Warn, &["this session: 0.00 of 5.00 USD spent"]),
        (&["session 4.99/5"], 1000, Allow, &[]),
        // The gravest comes first, then the session, the day, and budgets by name.
        (
            &["zoo 9/10", "day 9/10", "art 10/10", "session 1/10", "main 1/10"],
            80,
            Block,
            &[
                "budget 'art': 10.00 of 10.00 USD spent",
                "today: 9.00 of 10.00 USD spent",
                "budget 'zoo': 9.00 of 10.00 USD spent",
            ],
        ),
        (
            &["session 9/10", "opus? 11/10"],
            80,
            Warn,
            &["this session: 9.00 of 10.00 USD spent", "budget 'opus': 11.00 of 10.00 USD spent"],
        ),
    ];
    for (limits, percent, verdict, reasons) in cases {
        let ruling = rule(limits.iter().map(|text| held(text)).collect(), *percent, Warn);
        let said: Vec<String> = ruling.reasons.iter().map(ToString::to_string).collect();
        assert_eq!(
            (ruling.verdict, said),
            (*verdict, reasons.iter().map(ToString::to_string).collect()),
            "{limits:?}"
        );
    }
}

#[test]
fn a_budget_covers_what_its_scope_says_as_far_as_that_is_known() {
    use Coverage::{Covered, Not, Perhaps};
    // The scope's provider, model and project; the work's; a dash if there is none.
    let cases = [
        ("- - -", "- - -", Covered),
        ("- - -", "anthropic claude-opus-5 /home/ada", Covered),
        ("anthropic - -", "anthropic - -", Covered),
        ("groq - -", "anthropic - -", Not),
        ("anthropic - -", "- - -", Perhaps),
        ("- claude-opus-* -", "anthropic claude-opus-5 -", Covered),
        ("- claude-opus-* -", "anthropic claude-haiku-4 -", Not),
        ("- claude-opus-* -", "anthropic - -", Perhaps),
        ("- - /home/ada", "anthropic - /home/ada/work", Covered),
        ("- - /home/ada", "anthropic - /home/bob", Not),
        ("- - /home/ada", "anthropic - -", Perhaps),
        ("groq claude-opus-* -", "anthropic - -", Not),
        ("anthropic claude-opus-* /home/ada", "anthropic - /home/ada", Perhaps),
        ("anthropic claude-opus-* /home/ada", "anthropic - /home/bob", Not),
    ];
    for (scope, work, expected) in cases {
        let parts = |text: &'static str| -> Vec<Option<&'static str>> {
            text.split(' ').map(|part| (part != "-").then_some(part)).collect()
        };
        let (wanted, known) = (parts(scope), parts(work));
        let owned = |part: Option<&str>| part.map(str::to_owned);
        let of = Scope { provider: owned(wanted[0]), model: owned(wanted[1]), project: owned(wanted[2]) };
        let work_of = Work { provider: known[0], model: known[1], project: known[2], name: None };
        assert_eq!(coverage(&of, work_of), expected, "{scope} | {work}");
    }
}

#[test]
fn a_sum_that_leaves_something_out_is_never_let_through_without_a_word() {
    use Verdict::{Allow, Block, Warn};
    for (limit, unknown, expected) in [
        ("day 1/20+20:3", Warn, Allow),
        // With what it may cost at most it comes near the cap.
        ("day 1/20+20:15", Warn, Warn),
        ("day 1/20+20:?", Warn, Warn),
        ("day 1/20+20:?", Block, Block),
        ("day 1/20+20:?", Allow, Allow),
        ("day 20/20+20:?", Allow, Block),
        ("day 16/20+20:0", Allow, Warn),
        // A limit that may not cover the work stops nothing.
        ("opus? 1/20+20:?", Block, Warn),
        ("main 0/20+1:20", Block, Block),
    ] {
        let ruling = rule(vec![held(limit)], 80, unknown);
        assert_eq!(ruling.verdict, expected, "{limit} {unknown:?}");
        for reason in ruling.reasons {
            assert!(reason.to_string().contains("without a whole price (9 tokens)"), "{reason}");
        }
    }
}
