//! Names as small numbers, so that a million cells do not hold a million strings.

use std::collections::HashMap;
use std::sync::Arc;

/// A name's number, in the order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameId(pub(super) u32);

/// All names seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    ids: HashMap<Arc<str>, NameId>,
    names: Vec<Arc<str>>,
}

impl Names {
    /// The number of a name, new or known.
    pub fn intern(&mut self, name: &str) -> NameId {
        if let Some(&id) = self.ids.get(name) {
            return id;
        }
        let id = NameId(self.names.len() as u32);
        let shared: Arc<str> = name.into();
        self.names.push(shared.clone());
        self.ids.insert(shared, id);
        id
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
    #[must_use]
    pub fn shared(&self, id: NameId) -> Arc<str> {
        self.names[id.0 as usize].clone()
    }

    /// The name of a number that [`Names::intern`] gave.
    #[must_use]
    pub fn name(&self, id: NameId) -> &str {
        &self.names[id.0 as usize]
    }
}
