use crate::log::block::tests::commit_of;

use super::*;

#[test]
fn an_entry_says_what_its_blocks_hold() {
    let (bytes, sealed) = commit_of(500);
    let entry = index_entry(&bytes).unwrap();
    let run = Run::read(&entry).unwrap();
    assert_eq!((run.first, run.events.len()), (Position(1), 500));
    assert_eq!(run.blocks.len(), sealed.len());
    for (block, sealed) in run.blocks.iter().zip(&sealed) {
        assert_eq!(
            (block.len, block.count, block.hash),
            (sealed.header.len, sealed.header.count, sealed.hash)
        );
        assert_eq!(block.recorded_at_us, sealed.header.recorded_at.as_microsecond());
        assert_eq!(block.last_of_commit, sealed.header.last_of_commit);
        assert_eq!(block.first_of_segment, sealed.header.first_of_segment);
    }
    assert_eq!(run.streams, [RunStream { tenant: "local", stream: "a", first: Version(1) }]);
    assert!(
        run.events.iter().zip(1..).all(|((stream, id), number)| {
            *stream == 0 && *id == crate::log::conformance::event(number).id
        })
    );
}

#[test]
fn every_flipped_bit_of_an_entry_is_found() {
    let (bytes, _) = commit_of(3);
    let entry = index_entry(&bytes).unwrap();
    for bit in 0..entry.len() * 8 {
        let mut damaged = entry.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Run::read(&damaged).is_none(), "bit {bit}");
    }
}

#[test]
fn every_cut_of_an_entry_is_found_even_under_a_right_checksum() {
    let (bytes, _) = commit_of(3);
    let entry = index_entry(&bytes).unwrap();
    for end in 0..entry.len() - 4 {
        let mut cut = entry[..end].to_vec();
        let crc = crc32c::crc32c(&cut);
        cut.extend_from_slice(&crc.to_le_bytes());
        assert!(Run::read(&cut).is_none(), "cut at {end}");
    }
}

#[test]
fn bytes_that_are_no_blocks_have_no_entry() {
    let (mut bytes, _) = commit_of(3);
    bytes.push(0);
    assert!(index_entry(&bytes).is_err());
}
