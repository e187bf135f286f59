//! What an endpoint itself refuses, where no capability has an error for it.

use crate::domain::code::{Code, Coded};

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Refusal {
    code: Code,
    words: String,
}

impl Refusal {
    /// A refusal of this kind; `words` say what helps.
    pub fn new(code: Code, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        self.code
    }
}
