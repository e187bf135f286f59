//! Names as small numbers, so that a million cells do not hold a million strings.

use std::collections::HashMap;
use std::sync::Arc;

use super::pieces::Rows;

/// The index is cut into so many parts: a new name copies one of them where a snapshot still has it.
const PARTS: usize = 64;

/// A name's number, in the order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub(super) u32);

/// All names seen.
#[derive(Debug, Clone)]
pub struct Names {
    /// By a name's last bytes.
    ids: [Arc<HashMap<Arc<str>, NameId>>; PARTS],
    names: Rows<Arc<str>>,
}

impl Default for Names {
    fn default() -> Self {
        Self { ids: std::array::from_fn(|_| Arc::default()), names: Rows::default() }
    }
}

impl PartialEq for Names {
    /// The index follows from the names.
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Eq for Names {}

/// The part of the index that a name is in: by its end, for paths begin alike, and ids do not.
fn part(name: &str) -> usize {
    let end = name.as_bytes().iter().rev().take(8);
    end.fold(name.len(), |part, byte| part.rotate_left(5) ^ usize::from(*byte)) % PARTS
}

impl Names {
    /// The number of a name, new or known.
    pub fn intern(&mut self, name: &str) -> NameId {
        if let Some(id) = self.find(name) {
            return id;
        }
        let id = NameId(self.names.len() as u32);
        let shared: Arc<str> = name.into();
        self.names.push(shared.clone());
        Arc::make_mut(&mut self.ids[part(name)]).insert(shared, id);
        id
    }

    /// The number of a name that is known.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NameId> {
        self.ids[part(name)].get(name).copied()
    }

    /// All names, in the order of their numbers.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The number that [`Names::intern`] would give the name at this place in [`Names::all`].
    #[must_use]
    pub fn id(&self, number: u32) -> Option<NameId> {
        ((number as usize) < self.names.len()).then_some(NameId(number))
    }

    /// The same, to keep.
    ///
    /// # Panics
    /// Never: only [`Names::intern`] makes numbers.
    #[must_use]
    pub fn shared(&self, id: NameId) -> Arc<str> {
        self.names.get(id.0 as usize).expect("a number of ours").clone()
    }

    /// The name of a number that [`Names::intern`] gave.
    ///
    /// # Panics
    /// Never: only [`Names::intern`] makes numbers.
    #[must_use]
    pub fn name(&self, id: NameId) -> &str {
        self.names.get(id.0 as usize).expect("a number of ours")
    }
}
