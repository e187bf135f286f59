//! Importing: totals equal the truth, nothing is counted twice, and what is broken is named.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use jiff::Timestamp;
use mecris::domain::usage::Usage;
use mecris::integration::claude_code::{discover, read_all};
use mecris::integration::transcripts::{Collected, Cursors};
use serde_json::{Value, json};

use crate::support::corpus::{self, Counts, Plan};
use crate::support::program::{Home, everything_below, timeless};

fn counts(line: &Value) -> Counts {
    let number = |name: &str| line[name].as_u64().unwrap_or_else(|| panic!("{name} in {line}"));
    Counts {
        messages: number("messages"),
        input_tokens: number("input_tokens"),
        output_tokens: number("output_tokens"),
        cache_write_5m_tokens: number("cache_write_5m_tokens"),
        cache_write_1h_tokens: number("cache_write_1h_tokens"),
        cache_read_tokens: number("cache_read_tokens"),
        web_searches: number("web_searches"),
    }
}

/// A report's sums by group, or by (group, model).
fn sums(report: &Value, list: &str, name: &str) -> BTreeMap<String, Counts> {
    let mut sums: BTreeMap<String, Counts> = BTreeMap::new();
    for group in report[list].as_array().unwrap() {
        for line in group["models"].as_array().unwrap() {
            sums.entry(group[name].as_str().unwrap().to_owned()).or_default().add(&counts(line));
        }
    }
    sums
}

/// By (day, model), from `report daily --json`.
fn by_day_and_model(report: &Value) -> BTreeMap<(String, String), Counts> {
    let mut sums = BTreeMap::new();
    for day in report["days"].as_array().unwrap() {
        for line in day["models"].as_array().unwrap() {
            let key = (day["day"].as_str().unwrap().to_owned(), line["model"].as_str().unwrap().to_owned());
            assert!(sums.insert(key, counts(line)).is_none(), "a model stands twice in a day");
        }
    }
    sums
}

const LARGE: Plan = Plan { bytes: 110_000_000, files: 240, days: 30, seed: 42 };

#[test]
fn totals_of_a_hundred_megabytes_equal_the_truth_and_stay_so() {
    let home = Home::new();
    let truth = corpus::write(&home.claude(), LARGE);
    assert!(truth.bytes >= 100_000_000, "{}", truth.bytes);
    let imported = home.json(&["import"]);
    assert_eq!(imported["recorded"].as_u64(), Some(truth.total().messages));
    assert_eq!(
        (imported["revised"].as_u64(), imported["bad_lines"].as_u64()),
        (Some(0), Some(0)),
        "{imported}"
    );

    let daily = home.json(&["report", "daily"]);
    assert_eq!(by_day_and_model(&daily), truth.by_day_and_model());
    assert_eq!(counts(&daily["total"]), truth.total());
    assert_eq!(sums(&home.json(&["report", "project"]), "projects", "project"), truth.by_project());
    assert_eq!(sums(&home.json(&["report", "session"]), "sessions", "session"), truth.by_session());

    // The cost, reckoned anew from the truth and the price file.
    let prices: Value = serde_json::from_str(include_str!("../data/prices.json")).unwrap();
    for ((day, model), expected) in &truth.by_day_and_model() {
        let line =
            daily["days"].as_array().unwrap().iter().find(|group| group["day"] == **day).unwrap()["models"]
                .as_array()
                .unwrap()
                .iter()
                .find(|line| line["model"] == **model)
                .unwrap()
                .clone();
        let list = &prices["models"][format!("anthropic/{model}")];
        // Models whose price depends on the prompt's size cannot be reckoned from sums.
        match list["tiers"].as_array().map(Vec::as_slice) {
            None => assert_eq!(line["cost_usd"], Value::Null, "{model} has no price"),
            Some([rates]) => {
                assert_eq!(line["cost_usd"].as_str().unwrap(), usd(expected, rates, list), "{day} {model}");
            }
            Some(_) => {}
        }
    }

    let again = home.json(&["import"]);
    assert_eq!(
        (again["recorded"].as_u64(), again["bytes"].as_u64()),
        (Some(0), Some(0)),
        "nothing is read twice"
    );
    let afresh = home.json(&["import", "--afresh"]);
    assert_eq!((afresh["recorded"].as_u64(), afresh["revised"].as_u64()), (Some(0), Some(0)), "{afresh}");
    assert_eq!(afresh["known"].as_u64(), Some(truth.total().messages));
    assert_eq!(timeless(home.json(&["report", "daily"])), timeless(daily));
    let verified = home.json(&["verify"]);
    assert_eq!(
        (verified["events"].as_u64(), verified["problem_count"].as_u64()),
        (Some(truth.total().messages), Some(0))
    );
}

/// An exact cost in USD from token counts and decimal prices, in whole picodollars.
fn usd(counts: &Counts, rates: &Value, list: &Value) -> String {
    let pico = |price: &Value| -> u128 {
        let text = price.as_str().unwrap();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{fraction:0<6}").parse().unwrap()
    };
    let parts = [
        (counts.input_tokens, "input"),
        (counts.output_tokens, "output"),
        (counts.cache_write_5m_tokens, "cache_write_5m"),
        (counts.cache_write_1h_tokens, "cache_write_1h"),
        (counts.cache_read_tokens, "cache_read"),
    ];
    let tokens: u128 = parts.iter().map(|(count, rate)| u128::from(*count) * pico(&rates[rate])).sum();
    let searches = match counts.web_searches {
        0 => 0,
        count => u128::from(count) * pico(&list["web_search_per_call"]) * 1_000_000,
    };
    let total = tokens + searches;
    let text = format!("{}.{:012}", total / 1_000_000_000_000, total % 1_000_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn an_import_that_was_killed_is_completed_by_the_next() {
    let home = Home::new();
    let truth = corpus::write(&home.claude(), Plan { bytes: 40_000_000, files: 60, days: 10, seed: 7 });
    for round in 0..5_u64 {
        let mut child = home.command(&["import", "--json"]).stdout(Stdio::null()).spawn().unwrap();
        // The moment of the kill moves through the import: it is the log's growth that is awaited.
        let enough = round * 800_000;
        while child.try_wait().unwrap().is_none() {
            let journal = home.data().join("journal");
            let written: u64 = fs::read_dir(&journal)
                .map_or(0, |files| files.flatten().map(|file| file.metadata().unwrap().len()).sum());
            if written >= enough {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
    }
    home.json(&["import"]);
    assert_eq!(by_day_and_model(&home.json(&["report", "daily"])), truth.by_day_and_model());
    let verified = home.json(&["verify"]);
    assert_eq!(verified["events"].as_u64(), Some(truth.total().messages), "nothing twice");
}

#[test]
fn a_copied_session_adds_nothing() {
    let home = Home::new();
    let truth = corpus::write(&home.claude(), Plan { bytes: 3_000_000, files: 6, days: 3, seed: 3 });
    home.json(&["import"]);
    let original = discover(&[home.claude()]).files[0].0.clone();
    fs::copy(&original, original.with_file_name("a-copy.jsonl")).unwrap();
    let imported = home.json(&["import"]);
    assert_eq!(
        (imported["recorded"].as_u64(), imported["revised"].as_u64()),
        (Some(0), Some(0)),
        "{imported}"
    );
    assert_eq!(by_day_and_model(&home.json(&["report", "daily"])), truth.by_day_and_model());
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn read(dir: &Home, cursors: &Cursors, threads: usize) -> Collected {
    read_all(&discover(&[dir.claude()]).files, cursors, now(), threads, &|_| {})
}

#[test]
fn the_outcome_does_not_depend_on_the_number_of_threads() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 6_000_000, files: 40, days: 5, seed: 9 });
    let one = read(&home, &Cursors::new(), 1);
    for threads in [2, 3, 8] {
        let many = read(&home, &Cursors::new(), threads);
        assert_eq!(many.usages, one.usages);
        assert_eq!(many.cursors, one.cursors);
    }
}

#[test]
fn reading_resumes_at_the_byte_where_it_stopped() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 400_000, files: 1, days: 1, seed: 11 });
    let path = discover(&[home.claude()]).files[0].0.clone();
    let whole = fs::read(&path).unwrap();
    let expected = read(&home, &Cursors::new(), 1);
    for cut in (0..whole.len()).step_by(whole.len() / 37) {
        fs::write(&path, &whole[..cut]).unwrap();
        let first = read(&home, &Cursors::new(), 1);
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&whole[cut..]).unwrap();
        let rest = read(&home, &first.cursors, 1);
        assert!(first.bytes <= cut as u64 && first.bytes + rest.bytes == whole.len() as u64, "cut at {cut}");
        assert_eq!(rest.cursors, expected.cursors, "cut at {cut}");
        assert_eq!(rest.bad_count, 0, "a half line is whole in the end");
        let mut both: BTreeMap<_, Usage> =
            first.usages.into_iter().map(|usage| (usage.key.clone(), usage)).collect();
        for usage in rest.usages {
            let known = both.remove(&usage.key).unwrap_or_else(|| usage.clone());
            both.insert(usage.key.clone(), known.merge(usage));
        }
        let expected: BTreeMap<_, _> =
            expected.usages.iter().map(|usage| (usage.key.clone(), usage.clone())).collect();
        assert_eq!(both, expected, "cut at {cut}");
    }
}

#[test]
fn a_truncated_or_replaced_file_is_read_afresh() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 200_000, files: 1, days: 1, seed: 13 });
    let path = discover(&[home.claude()]).files[0].0.clone();
    let before = read(&home, &Cursors::new(), 1);
    let text = fs::read(&path).unwrap();
    let half = text[..text.len() / 2].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    fs::write(&path, &text[half..]).unwrap();
    let truncated = read(&home, &before.cursors, 1);
    assert_eq!(truncated.bytes, (text.len() - half) as u64, "all of the shorter file");
    let longer = [&text[half..], &text[..]].concat();
    fs::write(path.with_extension("new"), &longer).unwrap();
    fs::rename(path.with_extension("new"), &path).unwrap();
    let replaced = read(&home, &truncated.cursors, 1);
    assert_eq!(replaced.bytes, longer.len() as u64, "all of the other file");
}

/// A good line with its own id.
fn line(id: u32, usage: &str) -> String {
    format!(
        r#"{{"type":"assistant","timestamp":"2026-11-20T10:00:00Z","sessionId":"s","cwd":"/w","requestId":"req_{id}","message":{{"id":"msg_{id}","model":"claude-opus-5","content":[],"usage":{usage}}}}}"#
    )
}

#[test]
fn bad_lines_are_counted_and_named_and_the_rest_is_imported() {
    let home = Home::new();
    let good = |id| line(id, r#"{"input_tokens":1,"output_tokens":2}"#);
    let half = &good(2)[..120];
    let future = good(6).replace("2026-11-20", "2999-11-20");
    let lines = [
        good(1),
        half.to_owned(),
        line(3, r#"{"input_tokens":-5,"output_tokens":2}"#),
        line(4, r#"{"input_tokens":1,"output_tokens":1000000000001}"#),
        "SECRET not JSON".to_owned(),
        future,
        good(7),
    ];
    let mut text = lines.join("\n").into_bytes();
    text.extend_from_slice(b"\n{\"type\":\"assistant\",\"message\":\"\xff\xfe\"}\n");
    text.extend(std::iter::repeat_n(b'x', 50_000_000));
    text.extend_from_slice(format!("\n{}\n", good(9)).as_bytes());
    text.extend_from_slice(&good(10).as_bytes()[..90]);
    let path = home.transcript("bad.jsonl", text);
    let said = home.run(&["import"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("5 calls recorded"), "{said:?}");
    assert!(said.out.contains("6 bad lines"), "{said:?}");
    let reasons = [
        (2, "not a whole JSON object"),
        (5, "not a whole JSON object"),
        (6, "in the future"),
        (8, "not UTF-8"),
        (9, "longer than 8 MiB"),
        (11, "a half line at the end"),
    ];
    for (number, reason) in reasons {
        let named = format!("{}:{number}: ", path.display());
        let found = said
            .out
            .lines()
            .find(|line| line.contains(&named))
            .unwrap_or_else(|| panic!("{named} in {said:?}"));
        assert!(found.contains(reason), "{found}");
    }
    assert!(!said.out.contains("SECRET"), "contents are never quoted: {said:?}");
    let daily = home.json(&["report", "daily"]);
    let total = &daily["total"];
    assert_eq!((&total["messages"], &total["partly_priced_messages"]), (&json!(5), &json!(2)), "{daily}");
}

#[test]
fn strange_directories_are_named_and_the_rest_is_imported() {
    let home = Home::new();
    let good = line(1, r#"{"input_tokens":1,"output_tokens":2}"#) + "\n";
    let path = home.transcript("good.jsonl", &good);
    let folder = path.parent().unwrap();
    fs::create_dir(folder.join("x.jsonl")).unwrap();
    symlink(folder, folder.join("loop")).unwrap();
    symlink("self.jsonl", folder.join("self.jsonl")).unwrap();
    symlink("nowhere", folder.join("dangling.jsonl")).unwrap();
    let said = home.run(&["import"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("1 calls recorded"), "{said:?}");
    for (name, reason) in [
        ("x.jsonl", "a directory is named like a transcript; rename it"),
        ("loop", "it may be a loop; remove it"),
        ("self.jsonl", "leads nowhere"),
        ("dangling.jsonl", "leads nowhere"),
    ] {
        let named = format!("{}: ", folder.join(name).display());
        let found = said
            .out
            .lines()
            .find(|line| line.contains(&named))
            .unwrap_or_else(|| panic!("{named} in {said:?}"));
        assert!(found.contains(reason), "{found}");
    }
}

/// People keep their transcripts on another disk, and some link single ones.
#[test]
fn a_transcript_behind_links_is_read_once_and_nothing_is_wrong_with_it() {
    let home = Home::new();
    let elsewhere = home.dir.path().join("elsewhere");
    fs::create_dir_all(elsewhere.join("project")).unwrap();
    let usage = r#"{"input_tokens":1,"output_tokens":2}"#;
    fs::write(elsewhere.join("project/far.jsonl"), line(1, usage) + "\n").unwrap();
    let near = home.transcript("near.jsonl", line(2, usage) + "\n");
    let folder = near.parent().unwrap();
    symlink(&near, folder.join("again.jsonl")).unwrap();
    symlink(elsewhere.join("project"), folder.parent().unwrap().join("-linked")).unwrap();
    symlink(elsewhere.join("project/far.jsonl"), folder.join("far.jsonl")).unwrap();
    let imported = home.json(&["import"]);
    assert_eq!(
        (&imported["recorded"], &imported["files"], &imported["bad_files"]),
        (&2.into(), &2.into(), &0.into()),
        "{imported}"
    );
}

/// Root may read everything, so the reader is an ordinary user where this runs as root.
#[test]
fn a_file_without_permission_is_named_and_the_rest_is_imported() {
    let home = Home::new();
    home.transcript("good.jsonl", line(1, r#"{"input_tokens":1,"output_tokens":2}"#) + "\n");
    let closed = home.transcript("closed.jsonl", "{}\n");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let mut command = home.command(&["import", "--data-dir"]);
    let data = home.dir.path().join("data");
    fs::create_dir(&data).unwrap();
    command.arg(&data);
    if rustix::process::geteuid().is_root() {
        use std::os::unix::process::CommandExt;
        const NOBODY: u32 = 65_534;
        for path in [home.dir.path(), &data] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let program = home.dir.path().join("mecris");
        fs::copy(env!("CARGO_BIN_EXE_mecris"), &program).unwrap();
        let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
        command = std::process::Command::new(program);
        command.args(arguments).env_clear().env("HOME", home.dir.path()).uid(NOBODY).gid(NOBODY);
    }
    let said: crate::support::program::Said = command.output().unwrap().into();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("1 calls recorded") && said.out.contains("1 unreadable files"), "{said:?}");
    assert!(said.out.contains(&format!("{}: cannot be read", closed.display())), "{said:?}");
}

#[test]
fn no_message_text_reaches_the_data_directory() {
    let home = Home::new();
    let text = line(1, r#"{"input_tokens":1,"output_tokens":2}"#)
        .replace("\"content\":[]", "\"content\":[{\"type\":\"text\",\"text\":\"MARKED-TEXT\"}]");
    home.transcript(
        "marked.jsonl",
        format!("{text}\n{{\"type\":\"user\",\"message\":\"MARKED-TEXT \\\"usage\\\"\"}}\n"),
    );
    assert_eq!(home.json(&["import"])["recorded"].as_u64(), Some(1));
    let all = everything_below(&home.data());
    assert!(!all.windows(11).any(|window| window == b"MARKED-TEXT"));
    assert!(
        all.windows(5).any(|window| window == b"msg_1"),
        "the ids are there: this search would find the text too"
    );
}

#[test]
fn claude_config_dir_names_where_to_look() {
    let home = Home::new();
    let elsewhere: PathBuf = home.dir.path().join("elsewhere");
    let truth = corpus::write(&elsewhere, Plan { bytes: 100_000, files: 2, days: 2, seed: 5 });
    let mut command = home.command(&["import", "--json"]);
    let said: crate::support::program::Said =
        command.env("CLAUDE_CONFIG_DIR", &elsewhere).output().unwrap().into();
    let imported: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(imported["recorded"].as_u64(), Some(truth.total().messages));
}
