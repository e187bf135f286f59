//! Calls of a model that has no price: whoever speaks of money says that they are not in it, and when there is a price, one
//! command prices them, by events that keep what was believed before.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{Call, Sum, ask, assert_report, bare_prices, call, file, home_with, import, total, write_prices};
use crate::alerts::{alerts, until};
use crate::support::program::{Home, Said};

const NEXT: &str = "claude-next-9";
const NAME: &str = "anthropic/claude-next-9";
const BEFORE: &str = "20 calls, 20000 in, 20000 out, no price, 20 unpriced";
const AFTER: &str = "20 calls, 20000 in, 20000 out, 0.06 USD";
const DAILY: [&str; 6] = ["budget", "set", "--amount", "5", "--period", "daily"];

/// Twenty calls at this time of a model that is in no price table.
fn twenty(time: Timestamp) -> Vec<Call> {
    let at = time.to_string();
    (0..20).map(|number| call(&format!("msg_{number}")).model(NEXT).at(at.as_str())).collect()
}

/// A home with twenty such calls today, and a budget of 5 USD a day.
fn home_with_twenty() -> Home {
    let home = home_with(&twenty(Timestamp::now()));
    home.json(&DAILY);
    home
}

/// Puts a price of the model into a price file.
fn price_next(home: &Home) {
    let mut models = json!({});
    models[NAME] = bare_prices();
    write_prices(home, &models);
}

/// The answer is no yes without a bound, and says how many calls are not in it.
#[track_caller]
fn is_no_plain_yes(home: &Home, arguments: &[&str], calls: &str) {
    let (code, answer) = ask(home, arguments);
    match answer["answer"].as_str() {
        Some("unknown") => assert_eq!(code, 3, "{answer}"),
        Some("yes") => {
            assert_eq!(code, 0, "{answer}");
            assert!(answer["at_most_usd"].is_string(), "a bound is told: {answer}");
        }
        _ => panic!("{answer}"),
    }
    let said = home.run(arguments);
    assert_eq!(said.code, code, "{said:?}");
    assert!(said.out.contains(calls), "{said:?}");
}

#[track_caller]
fn is_plain(home: &Home, arguments: &[&str], answer: &str, code: i32) {
    let said = ask(home, arguments);
    assert_eq!((said.0, &said.1["answer"]), (code, &json!(answer)), "{}", said.1);
}

#[test]
fn what_can_be_afforded_is_not_known_where_calls_have_no_price() {
    let home = home_with_twenty();
    is_no_plain_yes(&home, &["can-afford", "1"], "20 calls");
    is_no_plain_yes(&home, &["can-afford", "1", "--provider", "anthropic"], "20 calls");
    // That is too much whatever they cost.
    is_plain(&home, &["can-afford", "6"], "no", 1);
    let (_, own) = ask(&home, &["can-afford", "1"]);
    let running = home.start(&[]);
    is_no_plain_yes(&home, &["can-afford", "1"], "20 calls");
    assert_eq!(running.get("/api/v1/can-afford?usd=1").json()["answer"], own["answer"]);
    assert_eq!(running.stop(), 0);
}

#[test]
fn the_virtual_budget_does_not_know_either() {
    let home = home_with(&twenty(Timestamp::now()));
    home.json(&["budget", "virtual", "--daily", "5"]);
    is_no_plain_yes(&home, &["can-afford", "1"], "20 calls");
    is_plain(&home, &["can-afford", "4.5"], "no", 1);
}

#[test]
fn a_call_that_is_priced_in_part_leaves_no_plain_yes_either() {
    let home = Home::new();
    price_next(&home);
    let searched = call("msg_1").model(NEXT).at(Timestamp::now().to_string());
    let searched = searched.usage("server_tool_use", json!({"web_search_requests": 3}));
    home.transcript("a.jsonl", file(&[searched]));
    import(&home);
    assert_eq!(total(&home), "1 call, 1000 in, 1000 out, 3 searches, 0.003 USD, 1 partly priced");
    home.json(&DAILY);
    is_no_plain_yes(&home, &["can-afford", "1"], "1 call");
}

#[test]
fn calls_that_a_limit_does_not_count_leave_it_as_it_is() {
    let home = home_with(&twenty(Timestamp::now() - 24.hours()));
    home.json(&DAILY);
    is_plain(&home, &["can-afford", "1"], "yes", 0);
    let home = home_with(&twenty(Timestamp::now()));
    let elsewhere = [&DAILY[..], &["--project", "/w/elsewhere"]].concat();
    home.json(&elsewhere);
    is_plain(&home, &["can-afford", "1", "--project", "/w/elsewhere"], "yes", 0);
    home.json(&[&DAILY[..], &["--name", "other", "--provider", "deepseek"]].concat());
    is_plain(&home, &["can-afford", "1", "--provider", "deepseek", "--project", "/w/elsewhere"], "yes", 0);
}

/// The reasons' texts, together.
fn texts(shown: &Value) -> String {
    shown["reasons"].as_array().unwrap().iter().map(|reason| reason["text"].to_string()).collect()
}

#[test]
fn the_gate_warns_where_calls_have_no_price() {
    let home = home_with_twenty();
    let (code, shown) = ask(&home, &["gate", "check"]);
    assert_eq!((code, &shown["verdict"]), (0, &json!("warn")), "{shown}");
    assert!(texts(&shown).contains("20 calls"), "{shown}");
    price_next(&home);
    home.json(&["reprice"]);
    let (code, shown) = ask(&home, &["gate", "check"]);
    assert_eq!((code, &shown["verdict"]), (0, &json!("allow")), "{shown}");
}

#[test]
fn the_gate_warns_of_the_session_that_made_them_and_of_no_other() {
    let home = home_with(&twenty(Timestamp::now()));
    let verdict = |session: &str| {
        let mut command = home.command(&["gate", "check", "--json", "--session", session]);
        let said: Said = command.env("MECRIS_GATE__SESSION_USD", "5").output().unwrap().into();
        let shown: Value = serde_json::from_str(&said.out).unwrap();
        shown["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!((verdict("s").as_str(), verdict("another").as_str()), ("warn", "allow"));
}

#[test]
fn status_budgets_and_narrator_name_the_calls_without_a_price() {
    let home = home_with_twenty();
    let status = home.json(&["status"]);
    assert_eq!(status["unpriced"], json!({ "anthropic/claude-next-9": 20 }), "{status}");
    assert_eq!(status["today"]["unpriced_messages"], 20, "{status}");
    assert_eq!(status["budgets"][0]["unpriced_messages"], 20, "{status}");
    let said = home.run(&["status"]);
    assert!(said.out.contains(NEXT) && said.out.contains("20"), "{said:?}");
    let said = home.run(&["narrator"]);
    assert!(said.out.contains("20 calls"), "{said:?}");
}

#[test]
fn an_alert_about_a_budget_says_how_many_calls_are_not_in_it() {
    let home = Home::new();
    // 4 of 5 USD, by 160,000 tokens of Opus 5.
    let dear = call("msg_dear").model("claude-opus-5").tokens(0, 160_000).at(Timestamp::now().to_string());
    home.transcript("a.jsonl", dear.line() + &file(&twenty(Timestamp::now())));
    import(&home);
    home.json(&DAILY);
    let running = home.start(&[]);
    let alert = until("the budget is told of", || {
        alerts(&running).into_iter().find(|alert| alert["kind"] == "budget-threshold")
    });
    assert!(alert["text"].as_str().unwrap().contains("20 calls"), "{alert}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn one_command_prices_what_had_no_price_and_keeps_what_was_believed() {
    let home = home_with_twenty();
    assert_eq!(total(&home), BEFORE);
    let before = home.json(&["head"])["position"].as_u64().unwrap().to_string();
    price_next(&home);
    assert_eq!(total(&home), BEFORE, "a price file alone changes nothing");
    let repriced = home.json(&["reprice"]);
    assert_eq!(repriced["repriced"], 20, "{repriced}");
    assert_report(&home, "model", &[(NAME, AFTER)]);
    assert_report(&home, "session", &[("s", AFTER)]);
    assert_eq!(home.json(&["reprice"])["repriced"], 0, "once is enough");
    assert_eq!(home.json(&["status"])["unpriced"], json!({}));
    // What was believed then is still there.
    let then = home.json(&["replay", "--until", &before]);
    assert_eq!(Sum::of(&[then["total"].clone()]).to_string(), BEFORE, "{then}");
    let now = home.json(&["replay"]);
    assert_eq!(Sum::of(&[now["total"].clone()]).to_string(), AFTER, "{now}");
    assert_eq!(home.json(&["verify"])["problem_count"], 0);
    is_plain(&home, &["can-afford", "1"], "yes", 0);
    assert_eq!(ask(&home, &["can-afford", "1"]).1["left_usd"], "4.94");
}

#[test]
fn what_was_priced_stays_as_it_was() {
    let mut calls = twenty(Timestamp::now());
    calls.push(call("msg_known"));
    let home = home_with(&calls);
    let mut models = json!({});
    models[NAME] = bare_prices();
    models["anthropic/claude-sonnet-4-5"] = bare_prices();
    write_prices(&home, &models);
    assert_eq!(home.json(&["reprice"])["repriced"], 20);
    assert_report(&home, "model", &[(NAME, AFTER), (super::SONNET, super::ONE)]);
}

#[test]
fn what_still_has_no_price_stays_without_one() {
    let mut calls = twenty(Timestamp::now());
    calls.push(call("msg_other").model("claude-unknown-1"));
    let home = home_with(&calls);
    assert_eq!(home.json(&["reprice"])["repriced"], 0, "there is no price yet");
    price_next(&home);
    assert_eq!(home.json(&["reprice"])["repriced"], 20);
    assert_eq!(total(&home), "21 calls, 21000 in, 21000 out, 0.06 USD, 1 unpriced");
}

#[test]
fn what_was_priced_in_part_is_priced_in_whole() {
    let home = Home::new();
    price_next(&home);
    let searched = call("msg_1").model(NEXT).usage("server_tool_use", json!({"web_search_requests": 2}));
    home.transcript("a.jsonl", file(&[searched]));
    import(&home);
    let mut models = json!({});
    models[NAME] = bare_prices();
    models[NAME]["web_search_per_call"] = json!("0.01");
    write_prices(&home, &models);
    assert_eq!(home.json(&["reprice"])["repriced"], 1);
    assert_eq!(total(&home), "1 call, 1000 in, 1000 out, 2 searches, 0.023 USD");
    assert_eq!(home.json(&["reprice"])["repriced"], 0);
}

#[test]
fn a_call_that_was_priced_later_can_still_grow_and_is_never_taken_again() {
    let home = home_with_twenty();
    price_next(&home);
    home.json(&["reprice"]);
    let again = home.json(&["import", "--afresh"]);
    assert_eq!((&again["recorded"], &again["revised"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(total(&home), AFTER);
    home.transcript(
        "b.jsonl",
        call("msg_0").model(NEXT).tokens(1000, 2000).at(Timestamp::now().to_string()).line(),
    );
    import(&home);
    assert_eq!(total(&home), "20 calls, 20000 in, 21000 out, 0.062 USD");
}

#[test]
fn a_running_supervisor_prices_them_alike() {
    let home = home_with_twenty();
    let running = home.start(&[]);
    assert_eq!(total(&home), BEFORE);
    // It takes the price file, and the setting that names it, as they are now.
    price_next(&home);
    assert_eq!(home.json(&["reprice"])["repriced"], 20);
    assert_report(&home, "model", &[(NAME, AFTER)]);
    assert_eq!(home.json(&["reprice"])["repriced"], 0);
    assert_eq!(running.stop(), 0);
    assert_eq!(total(&home), AFTER);
}
