//! Reading: what the views hold, of one position at a time.
//!
//! ```text
//! projection ─▶ the next views, which share what has not changed ─▶ published ◀─ taken by readers, for as long as they read
//! ```
//!
//! Nobody waits for anybody: a reader keeps the views that it took, and the projection publishes others. What is asked, and
//! of which views, is said in the rooms of the capabilities: as `impl Snapshot` where an answer names its position or joins
//! several views, as `impl Reads` for the rest.

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
use crate::view::standing::{OfSession, Standing, of_session};
use crate::view::{TenantView, Views};

use super::last_look::SharedVault;
use super::prices::Prices;
use super::reading::SharedReading;
use super::settings::Settings;

/// What is spent of each limit of a tenant, as it was last reckoned.
type Reckoned = Arc<Mutex<Option<Arc<Standing>>>>;

/// The views at a position, and what was reckoned of them: it goes with them.
#[derive(Debug, Default)]
struct Published {
    views: Views,
    /// Each tenant's own.
    standing: Mutex<BTreeMap<TenantId, Reckoned>>,
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The views as they are being kept up.
#[derive(Debug, Clone, Default)]
pub struct SharedViews {
    /// Locked for as long as it takes to copy a pointer.
    published: Arc<RwLock<Arc<Published>>>,
    /// Held by who makes the next ones.
    writing: Arc<Mutex<()>>,
}

impl SharedViews {
    /// Shares views.
    #[must_use]
    pub fn new(views: Views) -> Self {
        let published = Published { views, ..Published::default() };
        Self { published: Arc::new(RwLock::new(Arc::new(published))), writing: Arc::default() }
    }

    fn published(&self) -> Arc<Published> {
        self.published.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads them as they are now. Nobody waits meanwhile.
    pub fn read<T>(&self, read: impl FnOnce(&Views) -> T) -> T {
        read(&self.published().views)
    }

    /// Changes a copy of them, and publishes that. Readers go on reading the ones before; other writers wait.
    pub fn write<T>(&self, write: impl FnOnce(&mut Views) -> T) -> T {
        let _writing = locked(&self.writing);
        let mut views = self.published().views.clone();
        let written = write(&mut views);
        let next = Arc::new(Published { views, ..Published::default() });
        let before =
            std::mem::replace(&mut *self.published.write().unwrap_or_else(PoisonError::into_inner), next);
        // Outside the lock: where no reader has it, what is no longer shared is given back.
        drop(before);
        written
    }
}

/// Reads what is known of one tenant; cheap to clone.
#[derive(Clone)]
pub struct Reads {
    /// The log. Its questions wait: from actors and handlers they are asked on a blocking thread.
    pub log: Arc<dyn Log>,
    /// The log's head as this process last saw it: it waits for nothing, and shows what was appended here.
    pub head: watch::Receiver<Head>,
    /// Whose.
    pub tenant: TenantId,
    /// The settings in force: the time zone that days are reckoned in unless a question names another.
    pub settings: Settings,
    /// The views.
    pub views: SharedViews,
    /// The vault as it was last seen.
    pub vault: SharedVault,
    /// The prices that what has none is bounded by.
    pub prices: Prices,
    /// How far transcripts have been read.
    pub reading: SharedReading,
}

impl Reads {
    /// What is known at this moment, to ask one or several questions of.
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

    /// Asks questions whose answers are of one position.
    pub fn at<T>(&self, ask: impl FnOnce(&Snapshot) -> T) -> T {
        ask(&self.snapshot())
    }

    /// Reads what is known of the tenant.
    pub fn with_view<T>(&self, read: impl FnOnce(&TenantView) -> T) -> T {
        read(&self.views.published().views.shared(&self.tenant).unwrap_or_default())
    }

    /// The last event that this process knows of. Waits for nothing.
    #[must_use]
    pub fn last_seen(&self) -> Position {
        self.head.borrow().position
    }

    pub(in crate::service) fn zone(&self) -> TimeZone {
        self.settings.current().zone.clone()
    }

    /// What weeks begin with, unless a budget says otherwise.
    #[must_use]
    pub fn week_starts(&self) -> WeekStart {
        self.settings.current().config.week_starts
    }
}

/// What is known of a tenant at one position, under one reading of the settings and prices. It stays as it is, however far the
/// log goes on: take a new one for each answer.
pub struct Snapshot {
    reads: Reads,
    published: Arc<Published>,
    view: Arc<TenantView>,
    loaded: Arc<Loaded>,
    prices: Arc<PriceTable>,
}

impl Snapshot {
    /// The last event that is known.
    #[must_use]
    pub fn position(&self) -> Position {
        self.published.views.position
    }

    /// When that event was recorded.
    #[must_use]
    pub fn recorded_at(&self) -> Option<Timestamp> {
        self.published.views.recorded_at
    }

    /// What is known of the tenant.
    #[must_use]
    pub fn view(&self) -> &TenantView {
        &self.view
    }

    /// The settings.
    #[must_use]
    pub fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// The time zone that days are reckoned in.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.loaded.zone
    }

    /// The prices that what has none is bounded by.
    #[must_use]
    pub fn prices(&self) -> &Arc<PriceTable> {
        &self.prices
    }

    /// How far transcripts have been read. That is no part of the log, and goes on.
    #[must_use]
    pub fn reading(&self) -> &SharedReading {
        &self.reads.reading
    }

    /// What else there is to read, for what is no part of the views: the vault, whether the log can be written.
    #[must_use]
    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// What is spent of each limit. Those who ask at once wait for one of them to reckon.
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

    /// What is known of a session; none where no call of it is.
    #[must_use]
    pub fn of_session(&self, session: &str) -> Option<OfSession> {
        of_session(&self.view, session, &self.prices)
    }

    /// What was not read of the transcripts that may tell of a day or later.
    #[must_use]
    pub fn unread(&self, first: Date) -> Doubts {
        self.reads.reading.doubts(calendar::start_of(first, self.zone()))
    }
}

#[cfg(test)]
pub(in crate::service) mod tests;
