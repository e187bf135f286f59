//! Repricing in a running system: on a person's command, after the first import, and after the price file was
//! reloaded.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::calendar;
use crate::domain::pricing::PriceTable;
use crate::view::ViewError;

use super::recorder::Recorder;
use super::recorder::reprice::LackLine;

/// Usage that lacks prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lacks {
    /// By model.
    pub models: Vec<LackLine>,
    /// Calls that lack a price or a part of one.
    pub messages: u64,
    /// How many of them the table can price: `mecris reprice` does it.
    pub can_be_priced: u64,
    /// The price table that was consulted.
    pub price_table: String,
}

/// Usage that lacks prices by this table. Blocks.
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

/// The default day for prices. Prices apply to UTC days.
#[must_use]
pub fn today() -> Date {
    calendar::day_of(Timestamp::now(), &TimeZone::UTC)
}
