use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn told(session: &str, second: i64, output: u64) -> Usage {
    Usage {
        key: MessageKey { message_id: "m".into(), request_id: format!("req-{session}").into() },
        agent: "claude-code".into(),
        session: session.into(),
        tokens: Tokens { output, ..Tokens::default() },
        occurred_at: at(second),
        ..Usage::default()
    }
}

#[test]
fn copies_never_shrink_a_count_nor_move_a_day() {
    let first = told("s-1", 0, 1000);
    let both = first.clone().merge(told("s-2", 900_000, 1));
    assert_eq!(both, first);
    let grown = first.merge(Usage { sidechain: true, ..told("s-1", 1, 2000) });
    assert_eq!((grown.tokens.output, grown.occurred_at, grown.sidechain), (2000, at(0), false));
}

#[test]
fn cache_writes_told_in_all_and_later_by_kind_are_not_added_up() {
    let tokens = |five, hour| Tokens { cache_write_5m: five, cache_write_1h: hour, ..Tokens::default() };
    for (one, other, expected) in [
        (tokens(100, 0), tokens(0, 100), tokens(0, 100)),
        (tokens(100, 0), tokens(20, 60), tokens(40, 60)),
        (tokens(10, 60), tokens(20, 10), tokens(10, 60)),
    ] {
        assert_eq!((one.merge(&other), other.merge(&one)), (expected, expected), "{one:?} {other:?}");
    }
}

#[test]
fn the_owner_is_the_same_in_every_order() {
    let mut tellings = [
        // A copy may have an earlier time than all others: it decides the time, but not the owner.
        Usage { copied: true, project: "/p".into(), ..told("a-copy", -5, 3) },
        Usage { sidechain: true, ..told("b-aside", 0, 9) },
        told("z-own", 0, 4),
        told("y-late", 1, 5),
        Usage { key: MessageKey { message_id: "m".into(), request_id: "".into() }, ..told("x-late", 2, 1) },
    ];
    let mut outcomes = Vec::new();
    for round in 0..120 {
        let swapped = round % 4;
        tellings.swap(swapped, swapped + 1);
        tellings.rotate_left(1);
        let left = tellings.iter().cloned().reduce(Usage::merge).unwrap();
        let right = tellings.iter().cloned().rev().reduce(|other, one| one.merge(other)).unwrap();
        assert_eq!(left, right);
        outcomes.push(left);
    }
    outcomes.dedup();
    let [outcome] = outcomes.as_slice() else { panic!("{outcomes:?}") };
    assert_eq!((&*outcome.session, outcome.tokens.output), ("z-own", 9));
    assert_eq!((outcome.occurred_at, outcome.owned_at), (at(-5), Some(at(0))));
    assert_eq!(&*outcome.key.request_id, "req-z-own");
}

#[test]
fn only_what_is_shown_makes_a_revision() {
    // At the beginning of a quarter of an hour.
    let known = told("s-1", 800, 5);
    let again = |change: &dyn Fn(&mut Usage)| {
        let mut again = known.clone();
        change(&mut again);
        decide(Some(&known), &again)
    };
    assert_eq!(decide(None, &known), UsageChange::New);
    assert_eq!(again(&|_| ()), UsageChange::Known);
    assert_eq!(again(&|again| again.occurred_at = at(801)), UsageChange::Known);
    assert_eq!(again(&|again| again.key.request_id = "other".into()), UsageChange::Known);
    assert_eq!(again(&|again| again.session = "s-2".into()), UsageChange::Known, "the first by name owns it");
    assert!(matches!(again(&|again| again.session = "s-0".into()), UsageChange::Revision(_)));
    assert!(matches!(again(&|again| again.tokens.output = 6), UsageChange::Revision(_)));
    assert!(matches!(again(&|again| again.occurred_at = at(799)), UsageChange::Revision(_)));
    // What version 1 recorded has the time of the last line: that alone is no revision.
    let former = Usage { agent: "".into(), ..known.clone() };
    let told = |second| Usage { occurred_at: at(second), ..known.clone() };
    assert_eq!(decide(Some(&former), &told(799)), UsageChange::Known);
    assert!(matches!(decide(Some(&former), &told(-800)), UsageChange::Revision(_)));
    let in_repository = |project: &str, told: &str| {
        let former = Usage { project: project.into(), ..former.clone() };
        decide(Some(&former), &Usage { project: told.into(), repository: "/w".into(), ..known.clone() })
    };
    assert_eq!(in_repository("/w", "/w"), UsageChange::Known);
    assert!(matches!(in_repository("/w/src", "/w/src"), UsageChange::Revision(_)));
}

#[test]
fn a_sum_that_somebody_tells_takes_the_place_of_the_one_before() {
    let sum = |second, output| {
        let mut sum = told("s", second, output);
        sum.key.message_id = "told:s".into();
        sum
    };
    let known = sum(0, 10);
    assert!(matches!(decide(Some(&known), &sum(1, 4)), UsageChange::Revision(now) if now.tokens.output == 4));
    assert_eq!(decide(Some(&known), &sum(-1, 40)), UsageChange::Known);
    assert_eq!(decide(Some(&known), &sum(1, 10)), UsageChange::Known);
}
