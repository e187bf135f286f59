use proptest::prelude::*;

use crate::event::{EventId, StreamId, TenantId, Version};
use crate::log::conformance::event;

use super::*;

/// The blocks of one commit of small events, from position 1.
pub(in crate::log) fn commit_of(events: u64) -> (Vec<u8>, Vec<Sealed>) {
    let recorded_at = Timestamp::from_microsecond(1_700_000_000_000_000).unwrap();
    let commit = Commit { committed: Position::START, recorded_at, starts_segment: true };
    let mut writer = CommitWriter::new(commit, Position::FIRST, [0; 32], Vec::new());
    let (tenant, stream) = (TenantId::local(), StreamId::new("a"));
    for number in 1..=events {
        let mut event = event(number);
        event.payload = vec![7; 300];
        let (position, version) = (Position(number), Version(number));
        writer.push(&RecordRef::of(&event, &tenant, &stream, position, version, recorded_at)).unwrap();
    }
    writer.finish()
}

#[test]
fn the_layout_is_the_one_that_is_drawn() {
    let (bytes, sealed) = commit_of(1);
    assert_eq!(bytes.len(), sealed[0].header.len);
    assert_eq!(bytes[0..8], [0x89, b'M', b'E', b'C', b'R', b'I', b'S', 0x0A]);
    assert_eq!(bytes[8..12], [1, 0, 3, 0]);
    assert_eq!(bytes[12..16], (bytes.len() as u32).to_le_bytes());
    assert_eq!(bytes[16..24], 1_u64.to_le_bytes());
    assert_eq!(bytes[24..32], [1, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[32..40], [0; 8]);
    assert_eq!(bytes[40..48], 1_700_000_000_000_000_i64.to_le_bytes());
    assert_eq!(bytes[48..80], [0; 32]);
    let end = bytes.len();
    assert_eq!(bytes[end - 36..end - 4], *blake3::hash(&bytes[..end - 36]).as_bytes());
    assert_eq!(bytes[end - 4..], crc32c::crc32c(&bytes[..end - 4]).to_le_bytes());
}

#[test]
fn a_commit_is_a_chain_of_blocks_within_the_limit() {
    let (bytes, sealed) = commit_of(1000);
    let (mut rest, mut previous, mut next) = (bytes.as_slice(), [0; 32], Position::FIRST);
    for (number, expected) in sealed.iter().enumerate() {
        let block = Block::read_at(rest, next).unwrap();
        block.verify(&previous).unwrap();
        assert_eq!((block.header(), block.hash()), (&expected.header, expected.hash));
        assert!(block.bytes().len() <= BLOCK_BYTES_MAX);
        assert_eq!(block.header().last_of_commit, number + 1 == sealed.len());
        assert_eq!(block.header().first_of_segment, number == 0);
        (rest, previous, next) = (&rest[block.bytes().len()..], block.hash(), block.header().last().next());
    }
    assert!(rest.is_empty() && sealed.len() > 5 && next == Position(1001));
}

#[test]
fn the_longest_record_fits_exactly() {
    let (tenant, stream) = (TenantId::local(), StreamId::new("a"));
    let mut event = event(1);
    let at = Timestamp::UNIX_EPOCH;
    let place = |event| RecordRef::of(event, &tenant, &stream, Position(1), Version(1), at).encoded_len();
    event.payload = Vec::new();
    event.payload = vec![1; RECORD_BYTES_MAX - place(&event)];
    let commit = Commit { committed: Position::START, recorded_at: at, starts_segment: true };
    let mut writer = CommitWriter::new(commit, Position(1), [0; 32], Vec::new());
    writer.push(&RecordRef::of(&event, &tenant, &stream, Position(1), Version(1), at)).unwrap();
    let (bytes, sealed) = writer.finish();
    assert_eq!((bytes.len(), sealed.len()), (BLOCK_BYTES_MAX, 1));
    Block::read(&bytes).unwrap().verify(&[0; 32]).unwrap();
}

#[test]
fn every_flipped_bit_is_found() {
    let (bytes, _) = commit_of(2);
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Block::read_at(&damaged, Position::FIRST).is_err(), "bit {bit}");
    }
}

#[test]
fn a_block_with_a_forged_checksum_fails_the_hash_and_one_elsewhere_the_chain() {
    let (mut bytes, _) = commit_of(2);
    let end = bytes.len();
    bytes[100] ^= 1;
    let crc = crc32c::crc32c(&bytes[..end - 4]);
    bytes[end - 4..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Block::read(&bytes).unwrap().verify(&[0; 32]), Err(BlockError::Hash));
    let (bytes, _) = commit_of(2);
    assert_eq!(Block::read(&bytes).unwrap().verify(&[1; 32]), Err(BlockError::Chain));
    let misplaced = BlockError::Misplaced { found: Position(1), expected: Position(2) };
    assert_eq!(Block::read_at(&bytes, Position(2)).unwrap_err(), misplaced);
}

#[test]
fn a_newer_format_is_named() {
    let (mut bytes, _) = commit_of(1);
    bytes[8] = 2;
    assert_eq!(Block::read(&bytes).unwrap_err(), BlockError::Format(2));
}

proptest! {
    #[test]
    fn reading_survives_any_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 0..600), magic in any::<bool>()) {
        if magic && bytes.len() >= 10 {
            bytes[..8].copy_from_slice(&MAGIC);
            bytes[8..10].copy_from_slice(&[1, 0]);
        }
        prop_assert!(Block::read(&bytes).is_err(), "a random block does not pass a CRC and its limits");
    }

    #[test]
    fn reading_survives_damage_under_a_right_checksum(at in 0_usize..700, value in any::<u8>()) {
        let (mut bytes, _) = commit_of(2);
        let end = bytes.len();
        let at = at % (end - 4);
        bytes[at] = value;
        let crc = crc32c::crc32c(&bytes[..end - 4]);
        bytes[end - 4..].copy_from_slice(&crc.to_le_bytes());
        if let Ok(block) = Block::read(&bytes) {
            // Records are read within their block, whatever they contain.
            let ids: Vec<EventId> = block.records().map_while(Result::ok).map(|record| record.id).collect();
            prop_assert!(ids.len() <= bytes.len() / crate::event::record::HEADER_BYTES);
        }
    }
}
