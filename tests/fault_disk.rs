//! A disk for tests: in memory, with the freedoms that a real disk has when the power goes or a
//! write fails.
//!
//! - Bytes are durable only after `sync_data`; a power cut keeps any subset of the unsynced writes, by
//!   512-byte sector.
//! - Names are durable only after `sync_dir`; a power cut may undo a creation or a removal.
//! - A failed sync loses the unsynced bytes for good, and the next sync succeeds without them, as
//!   Linux does: what the process reads back is not what the disk has.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use mecris::log::disk::{Disk, DiskFile};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};

const SECTOR: usize = 512;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: the operation is under way, and all later ones fail.
    PowerCut,
    /// The operation fails once with this error; a write leaves half of its bytes.
    Error(i32),
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

#[derive(Debug, Default)]
struct Content {
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    durable_names: BTreeMap<PathBuf, Arc<Mutex<Content>>>,
    operations: u64,
    fault: Option<(u64, Fault)>,
    power_is_off: bool,
    free_bytes: Option<u64>,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct FaultDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    content: Arc<Mutex<Content>>,
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::SetLen(len) => bytes.resize(*len as usize, 0),
        Change::Write(offset, written) => {
            let (start, end) = (*offset as usize, *offset as usize + written.len());
            bytes.resize(bytes.len().max(end), 0);
            bytes[start..end].copy_from_slice(written);
        }
    }
}

impl FaultDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets the `number`th change from now on (from 1) meet a fault.
    pub fn fail_at(&self, number: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.operations + number, fault));
    }

    /// How many changes there were.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// What `free_bytes` says from now on; `None` is plenty.
    pub fn set_free_bytes(&self, free: Option<u64>) {
        self.state().free_bytes = free;
    }

    /// Counts a change; the fault if it is its turn.
    fn step(&self) -> io::Result<Option<Fault>> {
        let mut state = self.state();
        if state.power_is_off {
            return Err(io::Error::other("the power is off"));
        }
        state.operations += 1;
        let due = state.fault.filter(|(at, _)| *at == state.operations).map(|(_, fault)| fault);
        state.power_is_off = due == Some(Fault::PowerCut);
        Ok(due)
    }

    /// The disk as the next start of the machine finds it: a random choice among what may be there.
    pub fn after_power_cut(&self, seed: u64) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let state = self.state();
        let mut survivors = BTreeMap::new();
        let names: Vec<_> = state.files.keys().chain(state.durable_names.keys()).collect();
        for path in names {
            let (live, durable) = (state.files.get(path), state.durable_names.get(path));
            let chosen = match (live, durable) {
                (Some(live), Some(durable)) if Arc::ptr_eq(live, durable) => Some(live),
                _ if random.random() => live,
                _ => durable,
            };
            if let Some(content) = chosen {
                let content = content.lock().unwrap();
                let mut bytes = content.durable.clone();
                for change in &content.unsynced {
                    keep_some(&mut bytes, change, &mut random);
                }
                let fresh = Content { live: bytes.clone(), durable: bytes, unsynced: Vec::new() };
                survivors.insert(path.clone(), Arc::new(Mutex::new(fresh)));
            }
        }
        let state = State { files: survivors.clone(), durable_names: survivors, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }
}

/// Keeps a random part of a change that was not synced.
fn keep_some(bytes: &mut Vec<u8>, change: &Change, random: &mut SmallRng) {
    // All, nothing, any of its sectors, or those before a random one.
    let share = [0.0, 1.0, 0.5, 0.9, 1.0, 1.0][random.random_range(0..6)];
    let prefix: bool = random.random();
    match change {
        Change::SetLen(_) if random.random_bool(share) => apply(bytes, change),
        Change::SetLen(_) => {}
        Change::Write(offset, written) => {
            let reach = if prefix { random.random_range(0..=written.len()) } else { written.len() };
            let mut at = 0;
            while at < reach {
                // Sectors lie at multiples of their size in the file.
                let border = SECTOR - (*offset as usize + at) % SECTOR;
                let end = (at + border).min(written.len());
                if random.random_bool(share) {
                    apply(bytes, &Change::Write(offset + at as u64, written[at..end].to_vec()));
                }
                at = end;
            }
        }
    }
}

impl FaultFile {
    fn change(&self, change: Change) -> io::Result<()> {
        let fault = self.disk.step()?;
        let mut content = self.content.lock().unwrap();
        let done = match (fault, change) {
            (Some(Fault::Error(_)), Change::Write(offset, bytes)) => {
                Change::Write(offset, bytes[..bytes.len() / 2].to_vec())
            }
            (Some(Fault::Error(code)), Change::SetLen(_)) => return Err(io::Error::from_raw_os_error(code)),
            (_, change) => change,
        };
        apply(&mut content.live, &done);
        content.unsynced.push(done);
        outcome(fault)
    }
}

fn outcome(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        None => Ok(()),
        Some(Fault::PowerCut) => Err(io::Error::other("the power went")),
        Some(Fault::Error(code)) => Err(io::Error::from_raw_os_error(code)),
    }
}

impl DiskFile for FaultFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.content.lock().unwrap().live.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.content.lock().unwrap();
        let rest = content.live.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.change(Change::Write(offset, bytes.to_vec()))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let fault = self.disk.step()?;
        let mut content = self.content.lock().unwrap();
        match fault {
            None => {
                let mut durable = std::mem::take(&mut content.durable);
                content.unsynced.drain(..).for_each(|change| apply(&mut durable, &change));
                content.durable = durable;
            }
            // Lost for good, though the process still reads them.
            Some(Fault::Error(_)) => content.unsynced.clear(),
            Some(Fault::PowerCut) => {}
        }
        outcome(fault)
    }
}

impl Disk for FaultDisk {
    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.files.keys().filter(|path| path.parent() == Some(dir));
        Ok(names.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let content = self.state().files.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(FaultFile { disk: self.clone(), content }))
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        outcome(self.step()?)?;
        let content = self.state().files.entry(path.to_owned()).or_default().clone();
        Ok(Arc::new(FaultFile { disk: self.clone(), content }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        outcome(self.step()?)?;
        self.state().files.remove(path);
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        outcome(self.step()?)?;
        let mut state = self.state();
        state.durable_names = state.files.clone();
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(self.state().free_bytes.unwrap_or(u64::MAX))
    }
}
