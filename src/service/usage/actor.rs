//! Reads transcripts and records their calls: all of them at the start, then what is added.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use notify::{RecursiveMode, Watcher};

use crate::actor::{ActorError, Behaviour, Context, Handle, Reply};
use crate::domain::usage::Usage;
use crate::integration::transcripts::Cursors;
use crate::log::LogAdmin;
use crate::service::aggregate::caller;
use crate::view::ViewError;

use super::importer::{ImportSummary, Importer, OnStep, Step};
use super::manual;
use super::manual::{Recorded, ToldFailure};
use super::recorder::reprice::Repriced;

/// Changes within this time of each other are read together.
const SETTLE: Duration = Duration::from_millis(150);

pub enum UsageMessage {
    /// Read all files now.
    Import(Reply<Result<ImportSummary, ViewError>>),
    /// Read the files that have grown, and reply when done.
    Refresh(Reply<Result<ImportSummary, ViewError>>),
    /// Read the files that have grown.
    Look,
    /// Price what lacks a price now.
    Reprice(Reply<Result<Repriced, ViewError>>),
    /// Manually reported usage.
    Told {
        usage: Box<Usage>,
        /// Whether it may replace a greater sum.
        may_fall: bool,
        reply: Reply<Result<Recorded, ToldFailure>>,
    },
}

/// Result of the last import.
#[derive(Debug, Clone, Default)]
pub struct ImportState {
    /// When it ended; none while the first one runs.
    pub at: Option<Timestamp>,
    pub summary: ImportSummary,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// Shared with the status queries.
pub type SharedImportState = Arc<Mutex<ImportState>>;

/// See the module.
pub struct UsageActor {
    importer: Importer,
    log: Arc<dyn LogAdmin>,
    on_step: OnStep,
    state: SharedImportState,
    poll: Duration,
    cursors: Cursors,
    /// Number of unreadable files at the last read.
    unread: u64,
    /// Dropping it stops the watching.
    watcher: Option<notify::RecommendedWatcher>,
}

impl UsageActor {
    /// Reads with `importer`, and polls every `poll` if the system does not report changes.
    #[must_use]
    pub fn new(
        importer: Importer,
        log: Arc<dyn LogAdmin>,
        on_step: OnStep,
        state: SharedImportState,
        poll: Duration,
    ) -> Self {
        Self { importer, log, on_step, state, poll, cursors: Cursors::new(), unread: 0, watcher: None }
    }

    /// Watches the existing directories; the poll finds later ones.
    fn watch(&mut self, handle: &Handle<UsageMessage>, context: &Context<Self>) {
        let (changed, mut changes) = tokio::sync::mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // A full mailbox already holds a poll.
                let _ = changed.try_send(());
            }
        });
        self.watcher = match watcher {
            Ok(mut watcher) => {
                for directory in self.importer.watched() {
                    if let Err(error) = watcher.watch(&directory, RecursiveMode::Recursive)
                        && directory.is_dir()
                    {
                        tracing::warn!(
                            %error,
                            directory = %directory.display(),
                            poll_seconds = self.poll.as_secs(),
                            "the system does not report all changes there, and transcripts are polled; \
                             raise fs.inotify.max_user_watches to have them read at once"
                        );
                    }
                }
                Some(watcher)
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    poll_seconds = self.poll.as_secs(),
                    "the system does not report changes, and transcripts are polled; \
                     raise fs.inotify.max_user_instances to have them read at once"
                );
                None
            }
        };
        let (handle, poll) = (handle.clone(), self.poll);
        context.spawn(async move {
            loop {
                tokio::select! {
                    change = changes.recv() => {
                        if change.is_none() {
                            tokio::time::sleep(poll).await;
                        }
                        tokio::time::sleep(SETTLE).await;
                    }
                    () = tokio::time::sleep(poll) => {}
                }
                // A full mailbox already holds a poll.
                let _ = handle.try_tell(UsageMessage::Look);
            }
        });
    }

    async fn import(&mut self, changed_only: bool) -> Result<ImportSummary, ViewError> {
        let (importer, on_step) = (self.importer.clone(), self.on_step.clone());
        let mut cursors = std::mem::take(&mut self.cursors);
        let span = tracing::info_span!("usage.import", changed_only);
        let work = move || {
            let _entered = span.enter();
            let result = importer.import(&mut cursors, changed_only, Timestamp::now(), &on_step);
            (result, cursors)
        };
        let (result, cursors) = caller::blocking(work).await?;
        self.cursors = cursors;
        self.note(changed_only, &result);
        if let Ok(summary) = &result {
            self.log_unread(summary.bad_files);
        }
        result
    }

    /// Logs one line per change, and none while nothing changes.
    fn log_unread(&mut self, files: u64) {
        match (std::mem::replace(&mut self.unread, files), files) {
            (before, files) if before == files => {}
            (_, 0) => tracing::warn!("all transcripts can be read again"),
            (_, files) => tracing::warn!(
                files,
                "transcripts cannot be read, and what is new in them is not counted; `mecris import` names them"
            ),
        }
    }

    /// No other calls are recorded meanwhile, and no read of transcripts competes for the disk.
    async fn reprice(&self) -> Result<Repriced, ViewError> {
        let (recorder, on_step) = (self.importer.recorder().clone(), self.on_step.clone());
        let span = tracing::info_span!("usage.reprice");
        let work = move || {
            let _entered = span.enter();
            recorder.reprice(&|done, total| on_step(Step::Recording { done, total }))
        };
        caller::blocking(work).await?
    }

    fn note(&self, changed_only: bool, result: &Result<ImportSummary, ViewError>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.at = Some(Timestamp::now());
        state.error = result.as_ref().err().map(ToString::to_string);
        match result {
            // A read of grown files says nothing about the others.
            Ok(summary) if changed_only => {
                state.summary.files = summary.files;
                state.summary.recorded += summary.recorded;
                state.summary.revised += summary.revised;
            }
            Ok(summary) => state.summary = summary.clone(),
            Err(_) => {}
        }
    }
}

impl Behaviour for UsageActor {
    type Message = UsageMessage;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.cursors = self.importer.load_cursors();
        self.watch(&context.handle().clone(), context);
        Ok(())
    }

    async fn handle(&mut self, message: UsageMessage, _: &Context<Self>) -> Result<(), ActorError> {
        match message {
            UsageMessage::Import(reply) => reply.send(self.import(false).await),
            UsageMessage::Reprice(reply) => reply.send(self.reprice().await),
            UsageMessage::Refresh(reply) => reply.send(self.import(true).await),
            UsageMessage::Told { usage, may_fall, reply } => {
                let recorder = self.importer.recorder().clone();
                // This actor alone records sums: none can come between reading the current sum and recording
                // the new one.
                let record = move || manual::record(&recorder, *usage, may_fall);
                let recorded = caller::blocking(record).await;
                reply.send(recorded.unwrap_or_else(|cut| Err(cut.into())));
            }
            UsageMessage::Look => {
                // What is read while the log refuses events would only have to be read again.
                if let Some(reason) = self.log.health().refusal {
                    let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                    state.error = Some(format!("what is new is not read: {reason}"));
                    return Ok(());
                }
                let looked = self.import(true).await;
                if let Ok(summary) = &looked
                    && summary.recorded + summary.revised > 0
                {
                    tracing::info!(summary.recorded, summary.revised, "usage was added");
                }
                // The log may accept events at the next poll.
                if let Err(error) = looked {
                    tracing::warn!(%error, "usage could not be recorded");
                }
            }
        }
        Ok(())
    }

    fn label(message: &UsageMessage) -> &'static str {
        match message {
            UsageMessage::Import(_) => "import",
            UsageMessage::Refresh(_) => "refresh",
            UsageMessage::Look => "look",
            UsageMessage::Reprice(_) => "reprice",
            UsageMessage::Told { .. } => "told",
        }
    }
}
