//! A tenant, opened: its directory, log, settings, prices and cursors, and what works on them without actors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::config::{Config, ConfigError, prices};
use crate::domain::tenant::NoTenant;
use crate::event::payload::LogRepaired;
use crate::event::{Event, EventId, Metadata, NewEvent, Position, StreamId, TenantId};
use crate::log::{Location, Log, LogError, OpenReport, Opened, Options, Repair};
use crate::service::aggregate::repository::{self, Aggregate, CommandError, Repository, new_event};
use crate::view::replay::catch_up;
use crate::view::{Horizon, ViewError};

use super::last_look::SharedVault;
use super::place::{self, Place, PlaceError};
use super::prices::Prices;
use super::reading::SharedReading;
use super::reads::{Reads, SharedViews};
use super::settings::Settings;
use super::snapshots::Snapshots;

/// Why the system does not start: one line with the mend.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory.
    #[error(transparent)]
    Place(PlaceError),
    /// There is no such tenant.
    #[error(transparent)]
    NoTenant(#[from] NoTenant),
    /// The log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The views.
    #[error(transparent)]
    View(#[from] ViewError),
    /// The address is taken.
    #[error("cannot listen on {address}: {reason}; stop what listens there, or choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// Others would reach an address without encryption.
    #[error("{address} can be reached by others, and TLS cannot be spoken there: {reason}")]
    Tls {
        /// The address.
        address: SocketAddr,
        /// Why, and what helps.
        reason: String,
    },
    /// A thread ended early.
    #[error("starting was cut short; see the log lines above")]
    CutShort,
}

/// Another process's lock is the log's to tell: whoever is told so asks that process.
impl From<PlaceError> for StartError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Log(error) => Self::Log(error),
            error => Self::Place(error),
        }
    }
}

/// Where a tenant's log lies under these settings.
#[must_use]
pub fn log_location(place: &Place, config: &Config) -> Location {
    let tenant = place.tenant_id();
    let options = Options {
        reserve_bytes: config.log.reserve_mib.saturating_mul(1024 * 1024),
        repair_event: Some(Arc::new(move |repair| repair_event(&tenant, repair))),
        ..Options::default()
    };
    Location::new(&place.dir, options)
}

/// A repair is an event too: the log tells of its own damage.
fn repair_event(tenant: &TenantId, repair: &Repair) -> (TenantId, StreamId, NewEvent) {
    let Repair { copy, first, last, detail } = repair;
    tracing::warn!(%copy, %first, %last, detail, "a damaged part of the log was mended from its other copy");
    let payload = LogRepaired { copy: copy.to_string(), first: first.0, last: last.0, cause: detail.clone() };
    let metadata = Metadata { actor: "log".into(), ..Metadata::default() };
    let event = new_event(EventId::random(), &Event::LogRepaired(payload), Timestamp::now(), &metadata);
    (tenant.clone(), StreamId::new("log"), event)
}

/// See the module. What is a tenant's own is reached through this value, and through nothing that is shared.
pub struct Node {
    /// The data directory.
    pub root: PathBuf,
    /// The tenant's directory.
    pub dir: PathBuf,
    /// The log.
    pub log: Arc<dyn Log>,
    /// What opening found and mended.
    pub report: OpenReport,
    /// Whose events these are.
    pub tenant: TenantId,
    /// The settings.
    pub settings: Settings,
    /// The prices in force.
    pub prices: Prices,
    /// How far transcripts have been read.
    pub reading: SharedReading,
}

impl Node {
    /// Carries out a command in the name of `actor`, where no supervisor runs; blocks. The position of the last event, or
    /// none where nothing changed.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn execute<A: Aggregate>(
        &self,
        command: A::Command,
        now: Timestamp,
        actor: &str,
    ) -> Result<Option<Position>, CommandError<A::Error>> {
        let mut repository = Repository::<A>::new(self.log.clone(), self.tenant.clone());
        repository.execute(command, now, &repository::metadata_for(actor))
    }

    /// Opens a tenant. Blocks.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn open(place: &Place, settings: Settings) -> Result<Self, StartError> {
        place::lay_out(&place.root)?;
        if !place.exists() {
            return Err(NoTenant(place.tenant.clone()).into());
        }
        let loaded = settings.current();
        let prices = prices::price_table(loaded.config.prices.as_deref())?;
        place.make()?;
        let reading = SharedReading::default();
        if !loaded.config.transcripts.enabled {
            reading.turn_off();
        }
        let Opened { log, report } = log_location(place, &loaded.config).open()?;
        Ok(Self {
            root: place.root.clone(),
            dir: place.dir.clone(),
            log,
            report,
            tenant: place.tenant_id(),
            settings,
            prices: Arc::new(prices).into(),
            reading,
        })
    }

    /// Answers questions, with views from the snapshot and what the log has after it. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn queries(&self) -> Result<Reads, ViewError> {
        let snapshots = self.snapshots();
        let mut views = snapshots.load()?;
        let (kept, head) = (views.position, self.log.watch()?);
        let last = self.log.head()?.position;
        catch_up(&*self.log, &mut views, last, Horizon::Unbounded, &mut |_, _| {})?;
        if snapshots.is_due(kept, views.position) {
            snapshots.save(&views);
        }
        Ok(Reads {
            log: self.log.clone(),
            head,
            tenant: self.tenant.clone(),
            settings: self.settings.clone(),
            views: SharedViews::new(views),
            vault: SharedVault::default(),
            prices: self.prices.clone(),
            reading: self.reading.clone(),
        })
    }

    /// Where the views are kept.
    #[must_use]
    pub fn snapshots(&self) -> Snapshots {
        Snapshots::new(self.log.clone(), self.dir.join("views.snapshot"))
    }
}
