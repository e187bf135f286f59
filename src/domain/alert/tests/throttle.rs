//! The same kind for the same subject is sent once per civil day, unless it got worse.

use super::*;

#[test]
fn a_cause_that_flaps_is_told_once_a_day() {
    Bench::new().always().rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:10", "-a", "resolved 1"),
        ("11-23 08:20", "+a w1", "raised 2, 2 throttled until 11-24 00:00"),
        ("11-23 08:30", "-a", "resolved 2"),
        // Worse than what was sent today.
        ("11-23 08:40", "+a w2", "raised 3, queued 3, sms 3.1"),
        ("11-23 08:50", "-a", "resolved 3"),
        ("11-23 09:00", "+a@other w2", "raised 4, 4 throttled until 11-24 00:00"),
        // Another subject is another matter.
        ("11-23 09:00", "+b w1", "raised 5, queued 5, sms 5.1, 4 throttled until 11-24 00:00"),
        ("11-23 23:59:59", "", "4 throttled until 11-24 00:00"),
        ("11-24 00:00", "", "queued 4, sms 4.1"),
    ]);
}

/// An attempt without an effect does not throttle the next one.
#[test]
fn only_what_was_or_may_have_been_sent_counts_as_told() {
    let table = [
        ("unsent", "raised 2, queued 2, sms 2.1"),
        ("refused", "raised 2, queued 2, sms 2.1"),
        ("accepted", "raised 2, 2 throttled until 11-24 00:00"),
        ("accepted, 1.1 delivered", "raised 2, 2 throttled until 11-24 00:00"),
        ("accepted, 1.1 stray", "raised 2, queued 2, sms 2.1"),
        ("accepted, 1.1 lost", "raised 2, queued 2, sms 2.1"),
    ];
    for (outcome, expected) in table {
        let outcome = format!("1.1 {outcome}, -a");
        Bench::unanswered(&[Channel::Sms]).rows(&[
            ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
            ("11-23 08:01", &outcome, "resolved 1"),
            ("11-23 08:02", "+a w1", expected),
        ]);
    }
    // Its outcome is unknown: it may have reached the person.
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:01", "-a", "resolved 1"),
        ("11-23 08:02", "+a w1", "raised 2, 2 throttled until 11-24 00:00"),
        ("11-23 08:03", "1.1 unsent", "queued 2, sms 2.1"),
    ]);
}

/// A civil day has 23 hours when summer time begins, 25 when it ends.
#[test]
fn a_day_is_as_long_as_the_clocks_make_it() {
    // Sent at its beginning, throttled an hour later; when that ends.
    let table = [
        ("Europe/Berlin", "03-28T23:00Z", "03-29T22:00Z"),
        ("Europe/Berlin", "10-24T22:00Z", "10-25T23:00Z"),
        ("Europe/Berlin", "07-01T22:00Z", "07-02T22:00Z"),
        // Midnight itself is skipped; half an hour is.
        ("Africa/Cairo", "04-23T22:00Z", "04-24T21:00Z"),
        ("Australia/Lord_Howe", "10-03T13:30Z", "10-04T13:00Z"),
    ];
    for (name, begins, ends) in table {
        let mut bench = Bench::new().always();
        bench.zone = zone(name);
        let later = format!("{}Z", begins.replace(":00Z", ":59").replace(":30Z", ":59"));
        bench.rows(&[(begins, "+a w1", "raised 1, queued 1, sms 1.1"), (later.as_str(), "-a", "resolved 1")]);
        bench.act("+a w1");
        bench.settle();
        assert_eq!(bench.step().due, Some(bench.instant(ends)), "{name}");
        let (before, at) = (ends.replace(":00Z", ":00:00"), bench.instant(ends));
        bench.now = at - jiff::SignedDuration::from_secs(1);
        assert!(bench.settle().contains("throttled"), "{name} a second before {before}");
        bench.now = at;
        assert_eq!(bench.settle(), "queued 2, sms 2.1", "{name} {ends}");
    }
}

/// The day is that of the place where the person is.
#[test]
fn a_person_who_moves_zone_has_the_day_of_the_place() {
    // Sent at 23:30 on the 23rd in Berlin. In New York it is still the 23rd.
    Bench::new().always().rows(&[
        ("11-23 23:30", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 23:40", "-a", "resolved 1"),
        ("11-23T23:30Z", "zone America/New_York, +a w1", "raised 2, 2 throttled until 11-24 00:00"),
        ("11-24 00:00", "", "queued 2, sms 2.1"),
    ]);
    // Sent at 08:00 on the 23rd in Los Angeles, which is 01:00 on the 24th in Tokyo.
    let mut bench = Bench::new().always();
    bench.zone = zone("America/Los_Angeles");
    bench.rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 09:00", "-a", "resolved 1"),
        ("11-23 10:00", "zone Asia/Tokyo, +a w1", "raised 2, 2 throttled until 11-25 00:00"),
        ("11-25 00:00", "", "queued 2, sms 2.1"),
    ]);
}

/// Two goals of one name, of one's own and at Beeminder, are one subject.
#[test]
fn two_alerts_of_one_kind_and_subject_are_not_both_told() {
    let mut bench = Bench::new();
    let cause = |named: &str| Cause { key: key(named), grade: grade("w1"), text: "walk".into(), mend: None };
    bench.causes.present = vec![cause("walk@one"), cause("walk@other")];
    bench.rows(&[
        ("11-23 08:00", "", "raised 1, raised 2, queued 1, sms 1.1, 2 throttled until 11-24 00:00"),
        ("11-24 07:00", "", "queued 2, sms 2.1"),
    ]);
    // One after the other.
    let mut bench = Bench::new();
    bench.causes.present = vec![cause("walk@one")];
    bench.rows(&[("11-23 08:00", "", "raised 1, queued 1, sms 1.1")]);
    bench.causes.present.push(cause("walk@other"));
    bench.rows(&[("11-23 09:00", "", "raised 2, 2 throttled until 11-24 00:00")]);
    // The worse of two is sent.
    let mut bench = Bench::new();
    let worse = Cause { grade: grade("c1"), ..cause("walk@other") };
    bench.causes.present = vec![cause("walk@one"), worse];
    bench.rows(&[(
        "11-23 08:00",
        "",
        "raised 1, raised 2, queued 2, sms 2.1, 1 throttled until 11-24 00:00",
    )]);
}

/// The same cause twice at once.
#[test]
fn a_cause_that_is_named_twice_is_one_alert() {
    let mut bench = Bench::new();
    let cause = || Cause { key: key("walk"), grade: grade("w1"), text: "walk".into(), mend: None };
    bench.causes.present = vec![cause(), cause()];
    bench.rows(&[("11-23 08:00", "", "raised 1, queued 1, sms 1.1")]);
}
