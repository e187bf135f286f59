//! What was written to a vault, so that the last of it can be taken back.
//!
//! Kept are places and digests, no text: where in a note how many bytes were put in, and what the whole note was before
//! and after. A note is given back byte for byte, or not at all.

/// How many writes are remembered.
const KEPT: usize = 1_000;

/// What a write changed in a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// A digest of the note's path.
    pub note: String,
    /// A digest of all of the note before; none if it was made.
    pub before: Option<String>,
    /// A digest of all of it after.
    pub after: String,
    /// Where the new bytes begin.
    pub at: u64,
    /// How many they are.
    pub length: u64,
    /// How many folders were made for it.
    pub folders: u32,
}

/// A write that has not been taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// From 1, in the order of writing.
    pub number: u64,
    pub change: Change,
}

/// The writes that have not been taken back, the last one last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writes {
    known: Vec<Write>,
    /// How many there were in all.
    count: u64,
}

impl Writes {
    /// The write that is taken back next.
    #[must_use]
    pub fn last(&self) -> Option<&Write> {
        self.known.last()
    }

    /// A write was done.
    pub fn add(&mut self, change: Change) {
        self.count += 1;
        if self.known.len() == KEPT {
            self.known.remove(0);
        }
        self.known.push(Write { number: self.count, change });
    }

    /// A write was taken back.
    pub fn take_back(&mut self, number: u64) {
        self.known.retain(|write| write.number != number);
    }
}

/// What a note has to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Back {
    /// These bytes.
    Bytes(Vec<u8>),
    /// It is removed: the write had made it.
    Removed,
    /// It is as before the write already.
    Done,
}

/// What undoes a change of a note that is now like this; none if somebody else changed it since. `digest` is of all of a
/// note.
#[must_use]
pub fn undone(change: &Change, now: &[u8], digest: impl Fn(&[u8]) -> String) -> Option<Back> {
    let is_now = digest(now);
    if change.before.as_ref() == Some(&is_now) {
        return Some(Back::Done);
    }
    if is_now != change.after {
        return None;
    }
    let Some(before) = &change.before else { return Some(Back::Removed) };
    let at = usize::try_from(change.at).ok()?;
    let end = at.checked_add(usize::try_from(change.length).ok()?)?;
    let bytes = [now.get(..at)?, now.get(end..)?].concat();
    (digest(&bytes) == *before).then_some(Back::Bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(bytes: &[u8]) -> String {
        format!("<{}>", String::from_utf8_lossy(bytes))
    }

    fn change(before: Option<&str>, after: &str, at: u64, length: u64) -> Change {
        let of = |text: &str| digest(text.as_bytes());
        Change { note: "n".into(), before: before.map(of), after: of(after), at, length, folders: 0 }
    }

    #[test]
    fn a_note_is_given_back_whole_or_not_at_all() {
        let bytes = |text: &str| Some(Back::Bytes(text.as_bytes().to_vec()));
        let cases = [
            (change(Some("ab"), "aXYb", 1, 2), "aXYb", bytes("ab")),
            (change(Some("a\r\n"), "a\r\nb\r\n", 3, 3), "a\r\nb\r\n", bytes("a\r\n")),
            (change(Some(""), "x", 0, 1), "x", bytes("")),
            (change(None, "x", 0, 1), "x", Some(Back::Removed)),
            (change(Some("ab"), "aXYb", 1, 2), "ab", Some(Back::Done)),
            // Changed since, by one byte or all.
            (change(Some("ab"), "aXYb", 1, 2), "aXYb\n", None),
            (change(None, "x", 0, 1), "", None),
            // What the log says does not fit: nothing is guessed.
            (change(Some("ab"), "aXYb", 2, 2), "aXYb", None),
            (change(Some("ab"), "aXYb", 3, 9), "aXYb", None),
            (change(Some("ab"), "aXYb", u64::MAX, u64::MAX), "aXYb", None),
        ];
        for (change, now, expected) in cases {
            assert_eq!(undone(&change, now.as_bytes(), digest), expected, "{change:?} {now:?}");
        }
    }

    #[test]
    fn writes_are_taken_back_in_turn_and_some_are_forgotten() {
        let mut writes = Writes::default();
        for number in 0..KEPT as u64 + 5 {
            writes.add(change(None, &number.to_string(), 0, 1));
        }
        assert_eq!(writes.last().unwrap().number, KEPT as u64 + 5);
        for number in (6..=KEPT as u64 + 5).rev() {
            assert_eq!(writes.last().unwrap().number, number);
            writes.take_back(number);
        }
        assert_eq!(writes.last(), None);
        writes.add(change(None, "x", 0, 1));
        assert_eq!(writes.last().unwrap().number, KEPT as u64 + 6);
    }
}
