//! Queries: consistent reads of the views at one position.
//!
//! ```text
//! projection ─▶ next version of the views, sharing unchanged parts ─▶ published ◀─ held by readers
//! ```
//!
//! Readers and the writer never wait for each other: a reader keeps the version it took while the projection
//! publishes newer ones. Each capability defines its queries in its own room: as `impl Snapshot` if an answer
//! names its position or joins several views, as `impl Reads` otherwise.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tokio::sync::watch;

use crate::config::Loaded;
use crate::domain::calendar::{self, WeekStart};
use crate::domain::lacking::Doubts;
use crate::domain::pricing::PriceTable;
use crate::event::{Position, TenantId};
use crate::log::{Head, Log};
use crate::view::standing::{SessionUsage, Standing, session_usage};
use crate::view::{TenantView, Views};

use super::last_look::SharedVault;
use super::prices::Prices;
use super::reading::SharedReading;
use super::settings::Settings;

/// The cached spend per limit of a tenant.
type SpendCache = Arc<Mutex<Option<Arc<Standing>>>>;

/// The views at a position, with caches computed from them.
#[derive(Debug, Default)]
struct Published {
    views: Views,
    /// By tenant.
    standing: Mutex<BTreeMap<TenantId, SpendCache>>,
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The current version of the views.
#[derive(Debug, Clone, Default)]
pub struct SharedViews {
    /// Locked only while the pointer is copied.
    published: Arc<RwLock<Arc<Published>>>,
    /// LimitUse by the writer of the next version.
    writing: Arc<Mutex<()>>,
}

impl SharedViews {
    #[must_use]
    pub fn new(views: Views) -> Self {
        let published = Published { views, ..Published::default() };
        Self { published: Arc::new(RwLock::new(Arc::new(published))), writing: Arc::default() }
    }

    fn published(&self) -> Arc<Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the current version. Blocks nobody.
    pub fn read<T>(&self, read: impl FnOnce(&Views) -> T) -> T {
        read(&self.published().views)
    }

    /// Changes a copy, and publishes it. Readers keep the previous version; other writers wait.
    pub fn write<T>(&self, write: impl FnOnce(&mut Views) -> T) -> T {
        let _writing = locked(&self.writing);
        let mut views = self.published().views.clone();
        let written = write(&mut views);
        let next = Arc::new(Published { views, ..Published::default() });
        let before =
            std::mem::replace(&mut *self.published.write().unwrap_or_else(PoisonError::into_inner), next);
        // Outside the lock: dropping the last reference frees what is no longer shared.
        drop(before);
        written
    }
}

/// Reads one tenant's state; cheap to clone.
#[derive(Clone)]
pub struct Reads {
    /// The log. Its methods block: actors and handlers call them on a blocking thread.
    pub log: Arc<dyn Log>,
    /// The head of the log as this process sees it. Reading it does not block.
    pub head: watch::Receiver<Head>,
    pub tenant: TenantId,
    /// The settings in force, with the default time zone for days.
    pub settings: Settings,
    pub views: SharedViews,
    /// The vault as it was read last.
    pub vault: SharedVault,
    /// Prices, for bounding what calls without a price may cost.
    pub prices: Prices,
    /// How far transcripts have been read.
    pub reading: SharedReading,
}

impl Reads {
    /// The current state, for one or several queries.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let published = self.views.published();
        let view = published.views.shared(&self.tenant).unwrap_or_default();
        Snapshot {
            reads: self.clone(),
            published,
            view,
            loaded: self.settings.current(),
            prices: self.prices.current(),
        }
    }

    /// Runs queries whose answers belong to one position.
    pub fn at<T>(&self, ask: impl FnOnce(&Snapshot) -> T) -> T {
        ask(&self.snapshot())
    }

    /// Reads the tenant's view.
    pub fn with_view<T>(&self, read: impl FnOnce(&TenantView) -> T) -> T {
        read(&self.views.published().views.shared(&self.tenant).unwrap_or_default())
    }

    /// The last event that this process knows of. Does not block.
    #[must_use]
    pub fn last_seen(&self) -> Position {
        self.head.borrow().position
    }

    pub(in crate::service) fn zone(&self) -> TimeZone {
        self.settings.current().zone.clone()
    }

    /// First day of the week, unless a budget sets its own.
    #[must_use]
    pub fn week_starts(&self) -> WeekStart {
        self.settings.current().config.week_starts
    }
}

/// A tenant's state at one position, with one version of the settings and prices. It does not change as the
/// log grows: take a new one for each answer.
pub struct Snapshot {
    reads: Reads,
    published: Arc<Published>,
    view: Arc<TenantView>,
    loaded: Arc<Loaded>,
    prices: Arc<PriceTable>,
}

impl Snapshot {
    /// The last event in this state.
    #[must_use]
    pub fn position(&self) -> Position {
        self.published.views.position
    }

    /// When that event was recorded.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Timestamp> {
        self.published.views.recorded_at
    }

    /// The tenant's view.
    #[must_use]
    pub fn view(&self) -> &TenantView {
        &self.view
    }

    #[must_use]
    pub fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// The time zone of days.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.loaded.zone
    }

    /// Prices, for bounding what calls without a price may cost.
    #[must_use]
    pub fn prices(&self) -> &Arc<PriceTable> {
        &self.prices
    }

    /// How far transcripts have been read. This is not part of the log, and is always current.
    #[must_use]
    pub fn reading(&self) -> &SharedReading {
        &self.reads.reading
    }

    /// Access to state outside the views: the vault, the log's health.
    #[must_use]
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// Spend per limit. Concurrent callers share one computation.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Arc<Standing> {
        let reckoned = locked(&self.published.standing).entry(self.reads.tenant.clone()).or_default().clone();
        let mut kept = locked(&reckoned);
        if let Some(kept) = kept.as_ref().filter(|kept| kept.holds(now, self.zone(), &self.prices)) {
            return kept.clone();
        }
        let standing = Arc::new(Standing::of(&self.view, now, self.zone(), &self.prices));
        *kept = Some(standing.clone());
        standing
    }

    /// A session's usage; none if it has no recorded call.
    #[must_use]
    pub fn session_usage(&self, session: &str) -> Option<SessionUsage> {
        session_usage(&self.view, session, &self.prices)
    }

    /// What unread transcripts may hide about a day or later.
    #[must_use]
    pub fn unread(&self, first: Date) -> Doubts {
        self.reads.reading.doubts(calendar::start_of(first, self.zone()))
    }
}

#[cfg(test)]
pub(in crate::service) mod tests;
