//! Prices what had no price, or only a part of one, when it was recorded.
//!
//! Each such call becomes a revision that keeps the earlier cost: `replay --until` shows what was known then.
//! What had a full price is not changed. A revision's id is derived from the call and the revision's number,
//! so that repeating this, also after a crash in the middle, completes the work and adds nothing twice.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::money::Picodollars;
use crate::domain::naming;
use crate::domain::pricing::{PriceTable, Priced};
use crate::domain::usage::Usage;
use crate::domain::usage::is_told;
use crate::event::payload::{
    UsageMetered, UsageRecorded, UsageRevised, UsageTold, repriced_event_id, usage_event_id,
    withdrawn_event_id,
};
use crate::event::{Event, EventId, Metadata, NewEvent, Version};
use crate::log::LogError;
use crate::service::aggregate::repository::{follow, new_event};
use crate::view::ViewError;

use super::{BATCH, Recorder, STREAM};

/// Result of repricing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Repriced {
    /// Calls that now have a price, or more of one than before.
    pub repriced: u64,
    /// The cost they add, in USD.
    #[schema(value_type = String)]
    pub added_usd: Picodollars,
    /// Calls that still lack a price or a part of one.
    pub lacking: u64,
    /// The price table that was used.
    pub price_table: String,
}

/// The cost of a model's calls, and their cost at the prices of another day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatIfLine {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Billed calls.
    pub messages: u64,
    /// The recorded cost.
    #[schema(value_type = String)]
    pub recorded_usd: Picodollars,
    /// The cost at that day's prices.
    #[schema(value_type = String)]
    pub would_be_usd: Picodollars,
    /// Calls that lack a price or a part of one on that day.
    pub lacking: u64,
}

/// The cost of all usage at the prices of one day. Nothing is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WhatIf {
    /// The day, `YYYY-MM-DD`.
    pub as_of: String,
    /// By model.
    pub models: Vec<WhatIfLine>,
    /// The total recorded cost.
    #[schema(value_type = String)]
    pub recorded_usd: Picodollars,
    /// The total cost at that day's prices.
    #[schema(value_type = String)]
    pub would_be_usd: Picodollars,
}

/// Why calls of a model lack a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LackLine {
    /// The provider.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Calls that lack a price or a part of one.
    pub messages: u64,
    /// What is missing, in words.
    pub missing: Vec<String>,
    /// How many of them the price table can price now: `mecris reprice` does it.
    pub can_be_priced: u64,
}

/// Telemetry usage that lacks a price.
struct TelemetryEntry {
    stored: UsageRecorded<'static>,
    at: Timestamp,
    /// Number of times it was priced.
    revision: u32,
    /// Whether it is a sum of calls.
    is_sum: bool,
}

/// Usage that lacks a price, or a part of one.
#[derive(Default)]
struct Lacking {
    calls: HashMap<EventId, Usage>,
    told: HashMap<EventId, TelemetryEntry>,
    /// The event id of the next pricing of each telemetry entry.
    next: HashMap<EventId, EventId>,
    /// The event id that would withdraw an entry.
    withdrawals: HashMap<EventId, EventId>,
}

impl Lacking {
    fn tell(&mut self, first: EventId, told: TelemetryEntry) {
        self.next.insert(repriced_event_id(first, told.revision + 1), first);
        self.withdrawals.insert(withdrawn_event_id(first), first);
        self.told.insert(first, told);
    }

    fn call(&mut self, tenant: &str, stored: &UsageRecorded<'_>, at: Timestamp) {
        let usage = stored.to_usage(at);
        let id = usage_event_id(tenant, &usage.key, 0);
        if stored.is_whole() {
            self.calls.remove(&id);
        } else {
            self.calls.insert(id, usage);
        }
    }

    fn take(&mut self, tenant: &str, id: EventId, event: &Event<'_>, at: Timestamp) {
        match event {
            Event::UsageRecorded(stored) => self.call(tenant, stored, at),
            Event::UsageTold(UsageTold { usage, counted: true, .. }) if !usage.is_whole() => {
                self.tell(
                    id,
                    TelemetryEntry { stored: usage.clone().into_owned(), at, revision: 0, is_sum: false },
                );
            }
            Event::UsageMetered(UsageMetered { usage, counted: true, .. }) if !usage.is_whole() => {
                self.tell(
                    id,
                    TelemetryEntry { stored: usage.clone().into_owned(), at, revision: 0, is_sum: true },
                );
            }
            Event::UsageRevised(revised) if revised.usage.message_id.is_empty() => {
                let first = self.next.get(&id).copied();
                if let Some(told) = first.and_then(|first| self.told.remove(&first)) {
                    let stored = revised.usage.clone().into_owned();
                    if let Some(first) = first.filter(|_| !stored.is_whole()) {
                        self.tell(first, TelemetryEntry { stored, revision: revised.revision, ..told });
                    }
                }
            }
            Event::UsageRevised(revised) => self.call(tenant, &revised.usage, at),
            Event::UsageWithdrawn(_) => {
                if let Some(first) = self.withdrawals.get(&id) {
                    self.told.remove(first);
                }
            }
            _ => {}
        }
    }
}

/// The cost of a call, or of a sum of calls.
fn price(prices: &PriceTable, usage: &Usage, is_sum: bool) -> Priced {
    if is_sum { prices.price_sum(usage) } else { prices.price(usage) }
}

/// Whether a cost is better known than before.
fn is_better(stored: &UsageRecorded<'_>, priced: &Priced) -> bool {
    stored.cost != priced.cost || stored.lacking != priced.lacks() || stored.is_whole() != priced.is_whole()
}

impl Recorder {
    /// Prices what lacks a price, as far as the table can. Blocks. `progress` receives (done, total).
    ///
    /// # Errors
    /// [`ViewError`]; repeating it completes the work.
    pub fn reprice(&self, progress: &dyn Fn(usize, usize)) -> Result<Repriced, ViewError> {
        // One table for all of it.
        self.by(self.prices.current()).reprice_all(progress)
    }

    fn reprice_all(&self, progress: &dyn Fn(usize, usize)) -> Result<Repriced, ViewError> {
        self.settle_former()?;
        let price_table = self.prices.current().version.clone();
        let lacking = self.lacking()?;
        let total = lacking.calls.len() + lacking.told.len();
        let mut done = Repriced { price_table, ..Repriced::default() };
        let mut calls: Vec<Usage> = lacking.calls.into_values().collect();
        calls
            .sort_unstable_by(|one, other| (one.occurred_at, &one.key).cmp(&(other.occurred_at, &other.key)));
        let mut told: Vec<(EventId, TelemetryEntry)> = lacking.told.into_iter().collect();
        told.sort_unstable_by_key(|(id, told)| (told.at, *id));
        let mut seen = 0;
        for batch in calls.chunks(BATCH) {
            self.append_decided(&mut done, |metadata| self.reprice_calls(batch, metadata))?;
            seen += batch.len();
            progress(seen, total);
        }
        for batch in told.chunks(BATCH) {
            self.append_decided(&mut done, |metadata| Ok(self.reprice_told(batch, metadata)?))?;
            seen += batch.len();
            progress(seen, total);
        }
        Ok(done)
    }

    /// Appends a decided batch; decides again on conflict.
    fn append_decided(
        &self,
        done: &mut Repriced,
        decide: impl Fn(&Metadata) -> Result<(Vec<NewEvent>, Repriced), ViewError>,
    ) -> Result<(), ViewError> {
        let metadata = Metadata { actor: self.actor.to_owned(), ..Metadata::default() };
        let of_batch = self.retried(|| {
            let expected = self.version()?;
            let (events, of_batch) = decide(&metadata)?;
            let is_done = events.is_empty() || self.append_all(expected, events)?;
            Ok(is_done.then_some(of_batch))
        })?;
        done.repriced += of_batch.repriced;
        done.added_usd += of_batch.added_usd;
        done.lacking += of_batch.lacking;
        Ok(())
    }

    fn reprice_calls(
        &self,
        calls: &[Usage],
        metadata: &Metadata,
    ) -> Result<(Vec<NewEvent>, Repriced), ViewError> {
        let prices = self.prices.current();
        let (mut events, mut done) = (Vec::new(), Repriced::default());
        for known in self.known(calls)?.into_values().filter(|known| !known.stored.is_whole()) {
            // A manually reported sum covers many calls.
            let priced = price(&prices, &known.usage, is_told(&known.usage.key.message_id));
            done.lacking += u64::from(!priced.is_whole());
            if is_better(&known.stored, &priced) {
                let revision = known.revision + 1;
                let id = known.id.event(self.tenant.as_str(), revision);
                events.push(self.repriced(
                    id,
                    &known.stored,
                    known.usage.occurred_at,
                    revision,
                    &priced,
                    &mut done,
                    metadata,
                ));
            }
        }
        Ok((events, done))
    }

    fn reprice_told(
        &self,
        told: &[(EventId, TelemetryEntry)],
        metadata: &Metadata,
    ) -> Result<(Vec<NewEvent>, Repriced), LogError> {
        let prices = self.prices.current();
        let (mut events, mut done) = (Vec::new(), Repriced::default());
        let withdrawn: Vec<EventId> = told.iter().map(|(first, _)| withdrawn_event_id(*first)).collect();
        let withdrawn = self.log.find_many(&withdrawn)?;
        for ((first, TelemetryEntry { stored, at, revision, is_sum }), withdrawn) in
            told.iter().zip(withdrawn)
        {
            let usage = stored.to_usage(*at);
            let priced = price(&prices, &usage, *is_sum);
            done.lacking += u64::from(!priced.is_whole());
            if withdrawn.is_none() && is_better(stored, &priced) {
                let id = repriced_event_id(*first, revision + 1);
                events.push(self.repriced(id, stored, *at, revision + 1, &priced, &mut done, metadata));
            }
        }
        Ok((events, done))
    }

    #[allow(clippy::too_many_arguments)] // each is one part of one event
    fn repriced(
        &self,
        id: EventId,
        stored: &UsageRecorded<'static>,
        at: Timestamp,
        revision: u32,
        priced: &Priced,
        done: &mut Repriced,
        metadata: &Metadata,
    ) -> NewEvent {
        let prices = self.prices.current();
        done.repriced += 1;
        done.added_usd += priced.cost.unwrap_or_default() - stored.cost.unwrap_or_default();
        let payload = UsageRevised {
            usage: stored.priced(priced, &prices.version),
            superseded: stored.clone(),
            occurred_at_us: at.as_microsecond(),
            revision,
            reason: "repriced".to_owned(),
        };
        new_event(id, &Event::UsageRevised(payload), at, metadata)
    }

    fn lacking(&self) -> Result<Lacking, ViewError> {
        let mut lacking = Lacking::default();
        self.read_all(|id, event, at| lacking.take(self.tenant.as_str(), id, event, at))?;
        Ok(lacking)
    }

    fn read_all(&self, mut read: impl FnMut(EventId, &Event<'_>, Timestamp)) -> Result<(), ViewError> {
        follow(&*self.log, &self.tenant, STREAM, Version(1), |record, event| {
            read(record.id, event, record.occurred_at);
            Ok(())
        })
    }

    /// Which models lack prices, and why. Blocks.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn lacks(&self) -> Result<Vec<LackLine>, ViewError> {
        let (lacking, prices) = (self.lacking()?, self.prices.current());
        let told = lacking.told.into_values().map(|told| (told.stored.to_usage(told.at), told.is_sum));
        let mut lines: BTreeMap<(String, String), LackLine> = BTreeMap::new();
        for (usage, is_sum) in lacking.calls.into_values().map(|usage| (usage, false)).chain(told) {
            let name = naming::resolve(&usage.provider, &usage.model);
            let key = (name.provider.into_owned(), name.model.into_owned());
            let line = lines.entry(key).or_insert_with_key(|(provider, model)| LackLine {
                provider: provider.clone(),
                model: model.clone(),
                messages: 0,
                missing: Vec::new(),
                can_be_priced: 0,
            });
            line.messages += 1;
            let priced = price(&prices, &usage, is_sum);
            line.can_be_priced += u64::from(priced.is_whole());
            for lack in priced.missing.iter().map(ToString::to_string) {
                if !line.missing.contains(&lack) {
                    line.missing.push(lack);
                }
            }
        }
        Ok(lines.into_values().collect())
    }

    /// The cost of all usage at the prices of one day. Blocks, and writes nothing.
    ///
    /// # Errors
    /// [`ViewError`].
    pub fn what_if(&self, as_of: Date) -> Result<WhatIf, ViewError> {
        let prices = self.prices.current();
        let mut lines: BTreeMap<(String, String), WhatIfLine> = BTreeMap::new();
        let mut count = |stored: &UsageRecorded<'_>, at: Timestamp, sign: i128| {
            let usage = stored.to_usage(at);
            let name = naming::resolve(&usage.provider, &usage.model);
            let (provider, model) = (name.provider.into_owned(), name.model.into_owned());
            let line = lines.entry((provider.clone(), model.clone())).or_insert(WhatIfLine {
                provider,
                model,
                messages: 0,
                recorded_usd: Picodollars::ZERO,
                would_be_usd: Picodollars::ZERO,
                lacking: 0,
            });
            let priced = prices.price_on(&usage, as_of);
            line.recorded_usd += Picodollars(stored.cost.unwrap_or_default().0 * sign);
            line.would_be_usd += Picodollars(priced.cost.unwrap_or_default().0 * sign);
            line.messages = line.messages.saturating_add_signed(sign as i64);
            line.lacking = line.lacking.saturating_add_signed(i64::from(!priced.is_whole()) * sign as i64);
        };
        self.read_all(|_, event, at| match event {
            Event::UsageRecorded(usage)
            | Event::UsageTold(UsageTold { usage, counted: true, .. })
            | Event::UsageMetered(UsageMetered { usage, counted: true, .. }) => count(usage, at, 1),
            Event::UsageWithdrawn(withdrawn) => count(&withdrawn.usage, at, -1),
            Event::UsageRevised(revised) => {
                count(&revised.superseded, revised.superseded_at(), -1);
                count(&revised.usage, at, 1);
            }
            _ => {}
        })?;
        let models: Vec<WhatIfLine> = lines.into_values().filter(|line| line.messages > 0).collect();
        Ok(WhatIf {
            as_of: as_of.to_string(),
            recorded_usd: models.iter().map(|line| line.recorded_usd).sum(),
            would_be_usd: models.iter().map(|line| line.would_be_usd).sum(),
            models,
        })
    }
}
