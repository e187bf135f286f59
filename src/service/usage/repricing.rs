//! Pricing what had no price, in a running system: by a person's command, after the first import, and after the price file
//! was read again.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::pricing::PriceTable;
use crate::service::aggregate::caller;
use crate::service::runtime::client::{IMPORT_PATIENCE, ServiceError};
use crate::service::runtime::settings::{PRICES, Reloaded};
use crate::service::system::tree::Supervised;
use crate::view::ViewError;

use super::actor::UsageMessage;
use super::recorder::Recorder;
use super::recorder::reprice::{LackLine, Repriced, WhatIf};

/// What lacks prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lacks {
    /// By model.
    pub models: Vec<LackLine>,
    /// Calls that lack a price or a part of one.
    pub messages: u64,
    /// How many of them have a price in the table: `mecris reprice` gives it to them.
    pub can_be_priced: u64,
    /// The price table that was asked.
    pub price_table: String,
}

/// What lacks prices, by this table. Blocks.
///
/// # Errors
/// [`ViewError`].
pub fn lacks(recorder: &Recorder, table: Arc<PriceTable>) -> Result<Lacks, ViewError> {
    let price_table = table.version.clone();
    let models = recorder.by(table).lacks()?;
    Ok(Lacks {
        messages: models.iter().map(|line| line.messages).sum(),
        can_be_priced: models.iter().map(|line| line.can_be_priced).sum(),
        models,
        price_table,
    })
}

/// The day by whose prices everything is reckoned where none is named. Prices hold by days of UTC.
#[must_use]
pub fn today() -> Date {
    calendar::day_of(Timestamp::now(), &TimeZone::UTC)
}

impl Supervised {
    /// Takes the price file as it is now, prices what lacks a price, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError::Refused`]: the price file is none, and nothing was done.
    pub async fn reprice(&self) -> Result<Repriced, ServiceError> {
        let settings = self.queries.settings.clone();
        let table = self.ask_disk(move |_| Ok(settings.prices_as_written()?)).await?;
        self.queries.prices.replace(table);
        self.reprice_by_table().await
    }

    async fn reprice_by_table(&self) -> Result<Repriced, ServiceError> {
        let answer = self.usage.ask(UsageMessage::Reprice, IMPORT_PATIENCE).await;
        let repriced = answer.map_err(|error| ServiceError::asking("the usage actor", error))??;
        self.shown_all().await;
        if repriced.repriced > 0 {
            tracing::info!(
                repriced.repriced,
                repriced.lacking,
                added_usd = %repriced.added_usd.exact(),
                price_table = repriced.price_table,
                "calls that had no price were priced"
            );
        }
        Ok(repriced)
    }

    /// Prices by the table in force where the views know calls that lack a price, or a part of one. None where they know of
    /// none.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn reprice_what_lacks(&self) -> Result<Option<Repriced>, ServiceError> {
        self.shown_all().await;
        if self.queries.with_view(|view| view.spend.total().is_whole()) {
            return Ok(None);
        }
        self.reprice_by_table().await.map(Some)
    }

    /// Reads the settings and the price file again; where prices have changed, what lacks a price is priced afterwards.
    ///
    /// # Errors
    /// [`ServiceError::Refused`]: something is wrong with them, and nothing changed.
    pub async fn reload(self: &Arc<Self>) -> Result<Reloaded, ServiceError> {
        let (settings, prices) = (self.queries.settings.clone(), self.queries.prices.clone());
        let reloaded = self.ask_disk(move |_| settings.reload(&prices).map_err(ServiceError::from)).await?;
        if reloaded.changed.iter().any(|change| change.key == PRICES) {
            let system = self.clone();
            tokio::spawn(async move {
                if let Err(error) = system.reprice_what_lacks().await {
                    tracing::warn!(%error, "what had no price could not be priced; `mecris reprice` does it");
                }
            });
        }
        Ok(reloaded)
    }

    /// What lacks prices, by the price file as it is now.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn lacks(&self) -> Result<Lacks, ServiceError> {
        let settings = self.queries.settings.clone();
        self.ask_disk(move |recorder| Ok(lacks(recorder, Arc::new(settings.prices_as_written()?))?)).await
    }

    /// What everything would cost by the prices of a day, by the price file as it is now. Nothing is written.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn what_if(&self, as_of: Date) -> Result<WhatIf, ServiceError> {
        let settings = self.queries.settings.clone();
        self.ask_disk(move |recorder| {
            Ok(recorder.by(Arc::new(settings.prices_as_written()?)).what_if(as_of)?)
        })
        .await
    }

    async fn ask_disk<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Recorder) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let recorder = self.importer.recorder().clone();
        caller::blocking(move || ask(&recorder)).await?
    }
}
