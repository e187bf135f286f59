//! The cases as they were given, one a folder of `tests/data/usage`: every report, and nothing more when all is read again.

use std::fs;

use serde_json::json;

use super::{ONE, SONNET, THREE, TWO, assert_report, groups, home_of, import, total, used_of_november};
use crate::support::program::Home;

/// What is right of a case, by report.
struct Right<'a> {
    model: &'a [(&'a str, &'a str)],
    session: &'a [(&'a str, &'a str)],
    project: &'a [(&'a str, &'a str)],
    daily: &'a [(&'a str, &'a str)],
}

impl Right<'_> {
    #[track_caller]
    fn holds(&self, home: &Home) {
        assert_report(home, "model", self.model);
        assert_report(home, "session", self.session);
        assert_report(home, "project", self.project);
        assert_report(home, "daily", self.daily);
    }

    /// Imports a case, twice.
    #[track_caller]
    fn of(&self, case: &str) -> Home {
        let home = home_of(case);
        import(&home);
        self.holds(&home);
        let again = home.json(&["import", "--afresh"]);
        assert_eq!((&again["recorded"], &again["revised"]), (&json!(0), &json!(0)), "{again}");
        self.holds(&home);
        home
    }
}

/// One session of one project on one day, all by one model.
#[track_caller]
fn is_all_of(case: &str, model: &str, sum: &str) -> Home {
    let right = Right {
        model: &[(model, sum)],
        session: &[("s-1", sum)],
        project: &[("/w/alpha", sum)],
        daily: &[("2026-11-10", sum)],
    };
    right.of(case)
}

#[test]
fn an_advisor_s_call_is_counted_beside_the_call_that_asked_it() {
    let both = "2 calls, 20010 in, 1500 out, 4000 5m, 100000 read, 0.17753 USD";
    let right = Right {
        model: &[
            ("anthropic/claude-sonnet-4-6", "1 call, 10 in, 500 out, 4000 5m, 100000 read, 0.05253 USD"),
            ("anthropic/claude-opus-4-7", "1 call, 20000 in, 1000 out, 0.125 USD"),
        ],
        session: &[("s-1", both)],
        project: &[("/w/alpha", both)],
        daily: &[("2026-11-10", both)],
    };
    right.of("advisor-call");
}

#[test]
fn a_call_that_an_aside_replays_with_another_request_id_counts_once() {
    is_all_of("btw-replay", SONNET, "2 calls, 150 in, 1100 out, 41000 read, 0.02925 USD");
}

#[test]
fn a_call_of_which_only_some_lines_have_a_request_id_counts_once() {
    is_all_of("request-id-on-some-lines", SONNET, "1 call, 100 in, 1000 out, 20000 read, 0.0213 USD");
}

const FORK: Right<'_> = Right {
    model: &[(SONNET, "3 calls, 3000 in, 7000 out, 0.114 USD")],
    session: &[
        ("ff000000-parent", "2 calls, 2000 in, 3000 out, 0.051 USD"),
        ("00000000-fork", "1 call, 1000 in, 4000 out, 0.063 USD"),
    ],
    project: &[("/w/alpha", "3 calls, 3000 in, 7000 out, 0.114 USD")],
    daily: &[("2026-11-10", "3 calls, 3000 in, 7000 out, 0.114 USD")],
};

#[test]
fn what_a_fork_copied_stays_its_parent_s() {
    FORK.of("fork");
}

#[test]
fn what_a_fork_copied_stays_its_parent_s_in_whatever_order_the_two_are_imported() {
    for names in
        [["00000000-fork.jsonl", "ff000000-parent.jsonl"], ["ff000000-parent.jsonl", "00000000-fork.jsonl"]]
    {
        let whole = home_of("fork");
        let home = Home::new();
        for name in names {
            let path = whole.claude().join("projects/-w-alpha").join(name);
            home.transcript(name, fs::read(path).unwrap());
            import(&home);
        }
        FORK.holds(&home);
    }
}

#[test]
fn a_later_and_smaller_copy_takes_nothing_away_and_moves_no_day() {
    is_all_of("later-smaller-copy", SONNET, ONE);
}

#[test]
fn a_model_by_any_of_its_names_is_that_model_and_no_other() {
    let all = "12 calls, 12000 in, 12000 out, 0.2298 USD";
    let right = Right {
        model: &[
            (SONNET, "5 calls, 5000 in, 5000 out, 0.09 USD"),
            ("vertex/claude-sonnet-4-5", ONE),
            // One of the three is regional.
            ("bedrock/claude-sonnet-4-5", "3 calls, 3000 in, 3000 out, 0.0558 USD"),
            ("anthropic/claude-sonnet-4-6", ONE),
            ("anthropic/claude-opus-4-7", "1 call, 1000 in, 1000 out, 0.03 USD"),
            ("anthropic/claude-sonnet-4", ONE),
        ],
        session: &[("s-1", all)],
        project: &[("/w/alpha", all)],
        daily: &[("2026-11-10", all)],
    };
    right.of("model-names");
}

#[test]
fn searches_on_haiku_have_a_price_and_fetches_cost_nothing() {
    let both = "2 calls, 2000 in, 400 out, 4 searches, 0.048 USD";
    let right = Right {
        model: &[
            ("anthropic/claude-haiku-4-5", "1 call, 1000 in, 200 out, 2 searches, 0.022 USD"),
            (SONNET, "1 call, 1000 in, 200 out, 2 searches, 0.026 USD"),
        ],
        session: &[("s-1", both)],
        project: &[("/w/alpha", both)],
        daily: &[("2026-11-10", both)],
    };
    right.of("haiku-search");
}

#[test]
fn a_call_at_a_tier_without_a_price_is_counted_and_named() {
    let home = is_all_of("priority-tier", SONNET, "1 call, 1000 in, 1000 out, no price, 1 unpriced");
    let status = home.json(&["status"]);
    assert_eq!(status["unpriced"][SONNET], 1, "{status}");
}

#[test]
fn a_tier_or_a_speed_that_nobody_knows_drops_no_call() {
    let all = "7 calls, 7000 in, 7000 out, 0.15 USD, 2 unpriced";
    let home = is_all_of("unknown-tier-and-speed", "anthropic/claude-opus-4-8", all);
    let status = home.json(&["status"]);
    assert_eq!(status["unpriced"]["anthropic/claude-opus-4-8"], 2, "{status}");
    let exported = home.run(&["export"]);
    for word in ["\"turbo\"", "\"eu\""] {
        assert!(exported.out.contains(word), "{word} is kept as it was written: {exported:?}");
    }
}

#[test]
fn a_timestamp_that_is_a_number_and_parts_that_are_null_drop_no_call() {
    let home = home_of("timestamp-as-number");
    home.json(&["import"]);
    // The one with `isSidechain` null, and the one whose time is in milliseconds.
    assert_eq!(groups(&home, "model")[SONNET], TWO);
    // What a call cost before its model's price is known is nobody's claim; what the line says it cost is not believed.
    let daily = home.json(&["report", "daily"]);
    let old = &daily["days"][0];
    assert_eq!((&old["day"], &old["models"][0]["messages"]), (&json!("2025-05-10"), &json!(1)), "{daily}");
    assert_eq!(old["models"][0]["output_tokens"], 1000, "{daily}");
    assert_ne!(old["models"][0]["cost_usd"], "0.5", "{daily}");
}

#[test]
fn a_byte_order_mark_and_carriage_returns_drop_no_call() {
    is_all_of("bom-and-crlf", SONNET, THREE);
}

#[test]
fn a_call_is_priced_by_the_prices_of_the_day_it_happened() {
    let (long, fast) = ("1 call, 300000 in, 10000 out, 2.025 USD", "1 call, 10000 in, 1000 out, 0.45 USD");
    let both = "2 calls, 310000 in, 11000 out, 2.475 USD";
    let right = Right {
        model: &[(SONNET, long), ("anthropic/claude-opus-4-6", fast)],
        session: &[("s-1", both)],
        project: &[("/w/alpha", both)],
        daily: &[("2025-10-20", long), ("2026-03-01", fast)],
    };
    right.of("dated-prices");
}

#[test]
fn a_worktree_of_a_repository_is_that_repository_s_project() {
    let right = Right {
        model: &[(SONNET, TWO)],
        session: &[("s-1", ONE), ("s-2", ONE)],
        project: &[("/w/alpha", TWO)],
        daily: &[("2026-11-10", TWO)],
    };
    right.of("worktrees");
}

#[test]
fn a_windows_path_is_one_project_and_its_budget_covers_all_of_it() {
    let right = Right {
        model: &[(SONNET, THREE)],
        session: &[("s-1", THREE)],
        project: &[("C:/w/alpha", THREE)],
        daily: &[("2026-11-10", THREE)],
    };
    let home = right.of("windows-paths");
    assert_eq!(used_of_november(&home, &["--project", r"C:\w\alpha"]), "0.054");
    assert_eq!(total(&home), THREE);
}
