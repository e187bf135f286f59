//! A year of a person's life on an accelerated clock: six goals, three budgets, sources that fail, providers that
//! refuse, lose and delay, moves to other zones, STOP and START, and crashes between any two steps. A judge with a
//! reckoning of its own looks at everything that is sent and at everything that is not: no rule is missed, nothing is
//! sent twice, and nights, days and limits are kept to.
//!
//! `MECRIS_YEARS` sets how many years are lived (4 by default, 50 in a long round); the seed of a year is its number.
//! The years' tables are printed with `--nocapture`.

#[path = "year/case.rs"]
mod case;
#[path = "year/life.rs"]
mod life;
#[path = "year/oracle.rs"]
mod oracle;
#[path = "year/program.rs"]
mod program;
#[path = "year/provider.rs"]
mod provider;
#[path = "year/reckoning.rs"]
mod reckoning;

use mecris::domain::alert::policy::{Limits, Policy, Until};
use mecris::domain::alert::step::HoldReason;
use mecris::domain::alert::{AlertId, Kind};
use mecris::domain::money::Picodollars;

use program::Year;

fn years() -> u64 {
    std::env::var("MECRIS_YEARS").map_or(4, |years| years.parse().unwrap())
}

/// Each year another person, who wants other things.
fn policy(seed: u64) -> Policy {
    let usd = |cents| Picodollars::usd(1).scale(cents, 100);
    Policy {
        until: [Until::Accepted, Until::Delivered, Until::Acknowledged][seed as usize % 3],
        immediate_breaks_quiet: seed % 4 != 3,
        limits: match seed % 2 {
            0 => Policy::default().limits,
            _ => Limits { per_hour: 3, per_day: 8, usd_per_day: usd(10) },
        },
        ..Policy::default()
    }
}

#[test]
fn a_year_in_which_no_rule_is_missed_and_nothing_is_told_twice() {
    for seed in 0..years() {
        println!("the year of seed {seed}");
        let mut year = Year::new(seed, policy(seed));
        year.run();
        print(&year);
        let rows = year.oracle.rows();
        for kind in [Kind::Goal, Kind::Reminder, Kind::BudgetThreshold, Kind::BudgetProjection, Kind::Source]
        {
            assert!(rows[&kind].told > 0, "a year without {} shows nothing", kind.word());
        }
        assert!(year.crashes > 10, "it died {} times", year.crashes);
    }
}

fn print(year: &Year) {
    println!("{:18}{:>8}{:>8}{:>8}{:>11}{:>10}", "kind", "causes", "raised", "told", "withdrawn", "messages");
    for (kind, row) in year.oracle.rows() {
        let (name, told) = (kind.word(), row.told);
        println!(
            "{name:18}{:>8}{:>8}{told:>8}{:>11}{:>10}",
            row.causes, row.raised, row.withdrawn, row.messages
        );
    }
    let held =
        |(why, alerts): (&&str, &std::collections::BTreeSet<AlertId>)| format!("{why} {}", alerts.len());
    println!(
        "held at times: {}; crashes: {}",
        year.held.iter().map(held).collect::<Vec<_>>().join(", "),
        year.crashes
    );
}

fn reason(hold: HoldReason) -> &'static str {
    match hold {
        HoldReason::Quiet(_) => "quiet",
        HoldReason::Throttled(_) => "throttled",
        HoldReason::Limited(_) => "limited",
        HoldReason::Waiting(_) => "waiting",
        HoldReason::NoChannel => "no channel",
        HoldReason::Unknown => "unknown",
    }
}
