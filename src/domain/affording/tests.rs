//! Situations, and whether something can be afforded in them.
//!
//! A situation is written as text: `daily 20 monthly 100 reserve 20 today 12 month 40 override 5 budget main 50 49
//! balance anthropic 3 cap session 10 9`. The answer is `yes` or `no`, the limit that decides, what is left of it,
//! and a word of the reason.

use jiff::SignedDuration;

use crate::domain::allowance::VirtualBudget;
use crate::domain::allowance::reach::Reach;

use super::*;

const SITUATIONS: [(&str, &str, &str); 48] = [
    ("", "5", "yes - - nothing limits it"),
    ("", "1000000", "yes - - nothing limits it"),
    // The day.
    ("daily 20 reserve 0", "20", "yes daily 20 20.00 USD are left"),
    ("daily 20 reserve 0", "20.000000000001", "no daily 20 override"),
    ("daily 20 reserve 0 today 12", "8", "yes daily 8 today"),
    ("daily 20 reserve 0 today 12", "8.01", "no daily 8 8.00 USD are left"),
    ("daily 20 reserve 0 today 20", "0.000000000001", "no daily 0 nothing is left"),
    ("daily 20 reserve 0 today 20", "0", "yes daily 0 left"),
    ("daily 20 reserve 0 today 21", "0", "no daily -1 nothing is left"),
    // The default reserve of 20 percent.
    ("daily 20", "16", "yes daily 16 left"),
    ("daily 20", "17", "no daily 16 4.00 USD are an emergency reserve"),
    ("daily 20", "20", "no daily 16 emergency reserve"),
    ("daily 20", "20.01", "no daily 16 override"),
    ("daily 20 today 18", "1", "no daily -2 emergency reserve"),
    ("daily 0.05 reserve 50", "0.025", "yes daily 0.025 0.0250 USD"),
    // The month, and both.
    ("monthly 100", "80", "yes monthly 80 this month"),
    ("monthly 100 month 79", "2", "no monthly 1 emergency reserve"),
    ("daily 20 monthly 100", "10", "yes daily 16 today"),
    ("daily 20 monthly 100 month 75", "10", "no monthly 5 this month"),
    ("daily 20 monthly 100 today 10 month 75", "5", "yes monthly 5 this month"),
    // What is actual or inferred is in the cost: this one is only the sum of it.
    ("monthly 100 month 79.999999999999", "0.000000000001", "yes monthly 0.000000000001 left"),
    // Overrides lift the limits, add up, and end.
    ("daily 20 today 16 override 5", "5", "yes daily 5 5.00 USD of it by override"),
    ("daily 20 today 16 override 5", "5.01", "no daily 5 5.00 USD are left"),
    ("daily 20 today 16 override 5 override 2", "7", "yes daily 7 7.00 USD of it"),
    ("daily 20 today 16 expired 5", "5", "no daily 0 nothing is left"),
    ("daily 20 monthly 100 today 25 month 90 override 15", "5", "yes monthly 5 this month"),
    // Budgets of recorded calls.
    ("budget main 50 49", "1", "yes budget 1 budget main"),
    ("budget main 50 49", "2", "no budget 1 budget main"),
    ("budget main 50 49 override 1", "2", "yes budget 2 by override"),
    ("daily 20 budget main 50 20 budget work 10 9", "2", "no budget 1 budget work"),
    // Money that is not there cannot be allowed.
    ("balance anthropic 3 override 50", "4", "no balance 3 pay in"),
    ("balance anthropic 3 balance groq 9 daily 100", "4", "yes balance 9 groq"),
    // The asker's own.
    ("daily 20 cap session 10 9", "2", "no cap 1 the cap of the session"),
    ("daily 20 cap session 10 9 cap day 30 5", "1", "yes cap 1 session"),
    // What the sums leave out, with its upper bound: every yes includes it.
    ("daily 20 reserve 0 lacks-today 20 3", "17", "yes daily 20 at most 3.00 USD more"),
    ("daily 20 reserve 0 lacks-today 20 3", "17.01", "unknown daily 20 20 calls without a whole price"),
    ("daily 20 reserve 0 lacks-today 20 3", "20.01", "no daily 20 20.00 USD are left"),
    ("daily 20 reserve 0 lacks-today 20 ?", "0", "unknown daily 20 nobody knows what they cost"),
    ("daily 20 reserve 0 today 20 lacks-today 1 ?", "1", "no daily 0 nothing is left"),
    ("daily 20 reserve 0 lacks-today 1 3 override 5", "22", "yes daily 25 by override"),
    // The limit that lacks something decides, though another is tighter.
    ("budget main 10 0 daily 20 reserve 0 lacks-today 1 15", "6", "unknown budget 10 mecris reprice"),
    ("budget main 10 0 lacks 1 4", "6", "yes budget 10 1 call without a whole price"),
    ("budget main 10 0 lacks 1 4", "7", "unknown budget 10 not known, for budget main"),
    ("budget main 10 0 lacks 1 ?", "0.01", "unknown budget 10 mecris prices check"),
    ("balance anthropic 3 lacks 7 ?", "1", "unknown balance 3 7 calls"),
    // Lines that were refused and files that were not read have no bound.
    ("daily 20 reserve 0 unread", "1", "unknown daily 20 1 transcript cannot be read"),
    ("daily 20 reserve 0 unread", "21", "no daily 20 20.00 USD are left"),
    // What is old is said, and is no reason to say no.
    ("daily 20 reserve 0 old", "1", "yes daily 20 what anthropic reports is as old as"),
];

fn money(text: &str) -> Picodollars {
    Picodollars::parse(text).unwrap()
}

#[test]
fn the_tightest_limit_decides_and_says_why() {
    let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    for (told, amount, expected) in SITUATIONS {
        let mut words = told.split_whitespace();
        let mut next = || words.next();
        let mut budget = VirtualBudget { daily: None, monthly: None, reserve_percent: 20 };
        let mut allowance = Allowance::default();
        let mut ask = Ask { amount: money(amount), ..Ask::default() };
        let (mut today, mut month) = (Picodollars::ZERO, Picodollars::ZERO);
        let (mut budgets, mut balances) = (Vec::new(), Vec::new());
        let (mut lacks_today, mut lacks, mut doubts) =
            (Lacking::default(), Lacking::default(), Doubts::default());
        while let Some(word) = next() {
            match word {
                "unread" => doubts.missing.push("1 transcript cannot be read".to_owned()),
                "old" => doubts.old.push("what anthropic reports is as old as yesterday".to_owned()),
                _ => {}
            }
            if matches!(word, "unread" | "old") {
                continue;
            }
            let first = next().unwrap();
            match word {
                "daily" => budget.daily = Some(money(first)),
                "monthly" => budget.monthly = Some(money(first)),
                "reserve" => budget.reserve_percent = first.parse().unwrap(),
                "today" => today = money(first),
                "month" => month = money(first),
                "lacks" | "lacks-today" => {
                    let most = next().unwrap();
                    let of = if word == "lacks" { &mut lacks } else { &mut lacks_today };
                    let at_most = (most != "?").then(|| money(most));
                    *of = Lacking { calls: first.parse().unwrap(), tokens: 1000, at_most };
                }
                "override" | "expired" => {
                    let hours = SignedDuration::from_hours(i64::from(word == "override"));
                    let number = allowance.overrides.len() as u32 + 1;
                    let granted_at = now - SignedDuration::from_hours(1);
                    let reason = "a demo".to_owned();
                    let amount = money(first);
                    let granted = Override {
                        number,
                        amount,
                        reason,
                        reach: Reach::default(),
                        granted_at,
                        until: now + hours,
                    };
                    allowance.overrides.push(granted);
                }
                "budget" => budgets.push((first.to_owned(), money(next().unwrap()), money(next().unwrap()))),
                "balance" => balances.push((first.to_owned(), money(next().unwrap()))),
                "cap" => ask.caps.push(Cap {
                    name: first.to_owned(),
                    limit: money(next().unwrap()),
                    spent: money(next().unwrap()),
                }),
                other => panic!("{other}"),
            }
        }
        if budget.daily.is_some() || budget.monthly.is_some() {
            allowance.budget = Some(budget);
        }
        let spent = |known, lacking| Spent { known, lacking };
        let situation = Situation {
            allowance: &allowance,
            today: spent(today, lacks_today),
            month: month.into(),
            budgets: budgets.into_iter().map(|(name, of, used)| (name, of, spent(used, lacks))).collect(),
            balances: balances.into_iter().map(|(name, left)| (name, left, lacks)).collect(),
            doubts,
            now,
        };
        let answer = can_afford(&ask, &situation);
        let limit = answer.limits.first();
        let kind = limit.map_or("-".to_owned(), |limit| {
            serde_json::to_value(limit.kind).unwrap().as_str().unwrap().to_owned()
        });
        let left = limit.map_or("-".to_owned(), |limit| limit.left().exact());
        let said =
            format!("{} {kind} {left}", serde_json::to_value(answer.verdict).unwrap().as_str().unwrap());
        let (decision, reason) = {
            let parts: Vec<&str> = expected.splitn(4, ' ').collect();
            (parts[..3].join(" "), parts[3])
        };
        assert_eq!(said, decision, "{told}: {amount}: {}", answer.reason);
        assert!(!answer.reason.contains("mecris"), "agents read it: {}", answer.reason);
        let whole = format!("{}; {}", answer.reason, answer.mend.unwrap_or_default());
        assert!(whole.contains(reason), "{told}: {amount}: {whole}");
        assert!(answer.limits.is_sorted_by_key(Limit::left), "{told}");
    }
}
