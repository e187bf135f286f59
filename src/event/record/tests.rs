use proptest::prelude::*;

use super::*;

fn event() -> impl Strategy<Value = NewEvent> {
    let ids = (any::<[u8; 16]>(), any::<Option<[u8; 16]>>(), any::<Option<[u8; 16]>>());
    let trace = any::<Option<([u8; 16], [u8; 8], u8)>>();
    let times = -1_000_000_000_000_i64..4_000_000_000_000_000;
    let payload = prop::collection::vec(any::<u8>(), 0..300);
    (ids, trace, times, "\\PC{0,20}", payload, any::<u32>()).prop_map(
        |((id, correlation, causation), trace, time, actor, payload, key_id)| NewEvent {
            id: EventId(id),
            type_name: "a-type",
            schema_version: 3,
            occurred_at: Timestamp::from_microsecond(time).unwrap(),
            metadata: Metadata {
                actor,
                correlation: correlation.map(EventId),
                causation: causation.map(EventId),
                trace: trace.map(|(trace_id, span_id, flags)| TraceContext { trace_id, span_id, flags }),
                key_id,
            },
            payload,
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(event in event(), tenant in "\\PC{0,30}", version in any::<u64>()) {
        let recorded_at = Timestamp::from_microsecond(77).unwrap();
        let place = Place { tenant: &tenant, stream: "usage", version: Version(version), recorded_at };
        let mut bytes = Vec::new();
        encode_record(&mut bytes, place, &event).unwrap();
        let length = bytes.len();
        bytes.extend_from_slice(b"rest");
        let (record, rest) = RecordRef::decode(&bytes, Position(9)).unwrap();
        prop_assert_eq!(rest, b"rest");
        let read = record.to_recorded();
        prop_assert_eq!((read.position, read.version, read.id), (Position(9), Version(version), event.id));
        prop_assert_eq!((read.tenant.as_str(), read.stream.as_str()), (tenant.as_str(), "usage"));
        prop_assert_eq!((read.occurred_at, read.recorded_at), (event.occurred_at, recorded_at));
        prop_assert_eq!((read.metadata, read.payload), (event.metadata, event.payload));
        for cut in 0..length {
            prop_assert!(RecordRef::decode(&bytes[..cut], Position(9)).is_err());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = RecordRef::decode(&bytes, Position::FIRST);
    }
}

#[test]
fn a_name_over_255_bytes_is_refused_and_nothing_is_written() {
    let mut bytes = vec![1];
    let place = Place {
        tenant: &"x".repeat(256),
        stream: "s",
        version: Version(1),
        recorded_at: Timestamp::UNIX_EPOCH,
    };
    let event = NewEvent {
        id: EventId::default(),
        type_name: "t",
        schema_version: 1,
        occurred_at: Timestamp::UNIX_EPOCH,
        metadata: Metadata::default(),
        payload: Vec::new(),
    };
    assert_eq!(encode_record(&mut bytes, place, &event), Err(RecordError::NameTooLong("tenant")));
    assert_eq!(bytes, [1]);
}
