//! Where things are kept, by the XDG base directory specification.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};

/// What those who keep files beside their paths call these.
pub use crate::files::own::{dir as make_private, write as write_private};

use crate::domain::tenant::TenantName;

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

/// The directory of the tenants in the data directory.
pub const TENANTS_DIR: &str = "tenants";

/// The settings of a tenant, in its directory. Those of `local` are the person's own, where the XDG specification has them.
pub const TENANT_SETTINGS: &str = "config.toml";

/// Where a tenant's files lie.
#[must_use]
pub fn tenant_dir(data_dir: &Path, tenant: &TenantName) -> PathBuf {
    data_dir.join(TENANTS_DIR).join(tenant.as_str())
}

/// The name of the supervisor's socket in the data directory.
pub const SOCKET_FILE: &str = "mecris.sock";

/// A longer path does not fit the kernel's `sun_path` (108 bytes with the end).
const SOCKET_PATH_MAX: usize = 100;

/// Where the socket of a data directory is reached, however long the directory's path: by an open directory where it is too
/// long, which must stay open for as long as the path is used.
///
/// # Errors
/// The directory cannot be opened.
pub fn socket_in(dir: &Path) -> io::Result<(PathBuf, Option<OwnedFd>)> {
    let path = dir.join(SOCKET_FILE);
    if path.as_os_str().len() <= SOCKET_PATH_MAX {
        return Ok((path, None));
    }
    let dir: OwnedFd = std::fs::File::open(dir)?.into();
    Ok((PathBuf::from(format!("/proc/self/fd/{}/{SOCKET_FILE}", dir.as_raw_fd())), Some(dir)))
}
