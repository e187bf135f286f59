//! Results of an attempt, in any order.

use crate::domain::alert::book::AttemptState;

use super::*;

/// An accepted message stays accepted, whatever arrives late; one believed unsent may turn out to be accepted.
#[test]
fn late_and_repeated_reports_undo_nothing() {
    let table = [
        ("accepted", "accepted"),
        ("unsent", "unsent"),
        ("refused", "refused"),
        ("accepted delivered", "delivered"),
        ("accepted stray", "undelivered"),
        ("accepted lost", "undelivered"),
        // Looked up and not found, and then its response arrives.
        ("unsent accepted", "accepted"),
        // Looked up and found, and then its response is a broken connection.
        ("accepted unsent", "accepted"),
        ("accepted refused", "accepted"),
        ("accepted delivered accepted", "delivered"),
        ("accepted delivered unsent", "delivered"),
        ("accepted delivered stray", "delivered"),
        ("accepted lost accepted", "undelivered"),
        ("accepted lost unsent", "undelivered"),
        // Of what is not known to be taken nothing can be delivered.
        ("delivered", "open"),
        ("unsent delivered", "unsent"),
    ];
    for (heard, expected) in table {
        let mut bench = Bench::unanswered(&[Channel::Sms]);
        bench.rows(&[("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1")]);
        heard.split(' ').for_each(|what| bench.hear("1.1", what));
        let attempt = bench.book.get(AlertId(1)).unwrap().attempts().next().unwrap();
        let state = match attempt.state {
            AttemptState::Open => "open",
            AttemptState::Unsent => "unsent",
            AttemptState::Refused => "refused",
            AttemptState::Accepted(_) => "accepted",
            AttemptState::Delivered(_) => "delivered",
            AttemptState::Undelivered { .. } => "undelivered",
        };
        assert_eq!(state, expected, "{heard}");
    }
}

#[test]
fn a_message_is_found_by_the_id_it_was_taken_under() {
    let mut bench = Bench::new();
    bench.rows(&[(
        "11-23 08:00",
        "+a w1, +b w1",
        "raised 1, raised 2, queued 1, queued 2, sms 1.1, sms 2.1",
    )]);
    let found = |bench: &Bench, sid| bench.book.sent_as(sid).map(|(id, attempt)| (id.0, attempt.id.0));
    assert_eq!(found(&bench, "SM2.1"), Some((2, 1)));
    assert_eq!(found(&bench, "SM1.1"), Some((1, 1)));
    assert_eq!(found(&bench, "SM3.1"), None);
    bench.hear("2.1", "stray");
    assert_eq!(found(&bench, "SM2.1"), Some((2, 1)));
}

/// Of an alert that is over, or was never known, what is heard is passed over or noted, and sends nothing.
#[test]
fn what_is_heard_of_an_alert_that_is_over_sends_nothing() {
    let mut bench = Bench::unanswered(&[Channel::Sms, Channel::Ntfy]);
    bench.rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:01", "-a", "resolved 1"),
        ("11-23 08:02", "1.1 unsent", ""),
        ("11-23 08:03", "9.1 accepted, 1.7 accepted", ""),
    ]);
    assert_eq!(bench.book.alerts().count(), 1);
}

/// The time of notification is that of the last message that was not lost.
#[test]
fn told_at_is_of_what_was_taken() {
    let mut bench = Bench::unanswered(&[Channel::Sms]);
    bench.rows(&[("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1")]);
    let told_at = |bench: &Bench| bench.book.get(AlertId(1)).unwrap().told_at();
    assert_eq!(told_at(&bench), None);
    bench.rows(&[("11-23 08:02", "1.1 accepted", "")]);
    assert_eq!(told_at(&bench), Some(bench.instant("11-23 08:00")));
    bench.hear("1.1", "lost");
    assert_eq!(told_at(&bench), None);
}
