//! The two tokens that a tenant has from its first start on, each in a file of its directory: the owner's and the agents'.

use std::io;
use std::path::Path;

use crate::domain::access::{Kind, token};
use crate::files::own;
use crate::service::runtime::place::{AGENT_TOKEN_FILE, TOKEN_FILE};

/// No token is longer, in bytes.
const TOKEN_BYTES_MAX: u64 = 4_096;
/// A file with fewer characters holds no token.
const TOKEN_CHARS_MIN: usize = 32;

/// Why a token cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct KeptTokenError {
    /// The file.
    pub path: String,
    /// What is wrong, with the fix.
    pub reason: String,
}

/// See the module.
#[derive(Clone)]
pub struct KeptTokens {
    /// The owner's.
    pub owner: String,
    /// The agents'.
    pub agent: String,
}

impl KeptTokens {
    /// Reads both from a tenant's directory, and makes those that are not there, readable by the owner alone. Blocks.
    ///
    /// # Errors
    /// [`KeptTokenError`]: a file cannot be read or holds a token of another kind.
    pub fn of(dir: &Path) -> Result<Self, KeptTokenError> {
        let (owner, agent) =
            (read_or_make(dir, TOKEN_FILE, Kind::Owner)?, read_or_make(dir, AGENT_TOKEN_FILE, Kind::Agent)?);
        if owner == agent {
            return Err(KeptTokenError {
                path: dir.join(AGENT_TOKEN_FILE).display().to_string(),
                reason: "it holds the owner's token; remove it to have one made for agents".to_owned(),
            });
        }
        Ok(Self { owner, agent })
    }
}

/// A token that is there stays, also in the form that older versions made.
fn read_or_make(dir: &Path, name: &str, kind: Kind) -> Result<String, KeptTokenError> {
    let path = dir.join(name);
    let failed = |reason: String| KeptTokenError { path: path.display().to_string(), reason };
    let refused = |error: io::Error| {
        failed(format!("{error}; check its owner and mode, or remove it to have a new one made"))
    };
    match own::read_text(&path, TOKEN_BYTES_MAX) {
        // A token of another kind in this place would give its holder what this file's token may.
        Ok(text) if token::parse(text.trim()).is_ok_and(|found| found != kind) => {
            let found = token::parse(text.trim()).map_or("another".to_owned(), |found| found.to_string());
            Err(failed(format!("it holds {found} token; remove it to have a new one made")))
        }
        Ok(text) if text.trim().len() >= TOKEN_CHARS_MIN => Ok(text.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(error)),
        _ => {
            let token = token::make(kind, &rand::random());
            own::write(&path, token.as_bytes()).map_err(refused)?;
            Ok(token)
        }
    }
}
