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

/// Changes that come within this time of each other are looked at together.
const SETTLE: Duration = Duration::from_millis(150);

/// What the actor is told.
pub enum UsageMessage {
    /// Look at all files now.
    Import(Reply<Result<ImportSummary, ViewError>>),
    /// Look at the files that have grown, and say when that is done.
    Refresh(Reply<Result<ImportSummary, ViewError>>),
    /// Look at the files that have grown.
    Look,
    /// Price what lacks a price now.
    Reprice(Reply<Result<Repriced, ViewError>>),
    /// Somebody tells of usage.
    Told {
        /// What.
        usage: Box<Usage>,
        /// Whether it may take the place of a greater sum.
        may_fall: bool,
        /// Who waits.
        reply: Reply<Result<Recorded, ToldFailure>>,
    },
}

/// What is known of the last import.
#[derive(Debug, Clone, Default)]
pub struct ImportState {
    /// When it ended; none while the first one runs.
    pub at: Option<Timestamp>,
    /// What it did.
    pub summary: ImportSummary,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

/// Shared with those who ask how things stand.
pub type SharedImportState = Arc<Mutex<ImportState>>;

/// See the module.
pub struct UsageActor {
    importer: Importer,
    log: Arc<dyn LogAdmin>,
    on_step: OnStep,
    state: SharedImportState,
    poll: Duration,
    cursors: Cursors,
    /// How many files could not be read at the last look.
    unread: u64,
    /// Dropped with the actor, which ends the watching.
    watcher: Option<notify::RecommendedWatcher>,
}

impl UsageActor {
    /// Reads with `importer`, and looks every `poll` where the system does not tell of changes.
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

    /// Watches the directories that are there; those that come later are found by the poll.
    fn watch(&mut self, handle: &Handle<UsageMessage>, context: &Context<Self>) {
        let (changed, mut changes) = tokio::sync::mpsc::channel(1);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !event.kind.is_access()) {
                // Full: a look is due already.
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
                            "the system does not tell of all changes there, and transcripts are polled; \
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
                    "the system does not tell of changes, and transcripts are polled; \
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
                // Full: a look is due already.
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
            self.tell_of_unread(summary.bad_files);
        }
        result
    }

    /// A line for each change, and none for what stays as it is.
    fn tell_of_unread(&mut self, files: u64) {
        match (std::mem::replace(&mut self.unread, files), files) {
            (before, files) if before == files => {}
            (_, 0) => tracing::warn!("all transcripts can be read again"),
            (_, files) => tracing::warn!(
                files,
                "transcripts cannot be read, and what is new in them is not counted; `mecris import` names them"
            ),
        }
    }

    /// Nobody else records calls meanwhile, and no look at transcripts waits for the disk beside it.
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
            // A look at what has grown says nothing of the files that have not.
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
                // Nobody else tells sums: none comes between the look at the one that stands and the record.
                let record = move || manual::record(&recorder, *usage, may_fall);
                let recorded = caller::blocking(record).await;
                reply.send(recorded.unwrap_or_else(|cut| Err(cut.into())));
            }
            UsageMessage::Look => {
                // What is read while the log takes nothing would only be read again.
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
                // A log that does not accept events now may do so at the next look.
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
