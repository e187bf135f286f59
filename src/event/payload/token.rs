//! Tokens: who got one, until when, and that it was taken back. The token itself is in no event.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::access::register::{Issued, TokenChange};
use crate::event::Event;
use crate::event::envelope::hex;

/// A token was given out. When stands in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenIssued {
    /// By which name events know its holder.
    pub id: String,
    /// `member`, `ingest`, `agent` or `auditor`.
    pub kind: String,
    /// What the person calls it.
    pub label: String,
    /// BLAKE3 of the token, 64 hexadecimal digits.
    pub hash: String,
    /// Until when it is good, in microseconds since the Unix epoch; none for ever.
    pub expires_us: Option<i64>,
    /// The id of the token that it takes the place of.
    pub replaces: Option<String>,
    /// Until when that one is good, in microseconds since the Unix epoch.
    pub replaced_until_us: Option<i64>,
    /// Who gave it out: a principal's reference.
    pub by: String,
}

/// A token was taken back, at the instant in the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenRevoked {
    /// Which.
    pub id: String,
    /// Who took it back: a principal's reference.
    pub by: String,
}

classes! {
    TokenIssued {
        None: kind, expires_us, replaced_until_us;
        Pseudonymous: id, replaces, by;
        FreeText: label;
        Secret: hash;
    }
    TokenRevoked { Pseudonymous: id, by; }
}

/// The event that tells of a change.
#[must_use]
pub fn token_event(change: &TokenChange, by: &str) -> Event<'static> {
    match change {
        TokenChange::Issued(issued, replaces) => Event::TokenIssued(TokenIssued {
            id: issued.id.clone(),
            kind: issued.kind.clone(),
            label: issued.label.clone(),
            hash: hex(&issued.hash),
            expires_us: issued.expires_at.map(Timestamp::as_microsecond),
            replaces: replaces.as_ref().map(|(id, _)| id.clone()),
            replaced_until_us: replaces.as_ref().map(|(_, until)| until.as_microsecond()),
            by: issued.by.clone(),
        }),
        TokenChange::Revoked { id, .. } => {
            Event::TokenRevoked(TokenRevoked { id: id.clone(), by: by.to_owned() })
        }
    }
}

/// A stored hash is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token's hash is not 64 hexadecimal digits")]
pub struct NoHash;

/// What an event says about a token, if anything.
///
/// # Errors
/// [`NoHash`].
pub fn token_change(at: Timestamp, event: &Event<'_>) -> Result<Option<TokenChange>, NoHash> {
    let instant = |micros: i64| Timestamp::from_microsecond(micros).unwrap_or(at);
    Ok(match event {
        Event::TokenIssued(stored) => {
            let hash = blake3::Hash::from_hex(&stored.hash).map_err(|_| NoHash)?;
            let replaces = stored.replaces.clone().zip(stored.replaced_until_us.map(instant));
            let issued = Issued {
                id: stored.id.clone(),
                kind: stored.kind.clone(),
                label: stored.label.clone(),
                hash: *hash.as_bytes(),
                issued_at: at,
                expires_at: stored.expires_us.map(instant),
                by: stored.by.clone(),
                revoked_at: None,
                replaced_by: None,
            };
            Some(TokenChange::Issued(issued, replaces))
        }
        Event::TokenRevoked(stored) => Some(TokenChange::Revoked { id: stored.id.clone(), at }),
        _ => None,
    })
}
