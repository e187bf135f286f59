use crate::domain::money::Picodollars;
use crate::event::{EventId, Metadata, NewEvent, StreamId, TenantId};
use crate::log::export::{ExportReader, ExportedEvent};
use crate::log::{Append, Expected};
use crate::service::runtime::reads::tests::{TENANTS, now, reads_of, two_tenants};

use super::*;

fn lines(bytes: &[u8]) -> Vec<ExportedEvent> {
    ExportReader::new(bytes).map(Result::unwrap).collect()
}

#[test]
fn an_auditor_is_given_the_events_of_their_tenant_alone() {
    let (_dir, log) = two_tenants();
    // An unreadable event of one tenant does not affect the other.
    let broken = NewEvent {
        id: EventId::random(),
        type_name: "usage-recorded",
        schema_version: 2,
        occurred_at: now(),
        metadata: Metadata::default(),
        payload: vec![1],
    };
    let append = Append {
        tenant: TenantId::new(TENANTS[1].0),
        stream: StreamId::new("usage"),
        expected: Expected::Any,
        events: vec![broken],
    };
    let [reads, other] = reads_of(&log);
    log.append(append).wait().unwrap();
    let (tenant, dollars) = TENANTS[0];
    let of = Picodollars::usd(dollars);

    let exported = lines(&reads.export(Position(1), 1_000).unwrap());
    assert_eq!(exported.iter().map(|line| line.position).collect::<Vec<_>>(), [1, 2, 5, 6]);
    assert!(exported.iter().all(|line| line.tenant == tenant));
    // Page by page it is the same, though pages begin among the other's events.
    let (mut paged, mut from) = (Vec::new(), 1);
    loop {
        let page = lines(&reads.export(Position(from), 1).unwrap());
        let Some(last) = page.last() else { break };
        from = last.position + 1;
        paged.extend(page);
    }
    assert_eq!(paged, exported);
    assert_eq!(lines(&other.export(Position(1), 1_000).unwrap()).len(), 5, "what cannot be read is told of");

    let page = reads.events(Position(1), 3).unwrap();
    assert_eq!(page.events.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 5]);
    assert_eq!((page.next, page.head), (Some(6), 9));
    assert!(other.events(Position(1), 1_000).is_err());

    let explained = reads.explain("s", None, Timestamp::now()).unwrap();
    assert_eq!((explained.events.len(), explained.total.cost_usd), (2, Some(of)));
    assert!(explained.events.iter().all(|event| event.message_id.starts_with(tenant)));

    let replayed = reads.replay(Until::Head, now(), &mut |_, _| {}).unwrap();
    assert_eq!((replayed.position, replayed.total.messages, replayed.total.cost_usd), (9, 2, Some(of)));
    assert_eq!((replayed.budgets.len(), replayed.budgets[0].used_usd), (1, of));
    assert!(other.replay(Until::Head, now(), &mut |_, _| {}).is_err());
    let before = other.replay(Until::Position(Position(8)), now(), &mut |_, _| {}).unwrap();
    assert_eq!(before.total.cost_usd, Some(Picodollars::usd(TENANTS[1].1)));
}
