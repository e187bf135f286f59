use crate::domain::money::Picodollars;
use crate::service::budgets::gate::GateParams;
use crate::service::runtime::reads::tests::{TENANTS, now, reads_of, two_tenants};

#[test]
fn each_tenant_is_answered_from_its_own_money_whoever_has_asked_before() {
    let (_dir, log) = two_tenants();
    let reads = reads_of(&log);
    let asked = GateParams { session: Some("s".into()), ..GateParams::default() };
    for round in 0..2 {
        for (reads, (tenant, dollars)) in reads.iter().zip(TENANTS) {
            let gate = reads.gate(&asked, now());
            let of = Picodollars::usd(dollars);
            assert_eq!((gate.today_usd, gate.session_usd), (of, Some(of)), "{tenant}, round {round}");
            let budgets = reads.budgets_shown(now()).budgets;
            assert_eq!((budgets[0].used_usd, budgets[0].amount_usd), (of, Picodollars::usd(100 * dollars)));
            let status = reads.status(now()).status;
            assert_eq!((status.all_time.cost_usd, status.budgets), (Some(of), budgets));
            let place = reads.activity(None, now());
            assert_eq!((place.usage.cost_usd, place.sessions), (Some(of), 1));
        }
    }
}
