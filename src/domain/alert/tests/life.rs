//! An alert's life: it is raised, sent, gets worse and better, is acknowledged, and is resolved.

use super::*;

#[test]
fn a_cause_is_told_once_while_it_lasts_and_again_when_it_gets_worse() {
    Bench::new().rows(&[
        ("11-23 08:00", "", ""),
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:05", "", ""),
        ("11-24 08:05", "", ""),
        ("11-24 09:00", "+a w2", "graded 1, queued 1, sms 1.2"),
        ("11-24 09:30", "+a c1", "graded 1, queued 1, sms 1.3"),
        // It eases: no news. Worse again is news, but not twice a day.
        ("11-24 10:00", "+a w2", "graded 1"),
        ("11-24 11:00", "+a c1", "graded 1, 1 throttled until 11-25 00:00"),
        ("11-25 00:00", "", "1 quiet until 11-25 07:00"),
        ("11-25 07:00", "", "queued 1, sms 1.4"),
        ("11-26 08:00", "", ""),
        ("11-26 09:00", "-a", "resolved 1"),
        ("11-26 10:00", "", ""),
    ]);
}

#[test]
fn a_cause_that_comes_back_or_whose_period_is_another_is_a_new_alert() {
    Bench::new().rows(&[
        ("11-23 08:00", "+a@mon w1", "raised 1, queued 1, sms 1.1"),
        ("11-24 08:00", "-a", "resolved 1"),
        ("11-24 08:01", "+a@mon w1", "raised 2, queued 2, sms 2.1"),
        ("11-25 08:00", "+a@tue w1", "resolved 2, raised 3, queued 3, sms 3.1"),
        ("11-25 08:00", "+b w1", "raised 4, queued 4, sms 4.1"),
    ]);
}

#[test]
fn a_cause_that_is_gone_before_it_was_told_is_withdrawn() {
    Bench::new().rows(&[
        ("11-23 23:00", "+a w1", "raised 1, 1 quiet until 11-24 07:00"),
        ("11-24 06:59", "-a", "resolved 1"),
        ("11-24 07:00", "", ""),
    ]);
    // Also where its round had begun already.
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 unsent", "1 waiting until 11-23 08:00:06"),
        ("11-23 08:00:05", "-a", "resolved 1"),
        ("11-23 08:00:06", "", ""),
    ]);
}

#[test]
fn what_is_not_known_is_neither_over_nor_sent() {
    Bench::new().rows(&[
        // Sent, and then unknown: it is not sent again when its cause is known to last.
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 09:00", "?a", ""),
        ("11-24 09:00", "", ""),
        ("11-24 10:00", "+a w1", ""),
        ("11-24 11:00", "-a", "resolved 1"),
        // Unknown before it was sent.
        ("11-24 23:00", "+a w1", "raised 2, 2 quiet until 11-25 07:00"),
        ("11-25 05:00", "?a", "2 unknown"),
        ("11-25 07:00", "", "2 unknown"),
        ("11-25 08:00", "+a w1", "queued 2, sms 2.1"),
        // What is not known raises nothing.
        ("11-25 09:00", "?b", ""),
    ]);
    // Not known within a round.
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 unsent", "1 waiting until 11-23 08:00:06"),
        ("11-23 08:00:06", "?a", "1 unknown"),
        ("11-23 09:00", "+a w1", "sms 1.2"),
    ]);
}

#[test]
fn what_the_person_took_note_of_is_not_sent_unless_it_gets_worse() {
    Bench::unanswered(&[]).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, 1 has no channel"),
        ("11-23 08:01", "ack 1", ""),
        ("11-23 08:02", "has sms", ""),
        ("11-23 08:03", "+a c1", "graded 1, queued 1, sms 1.1"),
        ("11-23 08:04", "1.1 unsent", "1 waiting until 11-23 08:04:05"),
        // Taken note of in the middle of a round.
        ("11-23 08:04:04", "ack 1", ""),
        ("11-23 08:04:05", "", ""),
        // It eases and is as bad again the next day.
        ("11-23 10:00", "+a w1", "graded 1"),
        ("11-24 10:00", "+a c1", "graded 1, queued 1, sms 1.2"),
    ]);
    let mut bench = Bench::new();
    bench.rows(&[("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"), ("11-23 08:01", "ack 1", "")]);
    assert_eq!(acknowledge(&bench.book, AlertId(1)), Ok(None), "it was taken note of already");
    let error = acknowledge(&bench.book, AlertId(2)).unwrap_err();
    assert_eq!(error.to_string(), "there is no alert 2; `mecris alerts --all` lists those there were");
    bench.rows(&[("11-24 08:00", "-a", "resolved 1")]);
    assert_eq!(acknowledge(&bench.book, AlertId(1)), Ok(None), "it is over");
}

#[test]
fn what_no_rung_is_for_is_raised_and_not_sent() {
    Bench::new().rows(&[
        ("11-23 08:00", "+a i1", "raised 1"),
        ("11-23 09:00", "+a w1", "graded 1, queued 1, sms 1.1"),
        ("11-23 10:00", "+a i1", "graded 1"),
        ("11-23 11:00", "+a i3", "graded 1"),
    ]);
}

/// Its round was for something that has eased since, which no rung is for.
#[test]
fn what_has_eased_before_it_was_sent_is_sent_only_where_it_still_matters_enough() {
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 unsent", "1 waiting until 11-23 08:00:06"),
        ("11-23 08:00:06", "+a i1", "graded 1"),
        ("11-23 09:00", "", ""),
        ("11-23 10:00", "+a w1", "graded 1, queued 1, sms 1.2"),
    ]);
}

/// A message has the numbers at the time of sending: 95 % does not announce 100 %.
#[test]
fn what_eased_before_it_was_sent_was_not_told_of_at_its_worst() {
    let mut bench = Bench::unanswered(&[Channel::Sms]);
    bench.rows(&[
        ("11-23 08:00", "+a c100", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 unsent", "1 waiting until 11-23 08:00:06"),
        ("11-23 08:00:02", "+a w90", "graded 1, 1 waiting until 11-23 08:00:06"),
        ("11-23 08:00:06", "", "sms 1.2"),
        ("11-23 08:00:07", "1.2 accepted", ""),
        ("11-23 12:00", "+a c100", "graded 1, queued 1, sms 1.3"),
    ]);
    let texts: Vec<&str> = bench.sent.iter().map(|sending| sending.text.as_str()).collect();
    let expected = ["Mecris: goal a stands at 100 #1", "Mecris: goal a stands at 90 #1"];
    assert_eq!(texts[..2], expected);
    assert_eq!(texts[2], "Mecris: goal a stands at 100 #1/2");
}

/// A round for a worse grade does not repeat, after it has eased, what an earlier round sent.
#[test]
fn what_eased_to_what_was_told_before_is_not_told_again() {
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 08:00", "+a w90", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:01", "1.1 accepted", ""),
        ("11-23 09:00", "+a c100", "graded 1, queued 1, sms 1.2"),
        ("11-23 09:00:01", "1.2 unsent", "1 waiting until 11-23 09:00:06"),
        ("11-23 09:00:02", "+a w90", "graded 1"),
        ("11-23 09:00:06", "", ""),
        // Worse again, which was never sent.
        ("11-23 10:00", "+a c100", "graded 1, queued 1, sms 1.3"),
        ("11-23 10:00:01", "1.3 accepted", ""),
        ("11-23 10:05", "+a w90", "graded 1"),
        // It did not arrive: of what is still so the person knows.
        ("11-23 10:10", "1.3 stray", ""),
        ("11-23 10:25", "", ""),
        ("11-24 10:25", "", ""),
    ]);
}

#[test]
fn alerts_that_have_long_been_over_are_dropped_and_their_numbers_are_not_given_again() {
    let mut bench = Bench::new();
    bench.rows(&[
        ("01-05 08:00", "+a w1, +b w1", "raised 1, raised 2, queued 1, queued 2, sms 1.1, sms 2.1"),
        ("01-06 08:00", "-a", "resolved 1"),
        ("04-05 08:00", "+c w1", "raised 3, queued 3, sms 3.1"),
    ]);
    assert!(bench.book.get(AlertId(1)).is_some(), "after 89 days");
    bench.rows(&[("04-07 08:00", "+d w1", "raised 4, queued 4, sms 4.1")]);
    assert!(bench.book.get(AlertId(1)).is_none(), "after 91 days");
    assert!(bench.book.get(AlertId(2)).is_some(), "its cause lasts");
}

/// What wakes the caller where nothing happens.
#[test]
fn the_next_look_is_when_the_first_hold_ends_or_things_change() {
    let table = [
        ("", None, None),
        ("", Some("11-24 00:00"), Some("11-24 00:00")),
        ("+a w1", None, Some("11-24 07:00")),
        ("+a w1", Some("11-24 03:00"), Some("11-24 03:00")),
        ("+a w1", Some("11-24 09:00"), Some("11-24 07:00")),
        ("+a !1", Some("11-24 03:00"), Some("11-24 03:00")),
    ];
    for (acts, changes_at, due) in table {
        let mut bench = Bench::new();
        bench.causes.changes_at = changes_at.map(|time| bench.instant(time));
        bench.now = bench.instant("11-23 23:00");
        acts.split(", ").filter(|act| !act.is_empty()).for_each(|act| bench.act(act));
        bench.settle();
        assert_eq!(bench.step().due, due.map(|time| bench.instant(time)), "{acts} {changes_at:?}");
    }
}

/// What the person took note of stays so, also when it was worse in between.
#[test]
fn what_was_taken_note_of_is_not_told_after_it_was_worse_and_has_eased() {
    Bench::unanswered(&[Channel::Sms]).rows(&[
        ("11-23 08:00", "+a w90", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 unsent, ack 1", ""),
        ("11-23 09:00", "+a c100", "graded 1, queued 1, sms 1.2"),
        ("11-23 09:00:01", "1.2 unsent", "1 waiting until 11-23 09:00:06"),
        ("11-23 09:00:02", "+a w90", "graded 1"),
        ("11-23 09:00:10", "", ""),
        // Less bad, and then as bad again: that is news.
        ("11-23 10:00", "+a w80", "graded 1"),
        ("11-23 11:00", "+a w90", "graded 1, queued 1, sms 1.3"),
    ]);
}
