use proptest::prelude::*;

use super::*;

fn full<'a>(payload: &'a [u8], actor: &'a str) -> RecordRef<'a> {
    RecordRef {
        position: Position(7),
        tenant: "local",
        stream: "usage/é",
        version: Version(3),
        id: EventId([0xAB; 16]),
        type_name: "usage-recorded",
        schema_version: 2,
        occurred_at: Timestamp::from_microsecond(-1_234_567).unwrap(),
        recorded_at: Timestamp::from_microsecond(1_700_000_000_000_001).unwrap(),
        actor,
        correlation: Some(EventId([1; 16])),
        causation: Some(EventId([2; 16])),
        trace: Some(TraceContext { trace_id: [3; 16], span_id: [4; 8], flags: 1 }),
        key_id: 9,
        payload,
    }
}

fn encoded(record: &RecordRef<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_record(&mut bytes, record).unwrap();
    bytes
}

#[test]
fn the_layout_is_the_one_that_is_drawn() {
    let bytes = encoded(&full(b"PAY", "cli"));
    assert_eq!(bytes[0..4], 154_u32.to_le_bytes());
    assert_eq!(bytes.len(), 64 + 16 + 16 + 25 + 5 + 8 + 14 + 3 + 3);
    assert_eq!(bytes[4..12], 7_u64.to_le_bytes());
    assert_eq!(bytes[12..20], 3_u64.to_le_bytes());
    assert_eq!(bytes[20..36], [0xAB; 16]);
    assert_eq!(bytes[36..44], (-1_234_567_i64).to_le_bytes());
    assert_eq!(bytes[52..54], [2, 0]);
    assert_eq!(bytes[54..60], [7, 5, 8, 14, 3, 0]);
    assert_eq!(bytes[60..64], [9, 0, 0, 0]);
    assert_eq!(&bytes[bytes.len() - 3..], b"PAY");
}

#[test]
fn records_follow_one_another() {
    let mut bytes = encoded(&full(b"one", "a"));
    let second = RecordRef { correlation: None, causation: None, trace: None, ..full(b"", "") };
    encode_record(&mut bytes, &second).unwrap();
    let (first, rest) = RecordRef::decode(&bytes).unwrap();
    assert_eq!(first, full(b"one", "a"));
    let (found, rest) = RecordRef::decode(rest).unwrap();
    assert_eq!((found, rest.len()), (second, 0));
}

#[test]
fn an_owned_record_says_the_same() {
    let record = full(b"x", "cli");
    let owned = record.to_recorded();
    assert_eq!(owned.metadata.trace, record.trace);
    assert_eq!((owned.stream.as_str(), owned.payload.as_slice()), (record.stream, record.payload));
}

#[test]
fn a_long_name_is_refused_and_leaves_no_bytes() {
    let long = "x".repeat(256);
    let mut bytes = vec![1, 2, 3];
    let error = encode_record(&mut bytes, &full(b"", &long)).unwrap_err();
    assert_eq!(error, RecordError::NameTooLong { field: "actor", bytes: 256 });
    assert_eq!(bytes, [1, 2, 3]);
}

#[test]
fn every_cut_is_an_error() {
    let bytes = encoded(&full(b"payload", "cli"));
    for end in 0..bytes.len() {
        assert!(RecordRef::decode(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn unknown_bits_are_refused() {
    for (at, value) in [(54, 0x87), (59, 1)] {
        let mut bytes = encoded(&full(b"", ""));
        bytes[at] = value;
        assert_eq!(RecordRef::decode(&bytes).unwrap_err(), RecordError::Unknown);
    }
}

#[test]
fn a_border_inside_a_character_is_refused() {
    let mut bytes = encoded(&full(b"", ""));
    // The stream ends with the two bytes of "é": move its border between them.
    bytes[56] -= 1;
    bytes[57] += 1;
    assert_eq!(RecordRef::decode(&bytes).unwrap_err(), RecordError::NotText);
}

proptest! {
    #[test]
    fn decode_survives_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok((record, rest)) = RecordRef::decode(&bytes) {
            prop_assert_eq!(record.encoded_len() + rest.len(), bytes.len());
        }
    }

    #[test]
    fn decode_survives_damage(at in 0_usize..160, value in any::<u8>()) {
        let mut bytes = encoded(&full(b"some payload", "cli"));
        let at = at % bytes.len();
        bytes[at] = value;
        if let Ok((record, _)) = RecordRef::decode(&bytes) {
            // What is accepted is canonical: it encodes to the bytes it came from.
            prop_assert_eq!(encoded(&record), &bytes[..record.encoded_len()]);
        }
    }

    #[test]
    fn round_trip(payload in proptest::collection::vec(any::<u8>(), 0..300), actor in "\\PC{0,60}", bits in 0_u8..8) {
        let base = full(&payload, &actor);
        let record = RecordRef {
            correlation: base.correlation.filter(|_| bits & 1 != 0),
            causation: base.causation.filter(|_| bits & 2 != 0),
            trace: base.trace.filter(|_| bits & 4 != 0),
            ..base
        };
        let bytes = encoded(&record);
        prop_assert_eq!(bytes.len(), record.encoded_len());
        prop_assert_eq!(RecordRef::decode(&bytes).unwrap(), (record, &[][..]));
    }
}
