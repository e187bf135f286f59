//! Where a request is answered: by the actors of a supervisor, or on the log alone.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::domain::access::Principal;
use crate::domain::calendar::{self, Days, DaysError};
use crate::domain::code::Code;
use crate::log::Log;
use crate::service::aggregate::caller;
use crate::service::aggregate::repository::Aggregate;
use crate::service::alerts::contacts::Contacts;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::node::Node;
use crate::service::runtime::reads::Reads;
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::SourceShown;
use crate::service::system::clients::Hosted;
use crate::service::system::tree::Supervised;
use crate::service::usage::importer::Importer;
use crate::view::report::Range;

use super::refusal::Refusal;

/// Who decides where no supervisor runs, as events' envelopes and log lines say.
const ALONE: &str = "cli";

/// How far a long work is: what is done, and what there is to do.
pub type OnProgress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// See the module; cheap to clone.
#[derive(Clone)]
pub enum Host {
    /// A supervisor runs in this process: its actors carry out commands, its views are kept up.
    Tree(Arc<Supervised>),
    /// None runs: this process has opened the log, and is the owner's.
    Alone {
        /// The log with its directory and settings.
        node: Arc<Node>,
        /// Whoever waits sees how far it is.
        on_progress: OnProgress,
    },
}

impl Host {
    /// The log alone, where nobody watches how far a work is.
    #[must_use]
    pub fn alone(node: Arc<Node>) -> Self {
        Self::Alone { node, on_progress: Arc::new(|_, _| {}) }
    }

    /// The supervisor, for what only it can answer.
    ///
    /// # Errors
    /// None runs.
    pub fn supervised(&self) -> Result<&Arc<Supervised>, ServiceError> {
        match self {
            Self::Tree(system) => Ok(system),
            Self::Alone { node, .. } => {
                let dir = node.dir.display();
                let words = format!("no supervisor runs on {dir}; start one with `mecris run`");
                Err(Refusal::new(Code::Unavailable, words).into())
            }
        }
    }

    /// What is known, all that was recorded here before among it.
    ///
    /// # Errors
    /// The log or the views cannot be read.
    pub async fn reads(&self) -> Result<Reads, ServiceError> {
        match self {
            Self::Tree(system) => Ok(system.queries.clone()),
            Self::Alone { node, .. } => {
                let node = node.clone();
                Ok(caller::blocking(move || node.queries()).await??)
            }
        }
    }

    /// Asks what is known. For questions that do not block.
    ///
    /// # Errors
    /// As [`Host::reads`].
    pub async fn ask<T>(&self, question: impl FnOnce(&Reads) -> T + Send) -> Result<T, ServiceError> {
        Ok(question(&self.reads().await?))
    }

    /// Asks what is known, on a thread for questions that block or reckon.
    ///
    /// # Errors
    /// As [`Host::reads`]; the question panicked.
    pub async fn ask_blocking<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reads) -> T + Send + 'static,
    ) -> Result<T, ServiceError> {
        let reads = self.reads().await?;
        Ok(caller::blocking(move || question(&reads)).await?)
    }

    /// The days that are asked for, by the clock, the week and the zone of the settings, or by another zone.
    ///
    /// # Errors
    /// [`DaysError::Backwards`].
    pub fn range(
        &self,
        since: Option<Days>,
        until: Option<Days>,
        zone: Option<&TimeZone>,
    ) -> Result<Range, DaysError> {
        let settings = self.settings().current();
        let today = calendar::day_of(Timestamp::now(), zone.unwrap_or(&settings.zone));
        let (since, until) = Days::between(since, until, today, settings.config.week_starts)?;
        Ok(Range { since, until })
    }

    /// What is known, with the vault as it is now: the supervisor's actor looks at it, and where there is none this does.
    ///
    /// # Errors
    /// As [`Host::reads`].
    pub async fn reads_with_vault(&self) -> Result<Reads, ServiceError> {
        let reads = self.reads().await?;
        if let Self::Alone { .. } = self {
            let looking = reads.clone();
            caller::blocking(move || looking.look_at_vault()).await?;
        }
        Ok(reads)
    }

    /// Carries out a command; what is asked afterwards shows it.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn execute<A: Hosted>(&self, command: A::Command) -> Result<(), ServiceError> {
        match self {
            Self::Tree(system) => system.execute::<A>(command).await,
            Self::Alone { node, .. } => execute::<A>(node, command, ALONE).await,
        }
    }

    /// Who asks. Whoever has opened the log is its owner.
    #[must_use]
    pub fn asker(&self) -> Principal {
        match self {
            Self::Tree(_) => caller::current().unwrap_or_else(Principal::agent),
            Self::Alone { .. } => Principal::owner(),
        }
    }

    /// Who acts where nobody asked, by name.
    #[must_use]
    pub fn actor(&self) -> &'static str {
        match self {
            Self::Tree(_) => "http",
            Self::Alone { .. } => ALONE,
        }
    }

    /// The log, which blocks.
    #[must_use]
    pub fn log(&self) -> Arc<dyn Log> {
        match self {
            Self::Tree(system) => system.log().clone(),
            Self::Alone { node, .. } => node.log.clone(),
        }
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        match self {
            Self::Tree(system) => &system.queries.settings,
            Self::Alone { node, .. } => &node.settings,
        }
    }

    /// The data directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        match self {
            Self::Tree(system) => &system.dir,
            Self::Alone { node, .. } => &node.dir,
        }
    }

    /// Whose numbers are behind the references in events.
    #[must_use]
    pub fn contacts(&self) -> Contacts {
        match self {
            Self::Tree(system) => system.contacts.clone(),
            Self::Alone { node, .. } => Contacts::new(&node.dir),
        }
    }

    /// An outside system as a supervisor knows it; none where none runs.
    #[must_use]
    pub fn source(&self, name: &str, now: Timestamp) -> Option<SourceShown> {
        let Self::Tree(system) = self else { return None };
        system.sources.shown(now).sources.into_iter().find(|source| source.name == name)
    }

    /// What reads transcripts, and records usage.
    #[must_use]
    pub fn importer(&self) -> Importer {
        match self {
            Self::Tree(system) => system.importer.clone(),
            Self::Alone { node, .. } => node.importer(&[], ALONE),
        }
    }

    /// Whom a long work tells how far it is.
    #[must_use]
    pub fn on_progress(&self) -> OnProgress {
        match self {
            Self::Tree(_) => Arc::new(|_, _| {}),
            Self::Alone { on_progress, .. } => on_progress.clone(),
        }
    }
}

/// Carries out a command on the log alone, in the name of `actor`.
///
/// # Errors
/// The aggregate refuses it, or the log.
pub(super) async fn execute<A: Aggregate<Error: Sync>>(
    node: &Arc<Node>,
    command: A::Command,
    actor: &'static str,
) -> Result<(), ServiceError> {
    let node = node.clone();
    caller::blocking(move || node.execute::<A>(command, Timestamp::now(), actor)).await??;
    Ok(())
}
