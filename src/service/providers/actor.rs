//! Follows a provider's official interface: its balance, its reports of days, or only whether the key is good.
//!
//! Reports are read from the last day that is known on, and at any rate of the last three days, because providers
//! correct what they told: a correction is a new event, and the one before stays. A key that is refused is a state,
//! shown with its mend, and asked again once an hour or when the settings change.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, ChildSpec, Context, Supervisor};
use crate::domain::calendar::day_of;
use crate::domain::lookback::days_to_read;
use crate::domain::report::ReportSource;
use crate::integration::PROVIDERS;
use crate::integration::official::{Looked, ProviderClient, ProviderKind};
use crate::integration::resilience::OutsideError;
use crate::service::aggregate::caller;
use crate::service::balances::balance::BalanceFailure;
use crate::service::runtime::poller::{
    PollScheduler, Tick, breaker_listener, pause_after, policy, state_after, wrong_settings,
};
use crate::service::runtime::reads::Reads;
use crate::service::runtime::sources::{SourceState, Sources};

use super::ingest::{Ingest, TakeFailure, Taken};

/// How often a key that is only verified is looked at.
const GOOD: Duration = Duration::from_hours(6);
/// How often a system that does not answer is asked.
const FAILING: Duration = Duration::from_mins(5);
/// The providers ask to be read no more often than once a minute.
const CLOSEST: Duration = Duration::from_mins(1);

/// See the module.
pub struct ProviderActor {
    provider: &'static ProviderKind,
    queries: Reads,
    sources: Sources,
    client: Option<Box<dyn ProviderClient>>,
    scheduler: Option<PollScheduler>,
    /// None before the first look, and after one that broke off.
    ingest: Option<Ingest>,
}

/// Adds an actor for each provider; one that is not configured rests.
pub(in crate::service) fn add_providers(
    tenants: &mut Supervisor,
    spec: ChildSpec,
    queries: &Reads,
    sources: &Sources,
) {
    for provider in PROVIDERS.iter().copied() {
        let (queries, sources) = (queries.clone(), sources.clone());
        tenants.add(&format!("{}/{}", queries.tenant, provider.name), spec, move || {
            ProviderActor::new(provider, queries.clone(), sources.clone())
        });
    }
}

impl ProviderActor {
    /// For one provider.
    #[must_use]
    pub fn new(provider: &'static ProviderKind, queries: Reads, sources: Sources) -> Self {
        Self { provider, queries, sources, client: None, scheduler: None, ingest: None }
    }

    fn usual_pause(&self) -> Duration {
        match &self.client {
            Some(client) if client.tells() => {
                let loaded = self.queries.settings.current();
                Duration::from_secs(loaded.config.providers.poll_seconds.get()).max(CLOSEST)
            }
            _ => GOOD,
        }
    }

    fn renew(&mut self) {
        let (loaded, name) = (self.queries.settings.current(), self.provider.name);
        let listener = breaker_listener(&self.sources);
        self.client = None;
        let (state, reason) = match (self.provider.client)(&loaded.config, policy(&loaded), &listener) {
            None => (SourceState::NotConfigured, self.provider.configure.to_owned()),
            Some(Err(error)) => (SourceState::Failing, error.to_string()),
            Some(Ok(client)) => {
                if let Some(reason) = wrong_settings(&loaded, &format!("{name}.")) {
                    (SourceState::Unauthorized, reason)
                } else {
                    self.client = Some(client);
                    (SourceState::Waiting, "not asked yet".to_owned())
                }
            }
        };
        let fresh_for =
            SignedDuration::try_from(self.usual_pause() * 2).unwrap_or(SignedDuration::from_hours(12));
        self.sources.declare(name, state, &reason, fresh_for);
    }

    /// The last UTC day of which anything is known.
    fn last_told(&self) -> Option<jiff::civil::Date> {
        let name = self.provider.name;
        self.queries.with_view(|view| {
            let costs = view.reports.costs().map(|(key, _)| key);
            let usages = view.reports.usages().map(|(key, _)| key);
            let own = costs
                .chain(usages)
                .filter(|key| key.provider == name && key.source == ReportSource::ProviderApi);
            own.map(|key| key.day).max()
        })
    }

    async fn look(&mut self) -> Result<(), ActorError> {
        let Some(scheduler) = &self.scheduler else { return Ok(()) };
        let Some(client) = &self.client else {
            scheduler.rest();
            return Ok(());
        };
        // What is read by a clock that was just set would be dated by it.
        if let Some(doubt) = self.queries.settings.clock().doubt() {
            scheduler.after(doubt);
            return Ok(());
        }
        let (name, now) = (self.provider.name, Timestamp::now());
        let backfill = self.queries.settings.current().config.providers.backfill_days;
        let days = days_to_read(day_of(now, &TimeZone::UTC), self.last_told(), backfill);
        let mut looked = client.look(days, now).await;
        let (failed, said) = (looked.failed.clone(), std::mem::take(&mut looked.told.said));
        let odd = looked.told.odd.text();
        let usual = self.usual_pause();
        let taken = match Self::keep(&mut self.ingest, &self.queries, name, looked).await {
            Ok(taken) => taken,
            Err(error) => {
                scheduler.after(usual.min(FAILING));
                tracing::warn!(%error, provider = name, "what a provider told could not be recorded");
                return Ok(());
            }
        };
        if taken.new + taken.revised > 0 {
            tracing::info!(provider = name, new = taken.new, revised = taken.revised, "days were reported");
        }
        self.show(scheduler, usual, failed.as_ref(), &taken, (&said, odd));
        Ok(())
    }

    fn show(
        &self,
        scheduler: &PollScheduler,
        usual: Duration,
        failed: Option<&OutsideError>,
        taken: &Taken,
        (said, odd): (&str, Option<String>),
    ) {
        let name = self.provider.name;
        match (failed, &taken.refused) {
            (Some(error), _) => {
                let next = scheduler.after(pause_after(error, FAILING));
                self.sources.failed(name, state_after(error), &error.to_string(), Some(next));
            }
            (None, Some(reason)) => {
                let next = scheduler.after(usual);
                let reason = format!("it told what cannot be: {reason}");
                self.sources.failed(name, SourceState::Failing, &reason, Some(next));
            }
            (None, None) => {
                // A second look comes as soon as the provider wants to be asked.
                let pause = if taken.awaits_a_look { usual.min(CLOSEST) } else { usual };
                let (next, now) = (Some(scheduler.after(pause)), Timestamp::now());
                let said = match &taken.doubted {
                    Some(why) if !said.contains(why.as_str()) => format!("{said}; not believed yet: {why}"),
                    _ => said.to_owned(),
                };
                match odd {
                    None => self.sources.succeeded(name, &said, now, next),
                    Some(odd) => {
                        self.sources.degraded(name, &format!("{said}; {odd}"), now, next, Vec::new());
                    }
                }
            }
        }
    }

    async fn keep(
        ingest: &mut Option<Ingest>,
        queries: &Reads,
        name: &'static str,
        looked: Looked,
    ) -> Result<Taken, TakeFailure> {
        let make = || Ingest::new(queries.log.clone(), &queries.tenant);
        let work = move |ingest: &mut Ingest| ingest.take(name, looked, Timestamp::now());
        caller::blocking_with(ingest, make, work).await.map_err(BalanceFailure::from)?
    }
}

impl Behaviour for ProviderActor {
    type Message = Tick;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.scheduler = Some(PollScheduler::start(context, &self.queries.settings));
        Ok(())
    }

    async fn handle(&mut self, message: Tick, _: &Context<Self>) -> Result<(), ActorError> {
        if message == Tick::Renew {
            self.renew();
        }
        self.look().await
    }

    fn label(message: &Tick) -> &'static str {
        message.label()
    }

    fn redeliver(message: &Tick) -> Option<Tick> {
        Some(*message)
    }
}
