//! Goals: what is asked of Beeminder and when, datapoints that are written once, feeds, local goals.

use std::time::{Duration, Instant};

use mecris::config::{self, BaseUrl, Secret};
use mecris::integration::beeminder::{Beeminder as Client, NewDatapoint};
use mecris::integration::resilience::Policy;

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

use crate::support::outside::beeminder::{self, Beeminder, Hold, Line, World};
use crate::support::program::{Home, Running};

/// Far enough for every test.
const FAR: i64 = 1_990_000_000;

/// What a supervisor is told of a server.
fn variables<'a>(base: &'a str, token: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("BEEMINDER_API_BASE", base),
        ("BEEMINDER_AUTH_TOKEN", token),
        ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
        ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "2"),
    ]
}

/// Waits until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come about: {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Events of these types, by type.
fn told(running: &Running, types: &[&str]) -> Vec<Value> {
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap().iter();
    events.filter(|event| types.contains(&event["type"].as_str().unwrap())).cloned().collect()
}

#[test]
fn an_unchanged_account_costs_one_small_call_and_a_change_what_changed() {
    let server = Beeminder::start();
    for number in 0..20 {
        server.world.lock().goal(&format!("goal-{number}"), 9, FAR + number);
    }
    let (home, base) = (Home::new(), server.base());
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    let looks = |what: &str| server.world.lock().asked.iter().filter(|asked| *asked == what).count();
    until("five looks", || looks("user me.json") >= 5);
    assert_eq!((looks("goals"), looks("changes")), (1, 0), "all goals are asked for once");
    server.world.lock().goal("goal-3", 1, FAR - 5);
    until("the change is seen", || running.get("/api/v1/goals").json()["goals"][0]["risk"] == "WARNING");
    server.world.lock().delete_goal("goal-4");
    until("the end is seen", || running.get("/api/v1/goals").json()["goals"].as_array().unwrap().len() == 19);
    assert_eq!((looks("goals"), looks("changes")), (1, 2), "a change costs what changed");
    assert_eq!(told(&running, &["goal-observed", "goal-gone"]).len(), 22, "an event for what changed only");
    assert_eq!(running.stop(), 0);
}

#[tokio::test]
async fn datapoints_are_listed_changed_and_deleted() {
    let server = Beeminder::start();
    let line = Line { per_day: 2.0, safebuf: 1, losedate: FAR };
    server.world.lock().do_more("read", line);
    let settings = config::Beeminder {
        api_base: BaseUrl::parse(&server.base()).unwrap(),
        ..config::Beeminder::default()
    };
    let token = Secret::new(beeminder::TOKEN);
    let client = Client::new(&settings, &token, Policy::default(), std::sync::Arc::new(|_, _| {})).unwrap();
    let since = client.user().await.unwrap().0.updated_at;
    assert_eq!(client.changes_since(since).await.unwrap().goals, []);
    let new = NewDatapoint {
        value: "4".into(),
        daystamp: "20261123".into(),
        comment: "two days' worth".into(),
        request_id: "r1".into(),
    };
    let point = client.write("read", &new).await.unwrap();
    let goal = client.changes_since(since).await.unwrap().goals.remove(0);
    assert_eq!((goal.safebuf, goal.losedate), (Some(3), Some(FAR + 2 * 86_400)));
    assert_eq!(client.update("read", &point.id, "2.5", "less").await.unwrap().comment, "less");
    assert_eq!(client.goal("read").await.unwrap().safebuf, Some(2));
    for _ in 0..2 {
        client.delete("read", &point.id).await.unwrap();
    }
    assert_eq!(client.datapoints("read", 5).await.unwrap(), []);
    assert_eq!(client.update("read", &point.id, "1", "").await.unwrap_err().kind(), "not-found");
    assert!(client.changes_since(1).await.is_err(), "before there was an account");
}

/// The first day of the program's, which knows UTC only, counted back from today.
fn day(back: i64) -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date() - back.days()
}

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
fn a_datapoint_is_added_once_with_a_supervisor_and_without() {
    let server = Beeminder::start();
    let line = Line { per_day: 1.0, safebuf: 1, losedate: FAR };
    server.world.lock().do_more("read", line);
    server.world.lock().queued_for = 2;
    let (home, base) = (Home::new(), server.base());
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        crate::support::program::Said::from(
            command.envs(variables(&base, beeminder::TOKEN)).output().unwrap(),
        )
    };
    let add = ["goal", "add", "read", "2.50", "--comment", "pages #ARCHIVE", "--request-id", "r1"];
    for round in 0..2 {
        let said = run(&[&add[..], &["--json"]].concat());
        let shown: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error} {said:?}"));
        assert_eq!((&shown["state"], &shown["value"]), (&"written".into(), &"2.5".into()), "round {round}");
        assert_eq!(server.world.lock().writes, 1, "what is known to be written is not sent again");
    }
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    until("the goal is seen", || running.get("/api/v1/goals").json()["goals"][0]["safe_days"] == 3);
    assert_eq!(home.json(&add)["state"], "written");
    let changed = ["goal", "add", "read", "4", "--request-id", "r1"];
    assert_eq!(home.json(&changed)["state"], "written");
    until("its new numbers are waited for", || {
        running.get("/api/v1/goals").json()["goals"][0]["safe_days"] == 5
    });
    {
        let world = server.world.lock();
        let points = &world.datapoints["read"];
        assert_eq!((points.len(), &points[0]["value"]), (1, &4.0.into()));
        assert_eq!(points[0]["daystamp"], day(0).strftime("%Y%m%d").to_string());
        assert_eq!(world.obeyed, Vec::<String>::new(), "what a person says commands nothing");
    }
    let seen: Vec<Value> =
        told(&running, &["goal-observed"]).iter().map(|event| event["data"]["safebuf"].clone()).collect();
    assert_eq!(seen, [3, 5], "old numbers are no news while the new ones are computed");
    let kinds: Vec<Value> = told(&running, &["datapoint-intended", "datapoint-written", "datapoint-refused"])
        .iter()
        .map(|event| event["type"].clone())
        .collect();
    let [intended, written] = ["datapoint-intended", "datapoint-written"];
    assert_eq!(kinds, [intended, written, intended, written], "an intent before, an outcome after");
    let refused = home.run(&["goal", "add", "nothing", "1"]);
    assert!(refused.code == 1 && refused.err.contains("was not taken"), "{refused:?}");
    assert_eq!(running.stop(), 0);
    for (arguments, code, part) in [
        (&["goal", "add", "read", "1e3"][..], 2, "decimal number"),
        (&["goal", "add", "a/b", "1"], 2, "slug"),
        (&["goal", "add", "read", "1", "--request-id", "a b"], 2, "request id"),
        (&["goal", "add", "gone", "1"], 1, "was not taken"),
    ] {
        let said = run(arguments);
        assert!(said.code == code && said.err.contains(part), "{arguments:?}: {said:?}");
    }
    let alone = home.run(&["goal", "add", "read", "1"]);
    assert!(alone.code == 2 && alone.err.contains("BEEMINDER_AUTH_TOKEN"), "{alone:?}");
}

#[test]
fn a_feed_posts_each_day_once_and_corrects_it() {
    let server = Beeminder::start();
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
        assert!(said.code == 1 && said.err.contains(part), "{said:?}");
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
    let server = Beeminder::start();
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
    let moments =
        [Some(Hold::Before), Some(Hold::After), None, Some(Hold::After), Some(Hold::Before), None, None];
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
fn local_goals_are_kept_with_a_supervisor_and_without() {
    let home = Home::new();
    let due = |ahead: i64| day(-ahead).to_string();
    let make = |slug: &str, priority: &str, ahead: i64| {
        home.json(&["goal", "new", slug, "--title", "A thing", "--priority", priority, "--due", &due(ahead)])
    };
    for running in [None, Some(home.start(&[]))] {
        for (slug, priority, ahead) in [
            ("later", "high", 9),
            ("soon", "low", 2),
            ("tomorrow", "medium", 1),
            ("minor", "low", 0),
            ("now", "high", 0),
        ] {
            make(slug, priority, ahead);
        }
        let shown = home.json(&["goals"]);
        let lines: Vec<[&str; 4]> = shown["goals"]
            .as_array()
            .unwrap()
            .iter()
            .map(|goal| {
                ["slug", "source", "risk", "urgency"].map(|field| goal[field].as_str().unwrap_or("-"))
            })
            .collect();
        let expected = [
            ["now", "local", "CRITICAL", "IMMEDIATE"],
            ["minor", "local", "CRITICAL", "IMMEDIATE"],
            ["tomorrow", "local", "WARNING", "TODAY"],
            ["soon", "local", "CAUTION", "SOON"],
            ["later", "local", "SAFE", "-"],
        ];
        assert_eq!(lines, expected, "{shown}");
        assert_eq!(home.json(&["status"])["urgent_goals"].as_array().unwrap().len(), 4);
        let table = home.run(&["goals"]);
        assert!(table.out.lines().all(|line| line.chars().count() <= 80), "{table:?}");
        assert_eq!(home.json(&["goal", "add", "now", "1"])["source"], "local");
        assert_eq!(home.json(&["goals"])["goals"][0]["has_data_today"], true);
        if let Some(running) = &running {
            let subjects = || -> Vec<String> {
                let shown = running.get("/api/v1/alerts").json();
                let alerts = shown["alerts"].as_array().unwrap().iter();
                alerts.filter_map(|alert| Some(alert["subject"].as_str()?.to_owned())).collect()
            };
            until("they are warned of", || {
                let subjects = subjects();
                ["now", "minor", "tomorrow", "soon"]
                    .iter()
                    .all(|slug| subjects.iter().any(|told| told == slug))
            });
            assert!(!subjects().iter().any(|told| told == "later"), "what is far off is no news");
        }
        for (slug, end) in [("now", "done"), ("minor", "drop"), ("tomorrow", "done"), ("soon", "drop")] {
            home.json(&["goal", end, slug]);
        }
        assert_eq!(home.json(&["goal", "done", "later"])["goals"], Value::Array(Vec::new()));
        let again = home.run(&["goal", "done", "later"]);
        assert!(again.code != 0 && again.err.contains("there is no local goal 'later'"), "{again:?}");
        if let Some(running) = running {
            assert_eq!(told(&running, &["local-goal-closed"]).len(), 10);
            assert_eq!(told(&running, &["datapoint-written"]).len(), 2);
            assert_eq!(running.stop(), 0);
        }
    }
    for wrong in [&["goal", "new", "x", "--due", "soon"][..], &["goal", "new", "x", "--due", "2026-13-01"]] {
        assert_eq!(home.run(wrong).code, 2);
    }
}

/// One clear state, few requests, and what a person added meanwhile is written once when the token is mended.
#[test]
fn with_a_wrong_token_nothing_storms_and_nothing_is_lost() {
    let server = Beeminder::start();
    server.world.lock().goal("read", 2, FAR);
    let (home, base) = (Home::new(), server.base());
    let running = home.start_with(&[], &variables(&base, "marked-wrong-token"));
    let source = || {
        let shown = running.get("/api/v1/sources").json();
        let sources = shown["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|source| source["name"] == "beeminder").unwrap()
    };
    until("it is told", || source()["state"] == "unauthorized");
    let shown = home.json(&["goal", "add", "read", "3", "--day", &day(1).to_string()]);
    assert_eq!(shown["state"], "waiting");
    assert!(shown["reason"].as_str().unwrap().contains("set beeminder.token"), "{shown}");
    // Long enough for four looks of a poll that does not know when to stop.
    std::thread::sleep(Duration::from_secs(4));
    assert!(server.front.requests() <= 3, "{} requests", server.front.requests());
    let incidents = running.get("/api/v1/incidents").json();
    let told: Vec<&Value> = incidents["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|told| told["subject"] == "beeminder")
        .collect();
    assert_eq!(told.len(), 1, "{incidents}");
    assert_eq!(running.stop(), 0);
    let running = home.start_with(&[], &variables(&base, beeminder::TOKEN));
    until("it is written", || server.world.lock().datapoints.contains_key("read"));
    assert_eq!(server.world.lock().datapoints["read"][0]["daystamp"], day(1).strftime("%Y%m%d").to_string());
    assert_eq!(running.stop(), 0);
    assert_eq!(server.world.lock().datapoints["read"].len(), 1);
}

#[test]
fn a_goal_that_is_gone_and_one_without_numbers_harm_nobody() {
    let server = Beeminder::start();
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
