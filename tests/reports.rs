//! Usage reports: their groupings and filters agree with each other, days are written as people write them, and a name
//! that was never used is an error that tells the nearest.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use mecris::domain::money::Picodollars;
use serde_json::Value;

use crate::support::corpus::{self, Plan};
use crate::support::program::{Home, Said};

/// The lists of a report, each with the name of its groups.
const GROUPINGS: [(&str, &str, &str); 8] = [
    ("hourly", "hours", "hour"),
    ("daily", "days", "day"),
    ("weekly", "weeks", "week"),
    ("monthly", "months", "month"),
    ("yearly", "years", "year"),
    ("provider", "providers", "provider"),
    ("project", "projects", "project"),
    ("session", "sessions", "session"),
];

fn life() -> Home {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 1_500_000, files: 6, days: 70, seed: 7 });
    home.json(&["import"]);
    home
}

fn cost(totals: &Value) -> Picodollars {
    // None of a group's calls may have a price.
    totals["cost_usd"].as_str().map_or(Picodollars::ZERO, |text| Picodollars::parse(text).unwrap())
}

fn messages(totals: &Value) -> u64 {
    totals["messages"].as_u64().unwrap()
}

fn list<'a>(report: &'a Value, name: &str) -> &'a Vec<Value> {
    report[name].as_array().unwrap_or_else(|| panic!("{report}"))
}

/// Refused in one line with all of these words.
fn refused(said: &Said, words: &[&str]) {
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "'{word}' is not in {said:?}");
    }
}

#[test]
fn every_grouping_adds_up_to_the_same_and_each_group_to_its_models() {
    let home = life();
    let total = home.json(&["report"])["total"].clone();
    assert!(messages(&total) > 100, "{total}");
    for (by, groups, key) in GROUPINGS {
        let report = home.json(&["report", by]);
        assert_eq!(report["total"], total, "{by}");
        let groups = list(&report, groups);
        assert_eq!(
            groups.iter().map(|group| cost(&group["total"])).sum::<Picodollars>(),
            cost(&total),
            "{by}"
        );
        let names: std::collections::BTreeSet<_> = groups.iter().map(|group| group[key].as_str()).collect();
        assert_eq!(names.len(), groups.len(), "{by}");
        for group in groups {
            let models = list(group, "models");
            let sum: Picodollars = models.iter().map(cost).sum();
            let count: u64 = models.iter().map(messages).sum();
            assert_eq!((sum, count), (cost(&group["total"]), messages(&group["total"])), "{by}: {group}");
        }
    }
    let models = home.json(&["report", "model"]);
    assert_eq!(list(&models, "models").iter().map(cost).sum::<Picodollars>(), cost(&total));
}

#[test]
fn a_filter_leaves_what_its_group_has_and_filters_are_taken_together() {
    let home = life();
    let of = |report: &Value, groups: &str, key: &str| -> Vec<(String, Value)> {
        let pair = |group: &Value| (group[key].as_str().unwrap().to_owned(), group["total"].clone());
        list(report, groups).iter().map(pair).collect()
    };
    for (by, groups, key) in [
        ("provider", "providers", "provider"),
        ("project", "projects", "project"),
        ("session", "sessions", "session"),
    ] {
        for (name, total) in of(&home.json(&["report", by]), groups, key) {
            for other in ["daily", "model", "project", "session"] {
                let filter = format!("--{by}={name}");
                assert_eq!(home.json(&["report", other, &filter])["total"], total, "{other} {filter}");
            }
        }
    }
    // A part of a day, of a model and of a project at once, alone and by a supervisor.
    let report = home.json(&["report", "project"]);
    let project = list(&report, "projects")[0].clone();
    let (name, model) =
        (project["project"].as_str().unwrap(), project["models"][0]["model"].as_str().unwrap());
    let (filter, folder) = (format!("--model={model}"), name.rsplit('/').next().unwrap());
    let alone = home.json(&["report", "--project", name, &filter]);
    assert_eq!(messages(&alone["total"]), messages(&project["models"][0]), "{alone}");
    assert_eq!(
        home.json(&["report", "--project", folder, &filter])["total"],
        alone["total"],
        "its last folder is enough"
    );
    let running = home.start(&[]);
    assert_eq!(
        running.get(&format!("/api/v1/spend?project={folder}&model={model}")).json()["total"],
        alone["total"]
    );
}

#[test]
fn days_are_written_as_people_write_them() {
    let home = life();
    // The corpus ends ten days before this and the next; what counts is that words and dates agree.
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let asked = |arguments: &[&str]| {
        let report = home.json(&[&["report", "daily", "--tz", "UTC"], arguments].concat());
        (report["days"].clone(), report["total"].clone())
    };
    let between =
        |since: Date, until: Date| asked(&["--since", &since.to_string(), "--until", &until.to_string()]);
    let month = today.first_of_month().saturating_sub(1.day());
    for (since, until, first, last) in [
        ("45d", "today", today.saturating_sub(44.days()), today),
        ("last month", "LAST_MONTH", month.first_of_month(), month),
        ("2026-10", "2026-11", jiff::civil::date(2026, 10, 1), jiff::civil::date(2026, 11, 30)),
        ("2026-W44", "2026-W46", jiff::civil::date(2026, 10, 26), jiff::civil::date(2026, 11, 15)),
        ("2026", "2026-11-01", jiff::civil::date(2026, 1, 1), jiff::civil::date(2026, 11, 1)),
    ] {
        assert_eq!(asked(&["--since", since, "--until", until]), between(first, last), "{since} {until}");
    }
    assert!(messages(&asked(&["--since", "2026-10", "--until", "2026-11"]).1) > 50);
    refused(&home.run(&["report", "--since", "tomorrow"]), &["'tomorrow'", "yesterday", "7d", "2026-11-23"]);
    refused(&home.run(&["cost", "--since", "2026-02-30"]), &["'2026-02-30' is not in the calendar"]);
    refused(
        &home.run(&["report", "--since", "2026-11-02", "--until", "2026-11-01"]),
        &["end before they begin", "exchange"],
    );
    refused(&home.run(&["activity", "7d"]), &["'7d' is more than one day"]);
    // What is explained is days too.
    let explained = home.json(&["replay", "--explain", "2026-11", "--tz", "UTC"]);
    assert_eq!(explained["subject"], "2026-11-01 to 2026-11-30");
    let month = between(jiff::civil::date(2026, 11, 1), jiff::civil::date(2026, 11, 30));
    assert_eq!(cost(&explained["total"]), cost(&month.1));
}

#[test]
fn a_name_that_was_never_used_is_an_error_that_tells_the_nearest() {
    let home = life();
    let sessions = home.json(&["report", "session"]);
    let session = list(&sessions, "sessions")[0]["session"].as_str().unwrap().to_owned();
    let model = home.json(&["report", "model"])["models"][0]["model"].as_str().unwrap().to_owned();
    let wrong = format!("{}x", &model[..model.len() - 1]);
    refused(&home.run(&["report", "--model", &wrong]), &["no model", &wrong, &model]);
    refused(&home.run(&["report", "--provider", "antropic"]), &["no provider 'antropic'", "anthropic"]);
    refused(
        &home.run(&["report", "--project", "/nowhere/at/all"]),
        &["no project '/nowhere/at/all' was used"],
    );
    refused(&home.run(&["report", "--session", "zzzzzz"]), &["no session 'zzzzzz' was used"]);
    refused(
        &home.run(&["report", "--model", "claude-"]),
        &["several models have 'claude-' in their names", "name one"],
    );
    let unknown = home.run(&["replay", "--explain", &format!("{session}x")]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.err.contains("nearest sessions") && unknown.err.contains(&session), "{unknown:?}");
    // The terminal obeys nothing of it.
    let hostile = home.run(&["report", "--model", "\u{1b}[2Jx"]);
    assert!(hostile.code == 2 && !hostile.err.contains('\u{1b}'), "{hostile:?}");
}

#[test]
fn without_a_word_it_shows_how_things_stand() {
    let home = life();
    let (alone, status) = (home.run(&[]), home.run(&["status"]));
    assert_eq!((alone.code, alone.err.as_str()), (0, ""), "{alone:?}");
    assert_eq!(alone.out, status.out);
}
