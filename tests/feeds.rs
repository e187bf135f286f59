//! Feeds: each day's spend is posted once, corrected when late usage arrives, whatever is killed or deleted.

use jiff::civil::Date;
use serde_json::Value;

use crate::goals::{FAR, day, in_utc, told, until, variables};
use crate::support::outside::beeminder::{self, HoldReason, World};
use crate::support::program::Home;

/// A billed call of a day.
fn call(id: u32, output: u32, day: Date) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"{day}T00:00:01Z","sessionId":"live","cwd":"/w","requestId":"req_{id}","message":{{"id":"msg_{id}","model":"claude-opus-5","content":[],"usage":{{"input_tokens":1000,"output_tokens":{output}}}}}}}"#
    ) + "\n"
}

/// What the program itself reports of each day from one on, by day.
fn spent(home: &Home, since: Date) -> Vec<(String, f64)> {
    let report = home.json(&["report", "daily", "--since", &since.to_string()]);
    let days = report["days"].as_array().unwrap().iter().map(|group| {
        let costs = group["models"].as_array().unwrap().iter().map(|line| line["cost_usd"].as_str().unwrap());
        (
            group["day"].as_str().unwrap().replace('-', ""),
            costs.map(|cost| cost.parse::<f64>().unwrap()).sum(),
        )
    });
    let mut days: Vec<(String, f64)> = days.collect();
    days.sort_by(|one, other| one.0.cmp(&other.0));
    days
}

/// The datapoints of a goal that are not of a day without spend, by day.
fn posted(world: &World, slug: &str) -> Vec<(String, f64)> {
    let points = world.datapoints.get(slug).into_iter().flatten();
    let mut days: Vec<(String, f64)> = points
        .map(|point| (point["daystamp"].as_str().unwrap().to_owned(), point["value"].as_f64().unwrap()))
        .filter(|(_, value)| *value != 0.0)
        .collect();
    days.sort_by(|one, other| one.0.cmp(&other.0));
    days
}

/// Every day has one datapoint only.
fn is_once_a_day(world: &World, slug: &str) -> bool {
    let points = world.datapoints[slug].iter();
    let mut days: Vec<&str> = points.map(|point| point["daystamp"].as_str().unwrap()).collect();
    let count = days.len();
    days.sort_unstable();
    days.dedup();
    days.len() == count
}

#[test]
fn a_feed_posts_each_day_once_and_corrects_it() {
    let server = in_utc();
    server.world.lock().goal("spend", 9, FAR);
    let (home, base) = (Home::new(), server.base());
    for back in 0..4 {
        home.transcript(&format!("{back}.jsonl"), call(back as u32, 1_000 + 10 * back as u32, day(back)));
    }
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    home.json(&["import"]);
    let since = day(2);
    let started = home.json(&["goal", "feed", "spend", "--from", "spend", "--since", &since.to_string()]);
    assert_eq!(
        (&started["feeds"][0]["slug"], &started["feeds"][0]["budget"]),
        (&"spend".into(), &Value::Null)
    );
    let as_spent = || posted(&server.world.lock(), "spend") == spent(&home, since);
    until("three days are posted", as_spent);
    assert_eq!(posted(&server.world.lock(), "spend").len(), 3, "nothing from before it was to begin");
    // Late usage of yesterday, and of a day before the first.
    home.transcript("late.jsonl", call(77, 5_000, day(1)) + &call(78, 1, day(3)));
    home.json(&["import"]);
    until("yesterday is corrected", as_spent);
    {
        let world = server.world.lock();
        assert!(is_once_a_day(&world, "spend"), "{:?}", world.datapoints);
        assert_eq!(world.writes, 4, "only what changed is sent");
    }
    let feeds = home.json(&["goal", "feeds"]);
    assert_eq!(
        (&feeds["feeds"][0]["state"], &feeds["feeds"][0]["days_written"]),
        (&"running".into(), &3.into())
    );
    assert_eq!(feeds["feeds"][0]["last_day"], day(0).to_string());
    // The table fits, and a stopped feed posts nothing.
    let text = home.run(&["goal", "feeds"]);
    assert!(text.out.lines().all(|line| line.chars().count() <= 80), "{text:?}");
    assert_eq!(home.json(&["goal", "feed", "spend", "--stop"])["feeds"][0]["state"], "stopped");
    home.transcript("later.jsonl", call(79, 9_000, day(0)));
    home.json(&["import"]);
    let looks = || server.world.lock().asked.len();
    let before = looks();
    until("two more looks", || looks() >= before + 2);
    assert_eq!(server.world.lock().writes, 4);
    // Started again, for what one budget covers: the same day is the same datapoint.
    home.json(&["budget", "set", "--amount", "50", "--model", "claude-opus-*"]);
    home.json(&["goal", "feed", "spend", "--from", "spend", "--budget", "main"]);
    until("today is corrected", as_spent);
    assert!(is_once_a_day(&server.world.lock(), "spend"));
    for (arguments, part) in [
        (&["goal", "feed", "spend", "--from", "spend", "--budget", "other"][..], "there is no budget"),
        (&["goal", "feed", "else", "--stop"], "nothing feeds"),
    ] {
        let said = home.run(arguments);
        assert!(said.code == 2 && said.err.contains(part), "{said:?}");
    }
    home.json(&["budget", "remove", "main"]);
    assert_eq!(home.json(&["goal", "feeds"])["feeds"][0]["state"], "no-budget");
    assert_eq!(running.stop(), 0);
    assert_eq!(home.json(&["goal", "feeds"])["feeds"][0]["state"], "no-budget", "without a supervisor too");
}

/// Killed before the write, after it, and wherever chance has it: in the end each day has one datapoint with
/// what was spent, and the log has one outcome for each intent.
#[test]
fn killed_between_intent_and_outcome_each_day_is_posted_once() {
    let server = in_utc();
    server.world.lock().goal("spend", 9, FAR);
    let (home, base) = (Home::new(), server.base());
    let start = || home.start_with(&[], &variables(&base, beeminder::TOKEN));
    for back in 0..3 {
        home.transcript(&format!("{back}.jsonl"), call(back as u32, 100, day(back)));
    }
    home.json(&["import"]);
    let since = day(2);
    let mut command =
        home.command(&["goal", "feed", "spend", "--from", "spend", "--since", &since.to_string()]);
    let fed = command.envs(variables(&base, beeminder::TOKEN)).output().unwrap();
    assert!(fed.status.success());
    let as_spent = || posted(&server.world.lock(), "spend") == spent(&home, since);
    let moments = [
        Some(HoldReason::Before),
        Some(HoldReason::After),
        None,
        Some(HoldReason::After),
        Some(HoldReason::Before),
        None,
        None,
    ];
    for (round, hold) in moments.into_iter().enumerate() {
        let id = 100 + round as u32;
        home.transcript(&format!("round-{round}.jsonl"), call(id, 1_000, day(i64::from(id % 3))));
        let writes = {
            let mut world = server.world.lock();
            (world.hold, world.held) = (hold, 0);
            world.writes
        };
        let mut running = start();
        match hold {
            Some(_) => until("a write is held", || server.world.lock().held > 0),
            None => until("a write came", || server.world.lock().writes > writes),
        }
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        let mut world = server.world.lock();
        world.hold = None;
        assert!(!world.datapoints.contains_key("spend") || is_once_a_day(&world, "spend"), "round {round}");
    }
    let running = start();
    until("all days are as they were spent", as_spent);
    until("nothing is open", || home.json(&["goal", "feeds"])["feeds"][0]["days_waiting"] == 0);
    assert!(is_once_a_day(&server.world.lock(), "spend"), "{:?}", server.world.lock().datapoints);
    let key = |event: &Value| format!("{} {}", event["data"]["request_id"], event["data"]["revision"]);
    let mut intents: Vec<String> = Vec::new();
    let mut outcomes: Vec<String> = Vec::new();
    for event in told(&running, &["datapoint-intended", "datapoint-written", "datapoint-refused"]) {
        match event["type"].as_str().unwrap() {
            "datapoint-intended" => intents.push(key(&event)),
            "datapoint-written" => {
                assert!(intents.contains(&key(&event)), "an outcome without an intent");
                outcomes.push(key(&event));
            }
            other => panic!("{other}: {event}"),
        }
    }
    let count = outcomes.len();
    outcomes.sort();
    outcomes.dedup();
    assert_eq!(outcomes.len(), count, "an outcome is told once");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_goal_that_is_gone_and_one_without_numbers_harm_nobody() {
    let server = in_utc();
    server.world.lock().goal("spend", 9, FAR);
    server.world.lock().goal("odd", 9, FAR)["safebuf"] = Value::Null;
    server.world.lock().goal("still", 9, FAR + 1);
    let (home, base) = (Home::new(), server.base());
    home.transcript("a.jsonl", call(1, 100, day(0)));
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    until("the goals are known", || {
        running.get("/api/v1/goals").json()["goals"].as_array().unwrap().len() == 3
    });
    for slug in ["spend", "still"] {
        home.json(&["goal", "feed", slug, "--from", "spend"]);
    }
    until("both are fed", || server.world.lock().datapoints.len() == 2);
    server.world.lock().delete_goal("spend");
    home.transcript("b.jsonl", call(2, 100, day(0)));
    home.json(&["import"]);
    let feed = |slug: &str| {
        let feeds = running.get("/api/v1/feeds").json()["feeds"].as_array().unwrap().clone();
        feeds.into_iter().find(|feed| feed["slug"] == slug).unwrap()
    };
    until("it is refused", || feed("spend")["state"] == "refused");
    assert!(feed("spend")["reason"].as_str().unwrap().contains("does not know"), "{}", feed("spend"));
    until("the other is corrected", || posted(&server.world.lock(), "still") == spent(&home, day(0)));
    // It is left alone, however much is spent.
    let writes = server.world.lock().writes;
    home.transcript("c.jsonl", call(3, 100, day(0)));
    home.json(&["import"]);
    until("the other goes on", || posted(&server.world.lock(), "still") == spent(&home, day(0)));
    assert_eq!(server.world.lock().writes, writes + 1);
    until("it is shown no more", || {
        running.get("/api/v1/goals").json()["goals"].as_array().unwrap().len() == 2
    });
    let goals = running.get("/api/v1/goals").json();
    assert_eq!((&goals["goals"][0]["slug"], &goals["goals"][0]["risk"]), (&"odd".into(), &"UNKNOWN".into()));
    assert_eq!(
        (&goals["goals"][0]["urgency"], &goals["goals"][0]["safe_days"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(running.stop(), 0);
}
