//! A supervisor with an admin key: it reads back at first, takes corrections in, and after a restart reads only what may
//! still change.

use jiff::ToSpan;
use serde_json::Value;

use super::*;
use crate::support::outside::books::{CostRow, UsageRow};
use crate::support::program::{Home, Running};

fn told(running: &Running, kind: &str) -> Vec<Value> {
    let page = running.get("/api/v1/events?limit=1000").json();
    let events = page["events"].as_array().unwrap().clone();
    events.into_iter().filter(|event| event["type"] == kind).collect()
}

/// Waits until this is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("{what} did not come about");
}

fn answers(running: &Running) -> bool {
    let shown = running.get("/api/v1/sources").json();
    let sources = shown["sources"].as_array().unwrap().clone();
    sources.iter().any(|source| source["name"] == "anthropic" && source["state"] == "ok")
}

#[test]
fn corrections_reach_the_log_of_a_running_supervisor_and_a_restart_reads_what_may_change() {
    let server = anthropic::Anthropic::start();
    let today = server.world.lock().today;
    let yesterday = today.saturating_sub(1.days());
    server.world.lock().books = Books::seeded(7, today.saturating_sub(9.days()), 10);
    let home = Home::new();
    let config = home.dir.path().join("config.toml");
    std::fs::write(&config, "").unwrap();
    let url = server.front.url();
    let variables = [("ANTHROPIC_API_BASE", url.as_str()), ("ANTHROPIC_ADMIN_KEY", anthropic::ADMIN_KEY)];
    let option = ["--config", config.to_str().unwrap()];
    let running = home.start_with(&option, &variables);
    until("the first look", || answers(&running));
    assert_eq!((told(&running, "cost-reported").len(), told(&running, "usage-reported").len()), (32, 32));
    let first = told(&running, "cost-reported");
    // Yesterday is corrected: a line is added, and usage grows.
    {
        let mut world = server.world.lock();
        world.asked.clear();
        let mut said = world.books.said(yesterday, today).unwrap().clone();
        said.costs.push(CostRow {
            model: "claude-fable-5",
            kind: "output_tokens",
            units: 12_345_678_901,
            part: 0,
        });
        said.usages.push(UsageRow {
            model: "claude-fable-5",
            input: 1,
            output: 2,
            cache_read: 3,
            cache_write: 4,
        });
        world.books.days.insert(yesterday, vec![said]);
    }
    std::fs::write(&config, "[beeminder]\npoll_seconds = 601\n").unwrap();
    let bearer = format!("Bearer {}", running.token);
    assert_eq!(running.send("POST", "/api/v1/reload", &[("authorization", &bearer)], None).status, 200);
    until("the correction", || told(&running, "usage-reported").len() == 33);
    let costs = told(&running, "cost-reported");
    assert_eq!((costs.len(), &costs[..32]), (33, &first[..]), "what was told before stays as it was");
    let corrected = &costs[32]["data"];
    assert_eq!((&corrected["day"], &corrected["revision"]), (&yesterday.to_string().into(), &1.into()));
    let lines = corrected["lines"].as_array().unwrap();
    let line = lines.iter().find(|line| line["model"] == "claude-fable-5").unwrap();
    assert_eq!(line["cost"], "1.2345678901");
    let may_change = (today.saturating_sub(3.days()), today);
    assert_eq!(server.world.lock().asked, [may_change; 2], "each report, of the days that may change");
    assert_eq!(running.stop(), 0);
    // Switched on again, it asks for the same days, and nothing is news.
    server.world.lock().asked.clear();
    let running = home.start_with(&option, &variables);
    until("the first look", || answers(&running));
    assert_eq!(server.world.lock().asked, [may_change; 2]);
    assert_eq!((told(&running, "cost-reported").len(), told(&running, "usage-reported").len()), (33, 33));
    assert_eq!(running.stop(), 0);
}

/// 401 and 403 are states: asked once, shown with their mend, and asked again when the settings change.
#[test]
fn a_refused_key_is_a_state_and_no_loop() {
    let server = anthropic::Anthropic::start();
    let home = Home::new();
    let config = home.dir.path().join("config.toml");
    // Were it asked as often as it may be, the second time would come within this test.
    std::fs::write(
        &config,
        "[providers]\npoll_seconds = 1\n[anthropic]\nadmin_key = \"sk-ant-admin01-wrong\"\n",
    )
    .unwrap();
    let url = server.front.url();
    let variables = [("ANTHROPIC_API_BASE", url.as_str())];
    let running = home.start_with(&["--config", config.to_str().unwrap()], &variables);
    let source = || {
        let shown = running.get("/api/v1/sources").json();
        let sources = shown["sources"].as_array().unwrap().clone();
        sources.into_iter().find(|source| source["name"] == "anthropic").unwrap()
    };
    until("the refusal", || source()["state"] == "unauthorized");
    let refused = source();
    assert!(refused["reason"].as_str().unwrap().contains("individual accounts have none"), "{refused}");
    let next: Timestamp = refused["next_attempt"].as_str().unwrap().parse().unwrap();
    assert!(next.duration_since(Timestamp::now()) > SignedDuration::from_mins(50), "{refused}");
    assert_eq!(server.world.lock().refused, 2, "each report was asked for once");
    let mended = format!("[anthropic]\nadmin_key = \"{}\"\n", anthropic::ADMIN_KEY);
    std::fs::write(&config, mended).unwrap();
    let bearer = format!("Bearer {}", running.token);
    assert_eq!(running.send("POST", "/api/v1/reload", &[("authorization", &bearer)], None).status, 200);
    until("the mend", || source()["state"] == "ok");
    assert_eq!(running.stop(), 0);
}
