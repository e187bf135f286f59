//! What the faces ask of usage, through the actors.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::telemetry_usage::Export;
use crate::domain::usage::Usage;
use crate::service::aggregate::caller;
use crate::service::runtime::client::{IMPORT_PATIENCE, PATIENCE, ServiceError};
use crate::service::runtime::settings::{PRICES, Reloaded};
use crate::service::system::tree::Supervised;
use crate::service::usage::actor::UsageMessage;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::Recorded;
use crate::service::usage::recorder::reprice::Repriced;
use crate::service::usage::telemetry::Taken;
use crate::service::usage::telemetry_actor::EXPORT_PATIENCE;
use crate::service::usage::telemetry_actor::OtlpMessage;
use crate::view::freshness::Freshness;

/// How long a question waits for what is new in transcripts.
const REFRESH_PATIENCE: Duration = Duration::from_secs(2);

impl Supervised {
    /// Looks at all transcripts now.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn import(&self) -> Result<ImportSummary, ServiceError> {
        let answer = self.usage.ask(UsageMessage::Import, IMPORT_PATIENCE).await;
        Ok(answer.map_err(|error| ServiceError::asking("the usage actor", error))??)
    }

    /// Reads what is new in transcripts, and waits a moment until the views show it. How old the figures are then.
    pub async fn refresh(&self) -> Freshness {
        if self.settings_read_transcripts() {
            // Who is busy with much more than a moment's work is not waited for: the answer says what is unread.
            let looked = self.usage.ask(UsageMessage::Refresh, REFRESH_PATIENCE).await;
            if matches!(looked, Ok(Ok(_))) {
                self.shown_all().await;
            }
        }
        self.queries.reading.freshness()
    }

    fn settings_read_transcripts(&self) -> bool {
        self.queries.settings.current().config.transcripts.enabled
    }

    /// Takes the price file as it is now, prices what lacks a price, and waits until the views show it.
    ///
    /// # Errors
    /// [`ServiceError::Refused`]: the price file is none, and nothing was done.
    pub async fn reprice(&self) -> Result<Repriced, ServiceError> {
        let settings = self.queries.settings.clone();
        let table = caller::blocking(move || settings.prices_as_written()).await??;
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
        let reloaded = caller::blocking(move || settings.reload(&prices)).await??;
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

    /// Records what was told over OTLP; on disk when it answers. Telling it again changes nothing.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn take_telemetry(&self, export: Export) -> Result<Taken, ServiceError> {
        let answer = self.otlp.ask(|reply| OtlpMessage { export, reply }, EXPORT_PATIENCE).await;
        Ok(answer.map_err(|error| ServiceError::asking("the OTLP actor", error))??)
    }

    /// Has usage that was told recorded, and waits until the views show it. Only where it `may_fall` does a sum take the place of a
    /// greater one.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(in crate::service) async fn record_told(
        &self,
        usage: Usage,
        may_fall: bool,
    ) -> Result<Recorded, ServiceError> {
        let message = |reply| UsageMessage::Told { usage: Box::new(usage), may_fall, reply };
        let answer = self.usage.ask(message, PATIENCE).await;
        let recorded = answer.map_err(|error| ServiceError::asking("the usage actor", error))??;
        self.shown_all().await;
        Ok(recorded)
    }
}
