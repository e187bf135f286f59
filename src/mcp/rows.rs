//! The rows of an answer: all of them, or the part of a long list that a page can hold.

use serde_json::Value;

/// An answer, whole or with a part of its one list.
pub struct Given {
    /// What is answered.
    pub answer: Value,
    /// Which part of the list is there; all of every list, where absent.
    pub window: Option<Window>,
}

/// A part of a list that is too long to be made whole for each page.
pub struct Window {
    /// The list: a field at the top of the answer.
    pub list: &'static str,
    /// How many rows come before the part.
    pub skip: usize,
    /// A mark of each row of the whole list.
    pub marks: Vec<u64>,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Those that matter most.
    Few,
    /// From this one on, as many as a page can hold.
    From(usize),
}

impl Reach {
    /// No page holds more rows of such a list: none has less than a hundred bytes.
    pub const ROWS_MAX: usize = 480;
}

/// The mark of a row, by what it is.
#[must_use]
pub fn mark(row: &[u8]) -> u64 {
    let hash = blake3::hash(row);
    u64::from_be_bytes(std::array::from_fn(|n| hash.as_bytes()[n]))
}
