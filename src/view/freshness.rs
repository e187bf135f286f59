//! How old usage numbers are, and what has not been read: part of every answer about money.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How old usage numbers are, and what they leave out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Freshness {
    /// When transcripts were last read completely; null if never.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub as_of: Option<Timestamp>,
    /// What is known to be unread.
    #[serde(default)]
    pub unread: Unread,
    /// Refused lines that may be billed calls; `mecris import --refused` lists them.
    #[serde(default)]
    pub refused_lines: u64,
}

/// What has not been read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unread {
    /// Number of transcripts.
    pub files: u64,
    /// Their unread bytes.
    pub bytes: u64,
}

impl Freshness {
    /// A caveat for the person; none if there is nothing to say.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let mut said = Vec::new();
        match self.unread.files {
            0 => {}
            files => said.push(format!("{files} transcripts ({} bytes) are not read", self.unread.bytes)),
        }
        match self.refused_lines {
            0 => {}
            lines => {
                said.push(format!("{lines} lines that may be calls were refused: `mecris import --refused`"));
            }
        }
        (!said.is_empty()).then(|| format!("Not in these figures: {}.", said.join("; ")))
    }
}
