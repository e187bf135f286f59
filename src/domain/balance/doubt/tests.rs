use super::*;
use crate::domain::balance::{Accounts, BalanceChange, TopUp, decide};
use crate::domain::currency::Currency;

fn usd(text: &str) -> Picodollars {
    Picodollars::parse(text).unwrap()
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
}

/// What an answer tells: left, bought, its parts, whether that suffices; and what it comes to.
#[test]
fn an_answer_is_judged_by_itself() {
    use Why::{BareNothing, Contradiction, NothingOfNothing};
    type Row<'a> = (&'a str, Option<&'a str>, &'a [&'a str], Option<bool>, Option<Why>);
    let table: &[Row<'_>] = &[
        // OpenRouter: left of bought.
        ("74.75", Some("100.5"), &[], None, None),
        ("0", Some("100.5"), &[], None, None),
        ("-0.2", Some("5"), &[], None, None),
        ("0", Some("0"), &[], None, Some(NothingOfNothing)),
        ("-25.5", Some("0"), &[], None, Some(Contradiction)),
        // Moonshot: voucher and cash.
        ("49.5", None, &["46.5", "3"], None, None),
        ("46.5", None, &["46.5", "-3"], None, None),
        ("-3.2", None, &["0", "-3.2"], None, None),
        ("0", None, &["0", "0"], None, Some(BareNothing)),
        ("0", None, &[], None, Some(BareNothing)),
        ("0", None, &["46.5", "3"], None, Some(Contradiction)),
        // DeepSeek: granted and topped up, and whether that suffices for a call.
        ("7.25", None, &["0", "7.25"], Some(true), None),
        ("0.3", None, &["0", "0.3"], Some(false), None),
        ("0", None, &["0", "0"], Some(false), None),
        ("-1.5", None, &["0", "-1.5"], Some(false), None),
        ("0", None, &["0", "0"], Some(true), Some(BareNothing)),
        ("-1.5", None, &["0", "-1.5"], Some(true), Some(Contradiction)),
        ("50", None, &["0", "50"], Some(false), Some(Contradiction)),
        ("0", None, &["10", "40"], Some(false), Some(Contradiction)),
    ];
    for (left, total, parts, suffices, expected) in table {
        let parts: Vec<Picodollars> = parts.iter().map(|part| usd(part)).collect();
        let (left, total, suffices) = (usd(left), total.map(usd), *suffices);
        let answer = Answer { left, total, parts: &parts, suffices };
        assert_eq!(judge(&answer), *expected, "{answer:?}");
    }
}

/// One look, at a minute: what is left, and what its answer comes to by itself.
#[derive(Debug, Clone, Copy)]
enum Look {
    Api(i64, &'static str, Option<Why>),
    Cny(i64, &'static str),
    /// By a page, with this confidence.
    Page(i64, &'static str, Confidence),
    Hand(i64, &'static str),
    Refused(i64),
    TopUp(i64, &'static str),
}

fn told(accounts: &mut Accounts, look: Look) {
    let reading = |minutes, left, source| Reading::usd("a", usd(left), at(minutes), source, "");
    let (change, now) = match look {
        Look::Api(minutes, left, why) => {
            let reading = reading(minutes, left, Source::ProviderApi);
            let change = match why {
                Some(why) => BalanceChange::Doubted(Doubted { reading, why }),
                None => BalanceChange::Read(reading),
            };
            (change, at(minutes))
        }
        Look::Cny(minutes, left) => {
            let currency = Currency::parse("CNY").unwrap();
            let reading = Reading { currency, ..reading(minutes, left, Source::ProviderApi) };
            (BalanceChange::Read(reading), at(minutes))
        }
        Look::Page(minutes, left, confidence) => {
            let reading = Reading { confidence, ..reading(minutes, left, Source::Console) };
            (BalanceChange::Read(reading), at(minutes))
        }
        Look::Hand(minutes, left) => (BalanceChange::Read(reading(minutes, left, Source::Hand)), at(minutes)),
        Look::Refused(minutes) => (BalanceChange::Read(reading(minutes, "0", Source::Refusal)), at(minutes)),
        Look::TopUp(minutes, amount) => {
            let top_up = TopUp { provider: "a".into(), amount: usd(amount), at: at(minutes) };
            (BalanceChange::ToppedUp(top_up), at(minutes))
        }
    };
    if let Some(change) = decide(accounts, change, now).unwrap() {
        accounts.evolve(change);
    }
}

/// The looks, what is believed in USD after them, and what is held.
#[test]
fn what_is_not_plausible_is_held_until_a_second_look_or_a_person_s_word() {
    use Confidence::{High, Medium};
    use Look::{Api, Cny, Hand, Page, Refused, TopUp};
    use Why::{
        BareNothing, Contradiction, FellToNothing, FirstNothing, NothingOfNothing, OtherCurrency, Rose,
    };
    let nothing = |minutes| Api(minutes, "0", None);
    let blind = |minutes| Api(minutes, "0", Some(NothingOfNothing));
    let bare = |minutes| Api(minutes, "0", Some(BareNothing));
    let api = |minutes, left| Api(minutes, left, None);
    let table: &[(&[Look], Option<&str>, Option<Why>)] = &[
        // First readings.
        (&[api(0, "74.75")], Some("74.75"), None),
        (&[nothing(0)], None, Some(FirstNothing)),
        (&[api(0, "-3.2")], None, Some(FirstNothing)),
        (&[nothing(0), nothing(1)], Some("0"), None),
        (&[nothing(0), api(1, "74.75")], Some("74.75"), None),
        (&[Refused(0)], Some("0"), None),
        (&[Hand(0, "0")], Some("0"), None),
        (&[Page(0, "0", High)], None, Some(FirstNothing)),
        // A key that cannot see: no repetition makes it true.
        (&[blind(0)], None, Some(NothingOfNothing)),
        (&[blind(0), blind(1), blind(2)], None, Some(NothingOfNothing)),
        (&[api(0, "74.75"), blind(15), blind(16)], Some("74.75"), Some(NothingOfNothing)),
        (&[blind(0), Hand(1, "30")], Some("30"), None),
        (&[blind(0), Hand(1, "0"), blind(15)], Some("0"), None),
        (&[Hand(0, "30"), blind(15)], Some("30"), Some(NothingOfNothing)),
        (&[bare(0), bare(1)], None, Some(BareNothing)),
        // One that saw money can see it used up.
        (&[api(0, "20"), bare(15)], Some("20"), Some(FellToNothing)),
        (&[api(0, "20"), bare(15), bare(16)], Some("0"), None),
        (&[api(0, "2"), bare(15)], Some("0"), None),
        // Falls to nothing.
        (&[api(0, "20"), nothing(15)], Some("20"), Some(FellToNothing)),
        (&[api(0, "20"), nothing(15), nothing(16)], Some("0"), None),
        (&[api(0, "20"), nothing(15), api(16, "-0.01")], Some("-0.01"), None),
        (&[api(0, "20"), nothing(15), api(16, "19.5")], Some("19.5"), None),
        // The same amount as before ends a doubt, though it is no news by itself.
        (&[api(0, "20"), nothing(15), api(16, "20")], Some("20"), None),
        (&[api(0, "20"), nothing(15), Hand(16, "0")], Some("0"), None),
        (&[api(0, "20"), Refused(15)], Some("0"), None),
        (&[api(0, "4.99"), nothing(15)], Some("0"), None),
        (&[api(0, "3"), TopUp(5, "50"), nothing(15)], Some("3"), Some(FellToNothing)),
        (&[Hand(0, "20"), nothing(15)], Some("20"), Some(FellToNothing)),
        (&[Page(0, "20", High), Page(360, "0", High)], Some("20"), Some(FellToNothing)),
        (&[Page(0, "20", High), Page(360, "0", High), Page(361, "0", High)], Some("0"), None),
        // Of two sources each needs its own second look.
        (&[api(0, "20"), nothing(15), Page(16, "0", High)], Some("20"), Some(FellToNothing)),
        // Rises.
        (&[api(0, "20"), api(15, "21")], Some("21"), None),
        (&[api(0, "20"), api(15, "70")], Some("20"), Some(Rose)),
        (&[api(0, "20"), api(15, "70"), api(16, "69.5")], Some("69.5"), None),
        (&[api(0, "20"), api(15, "70"), api(16, "700")], Some("20"), Some(Rose)),
        (&[api(0, "20"), TopUp(5, "50"), api(15, "69")], Some("69"), None),
        (&[api(0, "20"), api(15, "70"), TopUp(16, "50"), api(17, "70")], Some("70"), None),
        (&[Hand(0, "20"), api(15, "70")], Some("20"), Some(Rose)),
        (&[Page(0, "20", Medium), Page(360, "70", High)], Some("70"), None),
        // An answer that contradicts itself, and one that does not.
        (&[Api(0, "50", Some(Contradiction)), Api(1, "50", Some(Contradiction))], None, Some(Contradiction)),
        (&[Api(0, "50", Some(Contradiction)), api(1, "50")], Some("50"), None),
        // A doubt about one thing is no first look at another.
        (&[api(0, "20"), api(15, "70"), nothing(16)], Some("20"), Some(FellToNothing)),
        // The money is in another currency.
        (&[Cny(0, "110"), nothing(0), nothing(15)], None, Some(OtherCurrency)),
        (&[Cny(0, "110"), api(0, "7"), nothing(15), nothing(16)], Some("0"), None),
        // A first look of long ago is none.
        (&[nothing(0), nothing(8 * 24 * 60)], None, Some(FirstNothing)),
    ];
    for (looks, believed, held) in table {
        let mut accounts = Accounts::default();
        looks.iter().for_each(|look| told(&mut accounts, *look));
        let account = accounts.get("a").unwrap();
        let left = account.base(at(9 * 24 * 60)).map(|base| base.left.exact());
        // The base at the moment of the last look, so that no reading has expired.
        let now = account.all().map(|reading| reading.taken_at).max().unwrap_or(at(0));
        let base = account.base(now).map(|base| base.left.exact());
        assert_eq!(left.is_some(), base.is_some());
        assert_eq!(base.as_deref(), *believed, "{looks:?}");
        let own = account.doubted().filter(|held| held.reading.is_usd()).map(|held| held.why).max();
        assert_eq!(own, *held, "{looks:?}");
    }
}

#[test]
fn the_same_doubt_is_one_event_and_the_same_moment_is_no_second_look() {
    let mut accounts = Accounts::default();
    let reading = |minutes| Reading::usd("a", usd("0"), at(minutes), Source::ProviderApi, "");
    let doubt =
        |minutes| BalanceChange::Doubted(Doubted { reading: reading(minutes), why: Why::NothingOfNothing });
    let decided = decide(&accounts, doubt(0), at(0)).unwrap().expect("a doubt");
    accounts.evolve(decided);
    for minutes in [0, 15, 6_000] {
        assert_eq!(decide(&accounts, doubt(minutes), at(minutes)), Ok(None), "{minutes}");
    }
    let mut accounts = Accounts::default();
    let decided = decide(&accounts, BalanceChange::Read(reading(0)), at(0)).unwrap().expect("a doubt");
    accounts.evolve(decided);
    assert_eq!(decide(&accounts, BalanceChange::Read(reading(0)), at(1)), Ok(None));
    assert!(accounts.get("a").unwrap().base(at(1)).is_none());
}

#[test]
fn every_doubt_says_what_ends_it_and_only_the_person_reads_the_command() {
    for why in Why::ALL {
        for provider in ["openrouter", "deepseek", "moonshot", "another"] {
            let reading = Reading::usd(provider, usd("0"), at(0), Source::ProviderApi, "");
            let doubted = Doubted { reading, why };
            assert!(doubted.mend().contains(&format!("mecris balance set AMOUNT --provider {provider}")));
            assert!(!doubted.advice().is_empty() && !doubted.advice().contains("mecris "), "{why:?}");
            assert!(!why.words().contains("mecris "));
        }
    }
    assert!(key_mend("openrouter").contains("management key"));
}
