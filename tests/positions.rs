//! Every answer that names a position, or joins several views, is of one position.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use jiff::Timestamp;
use mecris::domain::budget::{Budget, Scope, Thresholds};
use mecris::domain::calendar::Period;
use mecris::domain::money::Picodollars;
use mecris::event::payload::BudgetSet;
use mecris::event::{Event, EventId, Metadata, Position, StreamId};
use mecris::log::{Append, Expected};
use mecris::service::aggregate::repository::new_event;
use mecris::service::budgets::gate::GateParams;
use mecris::service::runtime::node::Node;
use mecris::service::runtime::place::Place;
use mecris::service::runtime::settings::Settings;
use mecris::view::budgets::BudgetLine;
use mecris::view::replay::catch_up;
use mecris::view::{Horizon, Views};

use crate::support::program::Home;

/// One budget, and its amount is the position of the event that set it.
fn budget(position: u64) -> Budget {
    Budget {
        name: "mark".parse().unwrap(),
        amount: Picodollars(i128::from(position)),
        period: Period::Monthly,
        scope: Scope::default(),
        thresholds: Thresholds::default(),
    }
}

/// A log in which each event sets the budget to its own position.
fn node(dir: &std::path::Path, events: u64) -> Node {
    let node = Node::open(&Place::local(dir), Settings::load(None).unwrap()).unwrap();
    let now = Timestamp::now();
    let event = |position| {
        let set = Event::BudgetSet(BudgetSet::from(&budget(position)));
        new_event(EventId::random(), &set, now, &Metadata::default())
    };
    for first in (1..=events).step_by(100) {
        let append = Append {
            tenant: node.tenant.clone(),
            stream: StreamId::new("budgets"),
            expected: Expected::Any,
            events: (first..first + 100).map(event).collect(),
        };
        node.log.append(append).wait().unwrap();
    }
    assert_eq!(node.log.head().unwrap().position, Position(events));
    node
}

#[test]
fn a_hundred_thousand_answers_under_writes_are_each_of_one_position() {
    const ANSWERS: usize = 100_000;
    const EVENTS: u64 = 2_000;
    let dir = tempfile::tempdir().unwrap();
    let node = node(dir.path(), EVENTS);
    let queries = node.queries().unwrap();
    let (left, mixed, is_over) = (AtomicUsize::new(ANSWERS), AtomicUsize::new(0), AtomicBool::new(false));
    let is_mixed = |position: u64, budgets: &[BudgetLine]| {
        budgets.iter().any(|line| line.amount_usd.0 != i128::from(position))
    };
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for last in 1..=EVENTS {
                    queries.views.write(|views| {
                        if last == 1 {
                            *views = Views::default();
                        }
                        catch_up(&*node.log, views, Position(last), Horizon::Unbounded, &mut |_, _| {})
                            .unwrap();
                    });
                }
            }
        });
        let readers: Vec<_> = (0..3)
            .map(|_| {
                threads.spawn(|| {
                    let one_less = |left: usize| left.checked_sub(1);
                    let now = Timestamp::now();
                    while let Ok(number) = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less) {
                        // The whole status now and then, and else what it is made of.
                        let is_mixed = if number % 10 == 0 {
                            let status = queries.status(now).status;
                            is_mixed(status.position, &status.budgets)
                        } else {
                            queries.at(|at| {
                                let budgets = at.budgets(now);
                                let gate = at.gate(&GateParams::default(), now);
                                is_mixed(at.position().0, &budgets) || gate.position != at.position().0
                            })
                        };
                        mixed.fetch_add(usize::from(is_mixed), Ordering::Relaxed);
                    }
                })
            })
            .collect();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(mixed.into_inner(), 0, "of {ANSWERS} answers so many mix two positions");
}

#[test]
fn an_answer_over_http_shows_what_the_position_it_names_says() {
    const SETS: usize = 60;
    let home = Home::new();
    let running = home.start(&[]);
    let bearer = format!("Bearer {}", running.token);
    let set = |cents: usize| {
        let body = format!(r#"{{"amount_usd":"{cents}"}}"#);
        let headers = [("authorization", bearer.as_str())];
        assert_eq!(running.send("PUT", "/api/v1/budgets/mark", &headers, Some(&body)).status, 200);
    };
    set(1);
    let is_over = AtomicBool::new(false);
    let seen: Vec<(u64, String)> = std::thread::scope(|threads| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                threads.spawn(|| {
                    let mut seen = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let status = running.get("/api/v1/status").json();
                        let amount = status["budgets"][0]["amount_usd"].as_str().unwrap();
                        seen.push((status["position"].as_u64().unwrap(), amount.to_owned()));
                    }
                    seen
                })
            })
            .collect();
        (2..SETS).for_each(set);
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    let page = running.get("/api/v1/events?limit=1000").json();
    let of_budget = |event: &serde_json::Value| {
        let is_set = event["type"] == "budget-set";
        is_set.then(|| {
            (event["position"].as_u64().unwrap(), event["data"]["amount"].as_str().unwrap().to_owned())
        })
    };
    let sets: BTreeMap<u64, String> =
        page["events"].as_array().unwrap().iter().filter_map(of_budget).collect();
    assert_eq!(sets.len(), SETS - 1);
    let is_mixed = |(position, amount): &&(u64, String)| {
        sets.range(..=position).next_back().map(|(_, set)| set) != Some(amount)
    };
    let mixed: Vec<_> = seen.iter().filter(is_mixed).collect();
    assert!(mixed.is_empty(), "{} of {} answers mix two positions: {:?}", mixed.len(), seen.len(), mixed[0]);
}
