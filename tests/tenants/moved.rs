//! Data directories of released versions: they are opened, moved where need be, and answer as they did.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::Home;

/// A home with a data directory as version 0.1 left it before there were tenants: calls of three days, a budget, a balance, a
/// goal, an odometer, an alias, a consent, a token, a request for more and its alert.
fn before_tenants() -> Home {
    let home = Home::new();
    let share = home.root().parent().unwrap().to_owned();
    std::fs::create_dir_all(&share).unwrap();
    let archive = data().join("one-tenant.tar.gz");
    let done = Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(share).status().unwrap();
    assert!(done.success());
    home
}

fn data() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/releases")
}

/// What that version said of it.
const HEAD: &str = "3ec5468cc92533dab7048cf946cdf813d81becf411603923cd171173da1106e1";

fn answers_alike(home: &Home) {
    let exported = home.run(&["export"]);
    let before = std::fs::read_to_string(data().join("one-tenant.export.jsonl")).unwrap();
    assert!(exported.out.starts_with(&before), "{}", exported.out);
    let lines = exported.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(
        lines.skip(12).all(|event| event["type"].as_str().unwrap().starts_with("source-")
            || event["type"].as_str().unwrap().starts_with("alert-")),
        "{}",
        exported.out
    );
    let report = home.json(&["report", "daily"]);
    let costs: Vec<_> =
        report["days"].as_array().unwrap().iter().map(|day| &day["models"][0]["cost_usd"]).collect();
    assert_eq!(costs, ["0.016", "0.013575", "0.00015"]);
    assert_eq!(report["total"]["cost_usd"], "0.029725");
    assert_eq!(home.json(&["balance"])["balances"][0]["left_usd"], "13.92");
    assert_eq!(home.json(&["odometer"])["odometers"][0]["value_usd"], "1.06");
    assert_eq!(home.json(&["goals"])["goals"][0]["slug"], "read");
    assert_eq!(home.json(&["token"])["tokens"][0]["id"], "aud-83e2a0dd");
    // The number itself lies beside the log.
    assert_eq!(home.json(&["consent"])["contacts"][0]["number"], "…10");
    assert_eq!(
        home.json(&["projects"])["aliases"],
        json!([{ "directory": "/home/ada/shop", "name": "shop" }])
    );
    let proof = home.json(&["verify", "--head", HEAD]);
    assert_eq!((&proof["problem_count"], &proof["expected_at"]), (&json!(0), &json!(12)), "{proof}");
}

#[test]
fn a_directory_of_before_there_were_tenants_is_moved_and_answers_alike() {
    // Moved by a command, and by a supervisor.
    let home = before_tenants();
    let token = std::fs::read_to_string(home.root().join("token")).unwrap();
    assert_eq!(home.json(&["head"])["hash"], HEAD);
    answers_alike(&home);
    assert!(!home.root().join("sled").exists());
    // Scripts that read it there read it still.
    assert_eq!(std::fs::read_to_string(home.root().join("token")).unwrap(), token);
    let running = home.start(&[]);
    assert_eq!(running.token, token, "who has the token has it still");
    answers_alike(&home);
    assert_eq!(running.get("/api/v1/status").status, 200);
    assert_eq!(running.stop(), 0);

    let home = before_tenants();
    let running = home.start(&[]);
    assert_eq!(running.token, token);
    answers_alike(&home);
    assert_eq!(running.stop(), 0);
    answers_alike(&home);
}

#[test]
fn while_an_older_program_holds_the_directory_nothing_is_moved() {
    let home = before_tenants();
    let lock = std::fs::File::options().write(true).open(home.root().join("lock")).unwrap();
    lock.lock().unwrap();
    let said = home.run(&["status"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("another mecris holds"), "{said:?}");
    assert!(home.root().join("token").exists());
    let checks = home.run(&["doctor", "--offline"]);
    assert!(checks.out.contains("a supervisor holds it"), "{checks:?}");
    drop(lock);
    answers_alike(&home);
}

#[test]
fn a_log_that_is_restored_beside_the_tenants_is_named_and_nothing_is_lost() {
    let home = before_tenants();
    home.json(&["head"]);
    let elsewhere = before_tenants();
    std::fs::remove_dir_all(home.root().join("journal")).unwrap();
    std::fs::rename(elsewhere.root().join("journal"), home.root().join("journal")).unwrap();
    let said = home.run(&["status"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("are both there; move one of them away"), "{said:?}");
}
