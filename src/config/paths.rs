//! Where things are kept, by the XDG base directory specification.

use std::path::{Path, PathBuf};

/// What those who keep files beside their paths call these.
pub use crate::files::own::{dir as make_private, write as write_private};

use super::ConfigError;

/// Reads an environment variable that holds a path; an empty one counts as absent.
fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The home directory.
#[must_use]
pub fn home() -> Option<PathBuf> {
    variable("HOME")
}

/// `$XDG_CONFIG_HOME/mecris`, or `~/.config/mecris`.
#[must_use]
pub fn config_dir() -> Option<PathBuf> {
    let base = variable("XDG_CONFIG_HOME").or_else(|| home().map(|home| home.join(".config")));
    base.map(|base| base.join("mecris"))
}

/// The data directory: the one named, or `$XDG_DATA_HOME/mecris`, or `~/.local/share/mecris`.
///
/// # Errors
/// [`ConfigError::NoHome`].
pub fn data_dir(named: Option<&Path>) -> Result<PathBuf, ConfigError> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let base = variable("XDG_DATA_HOME").or_else(|| home().map(|home| home.join(".local/share")));
    base.map(|base| base.join("mecris")).ok_or(ConfigError::NoHome)
}
