//! The price table in force. `mecris reload` and `mecris reprice` replace it from the price file. Users fetch
//! the table for each piece of work; prices that were computed earlier do not change.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::pricing::PriceTable;

/// A replaceable price table; cheap to clone, shared by all clones.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    table: Arc<RwLock<Arc<PriceTable>>>,
}

impl Prices {
    /// The current table. Keep it to price several things consistently.
    #[must_use]
    pub fn current(&self) -> Arc<PriceTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the table. Returns whether it differs.
    pub fn replace(&self, table: PriceTable) -> bool {
        let mut current = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let is_other = **current != table;
        if is_other {
            *current = Arc::new(table);
        }
        is_other
    }
}

impl From<Arc<PriceTable>> for Prices {
    fn from(table: Arc<PriceTable>) -> Self {
        Self { table: Arc::new(RwLock::new(table)) }
    }
}
