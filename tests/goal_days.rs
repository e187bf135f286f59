//! A goal's day is the account's and ends at the goal's own deadline, whatever zone this machine is in, with a supervisor and
//! without, from the first datapoint of an empty log on; and a day that cannot be known is not guessed.
//! The clock is libfaketime's, and the day is reckoned here by hand: offsets are written down and not looked up.

use std::process::Command;

use jiff::civil::{Date, DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::clocks::library;
use crate::goals::{FAR, told, until, variables};
use crate::support::outside::Fault;
use crate::support::outside::beeminder::{self, Beeminder};
use crate::support::program::{Home, Running, Said};

const HOUR: i64 = 3600;

/// 18:00, midnight, 03:00 of the next day, and 13:00, as Beeminder counts them.
const DEADLINES: [(&str, i64); 4] =
    [("evening", -6 * HOUR), ("midnight", 0), ("night", 3 * HOUR), ("noon", -11 * HOUR)];

/// Accounts, with local times on both sides of each deadline and the offset from UTC at each, in minutes.
const ACCOUNTS: [(&str, [(&str, i64); 5]); 5] = [
    (
        "Pacific/Pago_Pago",
        at_all(
            [
                "2026-12-31T00:20",
                "2026-12-31T03:20",
                "2026-12-31T12:40",
                "2026-12-31T18:20",
                "2026-12-31T23:40",
            ],
            -660,
        ),
    ),
    (
        "Pacific/Kiritimati",
        at_all(
            [
                "2027-01-01T00:20",
                "2027-01-01T03:20",
                "2027-01-01T12:40",
                "2027-01-01T18:20",
                "2027-01-01T23:40",
            ],
            840,
        ),
    ),
    (
        "Asia/Kathmandu",
        at_all(
            [
                "2026-06-30T00:20",
                "2026-06-30T03:20",
                "2026-06-30T12:40",
                "2026-06-30T18:20",
                "2026-06-30T23:40",
            ],
            345,
        ),
    ),
    // At two in the night clocks go to three.
    (
        "Europe/Berlin",
        [
            ("2026-03-29T00:20", 60),
            ("2026-03-29T03:20", 120),
            ("2026-03-29T12:40", 120),
            ("2026-03-29T18:20", 120),
            ("2026-03-29T23:40", 120),
        ],
    ),
    // At three clocks go back to two.
    (
        "Europe/Berlin",
        [
            ("2026-10-25T00:20", 120),
            ("2026-10-25T03:20", 60),
            ("2026-10-25T12:40", 60),
            ("2026-10-25T18:20", 60),
            ("2026-10-25T23:40", 60),
        ],
    ),
];

const fn at_all(local: [&str; 5], offset_min: i64) -> [(&str, i64); 5] {
    let [a, b, c, d, e] = local;
    [(a, offset_min), (b, offset_min), (c, offset_min), (d, offset_min), (e, offset_min)]
}

/// Beeminder's rule by hand: local seconds, less the deadline, in whole days since 1970.
fn by_hand(instant: Timestamp, offset_min: i64, deadline_s: i64) -> String {
    let days = (instant.as_second() + offset_min * 60 - deadline_s).div_euclid(24 * HOUR);
    let day: Date = date(1970, 1, 1) + days.days();
    day.strftime("%Y%m%d").to_string()
}

fn instant_of(local: &str, offset_min: i64) -> Timestamp {
    let local: DateTime = local.parse().unwrap();
    TimeZone::UTC.to_timestamp(local).unwrap() - offset_min.minutes()
}

/// A machine in Los Angeles whose clock stands at an instant, and goes on from there.
struct Machine<'a> {
    home: Home,
    server: &'a Beeminder,
    now: Timestamp,
}

impl Machine<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(arguments);
        let offset = self.now.as_second() - Timestamp::now().as_second();
        let base = self.server.base();
        command.envs(variables(&base, beeminder::TOKEN));
        command.env("TZ", "America/Los_Angeles").env("LD_PRELOAD", library());
        command.env("FAKETIME", format!("{offset:+}"));
        for switch in ["DONT_FAKE_MONOTONIC", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT"] {
            command.env(switch, "1");
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        serde_json::from_str(&said.out).unwrap()
    }

    fn start(&self) -> Running {
        self.home.wait_for(self.command(&["run", "--listen", "127.0.0.1:0"]))
    }
}

/// An account in a zone, with a goal for each deadline.
fn account(zone: &str) -> Beeminder {
    let server = Beeminder::start();
    {
        let mut world = server.world.lock();
        world.timezone = zone.to_owned();
        for (slug, deadline_s) in DEADLINES {
            world.goal(slug, 9, FAR)["deadline"] = deadline_s.into();
        }
    }
    server
}

fn daystamps(server: &Beeminder, slug: &str) -> Vec<String> {
    let world = server.world.lock();
    let points = world.datapoints.get(slug).into_iter().flatten();
    points.map(|point| point["daystamp"].as_str().unwrap().to_owned()).collect()
}

fn add(running: &Running, slug: &str, body: &Value) -> Value {
    let bearer = format!("Bearer {}", running.token);
    let path = format!("/api/v1/goals/{slug}/datapoints");
    let answer = running.send("POST", &path, &[("authorization", &bearer)], Some(&body.to_string()));
    let mut shown = answer.json();
    shown["status"] = answer.status.into();
    shown
}

/// Summer time lasts there from 8 March to 1 November in 2026.
fn of_los_angeles(now: Timestamp) -> i64 {
    let summer: [Timestamp; 2] =
        ["2026-03-08T10:00:00Z", "2026-11-01T09:00:00Z"].map(|at| at.parse().unwrap());
    if summer[0] <= now && now < summer[1] { -7 * 60 } else { -8 * 60 }
}

/// How many combinations there were, and in how many of those without a supervisor the day is not this machine's, and not the
/// account's by the calendar.
fn daystamps_of(zone: &str, moments: &[(&str, i64)]) -> (usize, (usize, usize)) {
    let (mut count, mut wrong) = (0, (0, 0));
    for (local, offset_min) in moments {
        let now = instant_of(local, *offset_min);
        let server = account(zone);
        let mut expected = Vec::new();
        for (slug, deadline_s) in DEADLINES {
            let day = by_hand(now, *offset_min, deadline_s);
            // An empty log, and no supervisor.
            let machine = Machine { home: Home::new(), server: &server, now };
            let shown = machine.json(&["goal", "add", slug, "1"]);
            assert_eq!(shown["day"].as_str().unwrap().replace('-', ""), day, "{zone} {local} {slug}");
            assert_eq!(daystamps(&server, slug), [day.as_str()], "{zone} {local} {slug}");
            wrong.0 += usize::from(day != by_hand(now, of_los_angeles(now), 0));
            wrong.1 += usize::from(day != by_hand(now, *offset_min, 0));
            expected.push((slug, day));
            count += 1;
        }
        // An empty log, and a supervisor that has just started.
        let machine = Machine { home: Home::new(), server: &server, now };
        let running = machine.start();
        for (slug, day) in expected {
            let shown = add(&running, slug, &json!({ "value": "1" }));
            assert_eq!(shown["state"], "written", "{zone} {local} {slug}: {shown}");
            assert_eq!(daystamps(&server, slug), [day.as_str(), day.as_str()], "{zone} {local} {slug}");
            count += 1;
        }
        assert_eq!(running.stop(), 0);
    }
    (count, wrong)
}

#[test]
fn each_datapoint_is_of_the_account_s_day_and_the_goal_s_deadline() {
    let counts: Vec<(usize, (usize, usize))> = std::thread::scope(|scope| {
        let all: Vec<_> =
            ACCOUNTS.iter().map(|(zone, moments)| scope.spawn(move || daystamps_of(zone, moments))).collect();
        all.into_iter().map(|account| account.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().map(|(count, _)| count).sum::<usize>(), 200);
    let (here, calendar): (Vec<usize>, Vec<usize>) = counts.into_iter().map(|(_, wrong)| wrong).unzip();
    let (here, calendar) = (here.iter().sum::<usize>(), calendar.iter().sum::<usize>());
    assert!(here > 20 && calendar > 20, "{here} {calendar}: a guess would nearly always be right too");
}

/// Noon in UTC, 17:45 in Kathmandu: the day of the goal `noon` is the next, and that of `evening` is not yet.
fn at_noon() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

/// What is wrong with what Beeminder says, and how it comes to be so.
type Silence = (&'static str, fn(&Beeminder));

/// What Beeminder says, or does not: each leaves the day unknown.
fn silences() -> [Silence; 6] {
    [
        ("it is not there", |server| server.front.fault(Fault::Refused)),
        ("the account has no zone", |server| server.world.lock().timezone = String::new()),
        ("a zone that nobody knows", |server| server.world.lock().timezone = "Mars/Olympus_Mons".into()),
        ("a zone that is no name", |server| server.world.lock().timezone = "\u{1b}[31mBerlin".into()),
        ("the goal has no deadline", |server| {
            server.world.lock().goals.get_mut("noon").unwrap()["deadline"] = Value::Null;
        }),
        ("a deadline that is none", |server| {
            server.world.lock().goals.get_mut("noon").unwrap()["deadline"] = 1_000_000.into();
        }),
    ]
}

#[test]
fn a_day_that_cannot_be_known_is_not_guessed_and_the_mend_is_told() {
    for (what, silence) in silences() {
        let server = account("Asia/Kathmandu");
        silence(&server);
        let machine = Machine { home: Home::new(), server: &server, now: at_noon() };
        for arguments in [&["goal", "add", "noon", "1"][..], &["goal", "feed", "noon", "--from", "spend"]] {
            let option = if arguments[1] == "add" { "--day" } else { "--since" };
            let said = machine.run(arguments);
            let is_told = said.err.contains("'noon'") && said.err.contains(option);
            assert!(said.code == 1 && is_told && !said.err.contains('\u{1b}'), "{what}: {said:?}");
        }
        // Whoever names the day needs nobody to know it.
        let shown = machine.json(&["goal", "add", "noon", "1", "--day", "2026-06-10"]);
        assert_eq!(shown["day"], "2026-06-10", "{what}: {shown}");
        let fed = machine.json(&["goal", "feed", "noon", "--from", "spend", "--since", "2026-06-10"]);
        assert_eq!(fed["feeds"][0]["state"], "waiting", "{what}: {fed}");
        assert!(
            fed["feeds"][0]["reason"].as_str().unwrap().contains("Beeminder")
                || fed["feeds"][0]["reason"].as_str().unwrap().contains("zone"),
            "{what}: {fed}"
        );
        let running = machine.start();
        let shown = add(&running, "noon", &json!({ "value": "1" }));
        assert_eq!(
            (&shown["status"], &shown["type"]),
            (&409.into(), &"urn:mecris:problem:day-unknown".into()),
            "{what}: {shown}"
        );
        let intents = told(&running, &["datapoint-intended"]);
        assert_eq!(intents.len(), 1, "{what}: what is refused leaves no intent: {intents:?}");
        assert_eq!(intents[0]["data"]["day"], "2026-06-10", "{what}");
        assert_eq!(running.stop(), 0);
    }
}

#[test]
fn what_was_said_counts_while_beeminder_is_away_and_what_it_says_now_counts_once_it_is_back() {
    let server = account("Asia/Kathmandu");
    let machine = Machine { home: Home::new(), server: &server, now: at_noon() };
    let day = |arguments: &[&str]| {
        let shown = machine.json(&[&["goal", "add"], arguments].concat());
        (shown["day"].as_str().unwrap().to_owned(), shown["state"].as_str().unwrap().to_owned())
    };
    let of = |day: &str, state: &str| (day.to_owned(), state.to_owned());
    assert_eq!(day(&["noon", "1"]), of("2026-06-16", "written"));
    server.front.fault(Fault::Refused);
    assert_eq!(day(&["noon", "2"]), of("2026-06-16", "waiting"));
    // One that was never asked for is unknown still.
    assert_eq!(machine.run(&["goal", "add", "evening", "1"]).code, 1);
    server.front.fault(Fault::None);
    // Its owner moves the deadline to 18:00, and then the account to Honolulu, where it is 02:00.
    server.world.lock().goals.get_mut("noon").unwrap()["deadline"] = (-6 * HOUR).into();
    assert_eq!(day(&["noon", "3"]), of("2026-06-15", "written"));
    server.world.lock().timezone = "Pacific/Honolulu".into();
    assert_eq!(day(&["night", "1"]), of("2026-06-14", "written"));
    // The same key keeps its day.
    assert_eq!(day(&["night", "1", "--request-id", "r", "--day", "2026-06-01"]), of("2026-06-01", "written"));
    assert_eq!(day(&["night", "2", "--request-id", "r"]), of("2026-06-01", "written"));
    // A supervisor learns of a move although no goal has changed.
    let running = machine.start();
    assert_eq!(told(&running, &["goal-account-observed"]).len(), 2);
    server.world.lock().timezone = "Asia/Kathmandu".into();
    until("the move is known", || told(&running, &["goal-account-observed"]).len() == 3);
    let day = || add(&running, "night", &json!({ "value": "3" }))["day"].clone();
    until("days are reckoned by it", || day() == "2026-06-15");
    assert_eq!(running.stop(), 0);
}

/// In Kiritimati, with the deadline at 18:00, the day lasts from 04:00 to 04:00 in UTC and is called by the day on which it ends.
#[test]
fn a_feed_posts_the_spend_of_the_goal_s_own_days() {
    let server = account("Pacific/Kiritimati");
    let now: Timestamp = "2026-06-15T05:00:00Z".parse().unwrap();
    let machine = Machine { home: Home::new(), server: &server, now };
    let call = |id: u32, at: &str| {
        json!({
            "type": "assistant", "timestamp": at, "sessionId": "s", "cwd": "/w", "requestId": format!("req_{id}"),
            "message": {
                "id": format!("msg_{id}"), "model": "claude-opus-5", "content": [],
                "usage": {"input_tokens": 0, "output_tokens": 1000},
            },
        })
        .to_string()
            + "\n"
    };
    let calls =
        ["2026-06-14T03:50:00Z", "2026-06-14T04:10:00Z", "2026-06-15T03:40:00Z", "2026-06-15T04:20:00Z"];
    let lines: String = (1..).zip(calls).map(|(id, at)| call(id, at)).collect();
    machine.home.transcript("a.jsonl", lines);
    machine.json(&["import"]);
    machine.json(&["goal", "feed", "evening", "--from", "spend", "--since", "2026-06-14"]);
    // Without a first day it is the goal's own present one, which the machine's calendar has not reached.
    let fed = machine.json(&["goal", "feed", "noon", "--from", "spend"]);
    let feeds = fed["feeds"].as_array().unwrap();
    assert_eq!(feeds.iter().find(|feed| feed["slug"] == "noon").unwrap()["since"], "2026-06-16", "{fed}");
    let future = machine.run(&["goal", "feed", "noon", "--from", "spend", "--since", "2026-06-17"]);
    assert!(future.code == 2 && future.err.contains("still to come"), "{future:?}");
    let running = machine.start();
    let posted = || -> Vec<(String, f64)> {
        let world = server.world.lock();
        let points = world.datapoints.get("evening").into_iter().flatten();
        let mut days: Vec<(String, f64)> = points
            .map(|point| (point["daystamp"].as_str().unwrap().to_owned(), point["value"].as_f64().unwrap()))
            .collect();
        days.sort_by(|one, other| one.0.cmp(&other.0));
        days
    };
    until("three days are posted", || posted().len() == 3);
    let (days, values): (Vec<String>, Vec<f64>) = posted().into_iter().unzip();
    assert_eq!(days, ["20260614", "20260615", "20260616"]);
    assert!(values[0] > 0.0);
    assert_eq!((values[1], values[2]), (2.0 * values[0], values[0]), "one call, two, and one");
    assert_eq!(running.stop(), 0);
}

#[test]
fn the_doctor_says_where_the_account_s_days_are_others() {
    let server = account("Asia/Kathmandu");
    let home = Home::new();
    let check = |zone: &str| {
        let mut command = home.command(&["doctor", "--json"]);
        let base = server.base();
        command.envs(variables(&base, beeminder::TOKEN)).env("TZ", zone);
        let said: Said = command.output().unwrap().into();
        let diagnosis: Value = serde_json::from_str(&said.out).unwrap();
        let checks = diagnosis["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == "beeminder").unwrap().clone()
    };
    for (account, here, verdict, part) in [
        ("Asia/Kathmandu", "Asia/Kathmandu", "ok", "Asia/Kathmandu"),
        // Another name of the same, and another zone with the same clocks.
        ("Asia/Kathmandu", "Asia/Katmandu", "ok", "Asia/Kathmandu"),
        ("Europe/Berlin", "Europe/Paris", "ok", "Europe/Berlin"),
        ("Asia/Kathmandu", "America/Los_Angeles", "warning", "America/Los_Angeles"),
        // The same in winter only.
        ("Europe/London", "UTC", "warning", "Europe/London"),
        ("", "UTC", "warning", "no time zone"),
        ("Mars/Olympus_Mons", "UTC", "warning", "Mars/Olympus_Mons"),
        ("\u{1b}[31mBerlin", "UTC", "warning", "no time zone"),
    ] {
        server.world.lock().timezone = account.to_owned();
        let check = check(here);
        assert_eq!(check["verdict"], verdict, "{account} {here}: {check}");
        let said = check.to_string();
        assert!(said.contains(part) && !said.contains("\\u001b"), "{account} {here}: {check}");
    }
}
