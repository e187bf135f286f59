//! Whose a call is that several sessions tell: that of the telling which says of no other that it is a copy, else of the
//! session that the copies name; of several the earliest, of equally early ones the main chain's.

use serde_json::{Value, json};

use super::{Call, ONE, SONNET, TWO, assert_report, call, file, home_in_steps, home_with, import, total};
use crate::support::program::Home;

/// The same sums whether these files are there at once, by either name, or come one after the other.
#[track_caller]
fn in_every_order(files: &[Vec<Call>; 2], holds: impl Fn(&Home)) {
    let [first, second] = files;
    for names in [["0.jsonl", "1.jsonl"], ["1.jsonl", "0.jsonl"]] {
        let home = Home::new();
        home.transcript(names[0], file(first));
        home.transcript(names[1], file(second));
        import(&home);
        holds(&home);
        home.json(&["import", "--afresh"]);
        holds(&home);
    }
    holds(&home_in_steps(&[first.clone(), second.clone()]));
    holds(&home_in_steps(&[second.clone(), first.clone()]));
}

#[test]
fn a_copy_belongs_to_the_session_that_it_names_also_when_that_one_s_file_is_gone() {
    let home = home_with(&[
        call("msg_1").session("fork").forked_from("gone"),
        call("msg_2").session("fork").forked_from("gone").sidechain(),
        call("msg_3").session("fork").at("2026-11-10T11:00:00Z"),
    ]);
    assert_report(&home, "session", &[("gone", TWO), ("fork", ONE)]);
}

#[test]
fn a_fork_of_a_fork_leaves_each_call_where_it_was_made() {
    let own = |id: &str, session: &str| call(id).session(session);
    let parent = vec![own("msg_1", "parent")];
    let fork =
        vec![own("msg_1", "fork").forked_from("parent"), own("msg_2", "fork").at("2026-11-10T11:00:00Z")];
    let second = vec![
        own("msg_1", "again").forked_from("fork"),
        own("msg_2", "again").at("2026-11-10T11:00:00Z").forked_from("fork"),
        own("msg_3", "again").at("2026-11-10T12:00:00Z"),
    ];
    let right = [("parent", ONE), ("fork", ONE), ("again", ONE)];
    assert_report(&home_in_steps(&[second.clone(), fork.clone(), parent.clone()]), "session", &right);
    assert_report(&home_in_steps(&[parent, fork, second]), "session", &right);
}

#[test]
fn a_fork_in_another_directory_takes_neither_project_nor_day_along() {
    let parent = vec![call("msg_1").session("parent").cwd("/w/parent")];
    let copied = call("msg_1").session("fork").cwd("/w/fork").at("2026-11-12T10:00:00Z");
    let fork = vec![
        copied.forked_from("parent"),
        call("msg_2").session("fork").cwd("/w/fork").at("2026-11-12T11:00:00Z"),
    ];
    in_every_order(&[parent, fork], |home| {
        assert_report(home, "session", &[("parent", ONE), ("fork", ONE)]);
        assert_report(home, "project", &[("/w/parent", ONE), ("/w/fork", ONE)]);
        assert_report(home, "daily", &[("2026-11-10", ONE), ("2026-11-12", ONE)]);
    });
}

#[test]
fn a_telling_that_is_no_copy_comes_before_an_earlier_one_that_is() {
    let copy = vec![call("msg_1").session("fork").forked_from("parent")];
    let own = vec![call("msg_1").session("other").at("2026-11-12T10:00:00Z")];
    in_every_order(&[copy, own], |home| {
        assert_report(home, "session", &[("other", ONE)]);
        assert_report(home, "daily", &[("2026-11-10", ONE)]);
    });
}

#[test]
fn a_copy_that_does_not_say_so_loses_to_the_earlier_telling() {
    let early = vec![call("msg_1").session("first").cwd("/w/first")];
    // A resumed session writes what it goes on from again, at a time of its own.
    let late = vec![call("msg_1").session("resumed").cwd("/w/resumed").at("2026-11-10T18:00:00Z")];
    in_every_order(&[early, late], |home| {
        assert_report(home, "session", &[("first", ONE)]);
        assert_report(home, "project", &[("/w/first", ONE)]);
    });
}

#[test]
fn of_equally_early_tellings_the_main_chain_s_counts() {
    let side = vec![call("msg_1").session("side").sidechain()];
    let main = vec![call("msg_1").session("main")];
    in_every_order(&[side, main], |home| assert_report(home, "session", &[("main", ONE)]));
}

#[test]
fn the_model_is_the_owner_s_and_the_counts_are_the_most_that_was_told() {
    let owner = vec![call("msg_1").session("first").tokens(1000, 10)];
    let copy = vec![
        call("msg_1").session("later").model("claude-opus-4-7").tokens(10, 1000).at("2026-11-10T18:00:00Z"),
    ];
    in_every_order(&[owner, copy], |home| {
        assert_report(home, "model", &[(SONNET, ONE)]);
        assert_report(home, "session", &[("first", ONE)]);
    });
}

#[test]
fn a_copy_s_larger_counts_are_its_parent_s() {
    let parent = vec![call("msg_1").session("parent").tokens(1000, 1)];
    let fork = vec![call("msg_1").session("fork").forked_from("parent")];
    in_every_order(&[parent, fork], |home| assert_report(home, "session", &[("parent", ONE)]));
}

#[test]
fn forked_from_that_names_no_session_says_nothing() {
    for nothing in [Value::Null, json!({}), json!({"sessionId": null}), json!({"messageUuid": "u-0"})] {
        let home = home_with(&[call("msg_1").session("own").field("forkedFrom", nothing.clone())]);
        assert_report(&home, "session", &[("own", ONE)]);
        assert_eq!(total(&home), ONE, "{nothing}");
    }
}

#[test]
fn a_fork_that_a_supervisor_saw_first_gives_back_what_it_copied() {
    let home = Home::new();
    home.transcript("0.jsonl", file(&[call("msg_1").session("fork").cwd("/w/fork").forked_from("parent")]));
    let running = home.start(&[]);
    import(&home);
    home.transcript("1.jsonl", file(&[call("msg_1").session("parent").cwd("/w/parent")]));
    import(&home);
    assert_report(&home, "session", &[("parent", ONE)]);
    assert_report(&home, "project", &[("/w/parent", ONE)]);
    let day = home.json(&["replay", "--explain", "2026-11-10"]);
    assert_eq!((&day["total"]["messages"], &day["total"]["cost_usd"]), (&json!(1), &json!("0.018")), "{day}");
    assert_eq!(running.stop(), 0);
}
