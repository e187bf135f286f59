use crate::log::block::tests::commit_of;
use crate::log::run::index_entry;

use super::*;

fn id(low: u64, high: u64) -> EventId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&low.to_le_bytes());
    id[8..].copy_from_slice(&high.to_le_bytes());
    EventId(id)
}

/// All ranges of a stream from a version on.
fn ranges(index: &Index, tenant: &str, stream: &str, from: u64) -> Vec<(Position, Position)> {
    let (tenant, stream) = (TenantId::new(tenant), StreamId::new(stream));
    let (mut found, mut next) = (Vec::new(), Version(from));
    while let Some(range) = index.range(&tenant, &stream, next) {
        found.push(range);
        let mut stretches = index.entry(&tenant, &stream).unwrap().stretches.iter();
        let Some(behind) = stretches.find(|stretch| stretch.position > range.1) else { break };
        next = behind.version;
    }
    found
}

#[test]
fn ids_with_the_same_half_are_told_apart() {
    let ids = [id(5, 0), id(5 ^ 1_u64.rotate_left(29), 1), id(5 ^ 2_u64.rotate_left(29), 2)];
    assert!(
        ids.iter().all(|id| half(*id) == half(ids[0])),
        "the ids must collide for this test to show anything"
    );
    let mut index = Index::default();
    let number = index.number("t", "s");
    for (place, id) in ids.iter().enumerate().take(2) {
        index.insert(number, *id, Position(place as u64 + 1), Version(place as u64 + 1));
    }
    let mut id_at = |position: Position| Ok(ids[position.0 as usize - 1]);
    let found: Vec<_> = ids.iter().map(|id| index.find(*id, &mut id_at).unwrap()).collect();
    assert_eq!(found, [Some(Position(1)), Some(Position(2)), None]);
}

#[test]
fn blocks_and_runs_fill_it_alike() {
    let (bytes, sealed) = commit_of(700);
    let entry = index_entry(&bytes).unwrap();
    let (mut by_run, mut by_block) = (Index::default(), Index::default());
    assert!(by_run.insert_run(&Run::read(&entry).unwrap()));
    let mut rest = bytes.as_slice();
    for _ in &sealed {
        let block = Block::read(rest).unwrap();
        by_block.insert_block(&block).unwrap();
        rest = &rest[block.bytes().len()..];
    }
    let (tenant, stream) = (TenantId::local(), StreamId::new("a"));
    assert_eq!(by_run.ids, by_block.ids);
    assert_eq!(by_run.version(&tenant, &stream), Version(700));
    assert_eq!(by_block.version(&tenant, &stream), Version(700));
    assert!(ranges(&by_run, "local", "a", 701).is_empty(), "nothing stands there");
    for from in [0, 1, 300, 700, 900] {
        let of = |index| ranges(index, "local", "a", from);
        assert_eq!(of(&by_run), of(&by_block));
    }
    assert!(!by_run.insert_run(&Run::read(&entry).unwrap()), "versions that repeat are refused");
}

#[test]
fn a_rare_stream_is_read_in_few_ranges() {
    let mut index = Index::default();
    let (busy, rare) = (index.number("t", "busy"), index.number("t", "rare"));
    let (mut position, mut rare_version) = (0, 0);
    for round in 0..10_000_u64 {
        position += 1;
        index.insert(busy, id(position, 1), Position(position), Version(position - rare_version));
        if round % 5000 == 0 {
            (position, rare_version) = (position + 1, rare_version + 1);
            index.insert(rare, id(position, 1), Position(position), Version(rare_version));
        }
    }
    let rare = ranges(&index, "t", "rare", 1);
    let read: u64 = rare.iter().map(|(first, last)| last.0 - first.0 + 1).sum();
    assert_eq!(rare.len(), 2);
    assert!(read <= 2 * STRETCH, "{rare:?}");
    let busy_ranges = ranges(&index, "t", "busy", 1);
    assert_eq!(busy_ranges.len(), 1, "neighbours are read in one go");
}
