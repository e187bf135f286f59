//! sled, the second copy: the same blocks, keyed by first position, and an index entry for each run of
//! blocks. It trails the journal, and nothing in it is trusted without proof: every value has its own
//! checksum, and every call runs under `catch_unwind`, because one flipped byte makes sled 0.34.7 panic
//! (measured: 20 of 24 openings).
//!
//! One tree, so that one atomic batch covers everything:
//!
//! ```text
//! 'b' + first position, big-endian    the run's blocks, one behind the other, at most 64 KiB
//! 'i' + first position, big-endian    the run's index entry, see run.rs
//! ```

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::event::Position;
use crate::files::own;

use super::block::Block;
use super::hold::LOCK_PAUSE;
use super::run::index_entry;

/// sled evicts a page only after 64 accesses to its shard, and keeps the last page of each of 256 shards
/// whatever its size; with leaves of some 512 KiB its cache limit has no effect (measured: 200 MB for 288 MB
/// of blocks at a limit of 4 MB). So the store is reopened after this many bytes.
const TOUCHED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The limit while the store is idle. Otherwise a supervisor would grow by the bytes of each event, some
/// 350 with few events per block, for its first hundred thousands of events.
const RESTED_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A closed sled keeps its file, and the lock on it, until its last thread has ended. The log's own lock is
/// held by then, so nobody else will hold sled's lock for long.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);

const BLOCKS: u8 = b'b';
const INDEX: u8 = b'i';

/// An error of sled, or the message of its panic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sled: {0}")]
pub struct StoreError(pub(super) String);

impl StoreError {
    /// Whether another process has it open, which is not damage.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.0.contains("could not acquire lock")
    }
}

impl From<sled::Error> for StoreError {
    fn from(error: sled::Error) -> Self {
        Self(error.to_string())
    }
}

/// The second copy.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    cache_bytes: u64,
    /// Empty after [`Store::close`], or if it could not be reopened.
    db: RwLock<Option<sled::Db>>,
    /// Bytes read and written since it was opened.
    touched: AtomicU64,
}

/// Runs sled code and turns a panic into an error.
fn guarded<T>(call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("it panicked");
        Err(StoreError(text.to_owned()))
    })
}

fn key(prefix: u8, position: Position) -> [u8; 9] {
    let mut key = [prefix; 9];
    key[1..].copy_from_slice(&position.0.to_be_bytes());
    key
}

fn open_db(path: &Path, cache_bytes: u64) -> Result<sled::Db, StoreError> {
    // sled creates its directory as the umask allows, and its files below.
    own::dir(path).map_err(|error| StoreError(error.to_string()))?;
    guarded(|| {
        let config = sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(Some(500));
        let waiting_since = Instant::now();
        loop {
            match config.open().map_err(StoreError::from) {
                Err(error) if error.is_locked() && waiting_since.elapsed() < LOCK_WAIT_MAX => {
                    std::thread::sleep(LOCK_PAUSE);
                }
                opened => return opened,
            }
        }
    })
}

impl Store {
    /// Opens or creates the store.
    ///
    /// # Errors
    /// [`StoreError`]: it cannot be opened, and must be rebuilt from the journal.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let db = open_db(path, cache_bytes)?;
        Ok(Self { path: path.to_owned(), cache_bytes, db: RwLock::new(Some(db)), touched: AtomicU64::new(0) })
    }

    fn with<T>(&self, call: impl FnOnce(&sled::Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.recycle_above(TOUCHED_BYTES_MAX);
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        let db = db.as_ref().ok_or_else(|| StoreError("it is closed".to_owned()))?;
        guarded(|| call(db))
    }

    /// Called while the store is idle: frees the pages that sled still caches.
    pub fn rest(&self) {
        self.recycle_above(RESTED_BYTES_MAX);
    }

    /// Reopens sled after this many bytes, unless another thread is using it.
    fn recycle_above(&self, touched_max: u64) {
        if self.touched.load(Ordering::Relaxed) < touched_max {
            return;
        }
        let Ok(mut db) = self.db.try_write() else {
            return;
        };
        if db.is_some()
            && let Err(error) = self.open_anew(&mut db)
        {
            tracing::error!(%error, "the log's second copy cannot be opened again");
        }
    }

    /// Reopens sled after a failure. Returns its last position; zero if it is empty.
    ///
    /// # Errors
    /// [`StoreError`]: it still fails.
    pub fn reopen(&self) -> Result<Position, StoreError> {
        self.open_anew(&mut self.db.write().unwrap_or_else(PoisonError::into_inner))?;
        let Some((_, run)) = self.run_at(Position(u64::MAX))? else { return Ok(Position::START) };
        let (mut rest, mut last) = (run.as_slice(), Position::START);
        while !rest.is_empty() {
            let block = Block::read(rest).map_err(|error| StoreError(error.to_string()))?;
            last = block.header().last();
            rest = &rest[block.bytes().len()..];
        }
        Ok(last)
    }

    fn open_anew(&self, db: &mut Option<sled::Db>) -> Result<(), StoreError> {
        let old = db.take();
        self.touched.store(0, Ordering::Relaxed);
        let closed = guarded(|| {
            drop(old);
            Ok(())
        });
        *db = Some(closed.and_then(|()| open_db(&self.path, self.cache_bytes))?);
        Ok(())
    }

    fn touch(&self, bytes: usize) {
        self.touched.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Adds a run of blocks and its index entry, in one atomic batch.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn apply(&self, first: Position, blocks: &[u8]) -> Result<(), StoreError> {
        let entry = index_entry(blocks).map_err(|error| StoreError(error.to_string()))?;
        self.with(|db| {
            let mut batch = sled::Batch::default();
            batch.insert(&key(BLOCKS, first), blocks);
            batch.insert(&key(INDEX, first), entry);
            Ok(db.apply_batch(batch)?)
        })?;
        self.touch(blocks.len());
        Ok(())
    }

    /// Visits all index entries in order, as (first position, bytes), until `visit` says `false`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn index_entries(&self, visit: &mut dyn FnMut(Position, &[u8]) -> bool) -> Result<(), StoreError> {
        self.with(|db| {
            for item in db.scan_prefix([INDEX]) {
                let (key, entry) = item?;
                self.touch(entry.len());
                if !visit(position_of(&key), &entry) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The blocks of the run that holds a position, as (first position, bytes), unchecked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn run_at(&self, position: Position) -> Result<Option<(Position, Vec<u8>)>, StoreError> {
        let found = self.with(|db| {
            let mut keys = db.range(key(BLOCKS, Position::START)..=key(BLOCKS, position));
            let item = keys.next_back().transpose()?;
            Ok(item.map(|(key, blocks)| (position_of(&key), blocks.to_vec())))
        })?;
        self.touch(found.as_ref().map_or(0, |(_, blocks)| blocks.len()));
        Ok(found)
    }

    /// The first position and bytes of the run after a position, unchecked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn run_after(&self, position: Position) -> Result<Option<(Position, Vec<u8>)>, StoreError> {
        let found = self.with(|db| {
            let mut keys = db.range(key(BLOCKS, position.next())..=key(BLOCKS, Position(u64::MAX)));
            let item = keys.next().transpose()?;
            Ok(item.map(|(key, blocks)| (position_of(&key), blocks.to_vec())))
        })?;
        self.touch(found.as_ref().map_or(0, |(_, blocks)| blocks.len()));
        Ok(found)
    }

    /// The index entry of the run that starts at a position.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn index_entry(&self, first: Position) -> Result<Option<Vec<u8>>, StoreError> {
        self.with(|db| Ok(db.get(key(INDEX, first))?.map(|entry| entry.to_vec())))
    }

    /// The bytes of the block that starts at a position; `None` if the store does not have it, has it
    /// damaged, or cannot be read.
    #[must_use]
    pub fn block(&self, position: Position) -> Option<Vec<u8>> {
        let (_, run) = self
            .run_at(position)
            .inspect_err(|error| tracing::warn!(%error, %position, "the second copy cannot be read"))
            .ok()??;
        let mut rest = run.as_slice();
        while let Ok(block) = Block::read(rest) {
            if block.header().first == position {
                return Some(block.bytes().to_vec());
            }
            rest = &rest[block.bytes().len()..];
        }
        None
    }

    /// Closes the store; later calls return an error.
    pub fn close(&self) {
        let db = self.db.write().unwrap_or_else(PoisonError::into_inner).take();
        let closed = guarded(|| {
            if let Some(db) = db {
                db.flush()?;
            }
            Ok(())
        });
        if let Err(error) = closed {
            tracing::error!(%error, "the log's second copy did not close in order");
        }
    }
}

fn position_of(key: &[u8]) -> Position {
    let mut word = [0; 8];
    if let Some(bytes) = key.get(1..9) {
        word.copy_from_slice(bytes);
    }
    Position(u64::from_be_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::block::tests::commit_of;

    #[test]
    fn runs_come_back_as_they_went_in() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), 1 << 20).unwrap();
        let (blocks, sealed) = commit_of(500);
        assert!(sealed.len() > 2, "a run of several blocks");
        store.apply(Position(1), &blocks).unwrap();
        for block in &sealed {
            let found = store.block(block.header.first).unwrap();
            assert_eq!(Block::read(&found).unwrap().hash(), block.hash);
        }
        assert_eq!(store.block(Position(2)), None, "no block starts there");
        assert_eq!(store.run_at(Position(300)).unwrap(), Some((Position(1), blocks)));
        assert_eq!(store.run_after(Position(1)).unwrap(), None);
    }

    #[test]
    fn what_sled_keeps_of_what_it_has_seen_is_given_back_when_nothing_waits() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), 1 << 20).unwrap();
        let (blocks, _) = commit_of(500);
        store.apply(Position(1), &blocks).unwrap();
        store.rest();
        assert_eq!(store.touched.load(Ordering::Relaxed), blocks.len() as u64, "there is not much yet");
        assert_eq!(store.reopen().unwrap(), Position(500), "what it has is known when it is opened anew");
        store.touch(RESTED_BYTES_MAX as usize);
        store.rest();
        assert_eq!(store.touched.load(Ordering::Relaxed), 0);
        assert_eq!(store.run_at(Position(300)).unwrap(), Some((Position(1), blocks)));
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let error = guarded::<()>(|| panic!("sled is {}", "broken")).unwrap_err();
        assert_eq!(error.to_string(), "sled: sled is broken");
    }

    #[test]
    fn a_lock_is_not_taken_for_damage() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Store::open(dir.path(), 1 << 20).unwrap();
        let second = sled::Config::new().path(dir.path()).open().map_err(StoreError::from);
        assert!(second.unwrap_err().is_locked(), "sled's words for it have changed");
    }

    #[test]
    fn a_closed_store_answers_errors() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), 1 << 20).unwrap();
        store.close();
        store.close();
        assert!(store.run_at(Position(1)).is_err());
        assert_eq!(store.block(Position(1)), None);
    }
}
