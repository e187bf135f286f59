//! What the faces ask of the vault, through the actors.

use jiff::Timestamp;

use crate::service::runtime::client::ServiceError;
use crate::service::system::tree::Supervised;
use crate::service::vault::queries::{LogBody, Logged};

impl Supervised {
    /// Writes a line to the daily note.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub async fn log_session(&self, body: LogBody) -> Result<Logged, ServiceError> {
        /// One at a time: two lines of one moment are two lines.
        static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let _one = ONE.lock().await;
        let queries = self.queries.clone();
        let write = move || queries.log_session(body, Timestamp::now(), "http");
        let written = crate::service::aggregate::caller::blocking(write).await;
        Ok(written.map_err(|_| ServiceError::UnknownOutcome { what: "the vault" })??)
    }
}
