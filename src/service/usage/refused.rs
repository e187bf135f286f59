//! Lines and files that reading transcripts refused, taken from the cursors. Reads no transcript, and holds
//! no message text.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::files::others;

use super::importer::Importer;

/// A refused line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedLine {
    /// The transcript's absolute path.
    pub file: String,
    /// The line number, from 1.
    pub line: u64,
    /// The reason; never the line's contents.
    pub reason: String,
    /// Whether it may be a billed call.
    pub may_cost: bool,
    /// When it will be read again by itself, if only its timestamp is wrong; null otherwise.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

/// An unreadable file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct RefusedFile {
    /// Its absolute path.
    pub file: String,
    /// The reason, and the fix.
    pub reason: String,
}

/// What is currently refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedShown {
    /// By file and line.
    pub refused: Vec<RefusedLine>,
    /// Number of further lines.
    pub more: u64,
    /// Unreadable files.
    pub files: Vec<RefusedFile>,
}

fn shown(path: &Path) -> String {
    std::path::absolute(path).as_deref().unwrap_or(path).display().to_string()
}

impl Importer {
    /// Lines refused at the last read whose files still exist, and files that cannot be opened now. Blocks.
    #[must_use]
    pub fn refused(&self) -> RefusedShown {
        let mut all = RefusedShown::default();
        for (path, cursor) in self.load_cursors() {
            let has_any = !cursor.refused.is_empty() || cursor.refused_more > 0;
            if !has_any || !path.try_exists().unwrap_or(true) {
                continue;
            }
            all.more += cursor.refused_more;
            all.refused.extend(cursor.refused.into_iter().map(|refused| RefusedLine {
                file: shown(&path),
                line: refused.line,
                reason: refused.reason,
                may_cost: refused.may_cost,
                until: refused.until_us.and_then(|until| Timestamp::from_microsecond(until).ok()),
            }));
        }
        all.refused.sort_by(|one, other| (&one.file, one.line).cmp(&(&other.file, other.line)));
        let found = self.find();
        let problems = found.problems.into_iter().map(|problem| (problem.path, problem.reason));
        let closed = found.files.into_iter().filter_map(|(path, _)| {
            let error = others::open(&path).err()?;
            Some((path, format!("cannot be read ({error}); check its owner and mode")))
        });
        all.files =
            problems.chain(closed).map(|(path, reason)| RefusedFile { file: shown(&path), reason }).collect();
        all.files.sort_unstable();
        all
    }
}
