//! The questions that can be asked, answered from views or, where an auditor asks, from the log alone.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::domain::access::Principal;
use crate::domain::access::register::Hash;
use crate::domain::alert::Causes;
use crate::domain::calendar;
use crate::domain::calendar::WeekStart;
use crate::domain::lacking::Doubts;
use crate::event::codec::decode;
use crate::event::envelope::hex;
use crate::event::{Position, RecordRef, TenantId};
use crate::log::export::{ExportError, export};
use crate::log::{Head, Log};
use crate::service::alerts::conditions::{Looks, causes_of};
use crate::service::balances::balance::{Balances, shown_of};
use crate::service::system::status::{Budgets, ReportShown};
use crate::service::usage::prices::Prices;
use crate::service::usage::reading::SharedReading;
use crate::service::vault::actor::SharedVault;
use crate::view::alerts::{AlertLine, alerts};
use crate::view::budgets::{BudgetLine, budgets};
use crate::view::cost::{CostShown, unified_cost};
use crate::view::explain::{Explanation, Subject, explain};
use crate::view::goals::{GoalLine, goals};
use crate::view::odometer::{OdometerLine, odometers};
use crate::view::reconcile::{Reconciliation, Wanted};
use crate::view::replay::{Until, replay};
use crate::view::report::{Grouping, Range, Report, Totals, report};
use crate::view::standing::Standing;
use crate::view::status::{Status, status};
use crate::view::{TenantView, ViewError, Views};

use super::settings::Settings;

/// The views as they are being kept up.
#[derive(Debug, Clone, Default)]
pub struct SharedViews {
    views: Arc<RwLock<Views>>,
    /// What is spent of each limit, as it was last asked for.
    standing: Arc<Mutex<Option<Arc<Standing>>>>,
}

impl SharedViews {
    /// Shares views.
    #[must_use]
    pub fn new(views: Views) -> Self {
        Self { views: Arc::new(RwLock::new(views)), standing: Arc::default() }
    }

    /// Reads them. Keep it short: the projection waits.
    pub fn read<T>(&self, read: impl FnOnce(&Views) -> T) -> T {
        read(&self.views.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes them.
    pub fn write<T>(&self, write: impl FnOnce(&mut Views) -> T) -> T {
        write(&mut self.views.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An event as it is shown: everything the log has of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShownEvent {
    /// Its place in the log.
    pub position: u64,
    /// Its identity, 32 hexadecimal digits.
    pub id: String,
    /// Its stream.
    pub stream: String,
    /// Its place in the stream.
    pub version: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The schema version it was written in.
    pub schema_version: u16,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub occurred_at: Timestamp,
    /// When the log took it.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// The actor that decided it.
    pub actor: String,
    /// The trace in which it was decided, 32 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What it says, lifted to the newest version of its type.
    pub data: serde_json::Value,
}

/// One page of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// In the log's order.
    pub events: Vec<ShownEvent>,
    /// The position to ask for next; null at the head.
    pub next: Option<u64>,
    /// The last position in the log.
    pub head: u64,
}

/// What a replay found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Replayed {
    /// The last event that was replayed.
    pub position: u64,
    /// When that event was recorded.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub recorded_at: Option<Timestamp>,
    /// The head of the log.
    pub head: u64,
    /// What all usage up to there adds up to.
    pub total: Totals,
    /// The same by day.
    pub report: Report,
    /// The budgets as they stood.
    pub budgets: Vec<BudgetLine>,
    /// The balances as they stood.
    pub balances: Balances,
    /// What was believed of the providers' days then.
    pub reconciliation: Reconciliation,
    /// The months' sums that were read by hand, as they stood.
    pub odometers: Vec<OdometerLine>,
    /// What that month cost over all providers, as it was believed then.
    pub cost: CostShown,
    /// Repairs of the log and interventions of the supervisor.
    pub incidents: u64,
}

/// Answers questions about one tenant.
#[derive(Clone)]
pub struct Queries {
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

impl Queries {
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

    /// Whose token has this hash, if it is good.
    #[must_use]
    pub fn holder(&self, hash: &Hash, now: Timestamp) -> Option<Principal> {
        self.with_view(|view| view.tokens.principal(hash, now))
    }

    /// Reads what is known. Keep it short: the projection waits.
    pub fn with_view<T>(&self, read: impl FnOnce(&TenantView) -> T) -> T {
        self.views.read(|views| match views.tenant(&self.tenant) {
            Some(view) => read(view),
            None => read(&TenantView::default()),
        })
    }

    /// What is spent of each limit. Those who ask at once wait for one of them to reckon.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Arc<Standing> {
        let zone = self.zone();
        let mut kept = self.views.standing.lock().unwrap_or_else(PoisonError::into_inner);
        self.views.read(|views| {
            if let Some(kept) = kept.as_ref().filter(|kept| kept.holds(views.position, now, &zone)) {
                return kept.clone();
            }
            let empty = TenantView::default();
            let view = views.tenant(&self.tenant).unwrap_or(&empty);
            let standing = Arc::new(Standing::of(view, views.position, now, &zone, &self.prices.current()));
            *kept = Some(standing.clone());
            standing
        })
    }

    /// How things stand.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let (position, recorded_at) = self.views.read(|views| (views.position.0, views.recorded_at));
        let forecast = self.runways(now);
        let providers = self.reconcile(&Wanted::default(), now).providers;
        let rest = self.with_view(|view| status(view, now, &self.zone(), Some(&self.prices.current())));
        Status { position, recorded_at, forecast, providers, ..rest }
    }

    /// What is true at `now` that a person must hear of.
    #[must_use]
    pub fn causes(&self, looks: Looks, now: Timestamp) -> Causes {
        let loaded = self.settings.current();
        self.with_view(|view| causes_of(view, &loaded, looks, now))
    }

    /// The alerts, the worst first; with `all` also those whose cause has gone.
    #[must_use]
    pub fn alerts(&self, now: Timestamp, all: bool) -> Vec<AlertLine> {
        let causes = self.causes(Looks::default(), now);
        self.with_view(|view| alerts(view, &causes, all))
    }

    /// A report.
    #[must_use]
    pub fn report(&self, grouping: Grouping, range: &Range, zone: Option<&TimeZone>) -> ReportShown {
        let (freshness, week) = (self.reading.freshness(), self.week_starts());
        let report =
            self.with_view(|view| report(&view.spend, grouping, range, zone.unwrap_or(&self.zone()), week));
        ReportShown { report, freshness }
    }

    /// What was not read of the transcripts that may tell of a day or later.
    pub(in crate::service) fn unread(&self, first: Date) -> Doubts {
        self.reading.doubts(calendar::start_of(first, &self.zone()))
    }

    /// What is not known of the sums from a day on: what was not read of transcripts, and the providers (or this one) whose
    /// own reports are not to be had.
    #[must_use]
    pub fn doubts(&self, provider: Option<&str>, first: Date) -> Doubts {
        let mut doubts = self.unread(first);
        let reports = ["anthropic", "openai"];
        let is_meant =
            |name: &str| reports.contains(&name) && provider.is_none_or(|provider| provider == name);
        self.with_view(|view| {
            let failing = view.sources.iter().filter(|(name, fact)| is_meant(name) && fact.trouble.is_some());
            doubts.old.extend(failing.map(|(name, fact)| {
                format!("what {name} reports is as old as {}", fact.since.strftime("%Y-%m-%d %H:%M UTC"))
            }));
        });
        doubts
    }

    /// How the budgets stand.
    #[must_use]
    pub fn budgets_shown(&self, now: Timestamp) -> Budgets {
        Budgets { budgets: self.budgets(now), freshness: self.reading.freshness() }
    }

    /// The same without how old they are.
    #[must_use]
    pub fn budgets(&self, now: Timestamp) -> Vec<BudgetLine> {
        self.with_view(|view| budgets(view, now, &self.zone(), Some(&self.prices.current())))
    }

    /// The goals that are followed, the nearest to derailing first.
    #[must_use]
    pub fn goals(&self, now: Timestamp) -> Vec<GoalLine> {
        self.with_view(|view| goals(view, now, &self.zone()))
    }

    /// The events behind a number, from the log alone. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn explain(&self, subject: &Subject, zone: Option<&TimeZone>) -> Result<Explanation, ViewError> {
        let head = self.log.head()?.position;
        explain(&*self.log, &self.tenant, subject, zone.unwrap_or(&self.zone()), head)
    }

    /// Everything rebuilt from the first event, from the log alone. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn replay(
        &self,
        until: Until,
        now: Timestamp,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Replayed, ViewError> {
        let views = replay(&*self.log, until, progress)?;
        let empty = TenantView::default();
        let view = views.tenant(&self.tenant).unwrap_or(&empty);
        let moment = match until {
            Until::Recorded(instant) | Until::Occurred(instant) => instant,
            Until::Position(_) => views.recorded_at.unwrap_or(now),
            Until::Head => now,
        };
        Ok(Replayed {
            position: views.position.0,
            recorded_at: views.recorded_at,
            head: self.log.head()?.position.0,
            total: (&view.spend.total()).into(),
            report: report(&view.spend, Grouping::Daily, &Range::default(), &self.zone(), self.week_starts()),
            budgets: budgets(view, moment, &self.zone(), None),
            balances: shown_of(view, moment),
            reconciliation: self.reconciled_of(view, &Wanted::all(view), moment),
            odometers: odometers(view, moment, &self.zone()),
            cost: unified_cost(view, &Range::default(), moment, &self.zone()),
            incidents: view.incidents,
        })
    }

    /// At most `limit` of the tenant's events from a position on. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn events(&self, from: Position, limit: usize) -> Result<EventPage, ViewError> {
        let head = self.log.head()?.position;
        let mut page = EventPage { events: Vec::new(), next: None, head: head.0 };
        let mut failure = None;
        self.log.scan(from.max(Position::FIRST), head, &mut |record| {
            if record.tenant != self.tenant.as_str() {
                return std::ops::ControlFlow::Continue(());
            }
            if page.events.len() == limit {
                page.next = Some(record.position.0);
                return std::ops::ControlFlow::Break(());
            }
            match show(record) {
                Ok(event) => page.events.push(event),
                Err(error) => {
                    failure = Some(error);
                    return std::ops::ControlFlow::Break(());
                }
            }
            std::ops::ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(page), Err)
    }

    /// All tenants' events as JSON lines, from a position on, `limit` positions far. Blocks.
    ///
    /// # Errors
    /// [`ExportError`].
    pub fn export(&self, from: Position, limit: u64) -> Result<Vec<u8>, ExportError> {
        let mut lines = Vec::new();
        let until = Position(from.0.saturating_add(limit).saturating_sub(1));
        export(&*self.log, from.max(Position::FIRST), until, &mut lines, &readable, &mut |_, _| {})?;
        Ok(lines)
    }
}

/// A payload as JSON; one that this version cannot read says so in its place.
#[must_use]
pub fn readable(record: &RecordRef<'_>) -> serde_json::Value {
    match decode(record) {
        Ok(event) => serde_json::to_value(&event).unwrap_or_default(),
        Err(error) => serde_json::json!({ "unreadable": error.to_string() }),
    }
}

/// An event as it is shown.
///
/// # Errors
/// [`ViewError::Event`]: the payload cannot be read.
pub fn show(record: &RecordRef<'_>) -> Result<ShownEvent, ViewError> {
    let event = decode(record).map_err(|source| ViewError::Event { position: record.position, source })?;
    Ok(ShownEvent {
        position: record.position.0,
        id: record.id.to_string(),
        stream: record.stream.to_owned(),
        version: record.version.0,
        type_name: record.type_name.to_owned(),
        schema_version: record.schema_version,
        occurred_at: record.occurred_at,
        recorded_at: record.recorded_at,
        actor: record.actor.to_owned(),
        trace_id: record.trace.map(|trace| hex(&trace.trace_id)),
        data: serde_json::to_value(&event).unwrap_or_default(),
    })
}
