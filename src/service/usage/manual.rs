//! Usage that somebody tells, as it comes in and as it is answered; what it must be is [`crate::domain::told`]'s.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::domain::told::{Told, ToldError, check_growth, key};
use crate::domain::usage::Usage;
use crate::event::payload::usage_event_id;
use crate::log::LogError;
use crate::service::aggregate::repository;
use crate::service::aggregate::repository::{CommandError, Rejection};
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;

use super::recorder::{Recorder, Tally};

/// Why it is not recorded.
pub type ToldFailure = CommandError<ToldError>;

impl Rejection for ToldError {}

/// What a session has consumed with one model so far: telling it anew takes the sum's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldBody {
    /// The model, as the provider names it.
    #[schema(value_type = forms::ToldName)]
    pub model: String,
    /// Tokens that were sent, without those that the cache held.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub input_tokens: u64,
    /// Tokens that came back.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub output_tokens: u64,
    /// Tokens that were read from the cache.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub cache_read_tokens: u64,
    /// Tokens that were written to the cache for five minutes.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub cache_write_tokens: u64,
    /// Who is paid; `anthropic` where absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ToldName)]
    pub provider: String,
    /// The session's name, by which the sum is told anew later; a new one where absent. Not one whose transcripts are
    /// read here, or come here later: that would count twice.
    #[serde(default)]
    #[schema(value_type = Option<forms::ToldName>)]
    pub session: Option<String>,
    /// The project's directory.
    #[serde(default)]
    #[schema(value_type = forms::ToldProject)]
    pub project: String,
    /// When it ended; now where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

impl ToldBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`ToldError`].
    pub fn check(&self, now: Timestamp) -> Result<(), ToldError> {
        self.clone().into_told(now).check(now)
    }

    /// What is told.
    #[must_use]
    pub fn into_told(self, now: Timestamp) -> Told {
        Told {
            provider: self.provider,
            model: self.model,
            session: self.session.unwrap_or_else(|| format!("told-{:016x}", rand::random::<u64>())),
            project: self.project,
            tokens: Tokens {
                input: self.input_tokens,
                output: self.output_tokens,
                cache_read: self.cache_read_tokens,
                cache_write_5m: self.cache_write_tokens,
                ..Tokens::default()
            },
            at: repository::to_micros(self.at.unwrap_or(now)),
        }
    }
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldShown {
    /// The session's name.
    pub session: String,
    /// `recorded`, `revised` (it was told before, and has changed) or `known` (nothing has changed).
    #[schema(example = "recorded")]
    pub outcome: String,
    /// Whether the price table has the model; if not, no cost is counted until it has.
    pub is_priced: bool,
    /// What the session cost so far, with all models.
    #[schema(value_type = String)]
    pub session_usd: Picodollars,
}

/// What recording did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// What became of it.
    pub tally: Tally,
    /// Whether the price table has the model.
    pub is_priced: bool,
}

impl Recorded {
    fn shown(self, session: String, queries: &Reads) -> ToldShown {
        let outcome = match self.tally {
            Tally { recorded: 1.., .. } => "recorded",
            Tally { revised: 1.., .. } => "revised",
            _ => "known",
        };
        let session_usd =
            queries.at(|at| at.of_session(&session)).map(|of| of.spent.known).unwrap_or_default();
        ToldShown { session, outcome: outcome.to_owned(), is_priced: self.is_priced, session_usd }
    }
}

/// Records it; blocks. Only where it `may_fall` does a sum take the place of a greater one: an agent must not seem to have
/// spent less than it said.
///
/// # Errors
/// [`ToldFailure`].
pub fn record(recorder: &Recorder, usage: Usage, may_fall: bool) -> Result<Recorded, ToldFailure> {
    record_at(recorder, usage, may_fall, Timestamp::now())
}

/// The same at another moment, for tests that make their own time.
///
/// # Errors
/// [`ToldFailure`].
pub fn record_at(
    recorder: &Recorder,
    usage: Usage,
    may_fall: bool,
    now: Timestamp,
) -> Result<Recorded, ToldFailure> {
    if !may_fall && let Some(before) = recorder.known_usage(&usage)? {
        check_growth(&before, &usage, now)?;
    }
    let is_priced = recorder.has_price(&usage);
    let tally = recorder.record(&[usage], &|_, _| {})?;
    Ok(Recorded { tally, is_priced })
}

impl Reads {
    /// Whether calls of this session are known that nobody told: they were read.
    fn is_read(&self, session: &str) -> Result<bool, LogError> {
        let pairs: Vec<(String, String)> = self.with_view(|view| {
            let cells = view.spend.cells_of_session(session);
            cells.map(|cell| (cell.provider.to_owned(), cell.model.to_owned())).collect()
        });
        let tenant = self.tenant.as_str();
        let told =
            |(provider, model): &(String, String)| usage_event_id(tenant, &key(provider, model, session), 0);
        let told: Vec<_> = pairs.iter().map(told).collect();
        Ok(self.log.find_many(&told)?.iter().any(Option::is_none))
    }

    pub(in crate::service) fn usage_told(&self, told: Told, now: Timestamp) -> Result<Usage, ToldFailure> {
        let is_read = self.is_read(&told.session)?;
        Ok(told.into_usage(is_read, now)?)
    }

    /// What became of what was told.
    #[must_use]
    pub fn told(&self, session: String, recorded: Recorded) -> ToldShown {
        recorded.shown(session, self)
    }
}
