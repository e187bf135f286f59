//! Anthropic's API: what an ordinary key is good for, at no cost, and what an admin key reads of its organisation.
//!
//! Sources: <https://platform.claude.com/docs/en/api/models-list>, <https://platform.claude.com/docs/en/api/admin-api>,
//! <https://platform.claude.com/docs/en/build-with-claude/usage-cost-api>. An ordinary key may list models; an
//! organisation's admin key may read the organisation. Individual accounts have no Admin API, and nobody has an
//! interface for the prepaid balance. Neither call proves that there is credit.

pub(crate) mod people;
pub(crate) mod reports;

use jiff::Timestamp;

use crate::config::Secret;
use crate::domain::lookback::Days;

use super::credit;
use super::official::{Asking, Looked, ProviderClient, ProviderKey, ProviderKind, Told, boxed};
use super::resilience::{Answer, Ask, Auth, OnBreaker, Outside, OutsideError, Policy};
use super::rows::Listed;

pub use people::{Person, PersonName, Who};

/// The name of this system in spans, events and errors, and of the provider in usage.
pub const SYSTEM: &str = "anthropic";
/// Anthropic as a provider: an admin key reads reports, an ordinary key is only verified.
pub const PROVIDER: ProviderKind = ProviderKind {
    name: SYSTEM,
    configure: "set anthropic.api_key or anthropic.admin_key; transcripts need no key",
    client: |config, policy, on_breaker| Account::of(&config.anthropic, policy, on_breaker).map(boxed),
    keys: &[
        ProviderKey {
            name: SYSTEM,
            missing: "not configured; spending is known from transcripts without a key, the balance from the console's page or `mecris balance set`",
            client: |config, policy, on_breaker| {
                let settings = crate::config::Anthropic { admin_key: None, ..config.anthropic.clone() };
                Account::of(&settings, policy, on_breaker).map(boxed)
            },
        },
        ProviderKey {
            name: "anthropic admin",
            missing: "not configured; individual accounts have no admin keys",
            client: |config, policy, on_breaker| {
                let settings = crate::config::Anthropic { api_key: None, ..config.anthropic.clone() };
                Account::of(&settings, policy, on_breaker).map(boxed)
            },
        },
    ],
};
const VERSION: &str = "2023-06-01";
const KEY_FIX: &str = "make a new key at https://platform.claude.com/settings/keys and set anthropic.api_key";
const ADMIN_FIX: &str = "an organisation's admin makes admin keys at https://platform.claude.com/settings/admin-keys; individual accounts have none";
/// What an ordinary key is for.
pub const ROLE: &str = "an ordinary key reads neither reports nor a balance, and individual accounts have no Admin API; the balance comes from the console's page or `mecris balance set`, the spend from transcripts";

/// A client for one key; cheap to clone.
#[derive(Debug, Clone)]
pub struct Anthropic {
    outside: Outside,
}

/// An account: an ordinary key, an admin key, or both.
#[derive(Debug, Clone)]
pub struct Account {
    key: Option<Anthropic>,
    admin: Option<Anthropic>,
}

/// What an ordinary key may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Models {
    /// The ids on the first page.
    pub data: Listed<String>,
}

/// Whom an admin key belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name; empty where it is not told.
    pub name: String,
}

/// Reads a list of models.
///
/// # Errors
/// [`OutsideError::Malformed`]: it is none.
pub fn models(answer: &Answer) -> Result<Models, OutsideError> {
    answer.rows(|told| {
        let mut data = Listed::default();
        let listed =
            told.list("data", |number, model| data.take(&format!("data[{number}]"), model.string("id")));
        let another = OutsideError::Malformed { system: SYSTEM, what: "JSON of another shape" };
        listed.map_err(|_| another).map(|()| Models { data })
    })
}

/// Reads an organisation.
///
/// # Errors
/// [`OutsideError::Malformed`]: it has no id.
pub fn organization(answer: &Answer) -> Result<Organization, OutsideError> {
    answer.rows(|told| {
        let nameless = OutsideError::Malformed { system: SYSTEM, what: "field id" };
        let id = told.string("id").map_err(|_| nameless)?;
        Ok(Organization { id, name: told.string("name").unwrap_or_default() })
    })
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
        let code = credit::of_refusal;
        let outside = Outside::with_codes(SYSTEM, fix, &base, Some(auth), policy, on_breaker, code)?;
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
        let ask = get("v1/models").query("limit", "1");
        self.outside.ask_for(&ask, |answer| Ok((models(answer)?, answer.clock_ahead()))).await
    }

    /// Verifies an admin key.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn organization(&self) -> Result<(Organization, Option<i64>), OutsideError> {
        let ask = get("v1/organizations/me");
        self.outside.ask_for(&ask, |answer| Ok((organization(answer)?, answer.clock_ahead()))).await
    }
}

fn get(template: &'static str) -> Ask {
    Ask::get(template, &[]).header("anthropic-version", VERSION)
}

impl Account {
    /// The clients of the keys that the settings name, if they name one.
    ///
    /// # Errors
    /// [`OutsideError::Invalid`].
    pub fn of(
        settings: &crate::config::Anthropic,
        policy: Policy,
        on_breaker: &OnBreaker,
    ) -> Option<Result<Self, OutsideError>> {
        let (key, admin) = (&settings.api_key, &settings.admin_key);
        if key.is_none() && admin.is_none() {
            return None;
        }
        let client = |key, is_admin| {
            if is_admin {
                Anthropic::with_admin_key(settings, key, policy, on_breaker.clone())
            } else {
                Anthropic::with_key(settings, key, policy, on_breaker.clone())
            }
        };
        let made = key.as_ref().map(|key| client(key, false)).transpose().and_then(|key| {
            let admin = admin.as_ref().map(|key| client(key, true)).transpose()?;
            Ok(Self { key, admin })
        });
        Some(made)
    }

    async fn look_at(&self, days: Days) -> Looked {
        let mut looked = Looked::default();
        let mut said = Vec::new();
        if let Some(admin) = &self.admin {
            looked.take(admin.usage(days).await);
            looked.take(admin.cost(days).await);
            said.push("the admin key reads the organisation's reports".to_owned());
        }
        if let Some(key) = &self.key {
            match key.models().await {
                Ok(_) if self.admin.is_none() => said.push(format!("the key is taken; {ROLE}")),
                Ok(_) => said.push("the ordinary key is taken".to_owned()),
                Err(error) => looked.fail(error),
            }
        }
        looked.told.said = said.join("; ");
        looked
    }
}

impl ProviderClient for Account {
    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn tells(&self) -> bool {
        self.admin.is_some()
    }

    fn look(&self, days: Days, _: Timestamp) -> Asking<'_, Looked> {
        Box::pin(self.look_at(days))
    }

    fn verify(&self) -> Asking<'_, Result<(String, Option<i64>), OutsideError>> {
        Box::pin(async move {
            match (&self.admin, &self.key) {
                (Some(admin), _) => {
                    let (_, ahead) = admin.organization().await?;
                    let said = "it takes the admin key, which reads the organisation's reports";
                    Ok((said.to_owned(), ahead))
                }
                (None, Some(key)) => {
                    let (_, ahead) = key.models().await?;
                    Ok((format!("it takes the key, which says nothing of its credit; {ROLE}"), ahead))
                }
                (None, None) => Ok((Told::default().said, None)),
            }
        })
    }
}
