//! Persistent maps whose copies share unchanged parts: they make a snapshot of a million cells cheap.
//!
//! ```text
//! root ─▶ branch ─▶ leaf      a copy copies the root alone
//!      ─▶ branch ─▶ leaf      a change copies one branch and one leaf where a copy still has them, and else nothing
//!                 ─▶ leaf
//! ```
//!
//! [`Pieces`] is sorted by key, [`Rows`] is indexed from 0.

use std::sync::Arc;

/// Maximum entries per leaf, and leaves per branch.
const FULL: usize = 64;

/// A leaf with its lower key bound.
type Leaf<K, V> = (K, Arc<Vec<(K, V)>>);
/// A branch with its lower key bound.
type Branch<K, V> = (K, Arc<Vec<Leaf<K, V>>>);

/// A sorted map.
#[derive(Debug, Clone)]
pub struct Pieces<K, V> {
    /// No branch is empty, and no leaf is.
    branches: Vec<Branch<K, V>>,
}

impl<K, V> Default for Pieces<K, V> {
    fn default() -> Self {
        Self { branches: Vec::new() }
    }
}

impl<K: PartialEq, V: PartialEq> PartialEq for Pieces<K, V> {
    /// Compares the entries, however they are divided.
    fn eq(&self, other: &Self) -> bool {
        self.entries().eq(other.entries())
    }
}

impl<K, V> Pieces<K, V> {
    fn entries(&self) -> impl Iterator<Item = &(K, V)> {
        self.branches.iter().flat_map(|(_, leaves)| leaves.iter()).flat_map(|(_, entries)| entries.iter())
    }
}

/// The index of the piece that a key belongs to.
fn place<K: Ord, P>(pieces: &[(K, P)], key: &K) -> usize {
    pieces.partition_point(|(least, _)| least <= key).saturating_sub(1)
}

/// Splits a piece that has grown too long. A piece that grows at its end, as time does, leaves full pieces
/// behind.
fn cut<T>(grown: &mut Vec<T>, at_end: bool) -> Vec<T> {
    grown.split_off(if at_end { FULL } else { FULL / 2 })
}

impl<K: Ord + Copy, V: Clone> Pieces<K, V> {
    /// Builds a map from entries with strictly ascending keys.
    pub fn from_sorted(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut entries = entries.into_iter();
        let leaf = || {
            let entries: Vec<(K, V)> = entries.by_ref().take(FULL).collect();
            Some((entries.first()?.0, Arc::new(entries)))
        };
        let mut leaves = std::iter::from_fn(leaf);
        let branch = || {
            let leaves: Vec<Leaf<K, V>> = leaves.by_ref().take(FULL).collect();
            Some((leaves.first()?.0, Arc::new(leaves)))
        };
        Self { branches: std::iter::from_fn(branch).collect() }
    }

    /// All entries, in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.entries().map(|(key, value)| (key, value))
    }

    /// The entries from a key on, in key order.
    fn from(&self, from: K) -> impl Iterator<Item = (&K, &V)> {
        let at = place(&self.branches, &from);
        let (leaf, entry) = self.branches.get(at).map_or((0, 0), |(_, leaves)| {
            let leaf = place(leaves, &from);
            (leaf, leaves[leaf].1.partition_point(|(key, _)| *key < from))
        });
        let branches = self.branches[at..].iter();
        let leaves = branches.flat_map(|(_, leaves)| leaves.iter()).skip(leaf);
        leaves.flat_map(|(_, entries)| entries.iter()).skip(entry).map(|(key, value)| (key, value))
    }

    /// The entries from one key to another, exclusive, in key order.
    pub fn range(&self, from: K, until: K) -> impl Iterator<Item = (&K, &V)> {
        self.from(from).take_while(move |(key, _)| **key < until)
    }

    /// The value at a key, inserted now if there is none.
    pub fn entry(&mut self, key: K, new: impl FnOnce() -> V) -> &mut V {
        if self.branches.is_empty() {
            self.branches.push((key, Arc::new(vec![(key, Arc::new(Vec::new()))])));
        }
        let mut at = place(&self.branches, &key);
        let mut leaf = place(&self.branches[at].1, &key);
        let found = self.branches[at].1[leaf].1.binary_search_by(|(known, _)| known.cmp(&key));
        let mut entry = found.unwrap_or_else(|entry| entry);
        if found.is_err() {
            (at, leaf, entry) = self.insert((at, leaf, entry), key, new());
        }
        let leaves = Arc::make_mut(&mut self.branches[at].1);
        &mut Arc::make_mut(&mut leaves[leaf].1)[entry].1
    }

    /// Inserts an entry. Returns its place after too long pieces were split.
    fn insert(
        &mut self,
        (mut at, mut leaf, mut entry): (usize, usize, usize),
        key: K,
        value: V,
    ) -> (usize, usize, usize) {
        let (least_of_branch, leaves) = &mut self.branches[at];
        *least_of_branch = key.min(*least_of_branch);
        let leaves = Arc::make_mut(leaves);
        let (least, entries) = &mut leaves[leaf];
        *least = key.min(*least);
        let entries = Arc::make_mut(entries);
        let at_end = entry == entries.len();
        entries.insert(entry, (key, value));
        if entries.len() <= FULL {
            return (at, leaf, entry);
        }
        let rest = cut(entries, at_end);
        if entry >= entries.len() {
            (leaf, entry) = (leaf + 1, entry - entries.len());
            leaves.insert(leaf, (rest[0].0, Arc::new(rest)));
        } else {
            leaves.insert(leaf + 1, (rest[0].0, Arc::new(rest)));
        }
        if leaves.len() > FULL {
            let rest = cut(leaves, at_end && leaf + 1 == leaves.len());
            let length = leaves.len();
            self.branches.insert(at + 1, (rest[0].0, Arc::new(rest)));
            if leaf >= length {
                (at, leaf) = (at + 1, leaf - length);
            }
        }
        (at, leaf, entry)
    }

    /// Changes the value at a key, and removes it if `change` returns true. Returns whether there was a
    /// value.
    pub fn change(&mut self, key: &K, change: impl FnOnce(&mut V) -> bool) -> bool {
        let at = place(&self.branches, key);
        let Some((_, leaves)) = self.branches.get(at) else { return false };
        let leaf = place(leaves, key);
        let Ok(entry) = leaves[leaf].1.binary_search_by(|(known, _)| known.cmp(key)) else { return false };
        let leaves = Arc::make_mut(&mut self.branches[at].1);
        let entries = Arc::make_mut(&mut leaves[leaf].1);
        if change(&mut entries[entry].1) {
            entries.remove(entry);
            if entries.is_empty() {
                leaves.remove(leaf);
                if leaves.is_empty() {
                    self.branches.remove(at);
                }
            }
        }
        true
    }
}

/// Rows in a piece of [`Rows`].
const ROWS: usize = 1_024;

/// A list whose copies share unchanged parts.
#[derive(Debug, Clone)]
pub struct Rows<T>(Vec<Arc<Vec<T>>>);

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: PartialEq> PartialEq for Rows<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for Rows<T> {}

impl<T: Clone> Rows<T> {
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * ROWS + last.len())
    }

    #[must_use]
    pub fn get(&self, number: usize) -> Option<&T> {
        self.0.get(number / ROWS)?.get(number % ROWS)
    }

    /// A row for changing. Do not call it without changing the row: it may copy.
    pub fn get_mut(&mut self, number: usize) -> Option<&mut T> {
        Arc::make_mut(self.0.get_mut(number / ROWS)?).get_mut(number % ROWS)
    }

    pub fn push(&mut self, row: T) {
        match self.0.last_mut() {
            Some(last) if last.len() < ROWS => Arc::make_mut(last).push(row),
            _ => self.0.push(Arc::new(vec![row])),
        }
    }

    /// Appends rows up to this length.
    pub fn fill(&mut self, length: usize, row: impl Fn(usize) -> T) {
        (self.len()..length).for_each(|number| self.push(row(number)));
    }

    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flat_map(|rows| rows.iter())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A change to one of two maps, or copying the first to the second.
    #[derive(Debug, Clone)]
    enum Act {
        Put { other: bool, key: u16 },
        Take { other: bool, key: u16 },
        Run { first: u16, count: u16 },
        Copy,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (any::<bool>(), 0..3_000_u16).prop_map(|(other, key)| Act::Put { other, key }),
            2 => (any::<bool>(), 0..3_000_u16).prop_map(|(other, key)| Act::Take { other, key }),
            1 => (0..3_000_u16, 1..700_u16).prop_map(|(first, count)| Act::Run { first, count }),
            1 => Just(Act::Copy),
        ]
    }

    fn put(pieces: &mut Pieces<u16, u64>, model: &mut BTreeMap<u16, u64>, key: u16) {
        *pieces.entry(key, || 0) += 1;
        *model.entry(key).or_default() += 1;
    }

    fn same(pieces: &Pieces<u16, u64>, model: &BTreeMap<u16, u64>) -> bool {
        let ranges = [(0, 10), (100, 90), (70, 1_500), (2_999, u16::MAX), (0, u16::MAX)];
        let in_range = |(from, until): &(u16, u16)| {
            let expected = model.range(*from..(*until).max(*from));
            pieces.range(*from, *until).eq(expected)
        };
        let is_full = |(_, leaves): &Branch<u16, u64>| {
            !leaves.is_empty()
                && leaves.len() <= FULL
                && leaves.iter().all(|(_, leaf)| !leaf.is_empty() && leaf.len() <= FULL)
        };
        pieces.iter().eq(model.iter()) && ranges.iter().all(in_range) && pieces.branches.iter().all(is_full)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// It behaves like a `BTreeMap`, and a copy never sees changes of the other.
        #[test]
        fn pieces_are_a_sorted_map_and_copies_are_their_own(acts in prop::collection::vec(act(), 1..60)) {
            let mut maps = [Pieces::default(), Pieces::default()];
            let mut models = [BTreeMap::new(), BTreeMap::new()];
            for act in acts {
                match act {
                    Act::Put { other, key } => {
                        put(&mut maps[usize::from(other)], &mut models[usize::from(other)], key);
                    }
                    Act::Take { other, key } => {
                        let of = usize::from(other);
                        maps[of].change(&key, |value| { *value -= 1; *value == 0 });
                        if let Some(value) = models[of].get_mut(&key) {
                            *value -= 1;
                            if *value == 0 {
                                models[of].remove(&key);
                            }
                        }
                    }
                    Act::Run { first, count } => {
                        for key in first..first + count {
                            put(&mut maps[0], &mut models[0], key);
                        }
                    }
                    Act::Copy => (maps[1], models[1]) = (maps[0].clone(), models[0].clone()),
                }
                for (map, model) in maps.iter().zip(&models) {
                    prop_assert!(same(map, model));
                }
            }
            prop_assert!(same(&Pieces::from_sorted(models[0].clone()), &models[0]));
            prop_assert_eq!(&Pieces::from_sorted(models[0].clone()), &maps[0]);
        }
    }

    #[test]
    fn many_entries_in_each_order_are_found_and_taken_away_again() {
        for order in 0..3_u64 {
            let key = |number: u64| match order {
                0 => number,
                1 => 20_000 - number,
                _ => number.wrapping_mul(7_919) % 20_011,
            };
            let (mut pieces, mut model) = (Pieces::default(), BTreeMap::new());
            for number in 0..20_000 {
                *pieces.entry(key(number), || 0) = number;
                model.insert(key(number), number);
            }
            assert!(pieces.iter().eq(model.iter()) && pieces.range(500, 700).eq(model.range(500..700)));
            let kept = pieces.clone();
            for number in 0..20_000 {
                pieces.change(&key(number), |_| true);
            }
            assert!(pieces.branches.is_empty() && kept.iter().eq(model.iter()));
        }
    }

    #[test]
    fn rows_are_counted_and_copies_are_their_own() {
        let mut rows = Rows::default();
        (0..3_000).for_each(|number| rows.push(number));
        let copy = rows.clone();
        *rows.get_mut(1_500).unwrap() = 0;
        rows.push(3_000);
        assert_eq!(
            (rows.len(), copy.len(), rows.get(1_500), copy.get(1_500)),
            (3_001, 3_000, Some(&0), Some(&1_500))
        );
        assert_eq!((rows.get(3_000), copy.get(3_000), copy.get(usize::MAX)), (Some(&3_000), None, None));
        assert!(copy.iter().copied().eq(0..3_000));
    }
}
