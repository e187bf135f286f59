//! `mecris projects`: what was folded into what, and names that a person gives.

use serde_json::{Value, json};

use super::{ONE, TWO, assert_report, call, import, used_of_november};
use crate::support::program::{Home, Running};

/// A call in each of two projects, one of them in a worktree.
fn two_projects() -> Home {
    let home = Home::new();
    let worktree = call("msg_1").session("s-1").cwd("/w/alpha/.claude/worktrees/x");
    home.transcript("s-1.jsonl", worktree.line());
    home.transcript("s-2.jsonl", call("msg_2").session("s-2").cwd("/w/beta").line());
    import(&home);
    home
}

#[track_caller]
fn aliases(shown: &Value, right: &[(&str, &str)]) {
    let right: Vec<Value> =
        right.iter().map(|(directory, name)| json!({ "directory": directory, "name": name })).collect();
    assert_eq!(shown["aliases"], json!(right), "{shown}");
}

#[test]
fn what_was_folded_into_what_is_shown_with_what_it_cost() {
    let home = two_projects();
    let shown = home.json(&["projects"]);
    let alpha = shown["projects"].as_array().unwrap().iter().find(|line| line["project"] == "/w/alpha");
    let alpha = alpha.unwrap_or_else(|| panic!("{shown}"));
    assert_eq!((&alpha["cost_usd"], &alpha["messages"]), (&json!("0.018"), &json!(1)), "{shown}");
    let folded =
        json!([{ "began_in": "/w/alpha/.claude/worktrees/x", "repository": "", "directory": "/w/alpha" }]);
    assert_eq!(alpha["folded"], folded, "{shown}");
    let said = home.run(&["projects"]);
    assert!(said.code == 0 && said.out.contains("/w/alpha/.claude/worktrees/x → /w/alpha"), "{said:?}");
    assert_eq!(Home::new().json(&["projects"]), json!({ "projects": [], "aliases": [] }));
}

/// Names two directories alike, and takes it back; with a supervisor or without one.
fn names_and_ends(home: &Home) {
    aliases(&home.json(&["projects", "alias", "/w/alpha/", "product"]), &[("/w/alpha", "product")]);
    let head = home.json(&["head"])["position"].clone();
    home.json(&["projects", "alias", "/w/alpha", "product"]);
    assert_eq!(home.json(&["head"])["position"], head, "told twice it is one event");
    assert_report(home, "project", &[("product", ONE), ("/w/beta", ONE)]);
    home.json(&["projects", "alias", "/w/beta", "product"]);
    assert_report(home, "project", &[("product", TWO)]);
    assert_eq!(used_of_november(home, &["--project", "product"]), "0.036");
    aliases(&home.json(&["projects", "unalias", "/w/beta"]), &[("/w/alpha", "product")]);
    assert_report(home, "project", &[("product", ONE), ("/w/beta", ONE)]);
    assert_eq!(used_of_november(home, &["--project", "product"]), "0.018");
}

#[test]
fn a_name_that_a_person_gives_counts_for_what_is_recorded_already() {
    let home = two_projects();
    names_and_ends(&home);
    for (arguments, said) in [
        (&["projects", "alias", "product", "/w/alpha"][..], "leads back"),
        (&["projects", "alias", "/w/x", " "], "one line"),
        (&["projects", "unalias", "/w/x"], "no alias"),
    ] {
        let answer = home.run(arguments);
        assert!(answer.code == 2 && answer.err.contains(said), "{arguments:?}: {answer:?}");
    }
}

#[test]
fn a_running_supervisor_names_them_alike() {
    let home = two_projects();
    let running = home.start(&[]);
    names_and_ends(&home);
    let send = |running: &Running, method: &str, path: &str, body: Option<&str>| {
        let bearer = format!("Bearer {}", running.token);
        running.send(method, path, &[("authorization", &bearer)], body).status
    };
    const PATH: &str = "/api/v1/projects/aliases";
    let put = |directory: &str, name: &str| {
        send(&running, "PUT", PATH, Some(&json!({ "directory": directory, "name": name }).to_string()))
    };
    assert_eq!((put("/w/beta", "side"), put("/w/beta", "side")), (200, 200));
    assert_eq!((put("", "x"), put("product", "/w/alpha")), (400, 409));
    assert_eq!(send(&running, "DELETE", &format!("{PATH}?directory=/w/x"), None), 404);
    assert_eq!(send(&running, "DELETE", &format!("{PATH}?directory=/w/beta"), None), 200);
    aliases(&running.get("/api/v1/projects").json(), &[("/w/alpha", "product")]);
    assert_eq!(running.stop(), 0);
    aliases(&home.json(&["projects"]), &[("/w/alpha", "product")]);
}
