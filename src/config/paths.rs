//! Where things are kept, by the XDG base directory specification.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

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

/// Makes a directory that only its owner may enter, and closes it to others if it was open.
///
/// # Errors
/// What the file system said.
pub fn make_private(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut permissions = std::fs::metadata(dir)?.permissions();
    if permissions.mode() & 0o777 != 0o700 {
        permissions.set_mode(0o700);
        std::fs::set_permissions(dir, permissions)?;
    }
    Ok(())
}

/// Writes a file that only its owner may read, whole or not at all.
///
/// # Errors
/// What the file system said.
pub fn write_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(contents)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)
}
