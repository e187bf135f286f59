//! Reads a balance from a provider's own page, checks it for plausibility, and records it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::Config;
use crate::domain::balance::{BalanceChange, BalanceError, Confidence, Reading, Source, is_provider};
use crate::domain::code::{Code, Coded};
use crate::domain::console::{Accepted, accept};
use crate::domain::money::Picodollars;
use crate::event::TenantId;
use crate::integration::console::{self, ConsoleError, Limits, Profile, Recipe, RecipeError};
use crate::log::EventLog;
use crate::service::aggregate::caller;
use crate::service::aggregate::repository::{self, Repository};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::view::CutShort;

use super::balance::{BalanceAggregate, BalanceFailure};

/// Why a page was not read, or its amount was not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsoleFailure {
    /// Reading pages is switched off.
    #[error("reading pages is switched off; read docs/console.md, then set console.enabled = true")]
    Off,
    /// The recipe is invalid.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The page could not be read, or its amount is not trusted.
    #[error(transparent)]
    Page(#[from] ConsoleError),
    /// The reading could not be recorded.
    #[error(transparent)]
    Balance(#[from] BalanceFailure),
    /// The work was cut short.
    #[error(transparent)]
    CutShort(#[from] CutShort),
}

impl Coded for ConsoleFailure {
    fn code(&self) -> Code {
        match self {
            // The cause is the page's state, not the request.
            Self::Page(_) => Code::PageNotRead,
            Self::Off => Code::ConsoleOff,
            Self::Recipe(_) => Code::Refused,
            Self::Balance(failure) => failure.code(),
            Self::CutShort(cut) => cut.code(),
        }
    }
}

/// Request to read a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleBody {
    /// The provider; `anthropic` if absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
}

impl ConsoleBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`BalanceError::Provider`].
    pub fn check(&self) -> Result<(), BalanceError> {
        if is_provider(&self.provider) { Ok(()) } else { Err(BalanceError::Provider(self.provider.clone())) }
    }
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

/// An amount read from a page, and its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleRead {
    /// The provider.
    pub provider: String,
    /// The remaining balance.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// Confidence: `high` if two ways to the amount agree, `medium` if one way found it near the
    /// expected amount.
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// The recipe's ways that found it.
    pub found: String,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// Position of the event; null if the same reading was already recorded.
    pub position: Option<u64>,
}

/// Reads pages for one tenant; cheap to clone.
#[derive(Clone)]
pub struct ConsoleReader {
    balances: Arc<Mutex<Repository<BalanceAggregate>>>,
    queries: Reads,
    dir: PathBuf,
}

impl ConsoleReader {
    /// A reader for a log and its data directory.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, tenant: TenantId, queries: Reads, dir: &Path) -> Self {
        let balances = Arc::new(Mutex::new(Repository::new(log, tenant)));
        Self { balances, queries, dir: dir.to_owned() }
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    #[must_use]
    pub fn queries(&self) -> &Reads {
        &self.queries
    }

    /// Reads a provider's page, and records its amount if it is trusted.
    ///
    /// # Errors
    /// [`ConsoleFailure`].
    pub async fn read(&self, provider: &str, actor: &'static str) -> Result<ConsoleRead, ConsoleFailure> {
        let config = &self.queries.settings.current().config;
        if !config.console.enabled {
            return Err(ConsoleFailure::Off);
        }
        let recipe = Recipe::find(provider, config.console.recipes.as_deref())?;
        let (dir, name) = (self.dir.clone(), provider.to_owned());
        let profile = caller::blocking(move || Profile::lock(&dir, &name)).await??;
        let browser = config.console.browser.as_deref();
        let seen = console::read(browser, &profile, &recipe, limits(config)).await?;
        let lines = self.queries.balances(seen.taken_at);
        let expected = lines.iter().find(|line| line.provider == provider).map(|line| line.left_usd);
        let accepted = accept(&seen.found, recipe.bounds(), expected).map_err(ConsoleError::from)?;
        self.record(provider, accepted, seen.taken_at, actor).await
    }

    async fn record(
        &self,
        provider: &str,
        accepted: Accepted,
        taken_at: Timestamp,
        actor: &'static str,
    ) -> Result<ConsoleRead, ConsoleFailure> {
        let Accepted { amount, confidence, found } = accepted;
        let reading =
            Reading { confidence, ..Reading::usd(provider, amount, taken_at, Source::Console, &found) };
        let balances = self.balances.clone();
        let record = move || {
            let mut balances = balances.lock().unwrap_or_else(PoisonError::into_inner);
            balances.execute(BalanceChange::Read(reading), Timestamp::now(), &repository::metadata_for(actor))
        };
        let position = caller::blocking(record).await??;
        Ok(ConsoleRead {
            provider: provider.to_owned(),
            left_usd: amount,
            confidence,
            found,
            taken_at,
            position: position.map(|position| position.0),
        })
    }
}

/// Resource limits of the browser.
#[must_use]
pub fn limits(config: &Config) -> Limits {
    let console = &config.console;
    Limits {
        memory_mib: console.memory_mib.get(),
        page_seconds: console.page_seconds.get(),
        as_root: console.as_root,
    }
}
