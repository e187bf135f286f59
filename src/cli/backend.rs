//! Where a command's answer comes from: a running supervisor, or the log itself.

mod alerts;
mod balance;
mod quota;
mod reconcile;
mod usage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{self, ConfigError, Loaded, paths};
use crate::domain::budget::{BudgetCommand, BudgetName, decide};
use crate::domain::calendar::WeekStart;
use crate::integration::transcripts::Cursors;
use crate::log::LogError;
use crate::service::audit::Replayed;
use crate::service::audit::{Reckoning, parse_until};
use crate::service::budgets::budget::BudgetAggregate;
use crate::service::budgets::client::{BudgetBody, Budgets};
use crate::service::goals::requests::GoalsShown;
use crate::service::runtime::incidents;
use crate::service::runtime::incidents::Incidents;
use crate::service::runtime::node::{Node, StartError};
use crate::service::runtime::settings::{Reloaded, Settings};
use crate::service::runtime::sources::SourcesShown;
use crate::service::system::status::{DrillBody, StatusShown};
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::importer::OnStep;
use crate::service::usage::report::ReportShown;
use crate::view::explain::{Explanation, Subject};
use crate::view::freshness::Freshness;
use crate::view::report::{Grouping, Range};

use super::Common;
use super::output::{CliError, bar, warn};
use super::remote::Remote;

/// See the module.
pub enum Backend {
    /// A supervisor holds the log.
    Running(Box<Remote>),
    /// Nobody does: it is opened here.
    Own(Box<Node>),
}

/// The configuration, and the data directory that the options name.
///
/// # Errors
/// [`ConfigError`].
pub fn settings(common: &Common) -> Result<(Loaded, PathBuf), ConfigError> {
    let loaded = config::load(common.config.as_deref())?;
    let dir = paths::data_dir(common.data_dir.as_deref())?;
    Ok((loaded, dir))
}

fn zone(name: Option<&str>) -> Result<Option<TimeZone>, CliError> {
    Ok(name.map(config::zone::named).transpose()?)
}

impl Backend {
    /// Finds the supervisor, or opens the log.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn open(common: &Common) -> Result<Self, CliError> {
        let settings = Settings::load(common.config.as_deref())?;
        let dir = paths::data_dir(common.data_dir.as_deref())?;
        if let Some(remote) = Remote::running(&dir) {
            return Ok(Self::Running(Box::new(remote)));
        }
        match Node::open(&dir, settings) {
            Ok(node) => Ok(Self::Own(Box::new(node))),
            Err(StartError::Log(LogError::Locked { .. })) => Ok(Self::Running(Box::new(Remote::find(&dir)?))),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, once what is new in transcripts has been read, so that no figure stands for what was not looked at. What
    /// cannot be read or recorded now stands in the way of no answer: the answer says how old it is.
    ///
    /// # Errors
    /// As [`Backend::open`].
    pub fn current(common: &Common) -> Result<Self, CliError> {
        let backend = Self::open(common)?;
        match &backend {
            Self::Running(remote) => {
                // A supervisor that is busy or of an older version answers with what it has.
                let _ = remote.post::<Freshness>("/api/v1/look");
            }
            Self::Own(node) if node.settings.current().config.transcripts.enabled => {
                let importer = node.importer(&[], "cli");
                let (on_step, bar) = show_steps(common.json);
                let mut cursors = importer.load_cursors();
                let read = importer.import(&mut cursors, true, Timestamp::now(), &on_step);
                bar.finish_and_clear();
                if let Err(error) = read {
                    warn(&format!("mecris: what is new in transcripts is not read: {error}"));
                }
            }
            Self::Own(_) => {}
        }
        Ok(backend)
    }

    /// How things stand.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn status(&self) -> Result<StatusShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/status", &[]),
            Self::Own(node) => {
                // Without a supervisor nothing is asked.
                Ok(node.queries()?.status(Timestamp::now()))
            }
        }
    }

    /// The goals.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn goals(&self) -> Result<GoalsShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/goals", &[]),
            Self::Own(node) => {
                Ok(GoalsShown { goals: node.queries()?.goals(Timestamp::now()), source: None })
            }
        }
    }

    /// Has an actor panic on purpose.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn drill(&self, actor: String) -> Result<Vec<crate::actor::Snapshot>, CliError> {
        match self {
            Self::Running(remote) => remote.post_body("/api/v1/drill", &DrillBody { actor }),
            Self::Own(node) => Err(CliError::NotRunning(node.dir.display().to_string())),
        }
    }

    /// The outside systems of a running supervisor.
    ///
    /// # Errors
    /// [`CliError::NotRunning`].
    pub fn sources(&self) -> Result<SourcesShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/sources", &[]),
            Self::Own(node) => Err(CliError::NotRunning(node.dir.display().to_string())),
        }
    }

    /// What happened to the system itself, from an instant on.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn incidents(&self, since: Option<Timestamp>) -> Result<Incidents, CliError> {
        match self {
            Self::Running(remote) => {
                let query: Vec<_> = since.map(|since| ("since", since.to_string())).into_iter().collect();
                remote.get("/api/v1/incidents", &query)
            }
            Self::Own(node) => Ok(incidents::incidents(&*node.log, &node.tenant, since)?),
        }
    }

    /// Has a running supervisor read its settings again.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn reload(&self) -> Result<Reloaded, CliError> {
        match self {
            Self::Running(remote) => remote.post("/api/v1/reload"),
            Self::Own(node) => Err(CliError::NotRunning(node.dir.display().to_string())),
        }
    }

    /// A report.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn report(
        &self,
        by: Grouping,
        since: Option<Date>,
        until: Option<Date>,
        tz: Option<&str>,
    ) -> Result<ReportShown, CliError> {
        let zone = zone(tz)?;
        match self {
            Self::Running(remote) => {
                let by = serde_json::to_value(by).unwrap_or_default();
                let mut query = vec![("by", by.as_str().unwrap_or_default().to_owned())];
                query.extend(since.map(|day| ("since", day.to_string())));
                query.extend(until.map(|day| ("until", day.to_string())));
                query.extend(tz.map(|name| ("tz", name.to_owned())));
                remote.get("/api/v1/spend", &query)
            }
            Self::Own(node) => Ok(node.queries()?.report(by, &Range { since, until }, zone.as_ref())),
        }
    }

    /// The budgets.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn budgets(&self) -> Result<Budgets, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/budgets", &[]),
            Self::Own(node) => Ok(node.queries()?.budgets_shown(Timestamp::now())),
        }
    }

    /// Creates or replaces a budget.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn set_budget(&self, name: &BudgetName, body: BudgetBody) -> Result<Budgets, CliError> {
        // What is refused where nothing is set yet is refused for itself, and in the same words by whomever. No week begins with a
        // day that would be wrong.
        let checked = body.clone().into_budget(name.clone(), WeekStart::default())?;
        decide(&BTreeMap::new(), BudgetCommand::Set(checked))?;
        match self {
            Self::Running(remote) => remote.put(&format!("/api/v1/budgets/{name}"), &body),
            Self::Own(node) => {
                let budget = body.into_budget(name.clone(), node.settings.current().config.week_starts)?;
                self.execute(node, BudgetCommand::Set(budget))
            }
        }
    }

    /// Removes a budget.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn remove_budget(&self, name: &BudgetName) -> Result<Budgets, CliError> {
        match self {
            Self::Running(remote) => remote.delete(&format!("/api/v1/budgets/{name}")),
            Self::Own(node) => self.execute(node, BudgetCommand::Remove(name.clone())),
        }
    }

    fn execute(&self, node: &Node, command: BudgetCommand) -> Result<Budgets, CliError> {
        node.execute::<BudgetAggregate>(command, Timestamp::now(), "cli")?;
        self.budgets()
    }

    /// The events behind a number.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn explain(&self, subject: &str, tz: Option<&str>) -> Result<Explanation, CliError> {
        if subject.is_empty() {
            return Err(CliError::Usage("name a day, a session or a message".into()));
        }
        let zone = zone(tz)?;
        match self {
            Self::Running(remote) => {
                let mut query = vec![("subject", subject.to_owned())];
                query.extend(tz.map(|name| ("tz", name.to_owned())));
                remote.get("/api/v1/explain", &query)
            }
            Self::Own(node) => Ok(node.queries()?.explain(&Subject::parse(subject), zone.as_ref())?),
        }
    }

    /// Everything rebuilt from the first event.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn replay(&self, until: Option<&str>, reckoning: Reckoning) -> Result<Replayed, CliError> {
        let end = parse_until(until, reckoning).map_err(CliError::Usage)?;
        match self {
            Self::Running(remote) => {
                let mut query = vec![("by", reckoning.word().to_owned())];
                query.extend(until.map(|until| ("until", until.to_owned())));
                remote.get("/api/v1/replay", &query)
            }
            Self::Own(node) => {
                let bar = bar("replaying", false);
                let replayed = node.queries()?.replay(end, Timestamp::now(), &mut |done, total| {
                    bar.set_length(total);
                    bar.set_position(done);
                })?;
                bar.finish_and_clear();
                Ok(replayed)
            }
        }
    }

    /// Imports.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn import(
        &self,
        roots: &[PathBuf],
        afresh: bool,
        on_step: &OnStep,
    ) -> Result<ImportSummary, CliError> {
        match self {
            Self::Running(remote) if roots.is_empty() && !afresh => remote.post("/api/v1/import"),
            Self::Running(remote) => Err(CliError::Usage(format!(
                "the supervisor at {} imports from its own directories; stop it to import others or afresh",
                remote.url()
            ))),
            Self::Own(node) => {
                let importer = node.importer(roots, "cli");
                let mut cursors = if afresh { Cursors::new() } else { importer.load_cursors() };
                Ok(importer.import(&mut cursors, false, Timestamp::now(), on_step)?)
            }
        }
    }

    /// The actors of a running supervisor.
    ///
    /// # Errors
    /// [`CliError::NotRunning`].
    pub fn actors(&self) -> Result<Vec<crate::actor::Snapshot>, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/actors", &[]),
            Self::Own(node) => Err(CliError::NotRunning(node.dir.display().to_string())),
        }
    }
}

/// Draws an import's progress: a bar on a terminal, a line now and then elsewhere.
#[must_use]
pub fn show_steps(is_quiet: bool) -> (OnStep, indicatif::ProgressBar) {
    use crate::service::usage::importer::Step;
    use std::io::IsTerminal;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Less is read before a line about it is.
    const WORTH_SAYING: u64 = 50_000_000;

    let bar = if is_quiet { indicatif::ProgressBar::hidden() } else { bar("reading transcripts", true) };
    let (drawn, said) = (bar.clone(), AtomicU64::new(0));
    let is_plain = !is_quiet && !std::io::stderr().is_terminal();
    let on_step: OnStep = Arc::new(move |step| match step {
        Step::Reading { bytes, total, files } => {
            drawn.set_length(total);
            drawn.set_position(bytes);
            let tenth = (bytes * 10).checked_div(total).unwrap_or(10);
            if is_plain && total >= WORTH_SAYING && said.fetch_max(tenth, Ordering::Relaxed) < tenth {
                warn(&format!(
                    "reading transcripts: {}% of {} MB, {files} files",
                    tenth * 10,
                    total / 1_000_000
                ));
            }
        }
        Step::Recording { done, total } => drawn.set_message(format!("recording {done}/{total}")),
    });
    (on_step, bar)
}
