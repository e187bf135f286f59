//! What a cheap question to an outside system found, in words of ours.

use super::resilience::OutsideError;

/// What a cheap question found, and how far the system's clock is ahead of ours, in seconds.
pub type Verified = Result<(Finding, Option<i64>), OutsideError>;

/// What a cheap question found: in words, and the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It works.
    Works(String),
    /// It works, but not as well as it could.
    Weak(String, &'static str),
    /// It does not work.
    Broken(String, &'static str),
}
