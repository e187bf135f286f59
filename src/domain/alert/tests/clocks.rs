//! Clocks that are set back: what is dated ahead was long ago, and holds nothing up until the clock has come there.

use super::*;

#[test]
fn a_limit_that_was_reached_by_a_clock_that_was_ahead_is_reached_no_more() {
    let mut bench = Bench::new().always();
    bench.policy.limits.per_hour = 1;
    bench.rows(&[
        ("12-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("12-23 08:01", "+b w1", "raised 2, queued 2, 2 limited until 12-23 09:00"),
        ("11-23 08:00", "", "sms 2.1"),
        ("11-23 08:01", "+c w1", "raised 3, queued 3, 3 limited until 11-23 09:00"),
        // Clocks differ by some minutes without anything being wrong.
        ("11-23 07:58", "", "3 waiting until 11-23 08:01"),
        ("11-23 09:00", "", "sms 3.1"),
    ]);
}

#[test]
fn what_waits_for_its_next_try_is_tried_now_and_waits_as_usual_from_then_on() {
    Bench::unanswered(&[Channel::Sms]).always().rows(&[
        ("12-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("12-23 08:00", "1.1 unsent", "1 waiting until 12-23 08:00:05"),
        ("11-23 08:00", "", "sms 1.2"),
        ("11-23 08:00", "1.2 unsent", "1 waiting until 11-23 08:00:10"),
        ("11-23 08:00:10", "", "sms 1.3"),
    ]);
}

#[test]
fn what_was_told_by_a_clock_that_was_ahead_was_not_told_today() {
    Bench::new().always().rows(&[
        ("12-23 08:00", "+a@p w1", "raised 1, queued 1, sms 1.1"),
        ("12-23 08:01", "-a", "resolved 1"),
        ("11-23 08:00", "+a@q w1", "raised 2, queued 2, sms 2.1"),
        ("11-23 08:01", "-a", "resolved 2"),
        ("11-23 08:02", "+a@r w1", "raised 3, 3 throttled until 11-24 00:00"),
    ]);
}
