//! The tokens that were given out, as the log has them; and the one way to give, rotate and take them.

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

/// Why an order was not carried out.
pub type TokenFailure = CommandError<TokenOrderError>;

impl Rejection for TokenOrderError {}

/// The tokens of a tenant.
pub struct TokenAggregate;

impl Aggregate for TokenAggregate {
    const STREAM: &'static str = "tokens";
    const ACTOR: &'static str = "tokens";

    type State = Register;
    type Command = (TokenOrder, Principal);
    /// A change, and who made it.
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

/// A token to give out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// `agent`, `ingest`, `auditor` or `member`.
    #[schema(value_type = forms::TokenKind)]
    pub kind: String,
    /// What you call it, in one line of at most 64 bytes.
    #[serde(default)]
    #[schema(value_type = forms::TokenName)]
    pub name: String,
    /// For how many minutes, up to three years; 90 days for ingest and member where absent, for ever for the others.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1_581_120)]
    pub minutes: Option<u32>,
}

impl TokenBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`TokenOrderError`].
    pub fn check(&self, now: Timestamp) -> Result<(), TokenFailure> {
        Register::default().decide(mint(self.clone())?.order, &Principal::owner(), now)?;
        Ok(())
    }
}

/// A token as it is given out: it is told this once, and kept nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenGiven {
    /// The token.
    pub token: String,
    /// By which name events know its holder.
    pub id: String,
    /// What it is for.
    pub kind: String,
    /// When it ends; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

/// A token that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenLine {
    /// By which name events know its holder.
    pub id: String,
    /// What it is for.
    pub kind: String,
    /// What its owner calls it.
    pub name: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// When it ends; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Whether it is good now.
    pub is_good: bool,
    /// Who gave it out.
    pub by: String,
}

/// The tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokensShown {
    /// Those that were given out, by id. The two in the data directory are not among them.
    pub tokens: Vec<TokenLine>,
}

/// A token that is about to be given out.
pub struct Minted {
    /// The token.
    pub token: String,
    /// Its id.
    pub id: String,
    /// What makes it known.
    pub order: TokenOrder,
}

/// Makes a token by a body's wishes.
///
/// # Errors
/// The kind is none.
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
    /// Whose token has this hash, if it is good.
    #[must_use]
    pub fn holder(&self, hash: &Hash, now: Timestamp) -> Option<Principal> {
        self.with_view(|view| view.tokens.principal(hash, now))
    }

    /// The tokens that were given out.
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

    /// Makes the token that takes another one's place.
    ///
    /// # Errors
    /// There is none of this id.
    pub fn rotation(&self, id: &str) -> Result<Minted, TokenFailure> {
        let kind = self.with_view(|view| {
            view.tokens.all().find(|issued| issued.id == id).and_then(|issued| Kind::of_word(&issued.kind))
        });
        let kind = kind.ok_or_else(|| TokenOrderError::Unknown(id.chars().take(64).collect()))?;
        let (token, fresh, hash) = fresh(kind);
        let order = TokenOrder::Rotate { id: id.to_owned(), hash, fresh: fresh.clone() };
        Ok(Minted { token, id: fresh, order })
    }

    /// What is told of a token that was given out just now.
    #[must_use]
    pub fn given(&self, token: String, id: &str) -> TokenGiven {
        let known = self.with_view(|view| view.tokens.all().find(|issued| issued.id == id).cloned());
        let (kind, expires_at) =
            known.map_or((String::new(), None), |issued| (issued.kind, issued.expires_at));
        TokenGiven { token, id: id.to_owned(), kind, expires_at }
    }
}
