//! Goals: what is asked of Beeminder and when, datapoints that are written once, feeds, local goals.

use std::time::{Duration, Instant};

use jiff::ToSpan;
use jiff::civil::Date;
use mecris::config::{self, BaseUrl, Secret};
use mecris::integration::beeminder::{Beeminder as Client, NewDatapoint};
use mecris::integration::resilience::Policy;
use serde_json::Value;

use crate::support::outside::beeminder::{self, Beeminder, Line};
use crate::support::program::{Home, Running};

/// Far enough for every test.
pub const FAR: i64 = 1_990_000_000;

/// What a supervisor is told of a server.
pub fn variables<'a>(base: &'a str, token: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("BEEMINDER_API_BASE", base),
        ("BEEMINDER_AUTH_TOKEN", token),
        ("MECRIS_BEEMINDER__POLL_SECONDS", "1"),
        ("MECRIS_OUTSIDE__TIMEOUT_SECONDS", "2"),
    ]
}

/// Waits until something is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come about: {what}");
        std::thread::sleep(Duration::from_millis(25));
    }
}

/// Events of these types, by type.
pub fn told(running: &Running, types: &[&str]) -> Vec<Value> {
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
    assert!(client.changes_since(since).await.unwrap().goals.is_empty());
    let new = NewDatapoint {
        value: "4".into(),
        daystamp: "20261123".into(),
        comment: "two days' worth".into(),
        request_id: "r1".into(),
    };
    let point = client.write("read", &new).await.unwrap();
    let goal = client.changes_since(since).await.unwrap().goals[0].clone();
    assert_eq!((goal.safebuf, goal.losedate), (Some(3), Some(FAR + 2 * 86_400)));
    assert_eq!(client.update("read", &point.id, "2.5", "less").await.unwrap().comment, "less");
    assert_eq!(client.goal("read").await.unwrap().safebuf, Some(2));
    for _ in 0..2 {
        client.delete("read", &point.id).await.unwrap();
    }
    assert!(client.datapoints("read", 5).await.unwrap().is_empty());
    assert_eq!(client.update("read", &point.id, "1", "").await.unwrap_err().kind(), "not-found");
    assert!(client.changes_since(1).await.is_err(), "before there was an account");
}

/// Beeminder with an account in UTC, where the program is: days are the same then.
pub fn in_utc() -> Beeminder {
    let server = Beeminder::start();
    server.world.lock().timezone = "UTC".into();
    server
}

/// The first day of the program's, which knows UTC only, counted back from today.
pub fn day(back: i64) -> Date {
    jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date() - back.days()
}

#[test]
fn a_datapoint_is_added_once_with_a_supervisor_and_without() {
    let server = in_utc();
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
    assert_eq!(
        seen,
        [1, 3, 5],
        "it is asked for first; old numbers are no news while the new ones are computed"
    );
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
