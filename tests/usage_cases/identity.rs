//! What a call is: the provider's message id, or the line's uuid. However often and in whatever order it is told, it is
//! one call: the most that was told of each count, at the earliest time.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use super::{
    Call, ONE, SONNET, TWO, assert_report, call, data, file, home_in_steps, home_of, home_with, import, total,
};
use crate::support::program::Home;

#[test]
fn a_message_told_again_with_another_request_id_is_one_call_wherever_it_stands() {
    let again: [(&str, Call); 6] = [
        ("another id", call("msg_1").request("req_other")),
        ("no id", call("msg_1").without("requestId")),
        ("null", call("msg_1").field("requestId", Value::Null)),
        ("another uuid", call("msg_1").field("uuid", "u-other").request("req_other")),
        ("a subagent's", call("msg_1").request("req_other").sidechain()),
        ("progress", call("msg_1").request("req_other").in_progress()),
    ];
    for (what, again) in again {
        for pair in [[call("msg_1"), again.clone()], [again.clone(), call("msg_1")]] {
            assert_eq!(total(&home_with(&pair)), ONE, "{what}");
            let home = Home::new();
            home.transcript("a.jsonl", pair[0].line());
            home.transcript("s/subagents/agent-1.jsonl", pair[1].line());
            import(&home);
            assert_eq!(total(&home), ONE, "{what}, in a file of its own");
        }
    }
}

#[test]
fn messages_of_one_request_id_are_calls_of_their_own() {
    let home = home_with(&[call("msg_1").request("req_1"), call("msg_2").request("req_1")]);
    assert_eq!(total(&home), TWO);
}

#[test]
fn without_a_message_id_the_uuid_says_what_a_call_is() {
    let nameless = |uuid: &str| call("msg").without_id().field("uuid", uuid);
    let home = home_with(&[
        nameless("u-1"),
        nameless("u-1").request("req_other"),
        nameless("u-1").without("requestId"),
        nameless("u-2"),
    ]);
    assert_eq!(total(&home), TWO);
}

#[test]
fn a_message_of_an_earlier_import_is_known_by_its_id_alone() {
    let home = home_with(&[call("msg_1")]);
    home.transcript("b.jsonl", call("msg_1").request("req_other").session("t").line());
    let imported = import(&home);
    assert_eq!((&imported["recorded"], &imported["revised"]), (&json!(0), &json!(0)), "{imported}");
    assert_report(&home, "session", &[("s", ONE)]);
}

/// All orders of three.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The same in every order, told at once and in three imports.
#[track_caller]
fn is_one_in_every_order(tellings: &[Call; 3], right: &str) {
    for order in ORDERS {
        let calls = order.map(|index| tellings[index].clone());
        assert_eq!(total(&home_with(&calls)), right, "{order:?}, in one file");
        let steps = calls.map(|call| vec![call]);
        assert_eq!(total(&home_in_steps(&steps)), right, "{order:?}, in three imports");
    }
}

#[test]
fn of_each_count_the_most_that_was_told_counts() {
    let tellings = [
        call("msg_1").tokens(1000, 1),
        call("msg_1").tokens(10, 1000).at("2026-11-10T10:00:01Z"),
        call("msg_1").tokens(500, 500).at("2026-11-10T10:00:02Z").request("req_other"),
    ];
    is_one_in_every_order(&tellings, ONE);
}

#[test]
fn of_cache_writes_the_most_of_all_and_of_an_hour_s_count_and_the_rest_are_five_minutes() {
    let split =
        |five: u64, hour: u64| json!({"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour});
    let tellings = [
        call("msg_1").usage("cache_creation_input_tokens", 3000).usage("cache_creation", split(1000, 2000)),
        call("msg_1").usage("cache_creation_input_tokens", 4000).at("2026-11-10T10:00:01Z"),
        call("msg_1").usage("cache_creation_input_tokens", 3500).usage("cache_creation", split(3000, 500)),
    ];
    is_one_in_every_order(&tellings, "1 call, 1000 in, 1000 out, 2000 5m, 2000 1h, 0.0375 USD");
}

#[test]
fn of_searches_and_cache_reads_the_most_that_was_told_counts() {
    let searches = |count: u64| json!({ "web_search_requests": count });
    let tellings = [
        call("msg_1").usage("server_tool_use", searches(2)),
        call("msg_1").usage("server_tool_use", searches(1)).usage("cache_read_input_tokens", 10_000),
        call("msg_1").usage("server_tool_use", Value::Null).at("2026-11-10T10:00:09Z"),
    ];
    is_one_in_every_order(&tellings, "1 call, 1000 in, 1000 out, 10000 read, 2 searches, 0.041 USD");
}

#[test]
fn a_call_belongs_to_the_earliest_day_that_was_told() {
    let early = call("msg_1").tokens(1000, 1);
    let late = call("msg_1").at("2026-11-20T10:00:00Z");
    for steps in [
        vec![vec![early.clone(), late.clone()]],
        vec![vec![late.clone(), early.clone()]],
        vec![vec![early.clone()], vec![late.clone()]],
        // The day moves when the earlier telling comes to light.
        vec![vec![late], vec![early]],
    ] {
        assert_report(&home_in_steps(&steps), "daily", &[("2026-11-10", ONE)]);
    }
}

#[test]
fn a_smaller_copy_takes_nothing_away_whatever_its_file_is_called() {
    let copy = call("msg_1").tokens(1000, 1).session("t").cwd("/w/b").at("2026-11-20T10:00:00Z");
    for name in ["0-before.jsonl", "z-after.jsonl"] {
        let home = home_with(&[call("msg_1")]);
        home.transcript(name, copy.line());
        import(&home);
        home.json(&["import", "--afresh"]);
        assert_report(&home, "daily", &[("2026-11-10", ONE)]);
        assert_report(&home, "session", &[("s", ONE)]);
        assert_report(&home, "project", &[("/w/a", ONE)]);
    }
}

/// A home with a log that the program of 2026-11-29 wrote, whose calls were told apart by their request ids too.
fn home_with_log(name: &str) -> Home {
    let home = Home::new();
    let backup = data("usage_logs").join(name);
    home.json(&["restore", backup.to_str().unwrap(), "--to", home.root().to_str().unwrap()]);
    home
}

fn take_transcripts(home: &Home, case: &str) {
    super::copy(&data("usage").join(case), &home.claude());
}

#[test]
fn a_log_that_knows_a_call_by_message_and_request_does_not_take_it_again() {
    let home = home_with_log("aside");
    assert_eq!(total(&home), "1 call, 100 in, 1000 out, 20000 read, 0.0213 USD");
    take_transcripts(&home, "btw-replay");
    let imported = import(&home);
    assert_eq!(imported["recorded"], 1, "{imported}");
    assert_eq!(total(&home), "2 calls, 150 in, 1100 out, 41000 read, 0.02925 USD");
    let again = home.json(&["import", "--afresh"]);
    assert_eq!((&again["recorded"], &again["revised"]), (&json!(0), &json!(0)), "{again}");
}

#[test]
fn a_log_that_has_a_call_twice_by_its_request_ids_counts_it_once() {
    let home = home_with_log("request-id");
    take_transcripts(&home, "request-id-on-some-lines");
    import(&home);
    assert_report(&home, "model", &[(SONNET, "1 call, 100 in, 1000 out, 20000 read, 0.0213 USD")]);
    assert_eq!(home.json(&["verify"])["problem_count"], 0);
}

/// Where a program of 2026-11-29 stopped reading said nothing of which program it was.
#[test]
fn lines_that_an_older_program_refused_are_read_again_although_it_read_to_the_end() {
    let home = home_with_log("words");
    take_transcripts(&home, "unknown-tier-and-speed");
    let path = home.claude().join("projects/-w-alpha/s-1.jsonl");
    let text = fs::read(&path).unwrap();
    let metadata = File::open(&path).unwrap().metadata().unwrap();
    let hash = blake3::hash(&text[text.len() - 256..]);
    let cursor = json!({
        "dev": metadata.dev(), "ino": metadata.ino(), "offset": text.len(), "line": 7,
        "fingerprint": u64::from_le_bytes(*hash.as_bytes().first_chunk().unwrap()),
    });
    let mut cursors = json!({});
    cursors[path.to_str().unwrap()] = cursor;
    fs::write(home.data().join("transcripts.json"), cursors.to_string()).unwrap();
    let imported = import(&home);
    assert_eq!(imported["recorded"], 4, "{imported}");
    assert_eq!(total(&home), "7 calls, 7000 in, 7000 out, 0.15 USD, 2 unpriced");
    let again = import(&home);
    assert_eq!(again["bytes"], 0, "once is enough: {again}");
}

#[test]
fn a_transcript_that_went_away_takes_no_call_with_it() {
    let home = home_of("btw-replay");
    import(&home);
    fs::remove_dir_all(home.claude()).unwrap();
    home.transcript("other.jsonl", file(&[call("msg_B").tokens(1, 1).request("req_other")]));
    import(&home);
    assert_eq!(total(&home), "2 calls, 150 in, 1100 out, 41000 read, 0.02925 USD");
}
