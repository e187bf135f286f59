//! Limits: so many messages in 60 minutes and in 24 hours, and so much money.

use crate::domain::alert::policy::Limits;

use super::*;

fn limited(per_hour: u32, per_day: u32, cents: i128) -> Bench {
    let mut bench = Bench::new().always();
    let usd_per_day = Picodollars::usd(1).scale(cents, 100);
    bench.policy.limits = Limits { per_hour, per_day, usd_per_day };
    bench
}

#[test]
fn so_many_in_an_hour_the_worst_first() {
    limited(2, 9, 900).rows(&[
        (
            "11-23 08:00",
            "+a w1, +b c1, +c w2",
            "raised 1, raised 2, raised 3, queued 2, queued 3, queued 1, sms 2.1, sms 3.1, \
             1 limited until 11-23 09:00",
        ),
        (
            "11-23 08:30",
            "+d !1",
            "raised 4, queued 4, 1 limited until 11-23 09:00, 4 limited until 11-23 09:00",
        ),
        ("11-23 08:59:59", "", "1 limited until 11-23 09:00, 4 limited until 11-23 09:00"),
        ("11-23 09:00", "", "sms 4.1, sms 1.1"),
    ]);
}

#[test]
fn so_many_in_a_day() {
    limited(9, 2, 900).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 09:00", "+b w1", "raised 2, queued 2, sms 2.1"),
        ("11-23 10:00", "+c w1", "raised 3, queued 3, 3 limited until 11-24 08:00"),
        // Its cause goes while it waits.
        ("11-24 07:59", "-c", "resolved 3"),
        ("11-24 07:59", "+d w1", "raised 4, queued 4, 4 limited until 11-24 08:00"),
        ("11-24 08:00", "", "sms 4.1"),
    ]);
}

/// A message in parts costs each of them.
#[test]
fn so_much_money_in_a_day() {
    limited(9, 9, 3).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:01", "+b w1", "raised 2, queued 2, sms 2.1"),
        ("11-23 08:02", "+c w1", "raised 3, queued 3, sms 3.1"),
        ("11-23 08:03", "+d w1", "raised 4, queued 4, 4 limited until 11-24 08:00"),
        ("11-24 08:00", "", "sms 4.1"),
    ]);
    let mut bench = limited(9, 9, 3);
    bench.rows(&[("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1")]);
    for subject in ["b", "c"] {
        let (key, text) = (key(subject), "long ".repeat(40));
        bench.causes.present.push(Cause { key, grade: grade("w1"), text, mend: None });
    }
    bench.rows(&[(
        "11-23 08:01",
        "",
        "raised 2, raised 3, queued 2, queued 3, sms 2.1, 3 limited until 11-24 08:00",
    )]);
    assert_eq!(bench.book.get(AlertId(2)).unwrap().attempts().next().unwrap().parcel.segments, 2);
}

/// What certainly did not leave costs nothing; what may have left, and what was lost on its way, does.
#[test]
fn what_did_not_leave_does_not_count() {
    let limited_until = "raised 2, queued 2, 2 limited until 11-23 09:00";
    let table = [
        ("unsent, -a", "resolved 1, raised 2, queued 2, sms 2.1"),
        ("refused, -a", "resolved 1, raised 2, queued 2, sms 2.1"),
        ("accepted", limited_until),
        ("accepted, 1.1 delivered", limited_until),
        ("accepted, 1.1 lost", "raised 2, queued 2, 1 has no channel, 2 limited until 11-23 09:00"),
    ];
    for (outcome, expected) in table {
        let mut bench = Bench { accepts: false, ..limited(1, 9, 900) };
        let acts = format!("1.1 {outcome}, +b w1");
        bench.rows(&[
            ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
            ("11-23 08:00:01", &acts, expected),
        ]);
    }
    // Nothing is known of it.
    let mut bench = Bench { accepts: false, ..limited(1, 9, 900) };
    bench.rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "+b w1", limited_until),
    ]);
}

/// Nothing at all may be sent: it waits, and does not ask without end.
#[test]
fn a_limit_of_nothing_holds_everything() {
    for (per_hour, per_day, cents, until) in
        [(0, 9, 900, "11-23 09:00"), (9, 0, 900, "11-24 08:00"), (9, 9, 0, "11-24 08:00")]
    {
        let expected = format!("raised 1, queued 1, 1 limited until {until}");
        limited(per_hour, per_day, cents).rows(&[("11-23 08:00", "+a w1", &expected)]);
    }
}
