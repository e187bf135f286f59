mod classes;
mod usage;

use std::path::PathBuf;

use jiff::Timestamp;

use super::*;
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::event::codec::{CodecError, to_bytes};
use crate::event::envelope::hex;
use crate::event::{EventId, Position, RecordRef, Version};
use usage::{point, usage, usage_versions};

fn budget_v1() -> BudgetSetV1 {
    BudgetSetV1 {
        name: "main".into(),
        amount: Picodollars::usd(50),
        period: "fixed".into(),
        from: Some("2026-11-01".into()),
        until: Some("2026-11-30".into()),
        provider: Some("anthropic".into()),
        model: None,
        project: None,
    }
}

/// As version 1 is lifted, with the thresholds that it did not know.
fn budget_v2() -> BudgetSetV2 {
    budget_v1().into()
}

fn goal() -> GoalObserved {
    GoalObserved {
        id: "66b0".into(),
        slug: "spend".into(),
        title: "Spend".into(),
        safebuf: Some(0),
        losedate_us: Some(1_788_235_199_000_000),
        deadline_s: -10_800,
        limsum: "+1 due today".into(),
        baremin: "+1".into(),
        pledge: Picodollars::usd(5),
        has_data_today: false,
        is_active: true,
        autodata: None,
    }
}

fn odometer_read() -> OdometerRead {
    OdometerRead {
        number: 7,
        provider: "groq".into(),
        month: "2026-10".into(),
        value: Picodollars(1_060_000_000_000),
        note: "from the invoice".into(),
    }
}

fn alerts() -> [Event<'static>; 9] {
    [
        Event::AlertRaised(AlertRaised {
            alert: 17,
            kind: "goal".into(),
            subject: "exercise".into(),
            period: "2026-11-23T20:00:00Z".into(),
            severity: "warning".into(),
            level: 2,
        }),
        Event::AlertGraded(AlertGraded { alert: 17, severity: "immediate".into(), level: 3 }),
        Event::AlertAcknowledged(AlertAcknowledged { alert: 17 }),
        Event::AlertResolved(AlertResolved { alert: 17 }),
        Event::AlertQueued(AlertQueued { alert: 17 }),
        Event::AttemptStarted(AttemptStarted {
            alert: 17,
            attempt: 2,
            channel: "sms".into(),
            contact: Some("c-4f1d".into()),
            digest: [1, 2, 3, 4, 5, 6, 7, 8],
            segments: 1,
            cost: Picodollars::usd(1),
        }),
        Event::AttemptEnded(AttemptEnded {
            alert: 17,
            attempt: 2,
            outcome: "accepted".into(),
            channel_id: Some("SM01".into()),
            reason: String::new(),
            code: None,
        }),
        Event::DeliveryNoted(DeliveryNoted {
            alert: 17,
            attempt: 2,
            is_delivered: false,
            may_retry: true,
            code: Some(30_003),
        }),
        Event::ConsentChanged(ConsentChanged {
            contact: "c-4f1d".into(),
            is_granted: true,
            by: "person".into(),
        }),
    ]
}

fn goal_work() -> Vec<Event<'static>> {
    let (slug, request_id) = ("spend".to_owned(), "mecris-0011-20261123".to_owned());
    vec![
        Event::LocalGoalSet(LocalGoalSet {
            slug: "tax".into(),
            title: "Taxes".into(),
            priority: "high".into(),
            due: "2026-11-30".into(),
        }),
        Event::LocalGoalClosed(LocalGoalClosed { slug: "tax".into(), end: "done".into() }),
        Event::FeedStarted(FeedStarted {
            id: "0011".into(),
            slug: slug.clone(),
            keeper: "beeminder".into(),
            from: "spend".into(),
            budget: Some("main".into()),
            since: "2026-11-23".into(),
        }),
        Event::FeedStopped(FeedStopped { slug: slug.clone() }),
        Event::DatapointIntended(DatapointIntended {
            slug: slug.clone(),
            request_id: request_id.clone(),
            revision: 2,
            keeper: "beeminder".into(),
            day: "2026-11-23".into(),
            value: "1.250000000001".into(),
            comment: "spent".into(),
            feed: Some("0011".into()),
        }),
        Event::DatapointWritten(DatapointWritten {
            slug: slug.clone(),
            request_id: request_id.clone(),
            revision: 2,
            datapoint_id: "66b0".into(),
        }),
        Event::DatapointRefused(DatapointRefused { slug, request_id, revision: 3, reason: "gone".into() }),
    ]
}

fn balance_v1() -> BalanceReadV1 {
    BalanceReadV1 {
        provider: "anthropic".into(),
        left: Picodollars(13_920_000_000_000),
        total: Some(Picodollars::usd(24)),
        source: "hand".into(),
    }
}

fn override_v1() -> SpendOverriddenV1 {
    SpendOverriddenV1 {
        number: 2,
        amount: Picodollars::usd(3),
        reason: "a demo".into(),
        until_us: 1_788_235_199_000_000,
    }
}

/// Requests for more, and what became of them.
fn limits() -> [Event<'static>; 5] {
    let by = || "owner".to_owned();
    [
        Event::OverrideEnded(OverrideEnded { number: 2 }),
        Event::LimitRequested(LimitRequested {
            number: 3,
            amount: Picodollars::usd(5),
            reason: "two tests to go".into(),
            limit: Some("session".into()),
            session: Some("s-1".into()),
            project: None,
            minutes: Some(90),
            by: "agt-4f1d".into(),
        }),
        Event::LimitGranted(LimitGranted {
            number: 3,
            override_number: 2,
            amount: Picodollars::usd(4),
            until_us: 1_788_235_199_000_000,
            by: by(),
        }),
        Event::LimitRefused(LimitRefused { number: 4, reason: "not today".into(), by: by() }),
        Event::LimitWithdrawn(LimitWithdrawn { number: 5 }),
    ]
}

/// Tokens that were given out and taken back.
fn tokens() -> [Event<'static>; 2] {
    [
        Event::TokenIssued(TokenIssued {
            id: "ing-3f9c01d2".into(),
            kind: "ingest".into(),
            label: "laptop".into(),
            hash: "ab".repeat(32),
            expires_us: Some(1_796_011_199_000_000),
            replaces: Some("ing-00c0ffee".into()),
            replaced_until_us: Some(1_788_321_599_000_000),
            by: "owner".into(),
        }),
        Event::TokenRevoked(TokenRevoked { id: "ing-00c0ffee".into(), by: "owner".into() }),
    ]
}

/// What providers tell of money.
fn money() -> Vec<Event<'static>> {
    let (provider, day, source) =
        ("anthropic".to_owned(), "2026-11-23".to_owned(), "provider-api".to_owned());
    vec![
        Event::BalanceRead(BalanceRead {
            provider: "deepseek".into(),
            left: Picodollars(13_920_000_000_000),
            total: Some(Picodollars::usd(24)),
            currency: "CNY".into(),
            source: "console".into(),
            confidence: "medium".into(),
            found: "credits by json".into(),
        }),
        Event::BalanceDoubted(BalanceDoubted {
            provider: provider.clone(),
            left: Picodollars::ZERO,
            total: Some(Picodollars::ZERO),
            currency: "USD".into(),
            source: "provider-api".into(),
            confidence: "high".into(),
            found: "credits".into(),
            why: "nothing-of-nothing".into(),
        }),
        Event::BalanceToppedUp(BalanceToppedUp { provider: provider.clone(), amount: Picodollars::usd(20) }),
        Event::CostReported(CostReported {
            provider: provider.clone(),
            day: day.clone(),
            source: source.clone(),
            revision: 2,
            currency: "USD".into(),
            lines: vec![ReportedCost {
                model: "claude-opus-5".into(),
                kind: "output_tokens".into(),
                cost: Picodollars(420_315_000_000),
            }],
            left_out: 1,
        }),
        Event::UsageReported(UsageReported {
            provider,
            day,
            source,
            revision: 0,
            lines: vec![ReportedUsage { model: "claude-opus-5".into(), tokens: usage().tokens }],
            left_out: 2,
        }),
    ]
}

fn cost_v1() -> CostReportedV1 {
    CostReportedV1 {
        provider: "anthropic".into(),
        day: "2026-11-23".into(),
        source: "provider-api".into(),
        revision: 2,
        currency: "USD".into(),
        lines: vec![ReportedCost {
            model: "claude-opus-5".into(),
            kind: "output_tokens".into(),
            cost: Picodollars(420_315_000_000),
        }],
    }
}

fn usage_report_v1() -> UsageReportedV1 {
    UsageReportedV1 {
        provider: "anthropic".into(),
        day: "2026-11-23".into(),
        source: "provider-api".into(),
        revision: 0,
        lines: vec![ReportedUsage { model: "claude-opus-5".into(), tokens: usage().tokens }],
    }
}

/// Every version ever written: its type name and version, its bytes, and what it must read back as.
fn every_version() -> Vec<(&'static str, u16, Vec<u8>, Event<'static>)> {
    let revised = UsageRevised {
        usage: usage(),
        superseded: UsageRecorded { cost: None, ..usage() },
        occurred_at_us: 7,
        revision: 1,
        reason: "repriced".into(),
    };
    let repaired = LogRepaired { copy: "sled".into(), first: 3, last: 9, cause: "checksum".into() };
    let noted =
        SupervisionNoted { actor: "root/usage".into(), change: "restarted".into(), reason: "panic".into() };
    let changed =
        SourceChanged { source: "beeminder".into(), state: "failing".into(), reason: "timeout".into() };
    let refused = AccessRefused {
        unauthorized: 30,
        forbidden: 2,
        misdirected: 1,
        too_many: 0,
        in_plain: 5,
        from_network: 6,
    };
    let removed = BudgetRemoved { name: "main".into() };
    let mut all: Vec<_> = vec![
        Event::UsageRecorded(usage()),
        Event::UsageRevised(revised),
        Event::UsageTold(UsageTold {
            usage: usage(),
            client_request_id: "c-1".into(),
            key: [7; 16],
            ordinal: Some(3),
            counted: true,
            told_cost: Some(Picodollars(12_300_000_000)),
        }),
        Event::UsageMetered(UsageMetered {
            usage: usage(),
            ordinal: 4,
            counted: false,
            told_cost: Picodollars(12_300_000_000),
            points: vec![point()],
        }),
        Event::UsageWithdrawn(UsageWithdrawn { usage: usage(), ordinal: None, by: "transcript".into() }),
        Event::BudgetSet(BudgetSet {
            days: Some(30),
            week_starts: Some("sunday".into()),
            year_starts: Some("04-06".into()),
            ..budget_v2().into()
        }),
        Event::BudgetRemoved(removed),
        Event::LogRepaired(repaired),
        Event::SupervisionNoted(noted),
        Event::SourceChanged(changed),
        Event::AccessRefused(refused),
        Event::GoalObserved(goal()),
        Event::GoalGone(GoalGone { id: "66b0".into() }),
        Event::GoalAccountObserved(GoalAccountObserved { timezone: "Asia/Kathmandu".into() }),
        Event::TaskObserved(TaskObserved {
            task: "0a0b0c-2".into(),
            change: "due-moved".into(),
            note: "0d0e0f".into(),
            state: "in-progress".into(),
            due: Some("2026-11-23".into()),
            scheduled: None,
            priority: "high".into(),
            recurs: true,
            path: Some("Days/2026-11-23.md".into()),
            text: Some("buy milk".into()),
        }),
        Event::TaskGone(TaskGone { task: "0a0b0c-2".into() }),
        Event::SessionLogged(SessionLogged {
            note: "0d0e0f".into(),
            line: "0a0b".into(),
            session: "s-1".into(),
        }),
        Event::NoteWritten(NoteWritten {
            note: "0d0e0f".into(),
            before: Some("0102".into()),
            after: "0304".into(),
            at: 120,
            length: 32,
            folders: 0,
        }),
        Event::NoteRestored(NoteRestored { note: "0d0e0f".into(), write: 3 }),
        Event::ProjectAliased(ProjectAliased { directory: "/w/alpha".into(), name: Some("alpha".into()) }),
        Event::QuotaRead(QuotaRead { window: "seven-day".into(), used: 6_150, resets_at_s: 1_795_597_200 }),
        Event::OdometerRead(odometer_read()),
        Event::OdometerCorrected(OdometerCorrected { reading: odometer_read(), supersedes: 6 }),
        Event::OdometerStopped(OdometerStopped { provider: "groq".into() }),
        Event::VirtualBudgetSet(VirtualBudgetSet {
            daily: Some(Picodollars::usd(5)),
            monthly: None,
            reserve_percent: 20,
        }),
        Event::SpendOverridden(SpendOverridden {
            limit: Some("budget:main".into()),
            session: Some("s-1".into()),
            project: Some("/home/ada".into()),
            ..override_v1().into()
        }),
    ]
    .into_iter()
    .chain(limits())
    .chain(tokens())
    .chain(alerts())
    .chain(goal_work())
    .chain(money())
    .map(|event| {
        let (name, version) = event.type_and_version();
        (name, version, encode(&event), event)
    })
    .collect();
    all.extend(usage_versions());
    all.push(("budget-set", 1, to_bytes(&budget_v1()), Event::BudgetSet(budget_v2().into())));
    all.push(("budget-set", 2, to_bytes(&budget_v2()), Event::BudgetSet(budget_v2().into())));
    all.push(("cost-reported", 1, to_bytes(&cost_v1()), Event::CostReported(cost_v1().into())));
    all.push((
        "usage-reported",
        1,
        to_bytes(&usage_report_v1()),
        Event::UsageReported(usage_report_v1().into()),
    ));
    all.push(("spend-overridden", 1, to_bytes(&override_v1()), Event::SpendOverridden(override_v1().into())));
    all.push(("balance-read", 1, to_bytes(&balance_v1()), Event::BalanceRead(balance_v1().into())));
    all
}

fn record<'a>(type_name: &'a str, schema_version: u16, payload: &'a [u8]) -> RecordRef<'a> {
    RecordRef {
        position: Position::FIRST,
        tenant: "local",
        stream: "usage",
        version: Version(1),
        id: EventId::default(),
        type_name,
        schema_version,
        occurred_at: Timestamp::UNIX_EPOCH,
        recorded_at: Timestamp::UNIX_EPOCH,
        actor: "test",
        correlation: None,
        causation: None,
        trace: None,
        key_id: 0,
        payload,
    }
}

fn golden_file(name: &str, version: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/golden/{name}.v{version}.hex"))
}

/// A missing golden file is written when `MECRIS_BLESS` is set; an existing one is never replaced.
#[test]
fn golden_bytes_of_every_version_are_written_and_read_as_ever() {
    for (name, version, bytes, event) in every_version() {
        let path = golden_file(name, version);
        let hex = hex(&bytes);
        if std::env::var_os("MECRIS_BLESS").is_some() && !path.exists() {
            std::fs::write(&path, format!("{hex}\n")).unwrap();
        }
        let golden =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(golden.trim(), hex, "{name} version {version} is written differently than ever before");
        assert_eq!(decode(&record(name, version, &bytes)), Ok(event), "{name} version {version}");
    }
}

#[test]
fn every_version_has_a_schema_and_a_golden_file_and_no_other() {
    let mut versions: Vec<String> =
        every_version().into_iter().map(|(name, version, ..)| format!("{name}.v{version}.json")).collect();
    let mut schemas: Vec<String> = Event::schemas().into_iter().map(|(file, _)| file).collect();
    versions.sort();
    schemas.sort();
    assert_eq!(versions, schemas);
}

#[test]
fn payloads_that_do_not_fit_are_refused() {
    for (name, version, bytes, _) in every_version() {
        for length in 0..bytes.len() {
            let cut = decode(&record(name, version, &bytes[..length]));
            assert!(matches!(cut, Err(CodecError::Malformed { .. })), "{name} cut to {length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(
            matches!(decode(&record(name, version, &longer)), Err(CodecError::Malformed { .. })),
            "{name}"
        );
    }
    assert!(matches!(decode(&record("usage-recorded", 9, &[])), Err(CodecError::Unknown { version: 9, .. })));
    let huge_length = [0xff; 64];
    assert!(matches!(decode(&record("budget-removed", 1, &huge_length)), Err(CodecError::Malformed { .. })));
}

#[test]
fn alerts_are_read_as_they_were_decided() {
    for event in alerts() {
        if let Some(change) = crate::event::payload::alert_change(&event).unwrap() {
            assert_eq!(Event::from(&change), event);
        } else {
            assert!(matches!(event, Event::ConsentChanged(_)));
        }
    }
    let Event::AlertRaised(mut raised) = alerts()[0].clone() else { unreachable!() };
    raised.kind = "weather".into();
    assert!(crate::event::payload::alert_change(&Event::AlertRaised(raised)).is_err());
}
