//! Mecris's own files, which may be damaged: the log's blocks and records, its export, cursors, snapshots.

use std::fs::File;

use mecris::event::RecordRef;
use mecris::event::decode;
use mecris::event::record::encode_record;
use mecris::fuzzing::NOW;
use mecris::integration::transcripts::cursor::{self, FileCursor};
use mecris::log::MemoryLog;
use mecris::log::block::{BLOCK_BYTES_MAX, Block, HEADER_BYTES, TRAILER_BYTES};
use mecris::log::export::ExportReader;
use mecris::view::snapshot::from_bytes;

/// The block reader: with the bytes as they are, and with corrected checksums and length, so that the records
/// behind them are reached.
pub fn block(data: &[u8]) {
    read_block(data);
    if (HEADER_BYTES + TRAILER_BYTES..=BLOCK_BYTES_MAX).contains(&data.len()) {
        let mut bytes = data.to_vec();
        bytes[12..16].copy_from_slice(&(data.len() as u32).to_le_bytes());
        sign(&mut bytes);
        read_block(&bytes);
    }
}

/// Corrects the checksum at the end.
fn sign(bytes: &mut [u8]) {
    let end = bytes.len() - 4;
    let crc = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&crc.to_le_bytes());
}

fn read_block(bytes: &[u8]) {
    let Ok(block) = Block::read(bytes) else {
        return;
    };
    let within: usize = block.records().map_while(Result::ok).map(|record| record.encoded_len()).sum();
    assert!(within <= block.bytes().len() - HEADER_BYTES - TRAILER_BYTES);
    drop(block.verify(&block.header().previous));
}

/// The record decoder: accepted records are canonical. The payload is decoded as the event that it names.
pub fn record(data: &[u8]) {
    let mut rest = data;
    while let Ok((record, behind)) = RecordRef::decode(rest) {
        let taken = &rest[..rest.len() - behind.len()];
        let mut encoded = Vec::new();
        encode_record(&mut encoded, &record).expect("what was decoded can be encoded");
        assert_eq!(encoded, taken);
        drop(decode(&record));
        rest = behind;
    }
}

/// The export reader: it terminates on any input, and accepted lines read back the same.
pub fn export(data: &[u8]) {
    for event in ExportReader::new(data).flatten() {
        let again = event.to_line();
        let read = ExportReader::new(again.as_bytes()).next().and_then(Result::ok);
        assert_eq!(read.as_ref(), Some(&event));
    }
}

/// Cursors of transcripts: they are written again unchanged, and never point beyond what was read.
pub fn cursors(data: &[u8]) {
    let cursors = cursor::load(&super::file("cursors.json", data));
    let again = cursor::load(&super::file("cursors.json", &cursor::to_bytes(&cursors)));
    assert_eq!(again, cursors);
    let path = super::file("read.jsonl", b"{}\n{}\n");
    let file = File::open(path).expect("the file that was written");
    for told in cursors.into_values() {
        let _ = told.resume(&file, NOW);
        // A cursor of this file, with the contents of the other.
        let mut own = FileCursor::after(&file, 6, 2, false).expect("a cursor of a file that is there");
        own.take_unnamed(&told);
        told.refused.into_iter().for_each(|refused| own.refuse(refused));
        let start = own.resume(&file, NOW);
        assert!(start.offset <= 6 && start.line <= 2, "{start:?} is beyond what was read");
        let _ = own.has_more(6, NOW);
    }
}

/// A snapshot of the views with a correct checksum: none of another log is accepted.
pub fn snapshot(data: &[u8]) {
    let log = MemoryLog::new();
    assert!(from_bytes(data, &log).unwrap().is_none());
    let mut bytes = [data, &[0; 4]].concat();
    sign(&mut bytes);
    assert!(from_bytes(&bytes, &log).unwrap().is_none());
}
