//! What a message says: the numbers of the moment, and a reference by which it is found again.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::domain::alert::rules::{SourceFact, SourceTrouble};
use crate::domain::alert::step::{digest, short};
use crate::domain::calendar::Period;
use crate::domain::goal::Goal;
use crate::domain::sms;

use super::periods::{Life, goal};
use super::*;

fn texts(life: &Life) -> Vec<(Kind, String)> {
    life.causes().present.into_iter().map(|cause| (cause.key.kind, cause.text)).collect()
}

#[test]
fn texts_have_the_numbers_of_the_moment() {
    let mut life = Life::with_budget(20, Period::Monthly);
    life.budgets[0].thresholds = crate::domain::budget::Thresholds::default();
    life.at("11-29 12:00");
    life.spend(300);
    life.at("11-30 12:00");
    life.spend(1250);
    life.goals = vec![Goal {
        baremin: "+2 today".into(),
        limsum: "+2 in 1 day".into(),
        pledge: Picodollars::usd(5),
        ..goal(Some(1), Some(life.bench.instant("12-01 21:00")))
    }];
    let since = life.bench.instant("11-30 09:05");
    let fact = |trouble| SourceFact { trouble: Some(trouble), since };
    life.sources.insert("beeminder".into(), fact(SourceTrouble::Failing));
    life.sources.insert("twilio".into(), fact(SourceTrouble::Unauthorized));
    life.gave_up.insert("usage".into(), since);
    let expected = [
        (Kind::Goal, "walk derails on Tue at 21:00 (in 1 d 9 h); to do: +2 today; at stake: 5.00 USD."),
        (Kind::BudgetThreshold, "budget main: 77 % used, 15.50 of 20.00 USD, 4.50 left until 2026-11-30."),
        (Kind::BudgetLow, "budget main: only 4.50 USD left until 2026-11-30."),
        (Kind::BudgetDaily, "budget main: 12.50 USD spent today; the limit of a day is 2.00."),
        (Kind::BudgetEnding, "budget main ends on 2026-11-30; 4.50 USD left."),
        (
            Kind::Source,
            "beeminder has not answered since Mon 09:05; its numbers are old. `mecris sources` tells why.",
        ),
        (Kind::Source, "twilio refuses the key. `mecris sources` has the mend."),
        (Kind::Actor, "usage failed again and again, and was started anew. `mecris incidents` tells why."),
    ];
    let found = texts(&life);
    assert_eq!(found, expected.map(|(kind, text)| (kind, text.to_owned())));
    // What is spent already is neither low nor projected.
    life.spend(450);
    let kinds: BTreeSet<Kind> = texts(&life).into_iter().map(|(kind, _)| kind).collect();
    assert!(kinds.contains(&Kind::BudgetThreshold), "{kinds:?}");
    assert!(!kinds.contains(&Kind::BudgetLow) && !kinds.contains(&Kind::BudgetProjection), "{kinds:?}");
    life.goals[0].baremin.clear();
    assert!(texts(&life)[0].1.contains("; to do: +2 in 1 day;"), "{:?}", texts(&life)[0]);
}

/// 99.9 % is not 100 %; a share is of what was given, and no more than one can pay.
#[test]
fn percents_are_whole_and_rounded_down() {
    for (cents, expected) in [(749, None), (750, Some("75 %")), (999, Some("99 %")), (1000, Some("100 %"))] {
        let mut life = Life::with_budget(10, Period::Daily);
        life.at("11-23 23:30");
        life.spend(cents);
        let found = texts(&life).into_iter().find(|(kind, _)| *kind == Kind::BudgetThreshold);
        let percent =
            found.map(|(_, text)| text.split_once(": ").unwrap().1.split_once(" used").unwrap().0.to_owned());
        assert_eq!(percent.as_deref(), expected, "{cents}");
    }
}

#[test]
fn a_text_is_cut_and_its_reference_is_not() {
    let long = "x".repeat(400);
    let cyrillic = "ж".repeat(100);
    let table = [
        ("walk derails", 1, "walk derails #7".to_owned()),
        (&long[..157], 1, format!("{} #7", &long[..157])),
        (&long[..158], 1, format!("{}... #7", &long[..154])),
        (&long, 1, format!("{}... #7", &long[..154])),
        (&long, 2, format!("{}... #7", &long[..300])),
        (&cyrillic, 1, format!("{}... #7", "ж".repeat(64))),
        ("", 1, " #7".to_owned()),
        // What looks the same in the cheaper alphabet is taken from it.
        ("“walk” – soon…", 1, "\"walk\" - soon... #7".to_owned()),
    ];
    for (text, parts, expected) in table {
        assert_eq!(short(text, " #7", parts), expected, "{text} {parts}");
    }
}

/// Rounds can be distinguished, so that a message of one is not taken for that of another.
#[test]
fn a_reference_names_the_alert_and_the_round() {
    let mut bench = Bench::new();
    bench.rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:01", "+a w2", "graded 1, queued 1, sms 1.2"),
        ("11-23 08:02", "has ntfy, +b w1", "raised 2, queued 2, ntfy 2.1"),
    ]);
    let texts: Vec<&str> = bench.sent.iter().map(|sending| sending.text.as_str()).collect();
    let expected =
        ["Mecris: goal a stands at 1 #1", "Mecris: goal a stands at 2 #1/2", "goal b stands at 1 #2"];
    assert_eq!(texts, expected);
    for sending in &bench.sent {
        let alert = bench.book.get(sending.id).unwrap();
        let attempt = alert.attempts().find(|attempt| attempt.id == sending.attempt).unwrap();
        assert_eq!(attempt.parcel.digest, digest(&sending.text), "the log knows what was sent");
        assert_eq!(attempt.parcel.contact, sending.contact);
        assert!(!format!("{sending:?}").contains("stands"), "no text in a log of ours: {sending:?}");
    }
    assert_eq!(bench.sent[0].contact.as_deref(), Some("c-1"));
    assert_eq!(bench.sent[2].contact, None);
}

proptest! {
    #[test]
    fn a_short_text_fits_and_keeps_its_reference(
        text in "\\PC{0,900}|[a-z €\\[\u{1f600}ж]{0,2000}",
        id in 1..99_999_u64,
        parts in 1..30_u32,
    ) {
        let reference = format!(" #{id}/3");
        let found = short(&text, &reference, parts);
        prop_assert!(found.ends_with(&reference), "{found:?}");
        prop_assert!(sms::segments(&found).count <= parts, "{found:?}");
        prop_assert!(found.encode_utf16().count() <= sms::MAX_UNITS, "it would be refused");
        let head = found.strip_suffix(&reference).unwrap();
        let folded = sms::fold(&text);
        let is_whole = head == folded;
        prop_assert!(is_whole || folded.starts_with(head.trim_end_matches("...")), "{found:?}");
    }
}
