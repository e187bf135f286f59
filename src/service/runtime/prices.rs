//! The price table in force. `mecris reload` and `mecris reprice` take the price file as it is then; whoever prices asks for
//! the table each time, and no price that was reckoned before changes by it.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::pricing::PriceTable;

/// A table that can be replaced; cheap to clone, and the same for all clones.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    table: Arc<RwLock<Arc<PriceTable>>>,
}

impl Prices {
    /// The table in force. Whoever prices more than one thing by the same table keeps it.
    #[must_use]
    pub fn current(&self) -> Arc<PriceTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another table in its place. Whether it is another.
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
