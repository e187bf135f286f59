use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn call(request: &str, session: &str, output: u64) -> CallTold {
    let tokens = Tokens { output, ..Tokens::default() };
    let mut usage = unplaced("claude-opus-5", tokens, at(0));
    usage.key.request_id = request.into();
    usage.session = session.into();
    let own = Fingerprint::of("event", &[session.as_bytes(), &output.to_le_bytes()]);
    CallTold { usage, client_request_id: "".into(), own, told_cost: None }
}

fn point(session: &str, time: u64, value: i128) -> PointTold {
    PointTold {
        session: session.into(),
        model: "claude-opus-5".into(),
        speed: Speed::Standard,
        sidechain: false,
        measure: Measure::Output,
        series: Fingerprint::of("series", &[session.as_bytes()]),
        point: Point { start_ns: 0, time_ns: time, value, is_cumulative: true },
        at: at(0),
    }
}

/// Applies facts as the log's fold does.
fn apply(heard: &mut Heard, facts: &[Fact]) {
    for fact in facts {
        match fact {
            Fact::Told { call, ordinal, counted } => {
                let of_session = ordinal.map(|ordinal| (ordinal, call.key(), *counted));
                heard.told(&call.usage.key.request_id, &call.usage.session, of_session);
            }
            Fact::Metered { usage, ordinal, counted, points, .. } => {
                heard.metered(&usage.session, *ordinal, *counted, points.iter().copied());
            }
            Fact::Withdrawn { session, standing } => heard.withdrawn(session, standing.ordinal),
        }
    }
}

/// The output tokens that count.
fn counted(facts: &[Fact]) -> i64 {
    let mut metered = BTreeMap::new();
    let mut sum = 0;
    for fact in facts {
        match fact {
            Fact::Told { call, counted: true, .. } => sum += call.usage.tokens.output.cast_signed(),
            Fact::Metered { usage, ordinal, counted: true, .. } => {
                metered.insert((usage.session.to_string(), *ordinal), usage.tokens.output.cast_signed());
            }
            Fact::Withdrawn { session, standing } => {
                metered.remove(&(session.to_string(), standing.ordinal)).unwrap();
            }
            _ => {}
        }
    }
    sum + metered.values().sum::<i64>()
}

#[test]
fn a_request_counts_once_whoever_tells_of_it_and_how_often() {
    let mut heard = Heard::default();
    heard.transcript("req_1", "s");
    for (call, expected) in [
        (call("req_1", "s", 5), Outcome::Known),
        (call("req_2", "s", 5), Outcome::Counted),
        (call("req_2", "s", 5), Outcome::Known),
        // The request is the key, not the session: a resumed session repeats neither.
        (call("req_2", "other", 5), Outcome::Known),
        (call("req_3", "", 5), Outcome::Counted),
        (call("", "", 5), Outcome::Nameless),
    ] {
        let mut draft = Draft::new(&heard);
        assert_eq!(draft.call(&call), expected, "{call:?}");
        assert_eq!(draft.call(&call), if expected == Outcome::Counted { Outcome::Known } else { expected });
        let facts = draft.facts;
        assert_eq!(facts.len(), usize::from(expected == Outcome::Counted));
        apply(&mut heard, &facts);
    }
}

#[test]
fn a_call_without_a_request_id_counts_only_where_no_transcript_tells_of_its_session() {
    let mut heard = Heard::default();
    heard.transcript("req_1", "here");
    let mut draft = Draft::new(&heard);
    assert_eq!(draft.call(&call("", "here", 5)), Outcome::Compared);
    assert_eq!(draft.call(&call("", "away", 5)), Outcome::Counted);
    assert_eq!(draft.call(&call("", "away", 5)), Outcome::Known);
    assert_eq!(draft.call(&call("", "away", 6)), Outcome::Counted);
    let named = CallTold { client_request_id: "c-1".into(), ..call("", "away", 7) };
    assert_eq!(draft.call(&named), Outcome::Counted);
    assert_eq!(draft.call(&CallTold { own: Fingerprint([0; 16]), ..named }), Outcome::Known);
    assert_eq!(counted(&draft.facts), 18);
}

#[test]
fn metrics_count_until_something_better_tells_of_their_session() {
    let mut heard = Heard::default();
    let mut all = Vec::new();
    let mut tell = |heard: &mut Heard, tell: &dyn Fn(&mut Draft<'_>)| {
        let mut draft = Draft::new(heard);
        tell(&mut draft);
        let facts = draft.facts;
        apply(heard, &facts);
        all.extend(facts);
        counted(&all)
    };
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("s", 1, 10)]), [Outcome::Counted])),
        10
    );
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("s", 1, 10)]), [Outcome::Known])),
        10
    );
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("s", 2, 25)]), [Outcome::Counted])),
        25
    );
    // The first call takes both back.
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.call(&call("req_1", "s", 7)), Outcome::Counted)),
        7
    );
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("s", 3, 40)]), [Outcome::Compared])),
        7
    );
    // Another session is another matter, and one with a transcript never counts.
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("t", 1, 3)]), [Outcome::Counted])),
        10
    );
    heard.transcript("req_9", "u");
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("u", 1, 3)]), [Outcome::Compared])),
        10
    );
    assert_eq!(
        tell(&mut heard, &|draft| assert_eq!(draft.points(&[point("", 1, 3)]), [Outcome::Nameless])),
        10
    );
}

#[test]
fn an_export_of_many_points_is_several_facts_and_counts_once() {
    let heard = Heard::default();
    let mut draft = Draft::new(&heard);
    let series = |number: u64| Fingerprint::of("series", &[&number.to_le_bytes()]);
    let points: Vec<PointTold> =
        (0..1000).map(|number| PointTold { series: series(number), ..point("s", 1, 2) }).collect();
    draft.points(&points);
    assert_eq!((draft.facts.len(), counted(&draft.facts)), (4, 2000));
    let mut known = Heard::default();
    apply(&mut known, &draft.facts);
    let mut again = Draft::new(&known);
    assert!(again.points(&points).iter().all(|outcome| *outcome == Outcome::Known));
    assert!(again.facts.is_empty());
}

fn total(points: &[Point]) -> i128 {
    let mut counter = Counter::default();
    points.iter().filter_map(|point| counter.take(point)).sum()
}

#[test]
fn counters_table() {
    let cumulative = |start_ns, time_ns, value| Point { start_ns, time_ns, value, is_cumulative: true };
    let delta = |start_ns, time_ns, value| Point { start_ns, time_ns, value, is_cumulative: false };
    for (what, points, expected) in [
        ("deltas add up", vec![delta(0, 1, 5), delta(1, 2, 5)], 10),
        ("a delta that is sent again", vec![delta(0, 1, 5), delta(0, 1, 5)], 5),
        ("deltas out of order", vec![delta(1, 2, 7), delta(0, 1, 5), delta(1, 2, 7)], 12),
        ("only growth counts", vec![cumulative(1, 2, 5), cumulative(1, 3, 9)], 9),
        ("a point that is sent again", vec![cumulative(1, 2, 5), cumulative(1, 2, 5)], 5),
        ("a late point", vec![cumulative(1, 3, 9), cumulative(1, 2, 5)], 9),
        ("a new start begins at 0", vec![cumulative(1, 2, 5), cumulative(10, 11, 3)], 8),
        ("the old start once more", vec![cumulative(1, 2, 5), cumulative(10, 11, 3), cumulative(1, 3, 6)], 9),
        ("a lower value begins at 0", vec![cumulative(1, 2, 5), cumulative(1, 3, 2), cumulative(1, 4, 4)], 9),
        ("a point before a fall, late", vec![cumulative(1, 3, 2), cumulative(1, 2, 5)], 7),
        ("and one after it", vec![cumulative(1, 4, 9), cumulative(1, 2, 20), cumulative(1, 3, 4)], 29),
        ("nothing is nothing", vec![cumulative(1, 2, 0), delta(1, 2, 0)], 0),
        // Without start times: absent, or the point's own time.
        ("no start", vec![cumulative(0, 2, 100), cumulative(0, 3, 110), cumulative(0, 4, 135)], 135),
        ("its own", vec![cumulative(2, 2, 100), cumulative(3, 3, 110), cumulative(4, 4, 135)], 135),
        ("both", vec![cumulative(0, 2, 100), cumulative(3, 3, 110), cumulative(0, 4, 135)], 135),
        ("its own, again", vec![cumulative(2, 2, 100), cumulative(2, 2, 100), cumulative(3, 3, 110)], 110),
        ("its own, late", vec![cumulative(4, 4, 135), cumulative(2, 2, 100), cumulative(3, 3, 110)], 135),
        ("no start, late", vec![cumulative(0, 4, 135), cumulative(0, 3, 110), cumulative(0, 2, 100)], 135),
        ("no start, reset", vec![cumulative(0, 2, 100), cumulative(0, 3, 30), cumulative(0, 4, 35)], 135),
        ("its own, reset", vec![cumulative(2, 2, 100), cumulative(3, 3, 30), cumulative(4, 4, 35)], 135),
        // The data model's own way: the first point tells its time, the others go on from there.
        ("unknown start", vec![cumulative(2, 2, 100), cumulative(2, 3, 110), cumulative(2, 4, 135)], 135),
        (
            "unknown start, late",
            vec![cumulative(2, 3, 110), cumulative(2, 2, 100), cumulative(2, 4, 135)],
            135,
        ),
        (
            "and started again",
            vec![cumulative(2, 2, 100), cumulative(2, 3, 110), cumulative(5, 5, 20), cumulative(5, 6, 25)],
            135,
        ),
        // A start that is told for some points only.
        ("told later", vec![cumulative(0, 3, 100), cumulative(1, 4, 135)], 135),
        ("told at first", vec![cumulative(1, 3, 100), cumulative(0, 4, 135)], 135),
        ("told in between", vec![cumulative(0, 3, 100), cumulative(1, 4, 110), cumulative(0, 5, 135)], 135),
        ("told, and late", vec![cumulative(1, 4, 135), cumulative(0, 3, 100)], 135),
        ("another start", vec![cumulative(0, 3, 100), cumulative(4, 5, 35)], 135),
        ("a higher one", vec![cumulative(0, 3, 10), cumulative(4, 5, 125)], 135),
        // Deltas and cumulative points of one counter tell the same.
        ("mixed", vec![delta(1, 2, 100), delta(2, 3, 10), cumulative(1, 4, 135)], 135),
        ("mixed, late", vec![cumulative(1, 4, 135), delta(1, 2, 100), delta(2, 3, 10)], 135),
        (
            "in turns",
            vec![cumulative(1, 2, 100), delta(2, 3, 10), cumulative(1, 4, 120), delta(4, 5, 15)],
            135,
        ),
        (
            "ahead",
            vec![cumulative(1, 2, 100), delta(2, 4, 35), cumulative(1, 3, 110), cumulative(1, 5, 135)],
            135,
        ),
        ("no start, mixed", vec![cumulative(0, 2, 100), delta(2, 3, 10), cumulative(0, 4, 135)], 135),
        ("another run's", vec![delta(1, 2, 100), cumulative(3, 4, 35)], 135),
        ("after a reset", vec![cumulative(1, 2, 100), cumulative(1, 4, 20), delta(4, 5, 15)], 135),
        // Of what came before a point without a start nobody knows whether it is in it; once a start is told it is.
        ("unknown, then known", vec![delta(1, 2, 25), cumulative(0, 3, 110), cumulative(1, 4, 135)], 135),
        ("deltas without start", vec![delta(0, 2, 100), delta(0, 3, 35), delta(0, 3, 35)], 135),
    ] {
        assert_eq!(total(&points), expected, "{what}");
    }
}

proptest! {
    /// A counter that starts again with a new start each time: any order, with repetitions, gives the same sum.
    #[test]
    fn the_order_and_repetitions_do_not_matter(
        lives in prop::collection::vec(prop::collection::vec(0_i128..1000, 1..12), 1..5),
        order in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let (mut points, mut truth, mut time) = (Vec::new(), 0, 0_u64);
        for life in &lives {
            let start_ns = time + 1;
            let mut value = 0;
            for step in life {
                time += 2;
                value += step;
                points.push(Point { start_ns, time_ns: time + 1, value, is_cumulative: true });
            }
            time += 2;
            truth += value;
        }
        prop_assert_eq!(total(&points), truth);
        let mut shuffled: Vec<Point> = order.iter().map(|index| *index.get(&points)).collect();
        shuffled.extend(points.iter().rev());
        prop_assert_eq!(total(&shuffled), truth);
    }

    /// Without start times, in either form and with repetitions: what has grown counts.
    #[test]
    fn without_a_start_the_growth_counts(
        lives in prop::collection::vec(prop::collection::vec((1_i128..1000, 0..3_u8), 1..12), 1..5),
        again in any::<bool>(),
    ) {
        let (mut points, mut truth, mut time, mut before) = (Vec::new(), 0, 1_u64, 0);
        for life in &lives {
            let mut value = 0;
            for (step, form) in life {
                time += 1;
                // A new life is lower at first, or it cannot be told from the one before.
                value += if value == 0 && before > 0 { (step % before).min(before - 1) } else { *step };
                let start_ns = if *form == 0 { time } else { 0 };
                points.push(Point { start_ns, time_ns: time, value, is_cumulative: true });
                if again {
                    points.push(points[points.len() - 1]);
                }
            }
            truth += value;
            before = value;
        }
        prop_assert_eq!(total(&points), truth, "{:?}", points);
    }

    /// Told as deltas and cumulatively, in turns: each call counts once.
    #[test]
    fn deltas_and_cumulative_points_are_not_added_up(
        steps in prop::collection::vec((1_i128..1000, 0..3_u8), 1..30),
    ) {
        let (mut points, mut sum, mut last) = (Vec::new(), 0, 1_u64);
        let mut held = 0;
        for (number, (step, form)) in steps.iter().enumerate() {
            let time_ns = number as u64 + 2;
            (sum, held) = (sum + step, held + step);
            if *form != 1 {
                points.push(Point { start_ns: 1, time_ns, value: sum, is_cumulative: true });
            }
            if *form != 2 {
                points.push(Point { start_ns: last, time_ns, value: held, is_cumulative: false });
                (last, held) = (time_ns, 0);
            }
        }
        points.push(Point { start_ns: 1, time_ns: 1000, value: sum, is_cumulative: true });
        prop_assert_eq!(total(&points), sum, "{:?}", points);
    }

    /// Reports of sessions in any interleaving count by their best source: calls if there are any.
    #[test]
    fn metrics_and_calls_are_never_added_up(
        told in prop::collection::vec((any::<bool>(), 0..3_u8, 1..6_u64), 1..40),
    ) {
        let mut heard = Heard::default();
        let (mut all, mut calls, mut metered) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (number, (is_call, session, amount)) in told.iter().enumerate() {
            let name = format!("s-{session}");
            let mut draft = Draft::new(&heard);
            if *is_call {
                draft.call(&call(&format!("req_{number}"), &name, *amount));
                *calls.entry(*session).or_insert(0) += amount.cast_signed();
            } else {
                let sum = metered.entry(*session).or_insert(0_i64);
                *sum += amount.cast_signed();
                draft.points(&[point(&name, number as u64 + 1, i128::from(*sum))]);
            }
            let facts = draft.facts;
            apply(&mut heard, &facts);
            all.extend(facts);
        }
        let truth: i64 =
            (0..3).map(|session| calls.get(&session).or(metered.get(&session)).copied().unwrap_or(0)).sum();
        prop_assert_eq!(counted(&all), truth);
    }
}
