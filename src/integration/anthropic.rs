//! Anthropic's API: what a key is good for, at no cost.
//!
//! Sources: <https://platform.claude.com/docs/en/api/models-list>, <https://platform.claude.com/docs/en/api/admin-api>.
//! An ordinary key may list models; an organisation's admin key may read the organisation. Individual
//! accounts have no Admin API. Neither call proves that there is credit.

use serde::Deserialize;

use crate::config::Secret;

use super::resilience::{Ask, Auth, OnBreaker, Outside, OutsideError, Policy};

/// The name of this system in spans, events and errors.
pub const SYSTEM: &str = "anthropic";
const KEY_FIX: &str = "make a new key at https://platform.claude.com/settings/keys and set anthropic.api_key";
const ADMIN_FIX: &str = "an organisation's admin makes admin keys at https://platform.claude.com/settings/admin-keys; individual accounts have none";

/// A client for one key; cheap to clone.
#[derive(Debug, Clone)]
pub struct Anthropic {
    outside: Outside,
}

/// What an ordinary key may use.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Models {
    /// The first page.
    pub data: Vec<Model>,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Model {
    /// Its id.
    pub id: String,
}

/// Whom an admin key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl Anthropic {
    /// A client for an ordinary key.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn with_key(
        settings: &crate::config::Anthropic,
        key: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        Self::new(settings, key, KEY_FIX, policy, on_breaker)
    }

    /// A client for an admin key.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn with_admin_key(
        settings: &crate::config::Anthropic,
        key: &Secret,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        Self::new(settings, key, ADMIN_FIX, policy, on_breaker)
    }

    fn new(
        settings: &crate::config::Anthropic,
        key: &Secret,
        fix: &'static str,
        policy: Policy,
        on_breaker: OnBreaker,
    ) -> Result<Self, OutsideError> {
        let auth = Auth::Header("x-api-key", key.to_secret());
        let base = settings.api_base.without_path("/v1");
        let outside = Outside::new(SYSTEM, fix, &base, Some(auth), policy, on_breaker)?;
        Ok(Self { outside })
    }

    /// The connection, for its breaker.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Verifies an ordinary key. Also how far the server's clock is ahead of ours, in seconds.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn models(&self) -> Result<(Models, Option<i64>), OutsideError> {
        let ask = Ask::get("v1/models", &[]).query("limit", "1").header("anthropic-version", "2023-06-01");
        self.outside.ask_for(&ask, |answer| Ok((answer.json()?, answer.clock_ahead()))).await
    }

    /// Verifies an admin key.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn organization(&self) -> Result<(Organization, Option<i64>), OutsideError> {
        let ask = Ask::get("v1/organizations/me", &[]).header("anthropic-version", "2023-06-01");
        self.outside.ask_for(&ask, |answer| Ok((answer.json()?, answer.clock_ahead()))).await
    }
}
