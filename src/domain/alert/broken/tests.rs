use super::*;
use crate::domain::alert::book::AlertState;
use crate::domain::alert::codes::{MEANINGS, Meaning};
use crate::domain::alert::rules::channel;
use crate::domain::alert::{
    AlertChange, AttemptId, AttemptRecord, CauseKey, Causes, Delivery, Grade, Kind, Outcome, Severity,
};
use crate::domain::money::Picodollars;

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + 60 * minutes).unwrap()
}

/// One alert whose attempts began at these minutes, and what was heard of each a minute later.
fn told(attempts: &[(Channel, i64, &str)]) -> AlertState {
    let (mut state, id) = (AlertState::default(), AlertId(7));
    let grade = Grade { severity: Severity::Warning, level: 1 };
    let key = CauseKey { kind: Kind::Goal, subject: "walk".into(), period: String::new() };
    state.evolve(at(0), AlertChange::Raised { id, key, grade });
    state.evolve(at(0), AlertChange::Queued { id });
    for (number, (channel, minutes, heard)) in (1..).zip(attempts) {
        let (attempt, cost) = (AttemptId(number), Picodollars::ZERO);
        let parcel = AttemptRecord { channel: *channel, contact: None, digest: [0; 8], segments: 1, cost };
        state.evolve(at(*minutes), AlertChange::Started { id, attempt, parcel });
        let mut end = |outcome| state.evolve(at(minutes + 1), AlertChange::Ended { id, attempt, outcome });
        let reason = || "rejected".to_owned();
        match *heard {
            "open" => {}
            "unsent" => end(Outcome::Unsent { reason: reason(), code: Some(63038) }),
            "refused" => end(Outcome::Refused { reason: reason(), code: Some(21408) }),
            heard => {
                end(Outcome::Accepted { id: format!("SM{number}") });
                let delivery = match heard {
                    "delivered" => Some(Delivery::Delivered),
                    "expired" => Some(Delivery::Undelivered { code: Some(30036), may_retry: false }),
                    "astray" => Some(Delivery::Undelivered { code: Some(30003), may_retry: true }),
                    "unexplained" => Some(Delivery::Undelivered { code: None, may_retry: false }),
                    _ => None,
                };
                if let Some(delivery) = delivery {
                    state.evolve(at(minutes + 1), AlertChange::Noted { id, attempt, delivery });
                }
            }
        }
    }
    state
}

/// What was heard of the attempts, how many minutes later it is, and which channels are broken.
#[test]
fn a_channel_is_broken_from_a_failure_until_a_message_arrives_and_for_a_week_at_most() {
    use Channel::{Email, Ntfy, Sms, Whatsapp};
    const WEEK: i64 = 7 * 24 * 60;
    type Row<'a> = (&'a [(Channel, i64, &'a str)], i64, &'a [(Channel, Option<u32>)]);
    let table: &[Row<'_>] = &[
        (&[], 9, &[]),
        (&[(Sms, 1, "refused")], 9, &[(Sms, Some(21408))]),
        (&[(Sms, 1, "expired")], 9, &[(Sms, Some(30036))]),
        (&[(Sms, 1, "astray")], 9, &[(Sms, Some(30003))]),
        (&[(Whatsapp, 1, "unexplained")], 9, &[(Whatsapp, None)]),
        (&[(Email, 1, "refused")], 9, &[(Email, Some(21408))]),
        // What is not known yet, or was not sent for a reason that passes, says nothing.
        (&[(Sms, 1, "open")], 9, &[]),
        (&[(Sms, 1, "unsent")], 9, &[]),
        (&[(Sms, 1, "accepted")], 9, &[]),
        (&[(Sms, 1, "refused"), (Sms, 4, "open")], 9, &[(Sms, Some(21408))]),
        (&[(Sms, 1, "refused"), (Sms, 4, "unsent")], 9, &[(Sms, Some(21408))]),
        // An SMS that was accepted may be lost like the one before; after half a day it counts as arrived.
        (&[(Sms, 1, "expired"), (Sms, 4, "accepted")], 9, &[(Sms, Some(30036))]),
        (&[(Sms, 1, "expired"), (Sms, 4, "accepted")], 5 + 12 * 60, &[]),
        (&[(Ntfy, 1, "refused"), (Ntfy, 4, "accepted")], 9, &[]),
        (&[(Sms, 1, "expired"), (Sms, 4, "delivered")], 9, &[]),
        (&[(Sms, 1, "delivered"), (Sms, 4, "expired")], 9, &[(Sms, Some(30036))]),
        // Each channel for itself.
        (&[(Sms, 1, "refused"), (Ntfy, 2, "accepted")], 9, &[(Sms, Some(21408))]),
        (&[(Ntfy, 1, "refused"), (Sms, 2, "expired")], 9, &[(Sms, Some(30036)), (Ntfy, Some(21408))]),
        // Old is not new.
        (&[(Sms, 1, "refused")], WEEK + 1, &[(Sms, Some(21408))]),
        (&[(Sms, 1, "refused")], WEEK + 2, &[]),
    ];
    for (attempts, minutes, expected) in table {
        let broken = broken(&told(attempts), at(*minutes));
        let found: Vec<_> = broken.iter().map(|broken| (broken.channel, broken.failure.code)).collect();
        assert_eq!(&found, expected, "{attempts:?} after {minutes} min");
    }
}

#[test]
fn every_code_is_explained_with_its_mend_and_so_is_what_has_none() {
    for Meaning { code, what, fix, .. } in MEANINGS {
        for channel in [Channel::Sms, Channel::Whatsapp] {
            let failure = Failure { reason: "rejected".into(), code: Some(*code) };
            let expected = Explained { what: (*what).to_owned(), fix: (*fix).to_owned() };
            assert_eq!(failure.explained(channel), expected, "{code}");
        }
    }
    let unknown = Failure { reason: "rejected".into(), code: Some(39_999) }.explained(Channel::Sms);
    assert!(unknown.what.contains("39999") && unknown.fix.ends_with("/39999"), "{unknown:?}");
    for reason in ["unauthorized", "not-found", "rejected", "unreachable", "undelivered", "a new word"] {
        for channel in Channel::ALL {
            let Explained { what, fix } = Failure { reason: reason.into(), code: None }.explained(channel);
            assert!(!what.is_empty() && !fix.is_empty() && !fix.ends_with('.'), "{reason} {channel}");
        }
    }
}

#[test]
fn the_cause_names_the_code_the_meaning_and_the_mend() {
    let mut causes = Causes::default();
    channel::add(&told(&[(Channel::Sms, 1, "refused")]), at(9), &mut causes);
    let cause = causes.present.pop().unwrap();
    assert_eq!(
        cause.text,
        "sms: the message of alert 7 (goal) was refused (21408, the region is not enabled). To mend it: enable it \
         under Messaging, Geo permissions."
    );
    assert!(!cause.key.may_go_by(Channel::Sms) && cause.key.may_go_by(Channel::Ntfy));
    assert_eq!(causes.changes_at, Some(at(2) + TOLD_FOR));
}
