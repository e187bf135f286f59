//! The register of issued tokens: a token's holder is a principal until it expires, is rotated or is revoked.
//!
//! Only a token's hash is kept. Decisions are in the log; a token's last use is not, because that would
//! record somebody's activity.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::{Kind, Principal};

/// The BLAKE3 hash of a token.
pub type Hash = [u8; 32];

/// Default lifetime of tokens for other machines.
pub const STANDARD: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Maximum lifetime of a token that expires.
const LONGEST: SignedDuration = SignedDuration::from_hours(3 * 366 * 24);
/// How long the old token stays valid after a rotation, so that its holder can switch to the new one.
pub const GRACE: SignedDuration = SignedDuration::from_hours(24);
/// Maximum number of valid tokens.
const TOKENS_MAX: usize = 200;
/// Maximum length of a label, in bytes.
const LABEL_MAX: usize = 64;

/// An issued token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// The token's id, which events use for its holder, such as `agt-3f9c01d2`.
    pub id: String,
    /// The name of its kind.
    pub kind: String,
    /// The person's label; may be empty.
    pub label: String,
    pub hash: Hash,
    pub issued_at: Timestamp,
    /// When it expires; none for never.
    pub expires_at: Option<Timestamp>,
    /// The issuing principal's reference.
    pub by: String,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The token that replaced it.
    pub replaced_by: Option<String>,
}

impl Issued {
    /// Whether it is valid at `now`.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// All tokens, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    issued: BTreeMap<String, Issued>,
}

/// The owner's commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenOrder {
    /// Issue a token. The caller generates the id and the hash.
    Issue {
        id: String,
        kind: Kind,
        /// The person's label.
        label: String,
        hash: Hash,
        /// Its lifetime; the kind's default if none.
        lasts: Option<SignedDuration>,
    },
    /// Replace a token by a new one.
    Rotate {
        id: String,
        /// Hash of the new token.
        hash: Hash,
        /// Id of the new token.
        fresh: String,
    },
    /// Revoke a token at once.
    Revoke { id: String },
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // only one exists at a time, and none is stored
pub enum TokenChange {
    /// A token was issued; possibly replacing another one, which ends at the given instant.
    Issued(Issued, Option<(String, Timestamp)>),
    /// A token was revoked.
    Revoked { id: String, at: Timestamp },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenOrderError {
    /// Only the owner may do this.
    #[error("tokens are the owner's to give and to take, and this is {0} token")]
    NotOwner(Kind),
    /// The label is invalid.
    #[error("a token's name is one line of at most {LABEL_MAX} bytes")]
    Label,
    /// The kind cannot be issued.
    #[error(
        "the owner's token is the file 'token' in the data directory; make one for a member, ingest, agent or auditor"
    )]
    Kind,
    /// The lifetime is invalid.
    #[error("a token lasts from a minute to three years, such as 90d")]
    Lasts,
    /// No such token.
    #[error("there is no token '{0}' that is good; `mecris token list` names those there are")]
    Unknown(String),
    /// It was already rotated.
    #[error("'{0}' has taken the place of this token; rotate that one")]
    Replaced(String),
    /// There are too many tokens.
    #[error("there are {TOKENS_MAX} tokens that are good, and no more can be; revoke some")]
    TooMany,
    /// The id or hash exists already.
    #[error("this token is known already; make another")]
    Taken,
}

impl Coded for TokenOrderError {
    fn code(&self) -> Code {
        match self {
            Self::Unknown(_) => Code::TokenUnknown,
            Self::NotOwner(_) => Code::Forbidden,
            _ => Code::Refused,
        }
    }
}

/// Checks the format of a token's id: letters, digits and `-`.
///
/// # Errors
/// [`TokenOrderError::Unknown`].
pub fn check_id(id: &str) -> Result<(), TokenOrderError> {
    let is_id = (1..=LABEL_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_id { Ok(()) } else { Err(TokenOrderError::Unknown(id.chars().take(LABEL_MAX).collect())) }
}

impl Register {
    pub fn all(&self) -> impl Iterator<Item = &Issued> {
        self.issued.values()
    }

    /// The holder of the token with this hash, if the token is valid.
    #[must_use]
    pub fn principal(&self, hash: &Hash, now: Timestamp) -> Option<Principal> {
        // `blake3` hashes compare in constant time.
        let hash = blake3::Hash::from_bytes(*hash);
        let is_it = |issued: &&Issued| issued.holds(now) && blake3::Hash::from_bytes(issued.hash) == hash;
        let found = self.issued.values().find(is_it)?;
        Some(Principal { kind: Kind::of_word(&found.kind)?, reference: found.id.as_str().into() })
    }

    /// Decides a command. An empty result means that nothing changes.
    ///
    /// # Errors
    /// [`TokenOrderError`].
    pub fn decide(
        &self,
        order: TokenOrder,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Option<TokenChange>, TokenOrderError> {
        if by.kind != Kind::Owner {
            return Err(TokenOrderError::NotOwner(by.kind));
        }
        let good = |id: &str| {
            let found = self.issued.get(id).filter(|issued| issued.holds(now));
            found.ok_or_else(|| TokenOrderError::Unknown(id.chars().take(LABEL_MAX).collect()))
        };
        match order {
            TokenOrder::Issue { id, kind, label, hash, lasts } => {
                if label.len() > LABEL_MAX || label.chars().any(crate::domain::shown::is_control) {
                    return Err(TokenOrderError::Label);
                }
                if kind == Kind::Owner {
                    return Err(TokenOrderError::Kind);
                }
                if lasts.is_some_and(|lasts| lasts < SignedDuration::from_mins(1) || lasts > LONGEST) {
                    return Err(TokenOrderError::Lasts);
                }
                let leaves = matches!(kind, Kind::Ingest | Kind::Member);
                let lasts = lasts.or(leaves.then_some(STANDARD));
                let expires_at = lasts.and_then(|lasts| now.saturating_add(lasts).ok());
                self.issue(
                    Issued {
                        id,
                        kind: kind.word().to_owned(),
                        label,
                        hash,
                        issued_at: now,
                        expires_at,
                        by: by.reference.to_string(),
                        revoked_at: None,
                        replaced_by: None,
                    },
                    None,
                    now,
                )
            }
            TokenOrder::Rotate { id, hash, fresh } => {
                let old = good(&id)?.clone();
                if let Some(next) = old.replaced_by {
                    return Err(TokenOrderError::Replaced(next));
                }
                let ends = now.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
                let ends = old.expires_at.map_or(ends, |end| end.min(ends));
                // The new token gets the lifetime of the old one.
                let lasts = old.expires_at.map(|end| end.duration_since(old.issued_at));
                let expires_at = lasts.and_then(|lasts| now.saturating_add(lasts).ok());
                let by = by.reference.to_string();
                let issued = Issued {
                    id: fresh,
                    hash,
                    issued_at: now,
                    expires_at,
                    by,
                    revoked_at: None,
                    replaced_by: None,
                    ..old
                };
                self.issue(issued, Some((id, ends)), now)
            }
            TokenOrder::Revoke { id } => {
                good(&id)?;
                Ok(Some(TokenChange::Revoked { id, at: now }))
            }
        }
    }

    fn issue(
        &self,
        issued: Issued,
        replaces: Option<(String, Timestamp)>,
        now: Timestamp,
    ) -> Result<Option<TokenChange>, TokenOrderError> {
        if self.issued.values().any(|known| known.id == issued.id || known.hash == issued.hash) {
            return Err(TokenOrderError::Taken);
        }
        if self.issued.values().filter(|known| known.holds(now)).count() >= TOKENS_MAX {
            return Err(TokenOrderError::TooMany);
        }
        Ok(Some(TokenChange::Issued(issued, replaces)))
    }

    /// Applies a change.
    pub fn evolve(&mut self, change: TokenChange) {
        match change {
            TokenChange::Issued(issued, replaces) => {
                if let Some((id, ends)) = replaces
                    && let Some(old) = self.issued.get_mut(&id)
                {
                    old.expires_at = Some(ends);
                    old.replaced_by = Some(issued.id.clone());
                }
                self.issued.insert(issued.id.clone(), issued);
            }
            TokenChange::Revoked { id, at } => {
                if let Some(issued) = self.issued.get_mut(&id) {
                    issued.revoked_at.get_or_insert(at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + hours * 3_600).unwrap()
    }

    fn issue(id: &str, kind: Kind, lasts: Option<SignedDuration>) -> TokenOrder {
        TokenOrder::Issue { id: id.into(), kind, label: "laptop".into(), hash: [id.len() as u8; 32], lasts }
    }

    fn done(register: &mut Register, order: TokenOrder, now: Timestamp) {
        let change = register.decide(order, &Principal::owner(), now).unwrap().unwrap();
        register.evolve(change);
    }

    #[test]
    fn a_token_is_good_until_it_expires_is_rotated_or_revoked() {
        let mut register = Register::default();
        done(&mut register, issue("a", Kind::Agent, None), at(0));
        done(&mut register, issue("bb", Kind::Ingest, None), at(0));
        done(&mut register, issue("ccc", Kind::Auditor, Some(SignedDuration::from_hours(2))), at(0));
        let holds =
            |register: &Register, n: u8, hours| register.principal(&[n; 32], at(hours)).map(|who| who.kind);
        let year = 365 * 24;
        assert_eq!(holds(&register, 1, year), Some(Kind::Agent), "an agent's does not end by itself");
        assert_eq!((holds(&register, 2, 89 * 24), holds(&register, 2, 90 * 24)), (Some(Kind::Ingest), None));
        assert_eq!((holds(&register, 3, 1), holds(&register, 3, 2)), (Some(Kind::Auditor), None));
        assert_eq!(holds(&register, 9, 1), None);
        let rotate = TokenOrder::Rotate { id: "a".into(), hash: [7; 32], fresh: "dddd".into() };
        done(&mut register, rotate, at(10));
        assert_eq!(
            (holds(&register, 7, 10), holds(&register, 1, 33), holds(&register, 1, 34)),
            (Some(Kind::Agent), Some(Kind::Agent), None)
        );
        let again = TokenOrder::Rotate { id: "a".into(), hash: [8; 32], fresh: "e".into() };
        let again = register.decide(again, &Principal::owner(), at(11));
        assert_eq!(again, Err(TokenOrderError::Replaced("dddd".into())));
        assert_eq!(holds(&register, 7, year), Some(Kind::Agent), "it lasts as the first was meant to");
        done(&mut register, TokenOrder::Revoke { id: "dddd".into() }, at(11));
        assert_eq!(holds(&register, 7, 11), None);
        let again = register.decide(TokenOrder::Revoke { id: "dddd".into() }, &Principal::owner(), at(12));
        assert_eq!(again, Err(TokenOrderError::Unknown("dddd".into())));
    }

    #[test]
    fn orders_that_make_no_sense_and_those_of_others_are_refused() {
        let mut register = Register::default();
        done(&mut register, issue("a", Kind::Agent, None), at(0));
        let order = |order| register.decide(order, &Principal::owner(), at(1)).unwrap_err();
        assert_eq!(order(issue("o", Kind::Owner, None)), TokenOrderError::Kind);
        assert_eq!(order(issue("a", Kind::Agent, None)), TokenOrderError::Taken);
        assert_eq!(order(issue("n", Kind::Agent, Some(SignedDuration::ZERO))), TokenOrderError::Lasts);
        let label = TokenOrder::Issue {
            id: "l".into(),
            kind: Kind::Agent,
            label: "a\nb".into(),
            hash: [5; 32],
            lasts: None,
        };
        assert_eq!(order(label), TokenOrderError::Label);
        assert_eq!(order(TokenOrder::Revoke { id: "x".into() }), TokenOrderError::Unknown("x".into()));
        for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Owner) {
            let by = Principal { kind, reference: "x".into() };
            let orders = [issue("n", Kind::Agent, None), TokenOrder::Revoke { id: "a".into() }];
            for order in orders {
                assert_eq!(register.decide(order, &by, at(1)), Err(TokenOrderError::NotOwner(kind)));
            }
        }
    }

    #[test]
    fn a_loop_that_makes_tokens_comes_to_an_end() {
        let mut register = Register::default();
        for n in 0..TOKENS_MAX {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&n.to_le_bytes());
            let order = TokenOrder::Issue {
                id: format!("t{n}"),
                kind: Kind::Agent,
                label: String::new(),
                hash,
                lasts: None,
            };
            done(&mut register, order, at(0));
        }
        let more = register.decide(issue("more", Kind::Agent, None), &Principal::owner(), at(0));
        assert_eq!(more, Err(TokenOrderError::TooMany));
    }
}
