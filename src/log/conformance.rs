//! The contract of [`EventLog`] as checks that every implementation passes, each on an empty log of its own.
//! A check panics if a rule is broken.
//!
//! ```
//! use mecris::log::{MemoryLog, conformance};
//!
//! for (name, check) in conformance::CHECKS {
//!     println!("{name}");
//!     check(&MemoryLog::new());
//! }
//! ```

mod reads;

use std::ops::ControlFlow;

use jiff::Timestamp;

use crate::event::{
    EventId, Metadata, NewEvent, Position, Recorded, StreamId, TenantId, TraceContext, Version,
};

use super::{Append, Appended, EventLog, Expected, Head, LogError, Outcome};

/// A check of one or more rules.
pub type Check = fn(&dyn EventLog);

/// All checks, with the rules that they test.
pub const CHECKS: &[(&str, Check)] = &[
    ("an empty log has nothing", empty),
    ("rule 2: positions are gapless from 1, in the order of acknowledgement", positions),
    ("rule 3: an append is all or nothing, and its events stand together", all_or_nothing),
    ("rule 4: a known id is answered with its old position", duplicates),
    ("rule 4: a repeated append is answered whatever it expected", repeated_append),
    ("rule 4: ids that share their halves are told apart", similar_ids),
    ("rule 5: versions are gapless within tenant and stream", versions),
    ("rule 6: expected versions are checked", expected_versions),
    ("rule 7: recorded_at never decreases", recorded_at),
    ("rule 8: a reader sees what was acknowledged", read_your_writes),
    ("rule 9: the watch shows each new head", watching),
    ("what is read is what was appended", envelope_survives),
    ("a scan has an inclusive range and can be broken off", reads::scanning),
    ("a stream is read from a version on, without the others", reads::streams),
    ("pages follow each other without a gap, whatever their limit", reads::pages),
    ("a page holds nothing that an append would wait for", reads::pages_hold_nothing),
    ("many ids are found in one question, in their order", reads::many),
    ("appends that overlap are serialised", concurrent),
    ("events over the limits of the envelope are refused", limits),
    ("large appends span blocks", large),
];

/// An event with an id and payload made from a number.
#[must_use]
pub fn event(number: u64) -> NewEvent {
    NewEvent {
        id: EventId::derive("conformance", &[&number.to_string()]),
        type_name: "tested",
        schema_version: 1,
        occurred_at: Timestamp::from_microsecond(1_700_000_000_000_000 + number.cast_signed())
            .unwrap_or_default(),
        metadata: Metadata { actor: "conformance".to_owned(), ..Metadata::default() },
        payload: number.to_le_bytes().to_vec(),
    }
}

/// An append of such events to a stream of the tenant `local`.
#[must_use]
pub fn append(stream: &str, expected: Expected, numbers: impl IntoIterator<Item = u64>) -> Append {
    Append {
        tenant: TenantId::local(),
        stream: StreamId::new(stream),
        expected,
        events: numbers.into_iter().map(event).collect(),
    }
}

fn put(log: &dyn EventLog, stream: &str, numbers: impl IntoIterator<Item = u64>) -> Appended {
    log.append(append(stream, Expected::Any, numbers)).wait().expect("an append without expectation succeeds")
}

/// All events of a log, owned.
///
/// # Panics
/// If the log cannot be read.
#[must_use]
pub fn all(log: &dyn EventLog) -> Vec<Recorded> {
    let mut found = Vec::new();
    log.scan(Position::FIRST, Position(u64::MAX), &mut |record| {
        found.push(record.to_recorded());
        ControlFlow::Continue(())
    })
    .expect("the log can be read");
    found
}

fn new(position: u64) -> Outcome {
    Outcome::New(Position(position))
}

fn duplicate(position: u64) -> Outcome {
    Outcome::Duplicate(Position(position))
}

fn head(log: &dyn EventLog) -> Head {
    log.head().expect("the log can be asked")
}

fn version(log: &dyn EventLog, stream: &str) -> u64 {
    log.stream_version(&TenantId::local(), &StreamId::new(stream)).unwrap().0
}

fn empty(log: &dyn EventLog) {
    assert_eq!(head(log).position, Position::START);
    assert!(head(log).chain.is_none_or(|hash| hash == [0; 32]));
    assert!(all(log).is_empty());
    assert_eq!(log.get(Position::FIRST).unwrap(), None);
    assert_eq!(log.get(Position::START).unwrap(), None);
    assert_eq!(log.find(event(1).id).unwrap(), None);
    assert_eq!(log.position_at(Timestamp::now()).unwrap(), Position::START);
    assert_eq!(version(log, "a"), 0);
}

fn positions(log: &dyn EventLog) {
    assert_eq!(put(log, "a", [1]).outcomes, [new(1)]);
    assert_eq!(put(log, "b", [2, 3]).outcomes, [new(2), new(3)]);
    assert_eq!(put(log, "a", [4]).outcomes, [new(4)]);
    let found: Vec<_> = all(log).iter().map(|record| record.position.0).collect();
    assert_eq!(found, [1, 2, 3, 4]);
    assert_eq!(head(log).position, Position(4));
}

fn all_or_nothing(log: &dyn EventLog) {
    put(log, "a", [1]);
    let before = head(log);
    let refused = log.append(append("a", Expected::NoStream, [2, 3])).wait();
    assert!(matches!(refused, Err(LogError::Conflict { .. })), "{refused:?}");
    assert_eq!(head(log), before);
    assert_eq!(log.find(event(2).id).unwrap(), None);
    assert_eq!(version(log, "a"), 1);
    assert_eq!(put(log, "a", [2, 3]).outcomes, [new(2), new(3)], "a refused id is not a known id");
}

fn duplicates(log: &dyn EventLog) {
    put(log, "a", [1, 2]);
    assert_eq!(put(log, "a", [1]).outcomes, [duplicate(1)]);
    assert_eq!(put(log, "elsewhere", [2]).outcomes, [duplicate(2)], "ids are known across streams");
    assert_eq!(version(log, "elsewhere"), 0);
    let mixed = put(log, "a", [2, 3, 1, 3, 4]);
    assert_eq!(mixed.outcomes, [duplicate(2), new(3), duplicate(1), duplicate(3), new(4)]);
    assert_eq!(mixed.new_count(), 2);
    assert_eq!(head(log).position, Position(4));
    assert_eq!(log.find(event(3).id).unwrap(), Some(Position(3)));
}

fn repeated_append(log: &dyn EventLog) {
    let first = append("a", Expected::NoStream, [1, 2]);
    assert_eq!(log.append(first.clone()).wait().unwrap().outcomes, [new(1), new(2)]);
    assert_eq!(log.append(first).wait().unwrap().outcomes, [duplicate(1), duplicate(2)]);
    let partly = log.append(append("a", Expected::NoStream, [1, 3])).wait();
    assert!(matches!(partly, Err(LogError::Conflict { .. })), "what is new has to match: {partly:?}");
}

fn similar_ids(log: &dyn EventLog) {
    let with_id = |id| {
        let mut append = append("a", Expected::Any, [1]);
        append.events[0].id = EventId(id);
        append
    };
    let mut ids = Vec::new();
    for last in 0..4 {
        let mut front = [7; 16];
        front[15] = last;
        let mut back = [7; 16];
        back[0] = last;
        let mut both = [last + 8; 16];
        both[8] = 99;
        ids.extend([front, back, both]);
    }
    // Equal if the halves are folded together: swapped halves.
    ids.extend([[0; 16], [0xFF; 16]]);
    ids.sort_unstable();
    ids.dedup();
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(log.append(with_id(*id)).wait().unwrap().outcomes, [new(number as u64 + 1)]);
    }
    for (number, id) in ids.iter().enumerate() {
        assert_eq!(log.append(with_id(*id)).wait().unwrap().outcomes, [duplicate(number as u64 + 1)]);
        assert_eq!(log.find(EventId(*id)).unwrap(), Some(Position(number as u64 + 1)));
    }
}

fn versions(log: &dyn EventLog) {
    put(log, "a", [1, 2]);
    put(log, "b", [3]);
    put(log, "a", [4, 1, 5]);
    let mut other = append("a", Expected::NoStream, [6]);
    other.tenant = TenantId::new("other");
    log.append(other).wait().expect("another tenant's stream of the same name is another stream");
    let found: Vec<_> = all(log).iter().map(|record| (record.stream.to_string(), record.version.0)).collect();
    let expected = [("a", 1), ("a", 2), ("b", 1), ("a", 3), ("a", 4), ("a", 1)];
    assert_eq!(found, expected.map(|(stream, version)| (stream.to_owned(), version)));
    assert_eq!((version(log, "a"), version(log, "b")), (4, 1));
}

fn expected_versions(log: &dyn EventLog) {
    let try_put = |expected, number| log.append(append("a", expected, [number])).wait();
    let conflict = |answer: Result<Appended, LogError>, at: u64| match answer {
        Err(LogError::Conflict { stream, actual }) => {
            assert_eq!((stream.as_str(), actual), ("a", Version(at)));
        }
        other => panic!("a conflict at {at} was expected, not {other:?}"),
    };
    conflict(try_put(Expected::Exact(Version(1)), 1), 0);
    try_put(Expected::NoStream, 1).unwrap();
    conflict(try_put(Expected::NoStream, 2), 1);
    conflict(try_put(Expected::Exact(Version(2)), 2), 1);
    try_put(Expected::Exact(Version(1)), 2).unwrap();
    try_put(Expected::Any, 3).unwrap();
    conflict(try_put(Expected::Exact(Version(2)), 4), 3);
    assert_eq!(head(log).position, Position(3));
}

fn recorded_at(log: &dyn EventLog) {
    for number in 0..20 {
        put(log, "a", [number]);
    }
    let records = all(log);
    assert!(records.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
    assert_eq!(records.last().map(|record| record.recorded_at), Some(head(log).recorded_at));
    for record in &records {
        let found = log.position_at(record.recorded_at).unwrap();
        let expected = records.iter().rev().find(|other| other.recorded_at <= record.recorded_at);
        assert_eq!(Some(found), expected.map(|record| record.position));
    }
    let before = Timestamp::from_microsecond(records[0].recorded_at.as_microsecond() - 1).unwrap();
    assert_eq!(log.position_at(before).unwrap(), Position::START);
}

fn read_your_writes(log: &dyn EventLog) {
    for number in 1..50 {
        let position = put(log, "a", [number]).outcomes[0].position();
        assert_eq!(head(log).position, position);
        assert_eq!(log.get(position).unwrap().map(|record| record.id), Some(event(number).id));
        assert_eq!(log.find(event(number).id).unwrap(), Some(position));
        assert_eq!(version(log, "a"), number);
    }
}

fn watching(log: &dyn EventLog) {
    let mut watch = log.watch().unwrap();
    assert_eq!(*watch.borrow_and_update(), head(log));
    put(log, "a", [1, 2]);
    assert!(watch.has_changed().unwrap());
    let seen = *watch.borrow_and_update();
    assert_eq!((seen, seen.position), (head(log), Position(2)));
    put(log, "a", [1]);
    assert!(!watch.has_changed().unwrap(), "a duplicate moves nothing");
    put(log, "a", [3]);
    let next = *watch.borrow_and_update();
    assert_eq!(next.position, Position(3));
    assert!(next.chain.is_none() || next.chain != seen.chain, "a chain moves with the head");
}

fn envelope_survives(log: &dyn EventLog) {
    let mut sent = append("budget/été", Expected::Any, [1, 2]);
    sent.events[0].metadata = Metadata {
        actor: "usage".to_owned(),
        correlation: Some(EventId([1; 16])),
        causation: Some(EventId([2; 16])),
        trace: Some(TraceContext { trace_id: [3; 16], span_id: [4; 8], flags: 1 }),
        key_id: 5,
    };
    sent.events[0].payload = vec![0; 60_000];
    sent.events[1].payload = Vec::new();
    sent.events[1].schema_version = 7;
    log.append(sent.clone()).wait().unwrap();
    for (read, sent_event) in all(log).iter().zip(&sent.events) {
        assert_eq!((&read.tenant, &read.stream), (&sent.tenant, &sent.stream));
        assert_eq!(read.id, sent_event.id);
        assert_eq!(read.type_name, sent_event.type_name);
        assert_eq!(read.schema_version, sent_event.schema_version);
        assert_eq!(read.occurred_at, sent_event.occurred_at);
        assert_eq!(read.metadata, sent_event.metadata);
        assert_eq!(read.payload, sent_event.payload);
    }
}

fn concurrent(log: &dyn EventLog) {
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            scope.spawn(move || {
                for number in 0..25 {
                    put(log, &format!("own/{thread}"), [thread * 100 + number]);
                    // All threads send this one.
                    put(log, "shared", [10_000 + number]);
                }
            });
        }
    });
    let records = all(log);
    assert_eq!(records.len(), 8 * 25 + 25);
    assert!(records.iter().zip(1..).all(|(record, position)| record.position == Position(position)));
    for thread in 0..8_u64 {
        let own = format!("own/{thread}");
        let versions = records.iter().filter(|record| record.stream.as_str() == own);
        assert!(versions.zip(1..).all(|(record, version)| record.version == Version(version)));
    }
    // Queued without waiting: one group, in which each append sees those before it.
    let queued: Vec<_> = (0..50)
        .map(|number| {
            log.append(append("queued", Expected::Exact(Version(number / 2)), [20_000 + number / 2]))
        })
        .collect();
    for (number, answer) in queued.into_iter().enumerate() {
        let outcome = answer.wait().unwrap().outcomes[0];
        assert_eq!(outcome.is_new(), number % 2 == 0, "the second of each pair repeats the first");
    }
}

fn limits(log: &dyn EventLog) {
    let refused = |append| {
        let answer = log.append(append).wait();
        assert!(matches!(answer, Err(LogError::Invalid { .. })), "{answer:?}");
    };
    refused(append("a", Expected::Any, []));
    refused(append(&"x".repeat(256), Expected::Any, [1]));
    let mut long_actor = append("a", Expected::Any, [1, 2]);
    long_actor.events[1].metadata.actor = "x".repeat(256);
    refused(long_actor);
    let mut long_payload = append("a", Expected::Any, [1, 2]);
    long_payload.events[1].payload = vec![0; 65_536];
    refused(long_payload);
    assert_eq!(head(log).position, Position::START);
    put(log, &"x".repeat(255), [1]);
}

fn large(log: &dyn EventLog) {
    let mut sent = append("a", Expected::NoStream, 0..3000);
    for (number, event) in sent.events.iter_mut().enumerate() {
        event.payload = vec![number as u8; number % 700];
    }
    let answered = log.append(sent.clone()).wait().unwrap();
    assert_eq!(answered.outcomes, (1..=3000).map(new).collect::<Vec<_>>());
    for (read, sent) in all(log).iter().zip(&sent.events) {
        assert_eq!((read.id, &read.payload), (sent.id, &sent.payload));
    }
}
