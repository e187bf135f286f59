//! Records OTLP exports, one after another.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, ChildSpec, Context, Handle, Reply, Supervisor};
use crate::domain::telemetry_usage::Export;
use crate::event::TenantId;
use crate::log::EventLog;
use crate::service::aggregate::caller;
use crate::service::aggregate::repository;
use crate::service::runtime::node::Node;
use crate::service::runtime::prices::Prices;
use crate::service::runtime::sources::{SourceState, Sources};
use crate::view::ViewError;

use super::telemetry::{Taken, TelemetryUsage};

/// The source's name.
pub const SOURCE: &str = "otlp";
/// Mailbox capacity in exports; further exports are asked to retry.
const CAPACITY: usize = 32;
/// How long an exporter waits: its own deadline is ten seconds.
pub(in crate::service) const EXPORT_PATIENCE: Duration = Duration::from_secs(9);
/// Exporters are not polled, and may be silent for long.
const FRESH: SignedDuration = SignedDuration::from_hours(24 * 7);

/// An export, and where to reply: then its usage is durable.
pub struct OtlpMessage {
    pub export: Export,
    pub reply: Reply<Result<Taken, ViewError>>,
}

/// See the module.
pub struct OtlpActor {
    log: Arc<dyn EventLog>,
    tenant: TenantId,
    prices: Prices,
    sources: Sources,
    /// Read from the log at the first export, so that it costs nothing without telemetry.
    known: Option<TelemetryUsage>,
    /// Totals since the start.
    taken: Taken,
}

/// Adds the actor to the tree.
pub(in crate::service) fn add(
    tenants: &mut Supervisor,
    node: &Node,
    sources: &Sources,
) -> Handle<OtlpMessage> {
    let (log, tenant, prices) = (node.log.clone(), node.tenant.clone(), node.prices.clone());
    let (state, reason) = if node.settings.current().config.otlp.enabled {
        (SourceState::Waiting, "nothing has been told since the start")
    } else {
        (SourceState::NotConfigured, "switched off by otlp.enabled = false")
    };
    sources.declare(SOURCE, state, reason, FRESH);
    let sources = sources.clone();
    let spec = ChildSpec { capacity: CAPACITY, ..ChildSpec::default() };
    tenants.add(&format!("{tenant}/otlp"), spec, move || OtlpActor {
        log: log.clone(),
        tenant: tenant.clone(),
        prices: prices.clone(),
        sources: sources.clone(),
        known: None,
        taken: Taken::default(),
    })
}

impl OtlpActor {
    async fn record(&mut self, export: Export) -> Result<Taken, ViewError> {
        let (log, tenant, prices) = (self.log.clone(), self.tenant.clone(), self.prices.current());
        let metadata = repository::metadata_for(SOURCE);
        let work =
            move |known: &mut TelemetryUsage| known.record(&*log, &tenant, &prices, &export, &metadata);
        let taken = caller::blocking_with(&mut self.known, TelemetryUsage::default, work).await?;
        if taken.is_err() {
            // Load it again.
            self.known = None;
        }
        taken
    }

    fn note(&mut self, taken: &Taken) {
        self.taken.add(taken);
        let Taken { counted, compared, known, nameless, .. } = self.taken;
        let told = counted + compared + known + nameless;
        if told == 0 {
            return;
        }
        let mut reason = format!("{told} told since the start: {counted} counted, {known} known");
        if compared > 0 {
            reason += &format!(", {compared} only compared");
        }
        if nameless > 0 {
            reason += &format!(", {nameless} without a session; set OTEL_METRICS_INCLUDE_SESSION_ID=true");
        }
        self.sources.succeeded(SOURCE, &reason, Timestamp::now(), None);
    }
}

impl Behaviour for OtlpActor {
    type Message = OtlpMessage;

    async fn handle(&mut self, message: OtlpMessage, _: &Context<Self>) -> Result<(), ActorError> {
        let taken = self.record(message.export).await;
        match &taken {
            Ok(taken) => self.note(taken),
            Err(error) => tracing::warn!(%error, "what telemetry told could not be recorded"),
        }
        message.reply.send(taken);
        Ok(())
    }

    fn label(_: &OtlpMessage) -> &'static str {
        "export"
    }
}
