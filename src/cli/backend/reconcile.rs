//! Reconciliation: by a running supervisor, or from the log itself.

use jiff::Timestamp;

use crate::service::providers::reconcile::check;
use crate::view::reconcile::{Reconciliation, Wanted};

use super::{Backend, CliError};

impl Backend {
    /// The estimate held against the truth.
    ///
    /// # Errors
    /// [`CliError`].
    pub fn reconcile(&self, wanted: Wanted) -> Result<Reconciliation, CliError> {
        let wanted = check(wanted).map_err(|error| CliError::Usage(error.to_string()))?;
        match self {
            Self::Running(remote) => {
                let mut query = Vec::new();
                query.extend(wanted.since.map(|day| ("since", day.to_string())));
                query.extend(wanted.until.map(|day| ("until", day.to_string())));
                query.extend(wanted.provider.map(|name| ("provider", name)));
                remote.get("/api/v1/reconcile", &query)
            }
            Self::Own(node) => Ok(node.queries()?.reconcile(&wanted, Timestamp::now())),
        }
    }
}
