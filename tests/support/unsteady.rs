//! A log that waits, and that fails on command: what a log over a network does to those who use it.
//!
//! A question waits on its thread, and panics on a thread that must not wait. Appends wait on a thread of their own and
//! keep their order.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use mecris::event::{EventId, Position, StreamId, TenantId, Version};
use mecris::log::backup::BackupReport;
use mecris::log::verify::VerifyReport;
use mecris::log::{Append, Appended, Appending, EventLog, Head, Health, LogAdmin, LogError, Page, Progress};
use tokio::sync::{oneshot, watch};

/// How an append fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Nothing was sent.
    Unsent,
    /// It came through, and the answer was lost.
    Unheard,
}

/// Which calls fail.
#[derive(Debug, Clone, Copy)]
enum Plan {
    None,
    /// One, by its number from 1.
    One(u64, Failing),
    All,
}

type Waiting = (Append, Plan, u64, oneshot::Sender<Result<Appended, LogError>>);

/// See the module.
pub struct Unsteady<L: ?Sized> {
    inner: Arc<L>,
    wait: Duration,
    plan: Mutex<Plan>,
    calls: AtomicU64,
    appends: Mutex<Sender<Waiting>>,
}

fn unavailable() -> LogError {
    LogError::Unavailable { reason: "the line is cut".into(), fix: "mend the line".into() }
}

impl<L: EventLog + ?Sized> Unsteady<L> {
    pub fn new(inner: Arc<L>, wait: Duration) -> Self {
        let (appends, waiting) = channel::<Waiting>();
        let below = inner.clone();
        std::thread::spawn(move || {
            while let Ok((append, plan, call, reply)) = waiting.recv() {
                std::thread::sleep(wait);
                let answer = match plan {
                    Plan::One(number, Failing::Unsent) if number == call => Err(unavailable()),
                    Plan::One(number, Failing::Unheard) if number == call => {
                        drop(below.append(append).wait());
                        Err(LogError::UnknownOutcome { reason: "the line was cut".into() })
                    }
                    Plan::All => Err(unavailable()),
                    _ => below.append(append).wait(),
                };
                drop(reply.send(answer));
            }
        });
        let (plan, calls) = (Mutex::new(Plan::None), AtomicU64::new(0));
        Self { inner, wait, plan, calls, appends: Mutex::new(appends) }
    }

    /// The call with this number from now on fails, and no other.
    pub fn fail_at(&self, call: u64, failing: Failing) {
        self.calls.store(0, Ordering::SeqCst);
        *self.plan.lock().unwrap() = Plan::One(call, failing);
    }

    /// Every call fails.
    pub fn cut(&self) {
        *self.plan.lock().unwrap() = Plan::All;
    }

    /// No call fails; how many there were since the last command.
    pub fn mend(&self) -> u64 {
        *self.plan.lock().unwrap() = Plan::None;
        self.calls.swap(0, Ordering::SeqCst)
    }

    fn next(&self) -> (Plan, u64) {
        (*self.plan.lock().unwrap(), self.calls.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn ask(&self) -> Result<&L, LogError> {
        // Nobody answers, so that it returns at once; it panics where others wait for this thread.
        let (nobody, never) = oneshot::channel::<()>();
        drop(nobody);
        assert!(never.blocking_recv().is_err());
        std::thread::sleep(self.wait);
        match self.next() {
            (Plan::One(number, _), call) if number == call => Err(unavailable()),
            (Plan::All, _) => Err(unavailable()),
            _ => Ok(&self.inner),
        }
    }
}

impl<L: EventLog + ?Sized> EventLog for Unsteady<L> {
    fn append(&self, append: Append) -> Appending {
        let (reply, appending) = Appending::channel();
        let (plan, call) = self.next();
        self.appends.lock().unwrap().send((append, plan, call, reply)).unwrap();
        appending
    }

    fn head(&self) -> Result<Head, LogError> {
        self.ask()?.head()
    }

    fn watch(&self) -> Result<watch::Receiver<Head>, LogError> {
        self.ask()?.watch()
    }

    fn read(&self, from: Position, limit: u64, page: &mut Page) -> Result<(), LogError> {
        // A short page: whoever reads has to come back.
        self.ask()?.read(from, limit.min(64), page)
    }

    fn read_stream(
        &self,
        tenant: &TenantId,
        stream: &StreamId,
        from: Version,
        limit: u64,
        page: &mut Page,
    ) -> Result<(), LogError> {
        self.ask()?.read_stream(tenant, stream, from, limit.min(64), page)
    }

    fn stream_version(&self, tenant: &TenantId, stream: &StreamId) -> Result<Version, LogError> {
        self.ask()?.stream_version(tenant, stream)
    }

    fn find_many(&self, ids: &[EventId]) -> Result<Vec<Option<Position>>, LogError> {
        self.ask()?.find_many(ids)
    }

    fn position_at(&self, recorded_at: Timestamp) -> Result<Position, LogError> {
        self.ask()?.position_at(recorded_at)
    }
}

impl<L: EventLog + LogAdmin + ?Sized> LogAdmin for Unsteady<L> {
    fn health(&self) -> Health {
        self.inner.health()
    }

    fn reopen(&self) -> Result<(), LogError> {
        self.ask()?.reopen()
    }

    fn verify(
        &self,
        expected: Option<[u8; 32]>,
        progress: &mut Progress<'_>,
    ) -> Result<VerifyReport, LogError> {
        self.ask()?.verify(expected, progress)
    }

    fn backup(&self, target: &Path, progress: &mut Progress<'_>) -> Result<BackupReport, LogError> {
        self.ask()?.backup(target, progress)
    }

    fn close(&self) {
        self.inner.close();
    }
}
