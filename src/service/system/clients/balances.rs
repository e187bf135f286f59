//! What the reader of providers' pages is asked.

use std::time::Duration;

use crate::event::Position;
use crate::service::balances::console::{ConsoleBody, ConsoleRead};
use crate::service::balances::console_actor::ScraperMessage;
use crate::service::runtime::client::ServiceError;
use crate::service::system::tree::Supervised;

/// A person waits for one page: the browser's start, the page, and its end.
const READ_PATIENCE: Duration = Duration::from_mins(3);

impl Supervised {
    /// Reads a provider's page now, and waits until the views show what it said.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub(in crate::service) async fn read_console(
        &self,
        body: ConsoleBody,
    ) -> Result<ConsoleRead, ServiceError> {
        let message = |reply| ScraperMessage::Read { provider: body.provider, reply };
        let asked = self.scraper.ask(message, READ_PATIENCE).await;
        let read = asked.map_err(|error| ServiceError::asking("the pages' reader", error))??;
        self.shown_from(read.position.map(Position)).await;
        Ok(read)
    }
}
