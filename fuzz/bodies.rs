//! What each fuzz target does with its bytes. The smoke run on the stable compiler
//! (`tests/fuzz_smoke.rs`) calls the same functions.
//!
//! A long run: `cargo +nightly fuzz run block -- -max_len=70000 -malloc_limit_mb=16 -timeout=5`.

use mecris::event::RecordRef;
use mecris::event::record::encode_record;
use mecris::log::block::{BLOCK_BYTES_MAX, Block, HEADER_BYTES, TRAILER_BYTES};
use mecris::log::export::ExportReader;

/// The block reader: as the bytes are, and with checksums and length made right, so that the records
/// behind them are reached.
pub fn block(data: &[u8]) {
    read_block(data);
    if (HEADER_BYTES + TRAILER_BYTES..=BLOCK_BYTES_MAX).contains(&data.len()) {
        let mut bytes = data.to_vec();
        let end = bytes.len() - 4;
        bytes[12..16].copy_from_slice(&(data.len() as u32).to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..end]);
        bytes[end..].copy_from_slice(&crc.to_le_bytes());
        read_block(&bytes);
    }
}

fn read_block(bytes: &[u8]) {
    let Ok(block) = Block::read(bytes) else {
        return;
    };
    let within: usize = block.records().map_while(Result::ok).map(|record| record.encoded_len()).sum();
    assert!(within <= block.bytes().len() - HEADER_BYTES - TRAILER_BYTES);
    drop(block.verify(&block.header().previous));
}

/// The record decoder: what it accepts is canonical.
pub fn record(data: &[u8]) {
    let mut rest = data;
    while let Ok((record, behind)) = RecordRef::decode(rest) {
        let taken = &rest[..rest.len() - behind.len()];
        let mut encoded = Vec::new();
        encode_record(&mut encoded, &record).expect("what was decoded can be encoded");
        assert_eq!(encoded, taken);
        rest = behind;
    }
}

/// The export reader: it ends, whatever it reads, and what it accepts reads back the same.
pub fn export(data: &[u8]) {
    for event in ExportReader::new(data).flatten() {
        let again = event.to_line();
        let read = ExportReader::new(again.as_bytes()).next().and_then(Result::ok);
        assert_eq!(read.as_ref(), Some(&event));
    }
}
