//! The log against a `Vec`: random appends, duplicates, conflicts, reads and reopenings.

use std::collections::HashMap;
use std::ops::ControlFlow;

use mecris::event::{Position, StreamId, TenantId, Version};
use mecris::log::conformance::{all, append, event};
use mecris::log::{EventLog, Expected, LogError, MemoryLog, Options, Outcome, SledLog};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    /// Stream, what is expected relative to the truth (`None`: anything), ids.
    Append(u8, Option<i8>, Vec<u8>),
    /// Several at once, so that they share a group: stream and id.
    Burst(Vec<(u8, u8)>),
    Scan(u64, u64),
    Stream(u8, u64),
    Find(u8),
    Reopen,
    /// Reopen without the second copy.
    ReopenFromJournal,
    /// Reopen with the second copy alone.
    ReopenFromSled,
}

fn step() -> impl Strategy<Value = Step> {
    let ids = proptest::collection::vec(any::<u8>(), 1..12);
    prop_oneof![
        6 => (0..4_u8, proptest::option::of(-1..2_i8), ids).prop_map(|(s, e, i)| Step::Append(s, e, i)),
        3 => proptest::collection::vec((0..4_u8, any::<u8>()), 1..20).prop_map(Step::Burst),
        2 => (0..300_u64, 0..300_u64).prop_map(|(from, until)| Step::Scan(from, until)),
        2 => (0..5_u8, 0..40_u64).prop_map(|(stream, from)| Step::Stream(stream, from)),
        2 => any::<u8>().prop_map(Step::Find),
        1 => Just(Step::Reopen),
        1 => Just(Step::ReopenFromJournal),
        1 => Just(Step::ReopenFromSled),
    ]
}

/// What the log should be: (stream, id) in order.
#[derive(Debug, Default)]
struct Model {
    events: Vec<(u8, u8)>,
}

impl Model {
    fn version(&self, stream: u8) -> u64 {
        self.events.iter().filter(|(of, _)| *of == stream).count() as u64
    }

    fn position(&self, id: u8) -> Option<u64> {
        self.events.iter().position(|(_, known)| *known == id).map(|index| index as u64 + 1)
    }

    /// The outcomes of an append, or the version that it conflicts with.
    fn append(&mut self, stream: u8, expected: Expected, ids: &[u8]) -> Result<Vec<Outcome>, u64> {
        let (before, version) = (self.events.len(), self.version(stream));
        let mut outcomes = Vec::new();
        for id in ids {
            outcomes.push(if let Some(position) = self.position(*id) {
                Outcome::Duplicate(Position(position))
            } else {
                self.events.push((stream, *id));
                Outcome::New(Position(self.events.len() as u64))
            });
        }
        let matches = match expected {
            Expected::Any => true,
            Expected::NoStream => version == 0,
            Expected::Exact(exact) => version == exact.0,
        };
        if self.events.len() > before && !matches {
            self.events.truncate(before);
            return Err(version);
        }
        Ok(outcomes)
    }
}

fn name(stream: u8) -> String {
    format!("stream/{stream}")
}

fn numbers(ids: &[u8]) -> impl Iterator<Item = u64> {
    ids.iter().map(|id| u64::from(*id))
}

fn check_reads(log: &dyn EventLog, model: &Model) {
    assert_eq!(log.head().unwrap().position.0, model.events.len() as u64);
    let mut versions: HashMap<u8, u64> = HashMap::new();
    let found = all(log);
    assert_eq!(found.len(), model.events.len());
    for (index, (record, (stream, id))) in found.iter().zip(&model.events).enumerate() {
        let version = versions.entry(*stream).or_default();
        *version += 1;
        assert_eq!(record.position.0, index as u64 + 1);
        assert_eq!((record.stream.as_str(), record.version.0), (name(*stream).as_str(), *version));
        assert_eq!(record.id, event(u64::from(*id)).id);
    }
    for stream in 0..5 {
        let version = log.stream_version(&TenantId::local(), &StreamId::new(name(stream))).unwrap();
        assert_eq!(version.0, model.version(stream));
    }
}

/// One step of those that every log has.
fn run(log: &dyn EventLog, model: &mut Model, step: &Step) {
    match step {
        Step::Append(stream, offset, ids) => {
            let expected = match offset {
                None => Expected::Any,
                Some(offset) => match model.version(*stream).checked_add_signed(i64::from(*offset)) {
                    Some(version) if version > 0 => Expected::Exact(Version(version)),
                    _ => Expected::NoStream,
                },
            };
            let answer = log.append(append(&name(*stream), expected, numbers(ids))).wait();
            match (answer, model.append(*stream, expected, ids)) {
                (Ok(appended), Ok(outcomes)) => assert_eq!(appended.outcomes, outcomes),
                (Err(LogError::Conflict { actual, .. }), Err(version)) => assert_eq!(actual.0, version),
                (answer, expected) => panic!("{answer:?}, and {expected:?} was expected"),
            }
        }
        Step::Burst(appends) => {
            let submit =
                |(stream, id): &(u8, u8)| log.append(append(&name(*stream), Expected::Any, [u64::from(*id)]));
            let sent: Vec<_> = appends.iter().map(submit).collect();
            for (answer, (stream, id)) in sent.into_iter().zip(appends) {
                let expected = model.append(*stream, Expected::Any, &[*id]).unwrap();
                assert_eq!(answer.wait().unwrap().outcomes, expected);
            }
        }
        Step::Scan(from, until) => {
            let mut found = Vec::new();
            log.scan(Position(*from), Position(*until), &mut |record| {
                found.push(record.position.0);
                ControlFlow::Continue(())
            })
            .unwrap();
            let last = (*until).min(model.events.len() as u64);
            assert_eq!(found, ((*from).max(1)..=last).collect::<Vec<_>>());
        }
        Step::Stream(stream, from) => {
            let mut found = Vec::new();
            let (tenant, id) = (TenantId::local(), StreamId::new(name(*stream)));
            log.scan_stream(&tenant, &id, Version(*from), &mut |record| {
                found.push(record.version.0);
                ControlFlow::Continue(())
            })
            .unwrap();
            assert_eq!(found, ((*from).max(1)..=model.version(*stream)).collect::<Vec<_>>());
        }
        Step::Find(id) => {
            let found = log.find(event(u64::from(*id)).id).unwrap();
            assert_eq!(found.map(|position| position.0), model.position(*id));
        }
        Step::Reopen | Step::ReopenFromJournal | Step::ReopenFromSled => {}
    }
}

fn options() -> Options {
    Options { segment_bytes: 4_000, reserve_bytes: 0, ..Options::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_durable_log_behaves_like_a_vec(steps in proptest::collection::vec(step(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        let mut log = Some(SledLog::open(dir.path(), options()).unwrap().0);
        for step in &steps {
            run(log.as_ref().unwrap(), &mut model, step);
            let gone = match step {
                Step::Reopen => None,
                Step::ReopenFromJournal => Some("sled"),
                Step::ReopenFromSled => Some("journal"),
                _ => continue,
            };
            drop(log.take());
            if let Some(gone) = gone {
                std::fs::remove_dir_all(dir.path().join(gone)).unwrap();
            }
            let (opened, report) = SledLog::open(dir.path(), options()).unwrap();
            prop_assert_eq!(report.torn_bytes, 0);
            check_reads(&opened, &model);
            log = Some(opened);
        }
        check_reads(log.as_ref().unwrap(), &model);
    }

    #[test]
    fn the_memory_log_behaves_like_a_vec(steps in proptest::collection::vec(step(), 1..40)) {
        let (log, mut model) = (MemoryLog::new(), Model::default());
        for step in &steps {
            run(&log, &mut model, step);
        }
        check_reads(&log, &model);
    }
}
