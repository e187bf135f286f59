//! How Twilio's codes are read off its answers; the table of them is [`crate::domain::alert::codes`].

pub use crate::domain::alert::codes::{EXPIRED, OPTED_OUT, class_of};

use super::super::resilience::{Class, OutsideError};

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
    use Class::{Later, MaybeDelivered};

    #[test]
    fn a_failure_without_a_code_is_taken_by_its_kind() {
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
