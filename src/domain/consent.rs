//! Consent: which numbers may be messaged. Nothing is sent to a number without it.
//!
//! A number is personal data: here it is a reference. STOP takes effect at once. START only undoes STOP: what
//! the person revoked here can only be granted here.

use std::collections::BTreeMap;

use crate::domain::words::words;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Origin of a decision.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The person, at this machine.
    Person,
    /// The number's owner, by a message: START or STOP.
    Message,
    /// The carrier, which refused a message because the number has opted out.
    Carrier,
}

words! { By { Person: "person", Message: "message", Carrier: "carrier" } }

/// The latest decision about a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// Whether it may be messaged.
    pub is_granted: bool,
    pub by: By,
    pub at: Timestamp,
}

/// A decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentCommand {
    Grant,
    Revoke,
}

/// A change of consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentChange {
    /// The contact's reference.
    pub contact: String,
    /// Whether it may be messaged now.
    pub is_granted: bool,
    pub by: By,
}

/// The decisions, by contact.
pub type Consents = BTreeMap<String, Consent>;

/// Whether a decision stores a number that is unknown here: only the person's own does. A stranger's number
/// is never stored.
#[must_use]
pub fn takes_in(command: ConsentCommand, by: By) -> bool {
    (command, by) == (ConsentCommand::Grant, By::Person)
}

/// Decides a command. `None`: nothing changes.
#[must_use]
pub fn decide(consents: &Consents, contact: &str, command: ConsentCommand, by: By) -> Option<ConsentChange> {
    let known = consents.get(contact);
    let is_granted = match (command, known) {
        _ if takes_in(command, by) => true,
        // START from a number that was never stored, or that the person revoked, changes nothing.
        (ConsentCommand::Grant, Some(known)) if !known.is_granted && known.by != By::Person => true,
        // Nor does STOP from a number that was never stored: there is nothing to revoke.
        (ConsentCommand::Grant, _) | (ConsentCommand::Revoke, None) => return None,
        (ConsentCommand::Revoke, Some(_)) => false,
    };
    let is_same = known.is_some_and(|known| {
        // After a STOP by message, the person's own revocation is recorded as theirs.
        known.is_granted == is_granted && (is_granted || known.by == by || by != By::Person)
    });
    (!is_same).then(|| ConsentChange { contact: contact.to_owned(), is_granted, by })
}

/// Applies a change that happened at `at`.
pub fn evolve(consents: &mut Consents, at: Timestamp, change: ConsentChange) {
    let ConsentChange { contact, is_granted, by } = change;
    consents.insert(contact, Consent { is_granted, by, at });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_person_brings_a_number_here() {
        for command in [ConsentCommand::Grant, ConsentCommand::Revoke] {
            for by in [By::Person, By::Message, By::Carrier] {
                let changed = decide(&Consents::new(), "c", command, by);
                assert_eq!(changed.is_some(), takes_in(command, by), "{command:?} {by:?}");
            }
        }
        assert!(takes_in(ConsentCommand::Grant, By::Person));
    }

    #[test]
    fn nobody_is_written_to_who_did_not_agree_or_has_stopped() {
        use By::{Carrier, Message, Person};
        use ConsentCommand::{Grant, Revoke};
        // Each row: what happened in this order, and whether messages may then be sent.
        let table: [(&[(ConsentCommand, By)], bool); 10] = [
            (&[], false),
            (&[(Grant, Person)], true),
            (&[(Grant, Message)], false),
            (&[(Grant, Person), (Revoke, Message)], false),
            (&[(Grant, Person), (Revoke, Message), (Grant, Message)], true),
            (&[(Grant, Person), (Revoke, Carrier), (Grant, Message)], true),
            (&[(Grant, Person), (Revoke, Person), (Grant, Message)], false),
            (&[(Grant, Person), (Revoke, Message), (Revoke, Person), (Grant, Message)], false),
            (&[(Grant, Person), (Revoke, Person), (Revoke, Message), (Grant, Message)], false),
            (&[(Grant, Person), (Revoke, Person), (Grant, Person)], true),
        ];
        for (history, may_send) in table {
            let mut consents = Consents::new();
            for &(command, by) in history {
                if let Some(change) = decide(&consents, "c", command, by) {
                    evolve(&mut consents, Timestamp::UNIX_EPOCH, change);
                }
            }
            assert_eq!(consents.get("c").is_some_and(|consent| consent.is_granted), may_send, "{history:?}");
        }
    }
}
