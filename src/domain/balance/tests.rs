use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

const NOW: &str = "2026-11-23T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at(NOW)
}

fn hours_ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

fn usd(text: &str) -> Picodollars {
    Picodollars::parse(text).unwrap()
}

fn reading(left: &str, total: Option<&str>, taken_at: &str) -> Reading {
    let total = total.map(usd);
    Reading { total, ..Reading::usd("anthropic", usd(left), at(taken_at), Source::Hand, "") }
}

fn tell(accounts: &mut Accounts, change: BalanceChange) {
    let decided = decide(accounts, change, now()).unwrap().expect("news");
    accounts.evolve(decided);
}

fn top_up(amount: &str, at: Timestamp) -> BalanceChange {
    BalanceChange::ToppedUp(TopUp { provider: "anthropic".into(), amount: usd(amount), at })
}

#[test]
fn amounts_are_read_as_pages_show_them_and_refused_where_they_could_mean_two_things() {
    for text in ["13.92", "$13.92", " 13.92 USD", "USD 13.92", "13.92 $"] {
        assert_eq!(parse_amount(text), Ok(Picodollars(13_920_000_000_000)), "{text}");
    }
    assert_eq!(parse_amount("-$2"), Ok(Picodollars::usd(-2)));
    for text in ["1,234", "$1,234", "1.234,56", "$1,234.56", "1.234.567"] {
        assert_eq!(parse_amount(text), Err(BalanceError::Separator(text.into())), "{text}");
    }
    for text in ["13.92 EUR", "€13.92", "13 GBP", "£1,234", "¥110"] {
        assert_eq!(parse_amount(text), Err(BalanceError::Currency(text.into())), "{text}");
    }
    for text in ["", "$", "$—", "--1", "much"] {
        assert!(matches!(parse_amount(text), Err(BalanceError::Money(_))), "{text}");
    }
}

#[test]
fn readings_that_cannot_be_are_refused() {
    let refused = |reading| decide(&Accounts::default(), BalanceChange::Read(reading), now()).unwrap_err();
    let early = "2026-11-23T11:00:00Z";
    assert!(matches!(refused(reading("-1", None, early)), BalanceError::Negative(_)));
    assert!(matches!(refused(reading("5", Some("-1"), early)), BalanceError::Negative(_)));
    assert!(matches!(refused(reading("1000001", None, early)), BalanceError::Absurd(_)));
    assert!(matches!(refused(reading("24", Some("13"), early)), BalanceError::MoreThanTotal { .. }));
    assert!(matches!(refused(reading("5", None, "2026-11-23T12:00:01Z")), BalanceError::Future(_)));
    for provider in ["", "Anthropic", "a b", &"a".repeat(41)] {
        let reading = Reading { provider: provider.into(), ..reading("5", None, early) };
        assert!(matches!(refused(reading), BalanceError::Provider(_)), "{provider}");
    }
    for found in ["a\nb", &"a".repeat(121)] {
        let reading = Reading { found: found.into(), ..reading("5", None, early) };
        assert_eq!(refused(reading), BalanceError::Found, "{found:?}");
    }
    // A debt on a page is an error; an official API may report one.
    for (source, is_taken) in [
        (Source::Hand, false),
        (Source::Console, false),
        (Source::Refusal, false),
        (Source::ProviderApi, true),
        (Source::Derived, true),
    ] {
        let reading = Reading { source, ..reading("-3.2", None, early) };
        let decided = decide(&Accounts::default(), BalanceChange::Read(reading), now());
        assert_eq!(decided.is_ok(), is_taken, "{source:?}");
    }
    let used_up = BalanceChange::Read(reading("0", Some("0"), NOW));
    assert!(decide(&Accounts::default(), used_up, now()).unwrap().is_some());
}

#[test]
fn a_newer_reading_is_a_new_base_whether_lower_or_higher() {
    let mut accounts = Accounts::default();
    for (left, taken_at) in
        [("10", "2026-11-23T09:00:00Z"), ("4", "2026-11-23T10:00:00Z"), ("54", "2026-11-23T10:00:00Z")]
    {
        tell(&mut accounts, BalanceChange::Read(reading(left, None, taken_at)));
    }
    let account = accounts.get("anthropic").unwrap();
    assert_eq!(account.base(now()).unwrap().left, Picodollars::usd(54));
    assert_eq!(account.readings().count(), 2, "one of the same moment takes the place of the other");
    let again = reading("54", None, "2026-11-23T10:00:00Z");
    assert_eq!(accounts.nth(&again), 2, "and yet each is an event of its own");
    assert_eq!(decide(&accounts, BalanceChange::Read(again), now()), Ok(None));
    // Last month's number, recorded now.
    for old in ["2026-11-23T09:59:59Z", "2026-10-31T23:00:00Z"] {
        let older = decide(&accounts, BalanceChange::Read(reading("60", None, old)), now());
        assert!(matches!(older, Err(BalanceError::Outdated { .. })), "{old}");
    }
}

/// Of two readings with these ages in hours: which one is used. This is the rule of `TRUST`.
#[test]
fn sources_rank_by_trust_and_age() {
    use Confidence::{High, Low, Medium};
    use Source::{Console, Derived, Hand, ProviderApi, Refusal};
    let rows = [
        // Of the provider's own statements the newer counts, whatever the source.
        ((Hand, High, 5), (ProviderApi, High, 1), ProviderApi),
        ((ProviderApi, High, 5), (Hand, High, 1), Hand),
        ((Console, High, 5), (Hand, High, 1), Hand),
        ((Hand, High, 5), (Refusal, High, 1), Refusal),
        ((Refusal, High, 5), (Hand, High, 1), Hand),
        ((ProviderApi, High, 23), (Console, High, 2), Console),
        // What one is less sure of does not displace what holds, and does when it holds no more.
        ((ProviderApi, High, 23), (Console, Medium, 1), ProviderApi),
        ((ProviderApi, High, 25), (Console, Medium, 1), Console),
        ((Hand, High, 71), (Console, Medium, 1), Hand),
        ((Hand, High, 73), (Console, Medium, 1), Console),
        ((Console, Medium, 5), (Console, Low, 1), Console),
        ((Console, Medium, 5), (Refusal, Low, 1), Console),
        // A derived balance counts only if nothing else is valid, and it is newer.
        ((Hand, High, 71), (Derived, High, 1), Hand),
        ((Hand, High, 73), (Derived, High, 1), Derived),
        ((Derived, High, 80), (Hand, High, 79), Hand),
        ((Console, Low, 23), (Derived, High, 1), Console),
        ((Console, Low, 25), (Derived, High, 1), Derived),
        // Nothing holds: the newer.
        ((ProviderApi, High, 100), (Hand, High, 90), Hand),
        ((Console, Low, 90), (ProviderApi, High, 100), Console),
    ];
    for (one, other, expected) in rows {
        // The order of recording makes no difference.
        for pair in [[one, other], [other, one]] {
            if one.0 == other.0 && pair[0] == other {
                // One source does not report the older after the newer.
                continue;
            }
            let mut accounts = Accounts::default();
            for (source, confidence, hours) in pair {
                let reading = Reading::usd("a", usd("1"), hours_ago(hours), source, "");
                tell(&mut accounts, BalanceChange::Read(Reading { confidence, ..reading }));
            }
            let base = accounts.get("a").unwrap().base(now()).unwrap();
            assert_eq!(base.source, expected, "{one:?} {other:?}");
        }
    }
    let sources: Vec<Source> = TRUST.iter().map(|row| row.source).collect();
    assert!(Source::ALL.iter().all(|source| sources.contains(source)), "each source has a row");
}

#[test]
fn the_same_amount_read_by_a_program_within_the_hour_is_no_news() {
    let rows = [
        (Source::ProviderApi, 59, "5", false),
        (Source::ProviderApi, 60, "5", true),
        (Source::ProviderApi, 1, "4.999999999999", true),
        (Source::Console, 30, "5", false),
        (Source::Hand, 1, "5", true),
    ];
    for (source, minutes, left, is_news) in rows {
        let mut accounts = Accounts::default();
        let first = hours_ago(2);
        tell(&mut accounts, BalanceChange::Read(Reading::usd("a", usd("5"), first, source, "")));
        let later = first + SignedDuration::from_mins(minutes);
        let change = BalanceChange::Read(Reading::usd("a", usd(left), later, source, ""));
        let decided = decide(&accounts, change, now()).unwrap();
        assert_eq!(decided.is_some(), is_news, "{source:?} {minutes} {left}");
    }
}

#[test]
fn another_currency_is_kept_and_not_reckoned_with() {
    let mut accounts = Accounts::default();
    let cny = Currency::parse("CNY").unwrap();
    let mut tell_in = |currency, left: &str, hours| {
        let reading = Reading::usd("deepseek", usd(left), hours_ago(hours), Source::ProviderApi, "");
        tell(&mut accounts, BalanceChange::Read(Reading { currency, ..reading }));
    };
    tell_in(cny, "110", 5);
    tell_in(Currency::USD, "3", 4);
    tell_in(cny, "90", 1);
    let account = accounts.get("deepseek").unwrap();
    assert_eq!(account.base(now()).unwrap().left, Picodollars::usd(3));
    let foreign = account.foreign();
    assert_eq!(foreign.keys().collect::<Vec<_>>(), [&cny]);
    assert_eq!(foreign[&cny].left, Picodollars::usd(90));
}

/// A low balance alerts once until it rises: programs read it every hour.
#[test]
fn a_balance_rises_by_a_top_up_or_a_higher_reading_of_the_same_source() {
    use Source::{Console, ProviderApi};
    let rows = [
        // Source, dollars, hours ago; when it rose, in hours ago.
        (ProviderApi, 9, 10, 10),
        (Console, 11, 9, 10),
        (ProviderApi, 8, 8, 10),
        (Console, 10, 7, 10),
        (Console, 30, 6, 6),
        (ProviderApi, 7, 5, 6),
        // A rise without a top-up is believed at the second look.
        (ProviderApi, 28, 4, 6),
        (ProviderApi, 28, 3, 3),
        (Console, 27, 2, 3),
    ];
    let mut accounts = Accounts::default();
    for (source, dollars, hours, risen) in rows {
        let left = Picodollars::usd(dollars);
        tell(
            &mut accounts,
            BalanceChange::Read(Reading::usd("anthropic", left, hours_ago(hours), source, "")),
        );
        assert_eq!(accounts.get("anthropic").unwrap().risen_at(), Some(hours_ago(risen)), "{hours}");
    }
    tell(&mut accounts, top_up("5", hours_ago(1)));
    assert_eq!(accounts.get("anthropic").unwrap().risen_at(), Some(hours_ago(1)));
}

#[test]
fn what_was_added_counts_from_its_moment() {
    let mut accounts = Accounts::default();
    tell(&mut accounts, BalanceChange::Read(reading("5", None, "2026-11-23T09:00:00Z")));
    for change in [top_up("20", hours_ago(4)), top_up("7.5", hours_ago(2)), top_up("1", hours_ago(1))] {
        tell(&mut accounts, change.clone());
        assert_eq!(decide(&accounts, change, now()), Ok(None), "the same again");
    }
    let account = accounts.get("anthropic").unwrap();
    let base = account.base(now()).unwrap();
    assert_eq!(account.added(base.taken_at, now()), usd("8.5"), "what was there before is in the reading");
    assert_eq!(account.added(base.taken_at, hours_ago(2)), usd("7.5"));
    assert_eq!(account.risen_at(), Some(hours_ago(1)));
    for (amount, moment) in [("0", now()), ("-5", now()), ("1000001", now())] {
        assert!(decide(&accounts, top_up(amount, moment), now()).is_err(), "{amount}");
    }
    let to_come = now() + SignedDuration::from_secs(1);
    assert_eq!(decide(&accounts, top_up("5", to_come), now()), Err(BalanceError::Future(to_come)));
}

proptest! {
    /// The sum of top-ups is the same for any partition of the time.
    #[test]
    fn additions_add_up_over_any_cut(
        top_ups in prop::collection::vec((1_i128..10_i128.pow(18), 0_i64..100), 0..30),
        cut in 0_i64..100,
    ) {
        let mut accounts = Accounts::default();
        for (amount, hours) in &top_ups {
            let change = TopUp { provider: "a".into(), amount: Picodollars(*amount), at: hours_ago(*hours) };
            if let Some(change) = decide(&accounts, BalanceChange::ToppedUp(change), now()).unwrap() {
                accounts.evolve(change);
            }
        }
        let Some(account) = accounts.get("a") else { return Ok(()) };
        let (begin, middle) = (hours_ago(101), hours_ago(cut));
        let whole = account.added(begin, now());
        prop_assert_eq!(account.added(begin, middle) + account.added(middle, now()), whole);
    }
}

#[test]
fn a_reading_that_is_dated_ahead_makes_nothing_of_now_outdated() {
    let mut accounts = Accounts::default();
    let ahead = "2027-11-23T12:00:00Z";
    let change = BalanceChange::Read(reading("99", None, ahead));
    accounts.evolve(decide(&accounts, change, at(ahead)).unwrap().expect("news"));
    let base = |accounts: &Accounts, now| accounts.get("anthropic").unwrap().base(now).unwrap().left;
    assert_eq!(base(&accounts, now()), usd("99"), "there is no other");
    for (left, taken_at) in [("13", "2026-11-23T11:00:00Z"), ("12", "2026-11-23T11:30:00Z")] {
        tell(&mut accounts, BalanceChange::Read(reading(left, None, taken_at)));
        assert_eq!(base(&accounts, now()), usd(left));
    }
    let late = BalanceChange::Read(reading("14", None, "2026-11-23T11:10:00Z"));
    assert!(matches!(decide(&accounts, late, now()), Err(BalanceError::Outdated { .. })), "of those of now");
    assert_eq!(base(&accounts, at(ahead)), usd("99"), "when the clock has come there");
}
