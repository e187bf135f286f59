//! The checks of reading: scans, streams, pages, and many ids at once.

use std::ops::ControlFlow;

use crate::event::{EventId, Position, StreamId, TenantId, Version};
use crate::log::{EventLog, Page};

use super::{event, head, put};

pub(super) fn scanning(log: &dyn EventLog) {
    put(log, "a", 1..=100);
    put(log, "a", 101..=200);
    let scan = |from, until, stop: usize| {
        let mut found = Vec::new();
        log.scan(Position(from), Position(until), &mut |record| {
            found.push(record.position.0);
            if found.len() == stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        found
    };
    assert_eq!(scan(0, 3, 99), [1, 2, 3]);
    assert_eq!(scan(99, 102, 99), [99, 100, 101, 102]);
    assert_eq!(scan(199, u64::MAX, 99), [199, 200]);
    assert_eq!(scan(50, 60, 2), [50, 51]);
    assert!(scan(201, 300, 99).is_empty());
    assert!(scan(5, 4, 99).is_empty());
}

pub(super) fn streams(log: &dyn EventLog) {
    for round in 0..20 {
        put(log, "busy", (0..40).map(|number| 1000 + round * 40 + number));
        put(log, "rare", [round]);
    }
    let read = |stream: &str, from| {
        let mut found = Vec::new();
        log.scan_stream(&TenantId::local(), &StreamId::new(stream), Version(from), &mut |record| {
            assert_eq!(record.stream, stream);
            found.push(record.version.0);
            ControlFlow::Continue(())
        })
        .unwrap();
        found
    };
    assert_eq!(read("rare", 0), (1..=20).collect::<Vec<_>>());
    assert_eq!(read("rare", 18), [18, 19, 20]);
    assert_eq!(read("busy", 1), (1..=800).collect::<Vec<_>>());
    assert_eq!(read("busy", 799), [799, 800]);
    assert!(read("busy", 801).is_empty());
    assert!(read("unknown", 0).is_empty());
    let mut first = None;
    log.scan_stream(&TenantId::local(), &StreamId::new("busy"), Version(3), &mut |record| {
        first = Some(record.version);
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(first, Some(Version(3)));
}

/// The positions and versions of a page.
fn shown(page: &Page) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    let visited = page.visit(&mut |record| {
        found.push((record.position.0, record.version.0));
        ControlFlow::Continue(())
    });
    assert!(visited.unwrap().is_continue());
    assert_eq!(found.len() as u64, page.len());
    assert_eq!(found.is_empty(), page.is_empty());
    found
}

pub(super) fn pages(log: &dyn EventLog) {
    let mut page = Page::default();
    log.read(Position::FIRST, 5, &mut page).unwrap();
    assert!(page.is_empty(), "an empty log has no page");
    for round in 0..30 {
        put(log, "even", (0..50).map(|number| round * 100 + number));
        put(log, "odd", (50..100).map(|number| round * 100 + number));
    }
    for limit in [1, 7, 256, 1000, u64::MAX] {
        let mut next = Position(0);
        let mut found = Vec::new();
        loop {
            log.read(next, limit, &mut page).unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            found.extend(shown(&page));
            next = Position(found.len() as u64 + 1);
        }
        assert!(found.iter().map(|(position, _)| *position).eq(1..=3000), "{limit}");
        for stream in ["even", "odd"] {
            let (mut next, mut versions) = (Version(1), Vec::new());
            loop {
                let (tenant, stream) = (TenantId::local(), StreamId::new(stream));
                log.read_stream(&tenant, &stream, next, limit, &mut page).unwrap();
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                versions.extend(shown(&page).into_iter().map(|(_, version)| version));
                next = Version(versions.len() as u64 + 1);
            }
            assert!(versions.into_iter().eq(1..=1500), "{stream}, {limit}");
        }
    }
    log.read(Position(2999), u64::MAX, &mut page).unwrap();
    assert_eq!(shown(&page).len(), 2);
    log.read(Position(3), 0, &mut page).unwrap();
    assert!(page.is_empty(), "none was asked for");
    log.read(Position(3001), u64::MAX, &mut page).unwrap();
    assert!(page.is_empty(), "nothing stands there");
    log.read(Position(u64::MAX), u64::MAX, &mut page).unwrap();
    assert!(page.is_empty());
    let (tenant, stream) = (TenantId::new("other"), StreamId::new("even"));
    log.read_stream(&tenant, &stream, Version(1), 9, &mut page).unwrap();
    assert!(page.is_empty(), "another tenant has nothing in it");
}

pub(super) fn pages_hold_nothing(log: &dyn EventLog) {
    put(log, "a", 1..=10);
    let mut page = Page::default();
    log.read(Position::FIRST, u64::MAX, &mut page).unwrap();
    // A visitor may query the log and append to it.
    let mut number = 10;
    let visited = page.visit(&mut |record| {
        number += 1;
        put(log, "a", [number]);
        assert_eq!(log.get(record.position).unwrap().map(|found| found.id), Some(record.id));
        ControlFlow::Continue(())
    });
    assert!(visited.unwrap().is_continue());
    let mut seen = 0;
    log.scan(Position::FIRST, Position(u64::MAX), &mut |record| {
        number += 1;
        put(log, "a", [number]);
        seen = record.position.0;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(seen, 20, "what is appended during a scan is not visited");
    assert_eq!(head(log).position, Position(40));
}

pub(super) fn many(log: &dyn EventLog) {
    put(log, "a", 1..=500);
    let ids: Vec<EventId> = (0..1000).rev().map(|number| event(number).id).collect();
    let found = log.find_many(&ids).unwrap();
    let expected = (0..1000).rev().map(|number| (1..=500).contains(&number).then_some(Position(number)));
    assert!(found.into_iter().eq(expected));
    assert_eq!(log.find_many(&[]).unwrap(), []);
    let twice = log.find_many(&[event(3).id, event(3).id]).unwrap();
    assert_eq!(twice, [Some(Position(3)); 2]);
}
