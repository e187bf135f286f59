//! How providers refuse a call because no credit is left: each in its own way, read here once.
//!
//! Sources: Anthropic's and OpenAI's error references (400 `invalid_request_error`, 402 `billing_error`, 429
//! `insufficient_quota`), DeepSeek's and OpenRouter's (402), Moonshot's (429 `exceeded_current_quota_error`).

use serde::Deserialize;

use super::resilience::NO_CREDIT;

/// How Anthropic's message begins; Claude Code shows its end.
const TOO_LOW: &str = "credit balance is too low";

#[derive(Deserialize)]
struct Refusal {
    error: Detail,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<String>,
}

/// [`NO_CREDIT`] where a refusal says so.
pub(crate) fn of_refusal(status: u16, body: &[u8]) -> Option<u32> {
    if status == 402 {
        return Some(NO_CREDIT);
    }
    let Detail { kind, code, message } = serde_json::from_slice::<Refusal>(body).ok()?.error;
    let code = code.as_ref().and_then(serde_json::Value::as_str);
    let is_named = |name: &str| kind.as_deref() == Some(name) || code == Some(name);
    let is_refused = match status {
        400 => message.is_some_and(|message| says_so(&message)),
        429 => is_named("insufficient_quota") || is_named("exceeded_current_quota_error"),
        _ => false,
    };
    is_refused.then_some(NO_CREDIT)
}

/// Whether a provider's sentence says that no credit is left.
#[must_use]
pub fn says_so(sentence: &str) -> bool {
    // It stands near the beginning; nobody's text of any length is searched.
    let beginning: String = sentence.chars().take(80).collect();
    beginning.to_ascii_lowercase().contains(TOO_LOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_provider_says_it_in_its_own_way() {
        let anthropic = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."},"request_id":"req_1"}"#;
        let other =
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: wrong"}}"#;
        let billing = r#"{"type":"error","error":{"type":"billing_error","message":"said the server"}}"#;
        let openai = r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}"#;
        let busy = r#"{"error":{"message":"Rate limit reached","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
        let moonshot = r#"{"error":{"message":"suspended","type":"exceeded_current_quota_error"}}"#;
        for (status, body, is_refused) in [
            (400, anthropic, true),
            (400, other, false),
            (401, anthropic, false),
            (402, billing, true),
            (402, "", true),
            (429, openai, true),
            (429, busy, false),
            (429, moonshot, true),
            (429, "", false),
            (400, "not JSON", false),
            (400, r#"{"error":"as you wished"}"#, false),
        ] {
            assert_eq!(
                of_refusal(status, body.as_bytes()),
                is_refused.then_some(NO_CREDIT),
                "{status} {body}"
            );
        }
    }
}
