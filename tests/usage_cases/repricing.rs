//! The recipe that every text gives for calls without a price, from end to end: the price file, then `mecris reprice`.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Call, Sum, ask, bare_prices, call, file, home_with, import, total, used_of_november, write_prices,
};
use crate::alerts::until;
use crate::support::program::Home;

const NEXT: &str = "claude-next-9";
const NAME: &str = "anthropic/claude-next-9";

/// A call a day for a week.
fn week() -> Vec<Call> {
    let on = |day: u32| call(&format!("msg_{day}")).model(NEXT).at(format!("2026-11-{day}T10:00:00Z"));
    (10..17).map(on).collect()
}

const BEFORE: &str = "7 calls, 7000 in, 7000 out, no price, 7 unpriced";
const AFTER: &str = "7 calls, 7000 in, 7000 out, 0.021 USD";

fn price(home: &Home, prices: Value) {
    let mut models = json!({});
    models[NAME] = prices;
    write_prices(home, &models);
}

#[track_caller]
fn lacking(home: &Home, messages: u64, can_be_priced: u64) {
    let (code, lacks) = ask(home, &["prices", "check"]);
    assert_eq!(code, i32::from(messages > 0), "{lacks}");
    let right = (&json!(messages), &json!(can_be_priced));
    assert_eq!((&lacks["messages"], &lacks["can_be_priced"]), right, "{lacks}");
}

/// What each place that tells of calls without a price says.
fn texts(home: &Home) -> Vec<String> {
    let said = |arguments: &[&str]| home.run(arguments).out;
    vec![said(&["status"]), said(&["prices", "check"]), said(&["narrator", "--detail"])]
}

#[test]
fn a_week_of_a_model_without_a_price_is_priced_by_the_recipe_that_the_texts_give() {
    let home = home_with(&week());
    assert_eq!((total(&home).as_str(), used_of_november(&home, &[]).as_str()), (BEFORE, "0"));
    lacking(&home, 7, 0);
    for text in texts(&home) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains("price file") && text.contains("mecris reprice"), "{text}");
    }
    let then = home.json(&["head"])["position"].to_string();
    price(&home, bare_prices());
    lacking(&home, 7, 7);
    let repriced = home.json(&["reprice"]);
    assert_eq!((&repriced["repriced"], &repriced["lacking"]), (&json!(7), &json!(0)), "{repriced}");
    assert_eq!(repriced["added_usd"], "0.021", "{repriced}");
    assert!(repriced["price_table"].as_str().unwrap().contains('+'), "{repriced}");
    assert_eq!((total(&home).as_str(), used_of_november(&home, &[]).as_str()), (AFTER, "0.021"));
    lacking(&home, 0, 0);
    let believed = |arguments: &[&str]| Sum::of(&[home.json(arguments)["total"].clone()]).to_string();
    assert_eq!(believed(&["replay", "--until", &then]), BEFORE);
    assert_eq!(believed(&["replay"]), AFTER);
    let head = home.json(&["head"]);
    let again = home.json(&["reprice"]);
    assert_eq!((&again["repriced"], &again["added_usd"]), (&json!(0), &json!("0")), "{again}");
    assert_eq!(home.json(&["head"])["position"], head["position"], "again changes nothing");
}

#[test]
fn what_everything_would_cost_by_another_day_is_told_and_not_written() {
    let home = home_with(&[call("msg_1"), call("msg_2").model(NEXT)]);
    let mut prices = bare_prices();
    prices["from"] = json!("2026-10-01");
    prices["history"] = json!([{ "until": "2026-09-30", "tiers": [{ "above_prompt_tokens": 0, "input": "3", "output": "4" }] }]);
    price(&home, prices);
    let head = home.json(&["head"])["position"].clone();
    let then = home.json(&["reprice", "--all", "--as-of", "2026-09-01"]);
    assert_eq!((&then["as_of"], &then["recorded_usd"]), (&json!("2026-09-01"), &json!("0.018")), "{then}");
    assert_eq!(then["would_be_usd"], "0.025", "{then}");
    assert_eq!(home.json(&["reprice", "--all"])["would_be_usd"], "0.021");
    let said = home.run(&["reprice", "--as-of", "2026-09-01"]);
    assert!(said.code == 2 && said.err.contains("--all"), "{said:?}");
    let running = home.start(&[]);
    let asked = running.get("/api/v1/reprice?as_of=2026-09-01").json();
    assert_eq!(asked["would_be_usd"], then["would_be_usd"]);
    assert_eq!(running.stop(), 0);
    let shown = home.run(&["prices", "next-9"]);
    assert!(shown.out.contains("from 2026-10-01") && shown.out.contains("to 2026-09-30"), "{shown:?}");
    let kept = home.json(&["prices", "next-9"]);
    assert_eq!(kept["models"][NAME]["history"][0]["until"], "2026-09-30", "{kept}");
    // The supervisor has priced the one that had none, at its start.
    assert_eq!(home.json(&["head"])["position"].as_u64(), head.as_u64().map(|head| head + 1));
}

#[test]
fn a_supervisor_prices_them_by_itself_at_its_start_and_after_a_reload() {
    let home = home_with(&week());
    price(&home, bare_prices());
    let running = home.start(&[]);
    assert!(running.said.contains("7 calls priced"), "{}", running.said);
    assert_eq!(total(&home), AFTER);
    lacking(&home, 0, 0);
    home.transcript("b.jsonl", call("msg_other").model("claude-other-1").line());
    import(&home);
    lacking(&home, 1, 0);
    write_prices(&home, &json!({ NAME: bare_prices(), "anthropic/claude-other-1": bare_prices() }));
    lacking(&home, 1, 1);
    let reloaded = home.json(&["reload"]);
    assert_eq!(reloaded["changed"], json!([{ "key": "prices", "applied": true }]), "{reloaded}");
    until("the call is priced", || (total(&home) == "8 calls, 8000 in, 8000 out, 0.024 USD").then_some(()));
    assert_eq!(home.json(&["reload"])["changed"], json!([]));
    // A price file that is none changes nothing, and is told.
    let path = home.dir.path().join(".config/mecris/prices.json");
    std::fs::write(path, "{").unwrap();
    for arguments in [["reload"], ["reprice"]] {
        let said = home.run(&arguments);
        assert!(said.code == 2 && said.err.contains("price file"), "{said:?}");
    }
    assert_eq!(running.stop(), 0);
}

/// The ids of all revisions.
fn revisions(home: &Home) -> Vec<String> {
    let lines = home.run(&["export"]).out;
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["type"] == "usage-revised")
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect()
}

fn bytes_below(dir: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().flatten().filter_map(|entry| {
        let metadata = entry.metadata().ok()?;
        Some(if metadata.is_dir() { bytes_below(&entry.path()) } else { metadata.len() })
    });
    entries.sum()
}

#[test]
fn killed_in_the_middle_it_completes_at_the_next_run_and_counts_each_call_once() {
    const CALLS: usize = 10_000;
    let calls: Vec<Call> = (0..CALLS).map(|number| call(&format!("msg_{number}")).model(NEXT)).collect();
    let home = Home::new();
    home.transcript("a.jsonl", file(&calls));
    import(&home);
    price(&home, bare_prices());
    let mut was_in_the_middle = false;
    let journal = home.data().join("journal");
    for wait in [0, 30, 300] {
        let mut child = home.command(&["reprice", "--json"]).stdout(Stdio::null()).spawn().unwrap();
        let before = bytes_below(&journal);
        // As soon as something of it is written.
        while bytes_below(&journal) == before && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let so_far = home.json(&["report", "model"])["total"].clone();
        assert_eq!(so_far["messages"], CALLS, "{so_far}");
        was_in_the_middle |= (1..CALLS as u64).contains(&so_far["unpriced_messages"].as_u64().unwrap_or(0));
    }
    assert!(was_in_the_middle, "no kill came in the middle");
    let done = home.json(&["reprice"]);
    assert_eq!(done["lacking"], 0, "{done}");
    assert_eq!(total(&home), "10000 calls, 10000000 in, 10000000 out, 30 USD");
    let revisions = revisions(&home);
    let different: BTreeSet<&String> = revisions.iter().collect();
    assert_eq!((revisions.len(), different.len()), (CALLS, CALLS));
    assert_eq!(home.json(&["verify"])["problem_count"], 0);
    assert_eq!(home.json(&["reprice"])["repriced"], 0);
}
