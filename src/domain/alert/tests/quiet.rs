//! Quiet hours: from 22:00 to 07:00 only what may break them is sent.

use super::*;

#[test]
fn what_waits_is_sent_when_quiet_hours_end() {
    Bench::new().rows(&[
        ("11-23 21:59:59", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 22:00", "+b c1", "raised 2, 2 quiet until 11-24 07:00"),
        ("11-24 00:00", "", "2 quiet until 11-24 07:00"),
        ("11-24 06:59:59", "", "2 quiet until 11-24 07:00"),
        ("11-24 07:00", "", "queued 2, sms 2.1"),
    ]);
}

/// Summer time begins: the night has 8 hours. It ends: the night has 10.
#[test]
fn a_night_is_as_long_as_the_clocks_make_it() {
    // An instant, and until when it is quiet then.
    let table = [
        ("03-28T20:59:59Z", None),
        ("03-28T21:00:00Z", Some("03-29T05:00:00Z")),
        ("03-29T04:59:59Z", Some("03-29T05:00:00Z")),
        ("03-29T05:00:00Z", None),
        ("10-24T19:59:59Z", None),
        ("10-24T20:00:00Z", Some("10-25T06:00:00Z")),
        ("10-25T05:59:59Z", Some("10-25T06:00:00Z")),
        ("10-25T06:00:00Z", None),
    ];
    for (now, until) in table {
        let mut bench = Bench::new();
        bench.now = bench.instant(now);
        bench.act("+a w1");
        let done = bench.settle();
        assert_eq!(done.contains("sms 1.1"), until.is_none(), "{now}: {done}");
        assert_eq!(bench.step().due, until.map(|until| bench.instant(until)), "{now}: {done}");
    }
}

#[test]
fn immediate_breaks_quiet_hours_where_the_person_said_so() {
    let table = [
        (true, "+a !1", "raised 1, queued 1, sms 1.1"),
        (true, "+a c9", "raised 1, 1 quiet until 11-24 07:00"),
        (false, "+a !1", "raised 1, 1 quiet until 11-24 07:00"),
    ];
    for (may, act, expected) in table {
        let mut bench = Bench::new();
        bench.policy.immediate_breaks_quiet = may;
        bench.rows(&[("11-23 23:00", act, expected)]);
    }
}

#[test]
fn a_round_that_has_begun_pauses_in_quiet_hours() {
    let mut bench = Bench::unanswered(&[Channel::Sms, Channel::Ntfy]);
    bench.rows(&[
        ("11-23 21:59:50", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 21:59:58", "1.1 unsent", "1 waiting until 11-23 22:00:03"),
        ("11-23 22:00:03", "", "1 quiet until 11-24 07:00"),
        ("11-24 07:00", "", "sms 1.2"),
    ]);
    // The next rung is no way around it.
    let mut bench = Bench::unanswered(&[Channel::Sms, Channel::Ntfy]);
    bench.rows(&[
        ("11-23 21:59:50", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 22:00", "1.1 refused", "1 quiet until 11-24 07:00"),
        ("11-24 07:00", "", "ntfy 1.2"),
    ]);
}

/// Sent at night because it was immediate: once it has eased, the climb must not continue.
#[test]
fn what_has_eased_does_not_go_on_at_night() {
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 23:00", "+a !1", "raised 1, queued 1, sms 1.1"),
        ("11-23 23:00:01", "1.1 unsent", "1 waiting until 11-23 23:00:06"),
        ("11-23 23:00:06", "+a w1", "graded 1, 1 quiet until 11-24 07:00"),
        ("11-24 07:00", "", "sms 1.2"),
    ]);
}

#[test]
fn nights_are_those_of_the_place() {
    Bench::new().rows(&[
        ("11-23 22:30", "+a w1", "raised 1, 1 quiet until 11-24 07:00"),
        // In New York it is afternoon.
        ("11-23T21:30Z", "zone America/New_York", "queued 1, sms 1.1"),
        ("11-23 17:00", "zone Asia/Tokyo, +b w1", "raised 2, queued 2, sms 2.1"),
        ("11-23T13:00Z", "+c w1", "raised 3, 3 quiet until 11-24 07:00"),
    ]);
}
