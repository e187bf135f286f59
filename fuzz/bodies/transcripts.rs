//! Claude Code's transcripts.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use mecris::domain::tokens::{MAX_COUNT, Tokens};
use mecris::domain::usage::Usage;
use mecris::fuzzing::NOW;
use mecris::integration::claude_code::line::{LineParser, Parsed};
use mecris::integration::claude_code::place::directory;
use mecris::integration::claude_code::read_all;
use mecris::integration::transcripts::{Collected, Cursors};

/// A revision also contains what it replaces, and an event holds 64 KiB.
const EVENT_HALF: usize = 24 * 1024;

/// Maximum number of calls of one input that are merged pairwise.
const PAIRS_MAX: usize = 12;

/// Line by line: each is a call, ignored, or refused; calls can be recorded, and merging them does not depend on
/// their order.
pub fn lines(data: &[u8]) {
    let mut parser = LineParser::new(NOW);
    let mut calls: Vec<Usage> = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        drop(directory(line));
        match parser.parse(line) {
            Parsed::Calls(call, parts) => {
                for part in &parts {
                    let begin = format!("{}#", call.key.message_id);
                    assert!(part.key.message_id.starts_with(&begin), "{part:?}");
                }
                calls.extend(std::iter::once(*call).chain(parts));
            }
            Parsed::NoCredit(at) => assert!(at <= NOW),
            Parsed::Bad(refusal) => assert!(refusal.until.is_none_or(|until| until >= NOW), "{refusal:?}"),
            Parsed::Other => {}
        }
    }
    for call in &calls {
        assert!(!call.key.message_id.is_empty());
        assert!(call.tokens.counts().into_iter().all(|count| count <= MAX_COUNT), "{call:?}");
        let names =
            [&call.model, &call.project, &call.repository, &call.session, &call.part, &call.inference_geo];
        let names =
            names.iter().map(|name| name.len()).chain([call.key.message_id.len(), call.key.request_id.len()]);
        assert!(
            names.sum::<usize>() <= EVENT_HALF,
            "an event has no room for {} bytes of names",
            call.model.len()
        );
        assert!(call.occurred_at <= NOW.saturating_add(SignedDuration::from_hours(1)).expect("a time"));
    }
    calls.truncate(PAIRS_MAX);
    for one in &calls {
        assert_eq!(&one.clone().merge(one.clone()), one);
        for other in &calls {
            let (mut one, mut other) = (one.clone(), other.clone());
            // Readings of one call: the result must not depend on their order. The request id is evidence, not identity.
            other.key = one.key.clone();
            other.part = one.part.clone();
            other.agent = one.agent.clone();
            assert_eq!(one.clone().merge(other.clone()), other.clone().merge(one.clone()));
            one.key.request_id = "".into();
            assert_eq!(one.clone().merge(other.clone()).key, other.merge(one).key);
        }
    }
}

fn read(path: &std::path::Path, cursors: &Cursors) -> Collected {
    read_all(&[(path.to_owned(), 0)], cursors, NOW, 1, &|_| {})
}

fn tokens(read: &[&Collected]) -> BTreeMap<Box<str>, Tokens> {
    let mut all: BTreeMap<Box<str>, Tokens> = BTreeMap::new();
    for usage in read.iter().flat_map(|read| &read.usages) {
        let of_call = all.entry(usage.key.message_id.clone()).or_default();
        *of_call = of_call.merge(&usage.tokens);
    }
    all
}

/// A file: every line is accounted for, and reading it in two parts gives the same calls as reading it at once.
pub fn file(data: &[u8]) {
    let path = super::file("whole/projects/p/s.jsonl", data);
    let whole = read(&path, &Cursors::new());
    let ends = memchr::memchr_iter(b'\n', data);
    let (lines, end) = ends.fold((0, 0), |(lines, _), at| (lines + 1, at as u64 + 1));
    let cursor = &whole.cursors[&path];
    assert_eq!((cursor.line, cursor.offset), (lines, end));
    let mut parser = LineParser::new(NOW);
    let refused =
        data.split(|byte| *byte == b'\n').filter(|line| matches!(parser.parse(line), Parsed::Bad(_)));
    assert_eq!(whole.bad_count, refused.count() as u64);

    let half = data.len() / 2;
    let path = super::file("parts/projects/p/s.jsonl", &data[..half]);
    let first = read(&path, &Cursors::new());
    // The same file has grown: a different one would be read from its start.
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &data[half..]))
        .expect("the rest of the file");
    let second = read(&path, &first.cursors);
    assert_eq!(tokens(&[&first, &second]), tokens(&[&whole]));
    assert_eq!(second.cursors[&path].line, lines);
}
