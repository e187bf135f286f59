//! The ladder: whose turn it is, and when.

use crate::domain::alert::policy::{Rung, Until};

use super::*;

const THREE: [Channel; 3] = [Channel::Sms, Channel::Whatsapp, Channel::Ntfy];

fn until(until: Until) -> Bench {
    let mut bench = Bench::unanswered(&THREE).always();
    bench.policy.until = until;
    bench
}

#[test]
fn a_refusal_makes_it_the_next_rung_s_turn_at_once() {
    until(Until::Accepted).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 refused", "whatsapp 1.2"),
        ("11-23 08:00:02", "1.2 refused", "ntfy 1.3"),
        // All refused: each is tried again after six hours, one at a time.
        ("11-23 08:00:03", "1.3 refused", "1 waiting until 11-23 14:00:01"),
        ("11-23 14:00:01", "", "sms 1.4"),
        ("11-23 14:00:04", "1.4 accepted", ""),
        ("11-23 20:00:00", "", ""),
    ]);
}

#[test]
fn what_could_not_be_sent_is_tried_again_with_growing_pauses() {
    let pauses = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900];
    let mut bench = Bench::unanswered(&[Channel::Sms]).always();
    bench.rows(&[("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1")]);
    for (attempt, seconds) in (1..).zip(pauses) {
        bench.hear(&format!("1.{attempt}"), "unsent");
        bench.settle();
        let due = bench.now + jiff::SignedDuration::from_secs(seconds);
        assert_eq!(bench.step().due, Some(due), "after attempt {attempt}");
        bench.now = due;
        assert_eq!(bench.settle(), format!("sms 1.{}", attempt + 1));
    }
}

#[test]
fn after_its_patience_the_next_rung_is_tried_too() {
    until(Until::Accepted).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        // Nothing is known of it.
        ("11-23 08:09:59", "", "1 waiting until 11-23 08:10"),
        ("11-23 08:10", "", "whatsapp 1.2"),
        ("11-23 08:10:01", "1.2 accepted", ""),
        ("11-23 08:30", "", ""),
        ("11-23 08:31", "1.1 unsent", ""),
    ]);
}

/// A message that may be on its way is given its rung's patience before anything else is tried: else both arrive.
#[test]
fn no_two_channels_are_under_way_within_a_rung_s_patience() {
    until(Until::Accepted).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 refused", "whatsapp 1.2"),
        ("11-23 08:00:02", "1.2 refused", "ntfy 1.3"),
        ("11-23 08:00:03", "1.3 refused", "1 waiting until 11-23 14:00:01"),
        ("11-23 14:00:01", "", "sms 1.4"),
        // The next one would be due now, but the one before is under way.
        ("11-23 14:00:02", "", "1 waiting until 11-23 14:10:01"),
        ("11-23 14:00:03", "1.4 refused", "whatsapp 1.5"),
        ("11-23 14:00:04", "1.5 accepted", ""),
        ("11-23 14:10:01", "", ""),
    ]);
    // Both could not be sent for long; the network comes back as the first is tried.
    let mut bench = until(Until::Accepted);
    bench.usable.truncate(2);
    bench.rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:09:50", "1.1 unsent", "1 waiting until 11-23 08:09:55"),
        ("11-23 08:09:55", "", "sms 1.2"),
        ("11-23 08:10", "", "1 waiting until 11-23 08:19:55"),
        ("11-23 08:10:10", "1.2 unsent", "whatsapp 1.3"),
        ("11-23 08:10:20", "", "1 waiting until 11-23 08:20:10"),
        ("11-23 08:10:21", "1.3 accepted", ""),
    ]);
}

#[test]
fn what_was_taken_and_did_not_arrive_was_not_told() {
    until(Until::Accepted).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 accepted", ""),
        ("11-23 08:20", "1.1 lost", "whatsapp 1.2"),
        ("11-23 08:20:01", "1.2 accepted", ""),
        ("11-23 08:25", "1.2 stray", "ntfy 1.3"),
        // Trying the second again is of use after a quarter of an hour, the first never.
        ("11-23 08:25:01", "1.3 refused", "1 waiting until 11-23 08:40"),
        ("11-23 08:40", "", "whatsapp 1.4"),
    ]);
}

#[test]
fn at_most_three_messages_of_a_round_go_astray_on_a_channel() {
    let mut bench = Bench::unanswered(&[Channel::Sms]).always();
    bench.rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:01", "1.1 accepted, 1.1 stray", "1 waiting until 11-23 08:16"),
        ("11-23 08:16", "", "sms 1.2"),
        ("11-23 08:17", "1.2 accepted, 1.2 stray", "1 waiting until 11-23 08:32"),
        ("11-23 08:32", "", "sms 1.3"),
        ("11-23 08:33", "1.3 accepted, 1.3 stray", "1 has no channel"),
        ("11-24 08:33", "", "1 has no channel"),
        // A new round has its own three.
        ("11-24 09:00", "+a w2", "graded 1, queued 1, sms 1.4"),
        ("11-24 09:01", "1.4 accepted, 1.4 stray", "1 waiting until 11-24 09:16"),
        // A channel that was not there before.
        ("11-24 09:02", "has sms ntfy", "ntfy 1.5"),
    ]);
}

#[test]
fn until_delivered_the_climb_goes_on_after_it_was_accepted() {
    until(Until::Delivered).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 accepted", "1 waiting until 11-23 08:10"),
        ("11-23 08:10", "", "whatsapp 1.2"),
        ("11-23 08:10:01", "1.2 accepted", "1 waiting until 11-23 08:20"),
        ("11-23 08:11", "1.1 delivered", ""),
        ("11-23 08:20", "", ""),
    ]);
}

#[test]
fn until_acknowledged_each_rung_is_climbed_once() {
    until(Until::Acknowledged).rows(&[
        ("11-23 08:00", "+a w1", "raised 1, queued 1, sms 1.1"),
        ("11-23 08:00:01", "1.1 accepted, 1.1 delivered", "1 waiting until 11-23 08:10"),
        ("11-23 08:10", "", "whatsapp 1.2"),
        ("11-23 08:10:01", "1.2 accepted", "1 waiting until 11-23 08:20"),
        ("11-23 08:20", "", "ntfy 1.3"),
        ("11-23 08:20:01", "1.3 accepted", ""),
        ("11-24 08:00", "", ""),
        ("11-24 09:00", "+a w2", "graded 1, queued 1, sms 1.4"),
        ("11-24 09:00:01", "1.4 accepted", "1 waiting until 11-24 09:10"),
        ("11-24 09:05", "ack 1", ""),
        ("11-24 09:10", "", ""),
    ]);
}

#[test]
fn channels_may_come_and_go_midway() {
    let mut bench = until(Until::Accepted);
    bench.rows(&[
        ("11-23 08:00", "has, +a w1", "raised 1, 1 has no channel"),
        ("11-23 08:05", "has whatsapp", "queued 1, whatsapp 1.1"),
        ("11-23 08:05:01", "1.1 unsent", "1 waiting until 11-23 08:05:06"),
        // What goes is stepped over; with nothing left it waits.
        ("11-23 08:05:02", "has", "1 has no channel"),
        ("11-23 08:05:30", "has ntfy", "ntfy 1.2"),
        ("11-23 08:05:31", "1.2 unsent", "1 waiting until 11-23 08:05:36"),
        // What comes at a lower rung is tried at once.
        ("11-23 08:05:32", "has sms ntfy", "sms 1.3"),
        ("11-23 08:05:33", "1.3 accepted", ""),
    ]);
    // The order is the ladder's, not that of what can be used.
    let mut bench = until(Until::Accepted);
    bench.rows(&[("11-23 08:00", "has ntfy email sms, +a w1", "raised 1, queued 1, sms 1.1")]);
}

#[test]
fn a_rung_is_for_what_matters_enough() {
    let rung = |channel, at_least| Rung { channel, at_least, patience: jiff::SignedDuration::from_mins(10) };
    let mut bench = until(Until::Accepted);
    bench.policy.ladder = vec![rung(Channel::Sms, Severity::Critical), rung(Channel::Ntfy, Severity::Info)];
    bench.rows(&[
        ("11-23 08:00", "+a i1", "raised 1, queued 1, ntfy 1.1"),
        ("11-23 08:01", "1.1 accepted", ""),
        ("11-23 08:02", "+a w1", "graded 1, queued 1, ntfy 1.2"),
        ("11-23 08:03", "1.2 accepted", ""),
        ("11-23 08:04", "+a c1", "graded 1, queued 1, sms 1.3"),
        ("11-23 08:05", "1.3 unsent", "1 waiting until 11-23 08:05:05"),
        // Less bad now, and sent before.
        ("11-23 08:05:01", "+a w1", "graded 1"),
    ]);
    // Less bad now: the upper rung is not for this.
    bench.rows(&[
        ("11-23 08:30", "+f c1", "raised 2, queued 2, sms 2.1"),
        ("11-23 08:31", "2.1 unsent", "2 waiting until 11-23 08:31:05"),
        ("11-23 08:31:01", "+f w1", "graded 2, ntfy 2.2"),
        ("11-23 08:32", "2.2 accepted", ""),
    ]);
    // Nor where its message was taken before it eased, and did not arrive.
    bench.rows(&[
        ("11-23 09:00", "+e c1", "raised 3, queued 3, sms 3.1"),
        ("11-23 09:01", "3.1 accepted, +e w1", "graded 3"),
        ("11-23 09:02", "3.1 stray", "ntfy 3.2"),
        ("11-23 09:03", "3.2 refused", "3 waiting until 11-23 15:03"),
        ("11-23 09:30", "", "3 waiting until 11-23 15:03"),
    ]);
    // A channel that cannot be used for it does not count.
    bench.rows(&[("11-24 08:00", "has sms, +b w1", "raised 4, 3 has no channel, 4 has no channel")]);
}
