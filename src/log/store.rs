//! The sled store: the copy that is read. Derived from the journal, and able to mend it.
//!
//! sled 0.34.7 may panic on damaged files, at opening and at reading, and may lose a damaged tail
//! without a word; so every call is fenced, every block is checked by its reader, and what is
//! missing is taken from the journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sled::IVec;

use crate::event::Position;

/// Memory for sled's pages. Blocks are read mostly in order, so more would be wasted.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// The first byte of the keys of blocks; room for other kinds of entries in the same tree.
const BLOCK_PREFIX: u8 = b'b';

/// What sled said, by what can be done about it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The file system, or another process that holds the lock: nothing is known to be damaged.
    #[error("sled: {0}")]
    Io(String),
    /// The files are damaged; sled may even have panicked on them.
    #[error("sled: {0}")]
    Damaged(String),
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) => Self::Io(error.to_string()),
            other => Self::Damaged(other.to_string()),
        }
    }
}

/// The open store.
#[derive(Debug)]
pub struct Store {
    db: sled::Db,
}

fn fenced<T>(call: impl FnOnce() -> Result<T, sled::Error>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(answer) => answer.map_err(StoreError::from),
        Err(_) => Err(StoreError::Damaged("panicked on damaged files".into())),
    }
}

fn key(first: Position) -> [u8; 9] {
    let mut key = [BLOCK_PREFIX; 9];
    key[1..].copy_from_slice(&first.0.to_be_bytes());
    key
}

fn position(key: &[u8]) -> Option<Position> {
    let (&prefix, digits) = key.split_first()?;
    (prefix == BLOCK_PREFIX).then_some(())?;
    Some(Position(u64::from_be_bytes(digits.try_into().ok()?)))
}

impl Store {
    /// Opens the store in a directory, which sled makes if need be.
    ///
    /// # Errors
    /// [`StoreError`]: its files are damaged, or the file system said no.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(Some(1_000));
        Ok(Self { db: fenced(|| config.open())? })
    }

    /// The bytes of the block whose first record stands at a position.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn get(&self, first: Position) -> Result<Option<IVec>, StoreError> {
        fenced(|| self.db.get(key(first)))
    }

    /// Keeps a block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn put(&self, first: Position, block: &[u8]) -> Result<(), StoreError> {
        fenced(|| self.db.insert(key(first), block).map(drop))
    }

    /// Forgets a block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn remove(&self, first: Position) -> Result<(), StoreError> {
        fenced(|| self.db.remove(key(first)).map(drop))
    }

    /// The first position of the last block.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn last(&self) -> Result<Option<Position>, StoreError> {
        let last = fenced(|| self.db.scan_prefix([BLOCK_PREFIX]).next_back().transpose())?;
        Ok(last.and_then(|(key, _)| position(&key)))
    }

    /// The first positions of all blocks, ascending.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn positions(&self) -> Result<Vec<Position>, StoreError> {
        fenced(|| {
            let keys = self.db.scan_prefix([BLOCK_PREFIX]).keys();
            keys.map(|key| key.map(|key| position(&key))).filter_map(Result::transpose).collect()
        })
    }

    /// Writes what sled still holds in memory.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn flush(&self) -> Result<(), StoreError> {
        fenced(|| self.db.flush().map(drop))
    }
}
