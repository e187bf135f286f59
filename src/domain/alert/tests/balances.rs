//! What is left with a provider, and when it is to be read again.

use crate::domain::alert::rules::BalanceFact;

use super::periods::Life;
use super::*;

/// A rise is a new period: a low balance after a purchase alerts again; another reading does not.
#[test]
fn a_low_balance_is_told_once_until_it_rises_and_again_when_nothing_is_left() {
    let mut life = Life::new();
    let read = |life: &mut Life, taken_at: &str, cents: i128| {
        let risen_at = life.bench.instant(taken_at);
        let left = Picodollars::usd(1).scale(cents, 100);
        // It is read again all the time; what counts is when it went up.
        life.balances =
            vec![BalanceFact { provider: "anthropic".into(), left, taken_at: life.bench.now, risen_at }];
    };
    let rows = [
        ("11-23 08:00", "11-20 12:00", 501, ""),
        ("11-23 08:01", "11-20 12:00", 500, ""),
        ("11-23 08:02", "11-20 12:00", 499, "raised 1, queued 1, sms 1.1"),
        ("11-23 08:03", "11-20 12:00", 300, ""),
        ("11-23 08:04", "11-20 12:00", 0, "graded 1, queued 1, sms 1.2"),
        ("11-23 08:05", "11-23 08:05", 2_000, "resolved 1"),
        // Low again, on the day of a worse alert.
        ("11-23 08:06", "11-23 08:05", 499, "raised 2, 2 throttled until 11-24 00:00"),
        ("11-24 08:00", "11-23 08:05", 499, "queued 2, sms 2.1"),
    ];
    for (time, taken_at, cents, expected) in rows {
        life.at(time);
        read(&mut life, taken_at, cents);
        assert_eq!(life.settle(), expected, "{time} {cents}");
    }
}

/// What was read by hand is read again each week; a new reading is the end of it.
#[test]
fn a_reading_by_hand_is_due_again_after_a_week() {
    let mut life = Life::new();
    let read = |life: &mut Life, taken_at: &str| {
        let taken_at = life.bench.instant(taken_at);
        let left = Picodollars::usd(100);
        let risen_at = taken_at;
        life.balances = vec![BalanceFact { provider: "anthropic".into(), left, taken_at, risen_at }];
    };
    let rows = [
        ("11-20 12:00", "11-20 12:00", ""),
        ("11-27 11:59:59", "11-20 12:00", ""),
        ("11-27 12:00", "11-20 12:00", "raised 1"),
        ("11-29 12:00", "11-20 12:00", ""),
        ("11-29 13:00", "11-29 13:00", "resolved 1"),
    ];
    for (time, taken_at, expected) in rows {
        life.at(time);
        read(&mut life, taken_at);
        assert_eq!(life.settle(), expected, "{time}");
    }
    assert!(life.causes().changes_at.is_some(), "it is looked at again when the week is over");
}
