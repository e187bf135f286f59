//! Weeks that begin on another day, rolling windows and budget years, as the command line, HTTP and MCP have them; and
//! time zones, of which one that does not exist is an error.

use std::fmt::Write as _;

use jiff::civil::{Date, Weekday, date};
use jiff::{Timestamp, ToSpan};
use mecris::event::{EventId, Metadata, NewEvent, StreamId, TenantId};
use mecris::log::{Append, EventLog, Expected, Options, SledLog};
use serde_json::{Value, json};

use crate::mcp::{given, refused};
use crate::support::program::{Answer, Home, Running, Said};

/// A call that costs one dollar: 1000 tokens in at 5, and 39 800 out at 25 micro-dollars.
fn dollar(id: usize, at: &str) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"{at}","sessionId":"s","cwd":"/w","requestId":"req_{id}","message":{{"id":"msg_{id}","model":"claude-opus-5","content":[],"usage":{{"input_tokens":1000,"output_tokens":39800}}}}}}"#
    ) + "\n"
}

/// A home that has spent a dollar at each of these instants.
fn spent_at(instants: &[String]) -> Home {
    let home = Home::new();
    let calls = instants.iter().enumerate().fold(String::new(), |mut text, (id, at)| {
        let _ = write!(text, "{}", dollar(id, at));
        text
    });
    home.transcript("a.jsonl", calls);
    home.json(&["import"]);
    home
}

fn today() -> Date {
    Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// A home that has spent a dollar on each of these days before today, at the day's first instant.
fn spent_before(days: &[i64]) -> Home {
    let today = today();
    let instants: Vec<String> =
        days.iter().map(|back| format!("{}T00:00:00Z", today.saturating_sub(back.days()))).collect();
    spent_at(&instants)
}

fn day(value: &Value) -> Date {
    value.as_str().unwrap().parse().unwrap()
}

fn fails(said: &Said, code: i32, words: &[&str]) {
    assert_eq!(said.code, code, "{said:?}");
    assert_eq!(said.err.trim_end().lines().count(), 1, "one line: {said:?}");
    for word in words {
        assert!(said.err.contains(word), "'{word}' is not in {said:?}");
    }
}

fn run_with(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Said {
    home.command(arguments).envs(variables.iter().copied()).output().unwrap().into()
}

fn json_with(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let said = run_with(home, &[arguments, &["--json"]].concat(), variables);
    assert_eq!(said.code, 0, "{arguments:?} {variables:?}: {said:?}");
    serde_json::from_str(&said.out).unwrap()
}

fn put(running: &Running, body: &Value) -> Answer {
    let bearer = format!("Bearer {}", running.token);
    running.send("PUT", "/api/v1/budgets/main", &[("authorization", &bearer)], Some(&body.to_string()))
}

fn main_of(budgets: &Value) -> Value {
    budgets["budgets"].as_array().unwrap().iter().find(|line| line["name"] == "main").unwrap().clone()
}

const SUNDAY: (&str, &str) = ("MECRIS_WEEK_STARTS", "sunday");

#[test]
fn the_weeks_of_a_report_begin_as_the_settings_say() {
    // A Saturday, a Sunday and a Monday, in the week of a year's end.
    let home = spent_at(
        &["2025-12-27T10:00:00Z", "2025-12-28T10:00:00Z", "2025-12-29T10:00:00Z"].map(str::to_owned),
    );
    let weeks = |report: &Value| {
        let weeks = report["weeks"].as_array().unwrap();
        let week = |week: &Value| (week["week"].clone(), week["models"][0]["cost_usd"].clone());
        weeks.iter().map(week).collect::<Vec<_>>()
    };
    let two = |first: &str, costs: [&str; 2], second: &str| {
        vec![(json!(first), json!(costs[0])), (json!(second), json!(costs[1]))]
    };
    let monday = two("2025-12-22", ["2", "1"], "2025-12-29");
    let sunday = two("2025-12-21", ["1", "2"], "2025-12-28");
    let report = ["report", "weekly"];
    assert_eq!(weeks(&home.json(&report)), monday);
    assert_eq!(weeks(&json_with(&home, &report, &[SUNDAY])), sunday);
    let thursday = json_with(&home, &report, &[("MECRIS_WEEK_STARTS", "Thursday")]);
    assert_eq!(weeks(&thursday), [(json!("2025-12-25"), json!("3"))]);
    fails(
        &run_with(&home, &report, &[("MECRIS_WEEK_STARTS", "someday")]),
        2,
        &["MECRIS_WEEK_STARTS", "'someday' is not a day of the week", "monday, tuesday, wednesday", "sunday"],
    );
    // In the file, over HTTP, and while it runs.
    let path = home.dir.path().join("config.toml");
    std::fs::write(&path, "week_starts = \"sunday\"\n").unwrap();
    let running = home.start(&["--config", path.to_str().unwrap()]);
    let asked = || weeks(&running.get("/api/v1/spend?by=weekly").json());
    assert_eq!(asked(), sunday);
    std::fs::write(&path, "week_starts = \"monday\"\n").unwrap();
    let reloaded = home.json(&["reload"]);
    assert_eq!(reloaded, json!({ "changed": [{ "key": "week_starts", "applied": true }] }));
    assert_eq!(asked(), monday);
}

#[test]
fn a_weekly_budget_keeps_the_day_that_it_began_with_when_it_was_set() {
    let home = Home::new();
    let set = ["budget", "set", "--amount", "50", "--period", "weekly"];
    let starts = |budgets: &Value| {
        let line = main_of(budgets);
        let (first, last) = (day(&line["period_first"]), day(&line["period_last"]));
        assert_eq!(last, first.saturating_add(6.days()), "{line}");
        assert!((first..=last).contains(&today()), "{line}");
        (line["week_starts"].as_str().unwrap().to_owned(), first.weekday())
    };
    let is = |name: &str, weekday: Weekday| (name.to_owned(), weekday);
    assert_eq!(starts(&home.json(&set)), is("monday", Weekday::Monday));
    assert_eq!(starts(&json_with(&home, &set, &[SUNDAY])), is("sunday", Weekday::Sunday));
    // The setting is another one again; the budget is not.
    assert_eq!(starts(&home.json(&["budget", "list"])), is("sunday", Weekday::Sunday));
    let own = [&set[..], &["--week-starts", "Wednesday"]].concat();
    assert_eq!(starts(&json_with(&home, &own, &[SUNDAY])), is("wednesday", Weekday::Wednesday));
    fails(
        &home.run(&["budget", "set", "--amount", "1", "--period", "monthly", "--week-starts", "sunday"]),
        2,
        &["'week_starts' belongs to a weekly period, and this one is monthly"],
    );
    let someday = home.run(&["budget", "set", "--amount", "1", "--week-starts", "someday"]);
    assert!(someday.code == 2 && someday.err.contains("use monday, tuesday"), "{someday:?}");
    // Over HTTP and MCP it is the running one's setting.
    let running = home.start_with(&[], &[("MECRIS_WEEK_STARTS", "saturday")]);
    let by_http = put(&running, &json!({ "amount_usd": "50", "period": "weekly" }));
    assert_eq!(starts(&by_http.json()), is("saturday", Weekday::Saturday));
    let by_http = put(&running, &json!({ "amount_usd": "50", "week_starts": "friday" }));
    assert_eq!(starts(&by_http.json()), is("friday", Weekday::Friday));
    let body = json!({ "name": "main", "amount_usd": "60", "period": "weekly" });
    assert_eq!(starts(&given(&running, "update_budget", &body)), is("friday", Weekday::Friday), "as it was");
    let body = json!({ "name": "main", "amount_usd": "60", "week_starts": "tuesday" });
    assert_eq!(starts(&given(&running, "update_budget", &body)), is("tuesday", Weekday::Tuesday));
    let body = json!({ "name": "other", "amount_usd": "60", "period": "weekly" });
    assert_eq!(given(&running, "update_budget", &body)["budgets"][1]["week_starts"], "saturday");
    assert_eq!(running.stop(), 0);
    assert_eq!(starts(&home.json(&["budget", "list"])), is("tuesday", Weekday::Tuesday), "from the log");
}

#[test]
fn a_rolling_budget_is_of_the_last_days_and_of_no_others() {
    let home = spent_before(&[0, 6, 7]);
    let set = |days: &'static str| {
        home.json(&[
            "budget",
            "set",
            "--amount",
            "2.5",
            "--period",
            "rolling",
            "--days",
            days,
            "--ending-days",
            "400",
        ])
    };
    let used = |budgets: &Value| {
        let line = main_of(budgets);
        let last = day(&line["period_last"]);
        let days = line["days"].as_i64().unwrap();
        assert_eq!(day(&line["period_first"]), last.saturating_sub((days - 1).days()), "{line}");
        assert_eq!((&line["period"], &line["days_left"]), (&json!("rolling"), &json!(1)), "{line}");
        let flags = line["flags"].as_array().unwrap();
        assert!(!flags.contains(&json!("PERIOD_ENDING")), "it never ends: {line}");
        line["used_usd"].as_str().unwrap().to_owned()
    };
    assert_eq!(used(&set("1")), "1");
    assert_eq!(used(&set("6")), "1");
    assert_eq!(used(&set("7")), "2");
    // Whoever asks for money is told by the same window, and so are the gate and the forecast.
    let afford = |usd: &str| home.run(&["can-afford", usd, "--project", "/w"]).code;
    assert_eq!((afford("0.5"), afford("0.51")), (0, 1));
    let verdict = || {
        let said = home.run(&["gate", "check", "--project", "/w", "--json"]);
        let answer: Value = serde_json::from_str(&said.out).unwrap();
        answer["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict(), "warn", "2 of 2.5 USD");
    assert_eq!(used(&set("8")), "3");
    assert_eq!((afford("0.01"), verdict().as_str()), (1, "block"));
    let forecasts = home.json(&["forecast"])["forecasts"].clone();
    let of_main = forecasts.as_array().unwrap().iter().find(|line| line["name"] == "main").unwrap();
    assert_eq!((&of_main["state"], &of_main["left_usd"]), (&json!("spent"), &json!("-0.5")));
    let listed = home.json(&["budget", "list"]);
    assert_eq!(of_main["until"], main_of(&listed)["period_last"], "until tonight");
    assert!(home.run(&["budget", "list"]).out.contains("last 8"));
    // A replay reads it from the log.
    assert_eq!(used(&home.json(&["replay"])), "3");
    for (days, words) in [("0", "from 1 to 366 days, not 0"), ("367", "not 367")] {
        fails(
            &home.run(&["budget", "set", "--amount", "1", "--period", "rolling", "--days", days]),
            2,
            &[words],
        );
    }
    fails(
        &home.run(&["budget", "set", "--amount", "1", "--period", "rolling"]),
        2,
        &["needs its number of days"],
    );
    let running = home.start(&[]);
    let ok = put(&running, &json!({ "amount_usd": "2.5", "period": "rolling", "days": 7 }));
    assert_eq!((ok.status, used(&ok.json()).as_str()), (200, "2"));
    // 400, as everywhere, where a field by itself is none; 422 where they do not go together.
    for (status, body, words) in [
        (422, json!({ "amount_usd": "1", "period": "rolling" }), "needs its number of days"),
        (400, json!({ "amount_usd": "1", "days": 400 }), "days must be at most 366"),
        (
            422,
            json!({ "amount_usd": "1", "period": "daily", "days": 4 }),
            "'days' belongs to a rolling period",
        ),
        (
            400,
            json!({ "amount_usd": "1", "period": "hourly" }),
            "daily, weekly, monthly, yearly, rolling, fixed",
        ),
        (400, json!({ "amount_usd": "1", "week_starts": "someday" }), "use monday, tuesday"),
        (400, json!({ "amount_usd": "1", "year_starts": "02-30" }), "'02-30' is not a day of the year"),
    ] {
        let answer = put(&running, &body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(words), "{body}: {answer:?}");
    }
    assert_eq!(main_of(&running.get("/api/v1/budgets").json())["days"], 7, "nothing of that was taken");
    let body = json!({ "name": "main", "amount_usd": "3", "days": 6 });
    assert_eq!(used(&given(&running, "update_budget", &body)), "1");
    let body = json!({ "name": "main", "amount_usd": "3", "days": 0 });
    assert!(refused(&running, "update_budget", &body).contains("from 1 to 366 days"));
}

#[test]
fn a_budget_year_begins_on_the_day_that_was_said() {
    let home = Home::new();
    let set = |arguments: &[&str]| {
        main_of(&home.json(&[&["budget", "set", "--amount", "1000"], arguments].concat()))
    };
    let plain = set(&["--period", "yearly"]);
    let year = day(&plain["period_last"]).year();
    assert_eq!(
        (&plain["year_starts"], day(&plain["period_first"]), day(&plain["period_last"])),
        (&json!("01-01"), date(year, 1, 1), date(year, 12, 31))
    );
    for starts in ["04-06", "12-31", "02-29"] {
        let line = set(&["--year-starts", starts]);
        assert_eq!((&line["period"], &line["year_starts"]), (&json!("yearly"), &json!(starts)));
        let (first, last) = (day(&line["period_first"]), day(&line["period_last"]));
        assert!((first..=last).contains(&today()), "{line}");
        let is_there = format!("{}-{starts}", first.year()).parse::<Date>();
        assert_eq!(first, is_there.unwrap_or(date(first.year(), 2, 28)), "{line}");
    }
    for starts in ["02-30", "4-6", "04/06", "2026-04-06"] {
        let said = home.run(&["budget", "set", "--amount", "1", "--year-starts", starts]);
        assert!(said.code == 2 && said.err.contains("write MM-DD"), "{said:?}");
    }
    let running = home.start(&[]);
    let answer = put(&running, &json!({ "amount_usd": "9", "period": "yearly", "year_starts": "07-01" }));
    let line = main_of(&answer.json());
    assert_eq!((day(&line["period_first"]).month(), day(&line["period_last"]).month()), (7, 6), "{line}");
    assert!(line["days_left"].as_u64().unwrap() <= 366, "{line}");
}

/// The bytes of the versions that older programs wrote: they are read for ever, and mean what they meant.
#[test]
fn a_log_with_budgets_of_older_versions_opens() {
    let home = Home::new();
    std::fs::create_dir_all(home.data()).unwrap();
    let golden = |version: u16| {
        let path = format!("{}/schemas/golden/budget-set.v{version}.hex", env!("CARGO_MANIFEST_DIR"));
        let hex = std::fs::read_to_string(path).unwrap();
        let bytes = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        hex.trim().as_bytes().chunks(2).map(bytes).collect::<Vec<u8>>()
    };
    // Of the same length, so that only the words change: 'main' and 'fixed', and the other way a week is named.
    let renamed = |mut bytes: Vec<u8>, name: &[u8; 4]| {
        let at = bytes.windows(4).position(|window| window == b"main").unwrap();
        bytes[at..at + 4].copy_from_slice(name);
        bytes
    };
    let weekly = |bytes: Vec<u8>| {
        let at = bytes.windows(5).position(|window| window == b"fixed").unwrap();
        let tail = bytes[at + 5 + 2 * (1 + 8 + 10)..].to_vec();
        let mut changed = bytes[..at - 8].to_vec();
        changed.extend(6_u64.to_le_bytes());
        changed.extend(b"weekly\0\0");
        changed.extend(tail);
        changed
    };
    let event = |schema_version, payload| NewEvent {
        id: EventId::random(),
        type_name: "budget-set",
        schema_version,
        occurred_at: Timestamp::now(),
        metadata: Metadata::default(),
        payload,
    };
    let events = vec![
        event(1, renamed(golden(1), b"old1")),
        event(2, renamed(golden(2), b"old2")),
        event(1, renamed(weekly(golden(1)), b"wee1")),
        event(2, renamed(weekly(golden(2)), b"wee2")),
    ];
    {
        let options = Options { reserve_bytes: 0, ..Options::default() };
        let log = SledLog::open(&home.data(), options).unwrap().0;
        let (tenant, stream) = (TenantId::local(), StreamId::new("budgets"));
        log.append(Append { tenant, stream, expected: Expected::Any, events }).wait().unwrap();
    }
    // Whatever the settings say now, those weeks began with Monday.
    let budgets = json_with(&home, &["budget", "list"], &[SUNDAY])["budgets"].clone();
    let shown: Vec<_> =
        budgets.as_array().unwrap().iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(shown, ["old1", "old2", "wee1", "wee2"]);
    for line in budgets.as_array().unwrap() {
        assert_eq!((&line["amount_usd"], &line["low_usd"]), (&json!("50"), &json!("5")), "{line}");
        assert_eq!((&line["days"], &line["year_starts"]), (&Value::Null, &Value::Null), "{line}");
        if line["period"] == "fixed" {
            assert_eq!(day(&line["period_first"]), date(2026, 11, 1), "{line}");
            assert_eq!(line["week_starts"], Value::Null);
        } else {
            assert_eq!(
                (&line["period"], &line["week_starts"]),
                (&json!("weekly"), &json!("monday")),
                "{line}"
            );
            assert_eq!(day(&line["period_first"]).weekday(), Weekday::Monday, "{line}");
        }
    }
    // What is set now is written in the newest version, beside them.
    let set = ["budget", "set", "--name", "new1", "--amount", "5", "--days", "30"];
    assert_eq!(home.json(&set)["budgets"].as_array().unwrap().len(), 5);
    let running = home.start(&[]);
    let events = running.get("/api/v1/events").json()["events"].clone();
    let versions: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["type"] == "budget-set")
        .map(|event| event["schema_version"].as_u64().unwrap())
        .collect();
    assert_eq!(versions, [1, 2, 1, 2, 3]);
}

/// A file of a time zone that is always an hour ahead of UTC (RFC 9636, version 2).
fn zone_file() -> Vec<u8> {
    let mut block = b"TZif2".to_vec();
    block.extend([0; 15]);
    for count in [0_u32, 0, 0, 0, 1, 4] {
        block.extend(count.to_be_bytes());
    }
    block.extend(3600_i32.to_be_bytes());
    block.extend(b"\0\0CET\0");
    [block.clone(), block, b"\nCET-1\n".to_vec()].concat()
}

/// The first day of a home whose one call was at half past eleven in the evening, UTC.
fn late() -> Home {
    spent_at(&["2026-11-01T23:30:00Z".to_owned()])
}

#[test]
fn every_form_of_the_system_s_variable_is_read_as_ever() {
    let home = late();
    let file = home.dir.path().join("my zone");
    std::fs::write(&file, zone_file()).unwrap();
    let file = file.to_str().unwrap();
    let colon = format!(":{file}");
    let rule = "CET-1CEST,M3.5.0,M10.5.0/3";
    let berlin = "Europe/Berlin";
    for (tz, expected, name) in [
        (berlin, "2026-11-02", berlin),
        (":Europe/Berlin", "2026-11-02", berlin),
        ("europe/berlin", "2026-11-02", berlin),
        ("/usr/share/zoneinfo/Europe/Berlin", "2026-11-02", berlin),
        ("CET", "2026-11-02", "CET"),
        (rule, "2026-11-02", rule),
        ("UTC", "2026-11-01", "UTC"),
        ("EST5", "2026-11-01", "EST5"),
        ("", "2026-11-01", "UTC"),
        (file, "2026-11-02", "local"),
        (&colon, "2026-11-02", "local"),
    ] {
        let zone = [("TZ", tz)];
        let report = json_with(&home, &["report", "daily"], &zone);
        assert_eq!(report["days"][0]["day"], json!(expected), "{tz}");
        assert_eq!(json_with(&home, &["status"], &zone)["time_zone"], json!(name), "{tz}");
    }
}

#[test]
fn a_time_zone_that_does_not_exist_is_an_error_with_the_nearest_names() {
    let home = late();
    let berlin = "use an IANA name: the nearest is Europe/Berlin";
    for (tz, words) in [
        ("Europe/Berln", [berlin, "TZ: 'Europe/Berln' is not a time zone"]),
        (":europe/berln", [berlin, "TZ: ':europe/berln' is not a time zone"]),
        ("Nowhere/X", ["nearest", "TZ: 'Nowhere/X' is not a time zone"]),
        ("/nowhere/at/all", ["nearest", "is not a time zone"]),
        ("CET-1CEST,M13.5.0,M10.5.0/3", ["use an IANA name", "is not a time zone"]),
    ] {
        for arguments in [&["status"][..], &["report", "weekly"], &["budget", "list"], &["run"]] {
            fails(&run_with(&home, arguments, &[("TZ", tz)]), 2, &words);
        }
        let doctor = run_with(&home, &["doctor", "--offline"], &[("TZ", tz)]);
        assert!(doctor.code != 0 && doctor.out.contains(words[1]), "{doctor:?}");
        // Where the settings name one, the variable is not asked.
        let day = json_with(&home, &["report", "daily"], &[("TZ", tz), ("MECRIS_TIME_ZONE", "Asia/Tokyo")]);
        assert_eq!(day["days"][0]["day"], json!("2026-11-02"));
    }
    // The setting, in the environment and in the file.
    let said = run_with(&home, &["status"], &[("MECRIS_TIME_ZONE", "europe/berln")]);
    fails(&said, 2, &["MECRIS_TIME_ZONE: 'time_zone': 'europe/berln' is not a time zone", berlin]);
    let path = home.dir.path().join("config.toml");
    std::fs::write(&path, "\ntime_zone = \"Berlin\"\n").unwrap();
    fails(
        &home.run(&["status", "--config", path.to_str().unwrap()]),
        2,
        &["config.toml:2: 'time_zone'", berlin],
    );
    // The option, with and without a supervisor, and the parameter over HTTP.
    let asked: [&[&str]; 2] = [
        &["report", "daily", "--tz", "Europe/Berln"],
        &["replay", "--explain", "2026-11-02", "--tz", "Europe/Berln"],
    ];
    for arguments in asked {
        fails(&home.run(arguments), 2, &["'Europe/Berln' is not a time zone", berlin]);
    }
    let running = home.start(&[]);
    for arguments in asked {
        fails(&home.run(arguments), 2, &["'Europe/Berln' is not a time zone", berlin]);
    }
    for path in
        ["/api/v1/spend?by=daily&tz=Europe/Berln", "/api/v1/explain?subject=2026-11-02&tz=europe/BERLN"]
    {
        let answer = running.get(path);
        assert_eq!(
            (answer.status, answer.content_type.as_str()),
            (422, "application/problem+json"),
            "{answer:?}"
        );
        assert!(answer.json()["detail"].as_str().unwrap().contains(berlin), "{answer:?}");
    }
}
