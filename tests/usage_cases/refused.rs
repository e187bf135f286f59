//! Lines that are refused: named, and read again when the reason has gone. A transcript by several names is read once.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{ONE, THREE, TWO, call, file, import, total};
use crate::alerts::until;
use crate::support::program::Home;

/// What is still refused.
fn refused(home: &Home) -> Vec<Value> {
    home.json(&["import", "--refused"])["refused"].as_array().unwrap().clone()
}

fn in_seconds(seconds: i64) -> Timestamp {
    Timestamp::now() + seconds.seconds()
}

/// How far a line may be ahead of the clock, in seconds.
const AHEAD: i64 = 3_600;
/// How much further the lines of these tests are: the first that is more than this machine needs for an import.
const MARGINS: [i64; 3] = [6, 40, 240];

fn sleep_until(time: Timestamp) {
    while Timestamp::now() <= time {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_line_that_is_61_minutes_ahead_is_named_with_its_place_and_the_reason() {
    let home = Home::new();
    let ahead = call("msg_2").at(in_seconds(61 * 60).to_string());
    let path = home.transcript("a.jsonl", file(&[call("msg_1"), ahead]));
    let imported = home.json(&["import"]);
    assert_eq!((&imported["recorded"], &imported["bad_lines"]), (&json!(1), &json!(1)), "{imported}");
    for _ in 0..2 {
        let named = refused(&home);
        assert_eq!(named.len(), 1, "{named:?}");
        assert_eq!(
            (&named[0]["file"], &named[0]["line"]),
            (&json!(path.to_str().unwrap()), &json!(2)),
            "{named:?}"
        );
        assert!(named[0]["reason"].as_str().unwrap().contains("future"), "{named:?}");
        home.json(&["import"]);
    }
    let said = home.run(&["import", "--refused"]);
    assert!(said.code == 0 && said.out.contains(path.to_str().unwrap()), "{said:?}");
    assert_eq!(total(&home), ONE);
}

#[test]
fn a_line_that_was_ahead_counts_once_its_time_has_come_although_its_file_is_as_it_was() {
    for margin in MARGINS {
        let home = Home::new();
        let time = in_seconds(AHEAD + margin);
        home.transcript("a.jsonl", file(&[call("msg_1").at(time.to_string()), call("msg_2")]));
        if home.json(&["import"])["recorded"] != 1 {
            // This machine was too slow to find it ahead.
            continue;
        }
        sleep_until(time - AHEAD.seconds());
        let imported = import(&home);
        assert_eq!(imported["recorded"], 1, "{imported}");
        assert_eq!(total(&home), TWO);
        assert_eq!(refused(&home), Vec::<Value>::new());
        let again = home.json(&["import", "--afresh"]);
        assert_eq!(again["recorded"], 0, "{again}");
        return;
    }
    panic!("no import was quick enough");
}

#[test]
fn a_supervisor_counts_such_a_line_by_itself() {
    for margin in MARGINS {
        let home = Home::new();
        let time = in_seconds(AHEAD + margin);
        home.transcript("a.jsonl", file(&[call("msg_1").at(time.to_string()), call("msg_2")]));
        let running = home.start_with(&[], &[("MECRIS_TRANSCRIPTS__POLL_SECONDS", "1")]);
        let counted = || running.get("/api/v1/status").json()["all_time"]["messages"].as_u64().unwrap();
        let first = until("the first import", || Some(counted()).filter(|count| *count > 0));
        if first != 1 {
            continue;
        }
        sleep_until(time - AHEAD.seconds());
        until("the line is counted", || (counted() == 2).then_some(()));
        assert_eq!(refused(&home), Vec::<Value>::new());
        assert_eq!(running.stop(), 0);
        return;
    }
    panic!("no start was quick enough");
}

#[test]
fn where_all_lines_are_good_nothing_is_refused() {
    let home = Home::new();
    assert_eq!(refused(&home), Vec::<Value>::new(), "there is no transcript");
    home.transcript("a.jsonl", file(&[call("msg_1"), call("msg_2").usage("service_tier", "gold")]));
    import(&home);
    assert_eq!(refused(&home), Vec::<Value>::new());
}

#[test]
fn what_was_mended_is_refused_no_longer() {
    let home = Home::new();
    let broken = call("msg_2").line().replace("\"usage\":{", "\"usage\":{SECRET");
    let path = home.transcript("a.jsonl", call("msg_1").line() + &broken + &call("msg_3").line());
    home.json(&["import"]);
    let named = refused(&home);
    assert_eq!((named.len(), &named[0]["line"]), (1, &json!(2)), "{named:?}");
    assert!(!named[0].to_string().contains("SECRET"), "contents are never quoted: {named:?}");
    fs::write(path, file(&[call("msg_1"), call("msg_2"), call("msg_3")])).unwrap();
    import(&home);
    assert_eq!(total(&home), THREE);
    assert_eq!(refused(&home), Vec::<Value>::new());
}

#[test]
fn a_line_that_was_not_whole_yet_is_refused_no_longer_when_it_is() {
    let home = Home::new();
    let whole = call("msg_2").line();
    home.transcript("a.jsonl", call("msg_1").line() + &whole[..whole.len() / 2]);
    home.json(&["import"]);
    assert_eq!(total(&home), ONE);
    home.transcript("a.jsonl", call("msg_1").line() + &whole);
    import(&home);
    assert_eq!(total(&home), TWO);
    assert_eq!(refused(&home), Vec::<Value>::new());
}

#[test]
fn lines_are_listed_alike_by_a_supervisor_with_files_that_cannot_be_read_and_without_reading_anything() {
    let home = Home::new();
    let broken = call("msg_2").line().replace("\"usage\":{", "\"usage\":{SECRET");
    let path = home.transcript("a.jsonl", call("msg_1").line() + &broken.repeat(40));
    home.json(&["import"]);
    let closed = path.with_file_name("closed.jsonl");
    fs::create_dir(&closed).unwrap();
    home.transcript("new.jsonl", "{");
    let own = home.json(&["import", "--refused"]);
    let named = own["refused"].as_array().unwrap();
    assert_eq!(named.len() as u64 + own["more"].as_u64().unwrap(), 40, "what is new is not read: {own}");
    assert_eq!((&named[0]["may_cost"], &named[0]["until"]), (&json!(true), &Value::Null), "{own}");
    assert_eq!(own["files"][0]["file"], json!(closed), "{own}");
    let said = home.run(&["import", "--refused"]);
    assert!(said.out.contains("more lines") && !said.out.contains("SECRET"), "{said:?}");
    assert_eq!(home.run(&["import", "--refused", "--afresh"]).code, 2);
    fs::remove_file(path.with_file_name("new.jsonl")).unwrap();
    let running = home.start(&[]);
    assert_eq!(running.get("/api/v1/import/refused").json(), own);
    assert_eq!(home.json(&["import", "--refused"]), own);
    assert_eq!(running.stop(), 0);
    fs::remove_file(path).unwrap();
    fs::remove_dir(closed).unwrap();
    assert_eq!(home.run(&["import", "--refused"]).out, "nothing is refused\n", "its file is gone");
}

/// Imports, finds nothing wrong, and so many files.
#[track_caller]
fn is_read_once(home: &Home, files: u64, sum: &str) {
    let imported = import(home);
    assert_eq!((&imported["files"], &imported["obstacles"]), (&json!(files), &json!([])), "{imported}");
    assert_eq!(total(home), sum);
    let again = home.json(&["import", "--afresh"]);
    assert_eq!((&again["recorded"], &again["obstacles"]), (&json!(0), &json!([])), "{again}");
    assert_eq!(refused(home), Vec::<Value>::new());
}

#[test]
fn a_transcript_by_a_second_name_is_read_once_and_nothing_is_said_against_it() {
    let home = Home::new();
    let path = home.transcript("a.jsonl", call("msg_1").line());
    // What Claude Code's own resume leaves: before and after the file in order, and in another project.
    let projects = path.parent().unwrap().parent().unwrap();
    for other in ["-aa", "-zz"] {
        fs::create_dir(projects.join(other)).unwrap();
        symlink(&path, projects.join(other).join("b.jsonl")).unwrap();
    }
    symlink("a.jsonl", path.with_file_name("0.jsonl")).unwrap();
    is_read_once(&home, 1, ONE);
}

#[test]
fn a_link_to_a_link_and_to_a_file_of_another_name_are_transcripts() {
    let home = Home::new();
    let path = home.transcript("a.jsonl", call("msg_1").line());
    let elsewhere = home.dir.path().join("kept.txt");
    fs::write(&elsewhere, call("msg_2").line()).unwrap();
    symlink(&elsewhere, path.with_file_name("b.jsonl")).unwrap();
    symlink("b.jsonl", path.with_file_name("c.jsonl")).unwrap();
    is_read_once(&home, 2, TWO);
}

#[test]
fn a_project_s_directory_by_a_second_name_is_read_once_and_nothing_is_said_against_it() {
    let home = Home::new();
    let path = home.transcript("a.jsonl", call("msg_1").line());
    let project = path.parent().unwrap();
    // A directory that was moved, and a link where it was.
    symlink(project, project.with_file_name("-home-ada-before")).unwrap();
    is_read_once(&home, 1, ONE);
}
