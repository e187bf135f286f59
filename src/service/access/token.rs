//! The aggregate of issued tokens. It issues, rotates and revokes them.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::register::{Hash, Register, TokenChange, TokenOrder, TokenOrderError};
use crate::domain::access::token::{SEED_BYTES, make};
use crate::domain::access::{Kind, Principal};
use crate::event::envelope::hex;
use crate::event::payload::token_event;
use crate::service::aggregate::repository::{Aggregate, CommandError, Fact, Next, Rejection};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;

/// Why a token command failed.
pub type TokenFailure = CommandError<TokenOrderError>;

impl Rejection for TokenOrderError {}

/// The issued tokens of a tenant.
pub struct TokenAggregate;

impl Aggregate for TokenAggregate {
    const STREAM: &'static str = "tokens";
    const ACTOR: &'static str = "tokens";

    type State = Register;
    type Command = (TokenOrder, Principal);
    /// A change, and the principal that made it.
    type Change = (TokenChange, Principal);
    type Error = TokenOrderError;

    fn decide(
        register: &Register,
        (order, by): (TokenOrder, Principal),
        now: Timestamp,
    ) -> Result<Vec<Self::Change>, TokenOrderError> {
        let change = register.decide(order, &by, now)?;
        Ok(change.map(|change| (change, by)).into_iter().collect())
    }

    fn event(_: &Register, (change, by): &Self::Change, next: &Next<'_>) -> Fact {
        next.fact(token_event(change, &by.reference))
    }

    fn label((order, _): &Self::Command) -> &'static str {
        match order {
            TokenOrder::Issue { .. } => "issue-token",
            TokenOrder::Rotate { .. } => "rotate-token",
            TokenOrder::Revoke { .. } => "revoke-token",
        }
    }
}

/// Request to issue a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// `agent`, `ingest`, `auditor` or `member`.
    #[schema(value_type = forms::TokenKind)]
    pub kind: String,
    /// A label for the token: one line of at most 64 bytes.
    #[serde(default)]
    #[schema(value_type = forms::TokenName)]
    pub name: String,
    /// Lifetime in minutes, at most three years. Default: 90 days for `ingest` and `member`, unlimited
    /// for the other kinds.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_581_120)]
    pub minutes: Option<u32>,
}

impl TokenBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`TokenOrderError`].
    pub fn check(&self, now: Timestamp) -> Result<(), TokenFailure> {
        Register::default().decide(mint(self.clone())?.order, &Principal::owner(), now)?;
        Ok(())
    }
}

/// An issued token. The secret is shown once and stored nowhere; the log has its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenGiven {
    /// The secret to send as a bearer token.
    pub token: String,
    /// The id that events use for the token's holder.
    pub id: String,
    /// `agent`, `ingest`, `auditor` or `member`.
    pub kind: String,
    /// When it expires; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// An issued token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenLine {
    /// The id that events use for the token's holder.
    pub id: String,
    /// `agent`, `ingest`, `auditor` or `member`.
    pub kind: String,
    /// The owner's label for it.
    pub name: String,
    /// When it was issued.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// When it expires; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Whether it is valid now.
    pub is_good: bool,
    /// The principal that issued it.
    pub by: String,
}

/// The issued tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokensShown {
    /// By id. The two tokens in the data directory are not included.
    pub tokens: Vec<TokenLine>,
}

/// A generated token that is not yet recorded.
pub struct Minted {
    /// The secret.
    pub token: String,
    /// Its id.
    pub id: String,
    /// The command that records its hash.
    pub order: TokenOrder,
}

/// Generates a token as the request asks.
///
/// # Errors
/// The kind is unknown.
pub fn mint(body: TokenBody) -> Result<Minted, TokenFailure> {
    let kind = Kind::of_word(&body.kind).ok_or(TokenOrderError::Kind)?;
    let (token, id, hash) = fresh(kind);
    let lasts = body.minutes.map(|minutes| SignedDuration::from_mins(i64::from(minutes)));
    let order = TokenOrder::Issue { id: id.clone(), kind, label: body.name, hash, lasts };
    Ok(Minted { token, id, order })
}

fn fresh(kind: Kind) -> (String, String, [u8; 32]) {
    let seed: [u8; SEED_BYTES] = rand::random();
    let token = make(kind, &seed);
    let hash = *blake3::hash(token.as_bytes()).as_bytes();
    let id: [u8; 4] = rand::random();
    let id = format!("{}-{}", &token[4..7], hex(&id));
    (token, id, hash)
}

impl Reads {
    /// The holder of the token with this hash, if the token is valid.
    #[must_use]
    pub fn holder(&self, hash: &Hash, now: Timestamp) -> Option<Principal> {
        self.with_view(|view| view.tokens.principal(hash, now))
    }

    /// The issued tokens.
    #[must_use]
    pub fn tokens(&self, now: Timestamp) -> TokensShown {
        let line = |issued: &crate::domain::access::register::Issued| TokenLine {
            id: issued.id.clone(),
            kind: issued.kind.clone(),
            name: issued.label.clone(),
            issued_at: issued.issued_at,
            expires_at: issued.revoked_at.or(issued.expires_at),
            is_good: issued.holds(now),
            by: issued.by.clone(),
        };
        TokensShown { tokens: self.with_view(|view| view.tokens.all().map(line).collect()) }
    }

    /// Generates the replacement of a token.
    ///
    /// # Errors
    /// No token has this id.
    pub fn rotation(&self, id: &str) -> Result<Minted, TokenFailure> {
        let kind = self.with_view(|view| {
            view.tokens.all().find(|issued| issued.id == id).and_then(|issued| Kind::of_word(&issued.kind))
        });
        let kind = kind.ok_or_else(|| TokenOrderError::Unknown(id.chars().take(64).collect()))?;
        let (token, fresh, hash) = fresh(kind);
        let order = TokenOrder::Rotate { id: id.to_owned(), hash, fresh: fresh.clone() };
        Ok(Minted { token, id: fresh, order })
    }

    /// The response for a token that was just issued.
    #[must_use]
    pub fn given(&self, token: String, id: &str) -> TokenGiven {
        let known = self.with_view(|view| view.tokens.all().find(|issued| issued.id == id).cloned());
        let (kind, expires_at) =
            known.map_or((String::new(), None), |issued| (issued.kind, issued.expires_at));
        TokenGiven { token, id: id.to_owned(), kind, expires_at }
    }
}
