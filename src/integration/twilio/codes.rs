//! Twilio's error codes, as data: what each means for a message, and what the person can do.
//!
//! Source: <https://www.twilio.com/docs/api/errors>. Twilio splits codes now and then and advises against
//! logic on single ones, so whatever is not in the table is taken by its status: a 4xx is for ever, the rest
//! may pass.

use super::super::resilience::{Class, OutsideError};

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
    meaning(30022, Later, "over the rate of the 10DLC campaign", "nothing: it is sent later"),
    meaning(
        30034,
        Permanent,
        "a US number that is not registered for 10DLC",
        "register it under Messaging, Regulatory compliance, or send by another channel",
    ),
    meaning(30410, NotDelivered, "the carrier did not answer in time", "nothing: it is tried once more"),
    meaning(
        30450,
        Permanent,
        "blocked by the protection against SMS pumping",
        "look at Messaging, SMS pumping protection",
    ),
    meaning(63003, Permanent, "the recipient is not on WhatsApp", "set a number that is"),
    meaning(
        63015,
        Permanent,
        "the recipient has not joined the sandbox",
        "send 'join <code>' to the sandbox's number",
    ),
    meaning(
        63016,
        Permanent,
        "outside of the 24 hours after the last message from the phone",
        "send any WhatsApp message to the sender, or use a template",
    ),
    meaning(63017, Later, "over the account's rate on WhatsApp", "nothing: it is sent later"),
    meaning(63018, Later, "over the rate to this number on WhatsApp", "nothing: it is sent later"),
    meaning(63038, Later, "the account's daily limit is reached", "wait, or upgrade the account"),
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

/// Whether sending again can help after a request failed like this.
#[must_use]
pub fn class(error: &OutsideError) -> Class {
    match error {
        OutsideError::Rejected { code, .. } => class_of(*code),
        other => other.class(),
    }
}

/// Codes from here on are about the message, whatever the status.
const ABOUT_MESSAGES: u32 = 21_000;

/// Reads `{"code":21211,"message":…,"more_info":…,"status":400}`. A code of the account's, such as 20003 with
/// 401, 20404 with 404 and 20429 with 429, says no more than the status does and is left to that. Twilio's own
/// message holds the number, so it is read by nobody.
pub(crate) fn of_refusal(status: u16, body: &[u8]) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        code: Option<u32>,
    }
    let code = serde_json::from_slice::<Refusal>(body).ok()?.code?;
    (code >= ABOUT_MESSAGES || !matches!(status, 401 | 403 | 404 | 429)).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Class::MaybeDelivered;

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
        let error = |status| OutsideError::Unavailable { system: "twilio", status, retry_after: None };
        assert_eq!(class(&error(502)), MaybeDelivered, "a proxy's word says nothing of Twilio");
        assert_eq!(class(&OutsideError::RateLimited { system: "twilio", retry_after: None }), Later);
    }

    #[test]
    fn a_code_of_a_message_is_read_with_every_status_and_one_of_the_account_only_where_it_says_more() {
        let read = |status, code: u32| of_refusal(status, format!("{{\"code\":{code}}}").as_bytes());
        for status in [400, 401, 403, 404, 429] {
            for code in [21408, 21611, 63038, 29999] {
                assert_eq!(read(status, code), Some(code), "{status}");
            }
        }
        assert_eq!(
            (read(401, 20003), read(403, 20003), read(404, 20404), read(429, 20429)),
            Default::default()
        );
        assert_eq!(read(400, 20001), Some(20001));
        for nothing in ["", "<Response/>", r#"{"code":null}"#, r#"{"code":"x"}"#, "[]"] {
            assert_eq!(of_refusal(400, nothing.as_bytes()), None, "{nothing}");
        }
    }
}
