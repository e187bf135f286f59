//! Interned names, so that a million cells do not hold a million strings.

use std::collections::HashMap;
use std::sync::Arc;

use super::pieces::Rows;

/// Number of shards of the index: interning a name copies one shard if a snapshot still shares it.
const PARTS: usize = 64;

/// A name's number, in order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub(super) u32);

/// All interned names.
#[derive(Debug, Clone)]
pub struct Names {
    /// Sharded by the name's end; see [`part`].
    ids: [Arc<HashMap<Arc<str>, NameId>>; PARTS],
    names: Rows<Arc<str>>,
}

impl Default for Names {
    fn default() -> Self {
        Self { ids: std::array::from_fn(|_| Arc::default()), names: Rows::default() }
    }
}

impl PartialEq for Names {
    /// The index is derived from the names.
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Eq for Names {}

/// The shard of a name, chosen by its end: paths have common prefixes, and ids do not.
fn part(name: &str) -> usize {
    let end = name.as_bytes().iter().rev().take(8);
    end.fold(name.len(), |part, byte| part.rotate_left(5) ^ usize::from(*byte)) % PARTS
}

impl Names {
    /// Interns a name.
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

    /// The number of an interned name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NameId> {
        self.ids[part(name)].get(name).copied()
    }

    /// All names, by number.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// The number of the name at this place in [`Names::all`].
    #[must_use]
    pub fn id(&self, number: u32) -> Option<NameId> {
        ((number as usize) < self.names.len()).then_some(NameId(number))
    }

    /// The name of a number, shared.
    ///
    /// # Panics
    ///
    /// Never: only [`Names::intern`] makes numbers.
    #[must_use]
    pub fn shared(&self, id: NameId) -> Arc<str> {
        self.names.get(id.0 as usize).expect("a number of ours").clone()
    }

    /// The name of a number.
    ///
    /// # Panics
    ///
    /// Never: only [`Names::intern`] makes numbers.
    #[must_use]
    pub fn name(&self, id: NameId) -> &str {
        self.names.get(id.0 as usize).expect("a number of ours")
    }
}
