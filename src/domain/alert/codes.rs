//! Twilio's error codes, as data: what each means for a message, and what the person can do.
//!
//! Source: <https://www.twilio.com/docs/api/errors>. Twilio splits codes now and then and advises against
//! logic on single ones, so whatever is not in the table is taken by its status: a 4xx is for ever, the rest
//! may pass.

/// Whether sending again can help, for a message that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Never, until somebody has mended something.
    Permanent,
    /// Yes, when some time has passed; it was not sent.
    Later,
    /// It was sent and did not arrive, for a reason that may have passed already.
    NotDelivered,
    /// It may have been sent: look for it before sending it again.
    MaybeDelivered,
}

/// What a code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Twilio's code.
    pub code: u32,
    /// Whether sending again can help.
    pub class: Class,
    /// What is wrong.
    pub what: &'static str,
    /// What the person can do.
    pub fix: &'static str,
}

/// The recipient has said STOP: nothing may be sent until they say START.
pub const OPTED_OUT: u32 = 21610;
/// Twilio gave a message up that it had not sent within its validity.
pub const EXPIRED: u32 = 30036;
/// Twilio takes a text on WhatsApp only within a day of the person's last one.
pub const OUTSIDE_WINDOW: u32 = 63016;

const fn meaning(code: u32, class: Class, what: &'static str, fix: &'static str) -> Meaning {
    Meaning { code, class, what, fix }
}

use Class::{Later, NotDelivered, Permanent};

/// By code, ascending.
pub const MEANINGS: &[Meaning] = &[
    meaning(
        20003,
        Permanent,
        "the credentials are refused",
        "copy them anew from https://console.twilio.com",
    ),
    meaning(20404, Permanent, "the account or message is not there", "check the account SID"),
    meaning(20429, Later, "too many requests at once", "nothing: it is sent later"),
    meaning(21211, Permanent, "the recipient's number is not valid", "correct twilio.to_number"),
    meaning(21212, Permanent, "the sender's number is not valid", "correct twilio.from_number"),
    meaning(
        21219,
        Permanent,
        "a trial account sends to verified numbers only",
        "verify the number at https://console.twilio.com, or upgrade",
    ),
    meaning(21265, Permanent, "the recipient's number is a short code", "correct twilio.to_number"),
    meaning(
        21266,
        Permanent,
        "sender and recipient are the same number",
        "set twilio.to_number to the person's number",
    ),
    meaning(21408, Permanent, "the region is not enabled", "enable it under Messaging, Geo permissions"),
    meaning(21602, Permanent, "the message has no text", "report it: this program sent an empty message"),
    meaning(21603, Permanent, "no sender is named", "set twilio.from_number or twilio.messaging_service_sid"),
    meaning(21604, Permanent, "no recipient is named", "set twilio.to_number"),
    meaning(
        21606,
        Permanent,
        "the sender's number cannot send to this one",
        "set one of the account's numbers that can send SMS",
    ),
    meaning(
        21608,
        Permanent,
        "a trial account sends to verified numbers only",
        "verify the number at https://console.twilio.com, or upgrade",
    ),
    meaning(
        OPTED_OUT,
        Permanent,
        "the recipient has opted out",
        "answer START to the sender's number to opt in again",
    ),
    meaning(21611, Later, "the sender's queue is full", "nothing: it is sent later"),
    meaning(
        21612,
        Permanent,
        "there is no route between the two numbers",
        "set a sender of the recipient's country",
    ),
    meaning(21614, Permanent, "the recipient's number is not a mobile number", "set a mobile number"),
    meaning(21617, Permanent, "the text is longer than 1,600 characters", "shorten the template"),
    meaning(21635, Permanent, "the recipient's number is a landline", "set a mobile number"),
    meaning(
        21655,
        Permanent,
        "the template's SID is not known",
        "correct content_sid in twilio.whatsapp_templates",
    ),
    meaning(
        21656,
        Permanent,
        "the template's variables do not fit",
        "correct the variables in twilio.whatsapp_templates",
    ),
    meaning(21701, Permanent, "the messaging service is not there", "correct twilio.messaging_service_sid"),
    meaning(
        21703,
        Permanent,
        "the messaging service has no number",
        "add a number to it at https://console.twilio.com",
    ),
    meaning(
        21704,
        Permanent,
        "the messaging service has no number for this recipient",
        "add a number of the recipient's country to it",
    ),
    meaning(
        21910,
        Permanent,
        "sender and recipient are not on the same channel",
        "set twilio.whatsapp_from for WhatsApp and twilio.from_number for SMS",
    ),
    meaning(30001, Later, "the queue is full", "nothing: it is sent later"),
    meaning(30002, Permanent, "the account is suspended", "look at https://console.twilio.com"),
    meaning(30003, NotDelivered, "the phone cannot be reached", "switch it on, or check its reception"),
    meaning(
        30004,
        Permanent,
        "the recipient or carrier blocks the message",
        "unblock the sender on the phone",
    ),
    meaning(30005, Permanent, "the recipient's number is not known", "correct twilio.to_number"),
    meaning(30006, Permanent, "a landline, or a carrier that is not reached", "set a mobile number"),
    meaning(30007, Permanent, "the carrier filtered it as spam", "reword the template, without links"),
    meaning(
        30008,
        NotDelivered,
        "not delivered for a reason that is not known",
        "nothing: it is tried once more",
    ),
    meaning(
        30010,
        Permanent,
        "the message costs more than the account allows",
        "raise the highest price of a message in the account",
    ),
    meaning(30017, NotDelivered, "the carrier's network is congested", "nothing: it is tried once more"),
    meaning(
        30018,
        Permanent,
        "the destination carrier wants a registered sender",
        "register the sender under Messaging, Regulatory compliance",
    ),
    meaning(30019, Permanent, "the text is too long for the carrier", "lower alerts.segments_max"),
    meaning(30022, Later, "over the rate of the 10DLC campaign", "nothing: it is sent later"),
    meaning(30023, Later, "the daily limit of the 10DLC brand is reached", "nothing: it is sent later"),
    meaning(
        30024,
        NotDelivered,
        "the carrier does not know the sender's number yet",
        "wait some hours after a number was bought or registered",
    ),
    meaning(
        30027,
        Later,
        "the carrier's daily limit of the 10DLC campaign is reached",
        "nothing: it is sent later",
    ),
    meaning(
        30029,
        Permanent,
        "the sender's campaign does not fit the carrier",
        "look at Messaging, Regulatory compliance",
    ),
    meaning(
        30032,
        Permanent,
        "a toll-free number that is not verified",
        "verify it under Messaging, Regulatory compliance, or send by another channel",
    ),
    meaning(30033, Permanent, "the 10DLC campaign is suspended", "look at Messaging, Regulatory compliance"),
    meaning(
        30034,
        Permanent,
        "a US number that is not registered for 10DLC",
        "register it under Messaging, Regulatory compliance, or send by another channel",
    ),
    meaning(
        30035,
        Permanent,
        "the sender's number is not set up yet",
        "wait until it is registered, or set another one",
    ),
    meaning(
        EXPIRED,
        Permanent,
        "it waited too long at Twilio and expired",
        "raise twilio.validity_seconds, or send by another channel",
    ),
    meaning(30037, Permanent, "the account may not send messages", "look at https://console.twilio.com"),
    meaning(
        30044,
        Permanent,
        "a trial account sends short texts only",
        "lower alerts.segments_max to 1, or upgrade the account",
    ),
    meaning(30410, NotDelivered, "the carrier did not answer in time", "nothing: it is tried once more"),
    meaning(
        30450,
        Permanent,
        "blocked by the protection against SMS pumping",
        "look at Messaging, SMS pumping protection",
    ),
    meaning(
        63001,
        Permanent,
        "WhatsApp refuses the sender's credentials",
        "register the WhatsApp sender anew at https://console.twilio.com",
    ),
    meaning(63003, Permanent, "the recipient is not on WhatsApp", "set a number that is"),
    meaning(63005, Permanent, "WhatsApp does not take the text", "reword the template"),
    meaning(
        63007,
        Permanent,
        "the sender is no WhatsApp sender of the account",
        "correct twilio.whatsapp_from",
    ),
    meaning(63013, Permanent, "the message breaks a rule of WhatsApp's", "reword the template"),
    meaning(
        63015,
        Permanent,
        "the recipient has not joined the sandbox",
        "send 'join <code>' to the sandbox's number",
    ),
    meaning(
        OUTSIDE_WINDOW,
        Permanent,
        "outside of the 24 hours after the last message from the phone",
        "send any WhatsApp message to the sender, or set a template in twilio.whatsapp_templates",
    ),
    meaning(63017, Later, "over the account's rate on WhatsApp", "nothing: it is sent later"),
    meaning(63018, Later, "over the rate to this number on WhatsApp", "nothing: it is sent later"),
    meaning(
        63020,
        Permanent,
        "the WhatsApp business has not accepted Twilio's invitation",
        "accept it in the Meta business manager",
    ),
    meaning(63024, Permanent, "the recipient's number is not valid on WhatsApp", "correct twilio.to_number"),
    meaning(
        63027,
        Permanent,
        "the template is not approved in this language",
        "have it approved, or correct content_sid in twilio.whatsapp_templates",
    ),
    meaning(
        63028,
        Permanent,
        "the template has another number of variables",
        "correct the variables in twilio.whatsapp_templates",
    ),
    meaning(63032, Permanent, "WhatsApp does not deliver to this recipient", "send by another channel"),
    meaning(
        63033,
        Permanent,
        "the recipient has blocked the sender on WhatsApp",
        "unblock the sender on the phone",
    ),
    meaning(63038, Later, "the account's daily limit is reached", "wait, or upgrade the account"),
    meaning(
        63040,
        Permanent,
        "the template was rejected",
        "correct it and have it approved at https://console.twilio.com",
    ),
    meaning(63041, Later, "the template is paused", "wait, or have another template approved"),
    meaning(63042, Permanent, "the template is disabled", "have another template approved"),
    meaning(
        63049,
        Permanent,
        "WhatsApp chose not to deliver a marketing message",
        "have the template approved as a utility template",
    ),
];

/// What a code means, if it is known.
#[must_use]
pub fn meaning_of(code: u32) -> Option<&'static Meaning> {
    MEANINGS.binary_search_by_key(&code, |meaning| meaning.code).ok().map(|at| &MEANINGS[at])
}

/// Whether sending again can help after a message failed with this code, synchronously or later.
#[must_use]
pub fn class_of(code: Option<u32>) -> Class {
    code.and_then(meaning_of).map_or(Permanent, |meaning| meaning.class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_says_what_to_do() {
        assert!(MEANINGS.is_sorted_by(|one, next| one.code < next.code));
        for Meaning { code, what, fix, .. } in MEANINGS {
            assert_eq!(meaning_of(*code).unwrap().what, *what);
            assert!(!fix.is_empty() && !fix.ends_with('.') && fix.is_ascii(), "{code}");
        }
    }

    #[test]
    fn what_is_not_known_is_for_ever() {
        assert_eq!(class_of(Some(OPTED_OUT)), Permanent);
        assert_eq!((class_of(Some(63038)), class_of(Some(30003))), (Later, NotDelivered));
        assert_eq!((class_of(Some(29999)), class_of(None)), (Permanent, Permanent));
    }
}
