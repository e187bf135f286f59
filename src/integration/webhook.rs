//! A webhook of the person's own: signed JSON, posted to an address of theirs.
//!
//! Each body comes with `Idempotency-Key`, the attempt's id, so that a receiver can tell the same thing told
//! twice, and with `X-Mecris-Signature: t=<seconds>,v1=<hex>`, where the second is the HMAC-SHA256 of
//! `<seconds>.<body>` under the shared secret. A receiver that refuses old times cannot be played the same
//! body again. The form is the one that Stripe made common: <https://docs.stripe.com/webhooks#verify-manually>;
//! the key's header is draft-ietf-httpapi-idempotency-key-header.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::domain::alert::Channel;

use super::channel::{AlertChannel, ChannelKind, Outbound, boxed};
use super::official::Asking;
use super::resilience::{Ask, OnBreaker, Outside, OutsideError, Policy, Repeat};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = "webhook";
/// The person's own address as an alert channel.
pub const CHANNEL: ChannelKind = ChannelKind {
    system: SYSTEM,
    channels: &[Channel::Webhook],
    configure: "webhook.url",
    is_polled: false,
    client: |config, policy, on_breaker| boxed(Webhook::of(&config.webhook, policy, on_breaker)),
};
const FIX: &str = "compare webhook.secret with the receiver's";

/// A client for one address; cheap to clone.
#[derive(Debug, Clone)]
pub struct Webhook {
    outside: Outside,
    secret: SecretString,
}

impl Webhook {
    /// A client; none where no address and secret are set.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn of(
        settings: &crate::config::Webhook,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Option<Self>, OutsideError> {
        let (Some(url), Some(secret)) = (&settings.url, &settings.secret) else { return Ok(None) };
        let outside = Outside::new(SYSTEM, FIX, url.expose(), None, policy, on_breaker)?;
        Ok(Some(Self { outside, secret: secret.to_secret() }))
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Posts a body of JSON. It is sent again where its outcome is not known: the key is the same.
    ///
    /// # Errors
    /// [`OutsideError`]; after one that [may have been sent](OutsideError::may_have_been_sent) the same
    /// `attempt` may be posted again.
    pub async fn post(&self, attempt: &str, body: &serde_json::Value) -> Result<(), OutsideError> {
        let body = body.to_string();
        let signature = signature(&self.secret, Timestamp::now(), body.as_bytes());
        let ask = Ask::post("hook", &[], Repeat::Safe)
            .at_path("")
            .header("Idempotency-Key", attempt)
            .header("X-Mecris-Signature", signature)
            .json(body);
        self.outside.ask(&ask).await.map(drop)
    }
}

impl AlertChannel for Webhook {
    fn send<'a>(&'a self, letter: &'a Outbound<'a>) -> Asking<'a, Option<Result<String, OutsideError>>> {
        Box::pin(async move {
            let sending = letter.sending;
            let body = serde_json::json!({
                "alert": sending.id.0,
                "telling": sending.telling,
                "kind": sending.key.kind,
                "subject": sending.key.subject,
                "severity": sending.severity,
                "raised_at": sending.raised_at,
                "text": sending.text,
            });
            Some(self.post(&letter.key, &body).await.map(|()| letter.key.clone()))
        })
    }
}

/// The value of `X-Mecris-Signature` for a body that is sent at this moment.
#[must_use]
pub fn signature(secret: &SecretString, at: Timestamp, body: &[u8]) -> String {
    let key = hmac::Key::new(HMAC_SHA256, secret.expose_secret().as_bytes());
    let mut signing = hmac::Context::with_key(&key);
    signing.update(format!("{}.", at.as_second()).as_bytes());
    signing.update(body);
    let hex = signing.sign().as_ref().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    format!("t={},v1={hex}", at.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_other_programs_compute() {
        let at = "2026-11-23T10:00:00.9Z".parse().unwrap();
        let said = signature(&SecretString::from("0123456789abcdef"), at, br#"{"kind":"goal-risk"}"#);
        // printf '1795428000.{"kind":"goal-risk"}' | openssl dgst -sha256 -hmac 0123456789abcdef
        assert_eq!(said, "t=1795428000,v1=8651c42adf7d87ddf74b01104860fd8407dff2e5a7c8dfd32e2af9ff96cd6445");
    }
}
