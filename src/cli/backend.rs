//! Where a command's answer comes from: a running supervisor, or the log itself.

use std::path::PathBuf;
use std::sync::Arc;

use indicatif::ProgressBar;
use jiff::Timestamp;

use crate::config::{self, ConfigError, Loaded};
use crate::integration::transcripts::Cursors;
use crate::log::LogError;
use crate::service::endpoints::usage::{Import, Look};
use crate::service::endpoints::{Endpoint, Host};
use crate::service::runtime::node::{Node, StartError};
use crate::service::runtime::place::Place;
use crate::service::runtime::settings::Settings;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::importer::OnStep;

use super::Common;
use super::output::{CliError, bar, warn};
use super::remote::Remote;

/// See the module.
pub enum Backend {
    /// A supervisor holds the log.
    Running(Box<Remote>),
    /// Nobody does: it is opened here.
    Own(Arc<Node>),
}

/// The configuration, and the place of the tenant that the options name.
///
/// # Errors
/// [`ConfigError`].
pub fn settings(common: &Common) -> Result<(Loaded, Place), ConfigError> {
    let place = common.place()?;
    Ok((config::load_from(&common.source(&place))?, place))
}

impl Backend {
    /// Finds the supervisor, or opens the log.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn open(common: &Common) -> Result<Self, CliError> {
        let place = common.place()?;
        let settings = Settings::load_from(common.source(&place))?;
        if let Some(remote) = Remote::running(&place) {
            return Ok(Self::Running(Box::new(remote)));
        }
        match Node::open(&place, settings) {
            Ok(node) => Ok(Self::Own(Arc::new(node))),
            Err(StartError::Log(LogError::Locked { .. })) => {
                Ok(Self::Running(Box::new(Remote::find(&place)?)))
            }
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
                let _ = remote.call(&Look);
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

    /// Has a request answered: by the supervisor that runs, or by the same code here.
    ///
    /// # Errors
    /// [`CliError`]: the request makes no sense, or what whoever answers says.
    pub fn call<E: Endpoint>(&self, request: E) -> Result<E::Out, CliError> {
        self.call_showing(request, &ProgressBar::hidden())
    }

    /// The same, and draws how far it is where it is done here.
    ///
    /// # Errors
    /// As [`Backend::call`].
    pub fn call_showing<E: Endpoint>(&self, request: E, bar: &ProgressBar) -> Result<E::Out, CliError> {
        request.check(Timestamp::now())?;
        let node = match self {
            Self::Running(remote) => return remote.call(&request),
            Self::Own(node) => node.clone(),
        };
        let drawn = bar.clone();
        let on_progress = Arc::new(move |done, total| {
            drawn.set_length(total);
            drawn.set_position(done);
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let answered = runtime.block_on(request.answer(&Host::Alone { node, on_progress }));
        bar.finish_and_clear();
        Ok(answered?)
    }

    /// Imports. Only without a supervisor from other directories than the configured ones, or afresh.
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
            Self::Running(remote) if roots.is_empty() && !afresh => remote.call(&Import),
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
}

/// Draws an import's progress: a bar on a terminal, a line now and then elsewhere.
#[must_use]
pub fn show_steps(is_quiet: bool) -> (OnStep, ProgressBar) {
    use crate::service::usage::importer::Step;
    use std::io::IsTerminal;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Less is read before a line about it is.
    const WORTH_SAYING: u64 = 50_000_000;

    let bar = if is_quiet { ProgressBar::hidden() } else { bar("reading transcripts", true) };
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
