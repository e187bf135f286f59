//! Request and response for manually reported usage; validation is in [`crate::domain::told`].

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

/// Why the report was not recorded.
pub type ToldFailure = CommandError<ToldError>;

impl Rejection for ToldError {}

/// A session's total usage of one model so far; a repeated report replaces the sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToldBody {
    /// The model, as the provider names it.
    #[schema(value_type = forms::ToldName)]
    pub model: String,
    /// Input tokens, without those read from the cache.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub input_tokens: u64,
    /// Output tokens.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub output_tokens: u64,
    /// Tokens read from the cache.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub cache_read_tokens: u64,
    /// Tokens written to the five-minute cache.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_u64)]
    pub cache_write_tokens: u64,
    /// The provider; `anthropic` if absent.
    #[serde(default = "anthropic")]
    #[schema(value_type = forms::ToldName)]
    pub provider: String,
    /// The session's name, by which a later report replaces this sum; generated if absent. Do not use a
    /// session whose transcripts are read here or will be: it would count twice.
    #[serde(default)]
    #[schema(value_type = Option<forms::ToldName>)]
    pub session: Option<String>,
    /// The project's directory.
    #[serde(default)]
    #[schema(value_type = forms::ToldProject)]
    pub project: String,
    /// When it ended; now if absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
}

fn anthropic() -> String {
    "anthropic".to_owned()
}

impl ToldBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`ToldError`].
    pub fn check(&self, now: Timestamp) -> Result<(), ToldError> {
        self.clone().into_told(now).check(now)
    }

    /// The report as the domain has it.
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

/// Result of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ToldShown {
    /// The session's name.
    pub session: String,
    /// `recorded`, `revised` (reported before, and changed) or `known` (unchanged).
    #[schema(example = "recorded")]
    pub outcome: String,
    /// Whether the price table has the model; if not, its cost counts once the table has it.
    pub is_priced: bool,
    /// Cost of the session so far, over all models.
    #[schema(value_type = String)]
    pub session_usd: Picodollars,
}

/// Result of recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
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
            queries.at(|at| at.session_usage(&session)).map(|of| of.spent.known).unwrap_or_default();
        ToldShown { session, outcome: outcome.to_owned(), is_priced: self.is_priced, session_usd }
    }
}

/// Records a report. Blocks. A sum replaces a greater one only if it `may_fall`: an agent must not appear to
/// have spent less than it reported.
///
/// # Errors
/// [`ToldFailure`].
pub fn record(recorder: &Recorder, usage: Usage, may_fall: bool) -> Result<Recorded, ToldFailure> {
    record_at(recorder, usage, may_fall, Timestamp::now())
}

/// The same at a given moment, for tests.
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
    /// Whether the log has calls of this session that were read from a transcript.
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

    /// The response to a report.
    #[must_use]
    pub fn told(&self, session: String, recorded: Recorded) -> ToldShown {
        recorded.shown(session, self)
    }
}
