//! Calls as each version has them.

use super::*;
use crate::event::payload::{MeteredPoint, SpeedV1, SupersededV1, TierV1};

pub(super) fn usage_v1() -> UsageRecordedV1<'static> {
    UsageRecordedV1 {
        message_id: "msg_01".into(),
        request_id: "req_01".into(),
        provider: "anthropic".into(),
        model: "claude-opus-5".into(),
        project: "/home/ada/engine".into(),
        session: "6f1c".into(),
        sidechain: true,
        service_tier: TierV1::Batch,
        speed: SpeedV1::Fast,
        inference_geo: "us".into(),
        tokens: Tokens {
            input: 1,
            output: 2,
            cache_write_5m: 3,
            cache_write_1h: 4,
            cache_read: 5,
            web_searches: 6,
        },
        cost: Some(Picodollars(1_234_567)),
        price_table: "2026-11-23".into(),
    }
}

pub(super) fn usage() -> UsageRecorded<'static> {
    UsageRecorded {
        agent: "claude-code".into(),
        part: "compaction".into(),
        repository: "/home/ada".into(),
        copied: true,
        owned_at_us: Some(9),
        service_tier: "turbo".into(),
        odd: vec!["output count".into()],
        missing: vec!["no price for web searches".into()],
        lacking: Some(Tokens { web_searches: 6, ..Tokens::default() }),
        ..usage_v1().into()
    }
}

/// What version 1 said of usage: its bytes, and what it reads as.
pub(super) fn usage_versions() -> Vec<(&'static str, u16, Vec<u8>, Event<'static>)> {
    let superseded = SupersededV1 { revision: 1, occurred_at_us: 7, tokens: Tokens::default(), cost: None };
    let revised = UsageRevisedV1 { usage: usage_v1(), superseded };
    let told = UsageToldV1 {
        usage: usage_v1(),
        client_request_id: "c-1".into(),
        key: [7; 16],
        ordinal: Some(3),
        counted: true,
        told_cost: Some(Picodollars(12_300_000_000)),
    };
    let metered = UsageMeteredV1 {
        usage: usage_v1(),
        ordinal: 4,
        counted: false,
        told_cost: Picodollars(12_300_000_000),
        points: vec![point()],
    };
    let withdrawn = UsageWithdrawnV1 { usage: usage_v1(), ordinal: None, by: "transcript".into() };
    vec![
        ("usage-recorded", 1, to_bytes(&usage_v1()), Event::UsageRecorded(usage_v1().into())),
        ("usage-revised", 1, to_bytes(&revised), Event::UsageRevised(revised.clone().into())),
        ("usage-told", 1, to_bytes(&told), Event::UsageTold(told.clone().into())),
        ("usage-metered", 1, to_bytes(&metered), Event::UsageMetered(metered.clone().into())),
        ("usage-withdrawn", 1, to_bytes(&withdrawn), Event::UsageWithdrawn(withdrawn.clone().into())),
    ]
}

pub(super) fn point() -> MeteredPoint {
    MeteredPoint {
        series: [8; 16],
        start_ns: 1_788_170_000_000_000_000,
        time_ns: 1_788_170_060_000_000_000,
        value: 12_300_000_000,
        is_cumulative: true,
    }
}
