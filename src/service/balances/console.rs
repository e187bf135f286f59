//! A balance read from a provider's own page: seen, held against what is expected, recorded.

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

/// Why a page was not read, or what it showed not recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ConsoleFailure {
    /// It is switched off.
    #[error("reading pages is switched off; read docs/console.md, then set console.enabled = true")]
    Off,
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The page, or what it shows.
    #[error(transparent)]
    Page(#[from] ConsoleError),
    /// Recording it.
    #[error(transparent)]
    Balance(#[from] BalanceFailure),
    /// The work was cut short.
    #[error(transparent)]
    CutShort(#[from] CutShort),
}

impl Coded for ConsoleFailure {
    fn code(&self) -> Code {
        match self {
            // The page's state stands in the way, not the request.
            Self::Page(_) => Code::PageNotRead,
            Self::Off => Code::ConsoleOff,
            Self::Recipe(_) => Code::Refused,
            Self::Balance(failure) => failure.code(),
            Self::CutShort(cut) => cut.code(),
        }
    }
}

/// A page to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsoleBody {
    /// Whose page; `anthropic` where absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ProviderName)]
    pub provider: String,
}

impl ConsoleBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
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

/// What a page showed, and that it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleRead {
    /// Whose page.
    pub provider: String,
    /// What is left.
    #[schema(value_type = String)]
    pub left_usd: Picodollars,
    /// How sure that is: `high` where two ways to it agree, `medium` where one lies where it was expected.
    #[schema(value_type = String)]
    pub confidence: Confidence,
    /// The recipe's ways that led to it.
    pub found: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub taken_at: Timestamp,
    /// The event's position; null where the very same reading was there.
    pub position: Option<u64>,
}

/// Reads pages for one tenant; cheap to clone.
#[derive(Clone)]
pub struct ConsoleReader {
    /// Where what a page showed is recorded.
    balances: Arc<Mutex<Repository<BalanceAggregate>>>,
    queries: Reads,
    dir: PathBuf,
}

impl ConsoleReader {
    /// For the log and the data directory that they belong to.
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

    /// The settings.
    #[must_use]
    pub fn queries(&self) -> &Reads {
        &self.queries
    }

    /// Reads a provider's page, and records what it shows if that may be believed.
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

/// What a browser may take under these settings.
#[must_use]
pub fn limits(config: &Config) -> Limits {
    let console = &config.console;
    Limits {
        memory_mib: console.memory_mib.get(),
        page_seconds: console.page_seconds.get(),
        as_root: console.as_root,
    }
}
