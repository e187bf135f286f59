//! The tenants of a data directory: how they are shown, added and taken away. What runs is `http/tenants`' matter.

use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::code::{Code, Coded};
use crate::domain::tenant::{NoTenant, NoTenantName, TenantName};
use crate::files::own;
use crate::log::{LogError, hold};
use crate::service::access::kept::{KeptTokenError, KeptTokens};
use crate::service::runtime::place::{self, Place, PlaceError};
use crate::view::CutShort;

/// Where the directories of tenants lie that were taken away, in the data directory.
const REMOVED_DIR: &str = "removed";

/// How a tenant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TenantState {
    /// Its actors run.
    Working,
    /// It is started when somebody asks for it.
    Asleep,
    /// It is being started or stopped.
    Starting,
    /// It cannot be started; `reason` says why.
    Failed,
    /// No supervisor runs.
    Stopped,
}

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantShown {
    /// Its name.
    #[schema(example = "acme")]
    pub name: String,
    /// How it stands.
    pub state: TenantState,
    /// Why it cannot be started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where its files lie: its tokens in `token` and `agent-token`, its settings in `config.toml`.
    pub dir: String,
}

/// The tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantsShown {
    /// By name.
    pub tenants: Vec<TenantShown>,
}

/// A tenant was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TenantRemoved {
    /// Its name.
    pub name: String,
    /// Where its files lie now. Nothing was deleted.
    pub moved_to: String,
}

/// Keeps the tenants of a running program.
pub trait Keeper: Send + Sync {
    /// The tenants, and how each stands.
    fn list(&self) -> BoxFuture<'_, TenantsShown>;

    /// Adds a tenant, and starts it.
    fn add(&self, name: TenantName) -> BoxFuture<'_, Result<(), TenantError>>;

    /// Stops a tenant, and moves its directory out of the way.
    fn remove(&self, name: TenantName) -> BoxFuture<'_, Result<TenantRemoved, TenantError>>;
}

/// Why a tenant is not added or taken away.
#[derive(Debug, thiserror::Error)]
pub enum TenantError {
    /// A name is none.
    #[error(transparent)]
    Name(#[from] NoTenantName),
    /// There is no such tenant.
    #[error(transparent)]
    Unknown(#[from] NoTenant),
    /// There is one already.
    #[error("there is a tenant '{0}' already")]
    Taken(TenantName),
    /// The person's own.
    #[error("the tenant local is the person's whose program it is, and is always there")]
    Local,
    /// The data directory.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Somebody works with it.
    #[error(transparent)]
    InUse(#[from] LogError),
    /// Its tokens cannot be made.
    #[error(transparent)]
    Tokens(#[from] KeptTokenError),
    /// It is there, and does not work.
    #[error("the tenant is there, and cannot be started: {0}")]
    NotStarted(String),
    /// The work was cut short.
    #[error(transparent)]
    CutShort(#[from] CutShort),
    /// Its files cannot be moved.
    #[error("{path}: {reason}; check the owner and the mode of the data directory")]
    Files {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
}

impl Coded for TenantError {
    fn code(&self) -> Code {
        match self {
            Self::Name(error) => error.code(),
            Self::Unknown(error) => error.code(),
            Self::Taken(_) | Self::Local => Code::TenantTaken,
            Self::InUse(_) | Self::Place(_) => Code::Unavailable,
            Self::CutShort(error) => error.code(),
            Self::Tokens(_) | Self::NotStarted(_) | Self::Files { .. } => Code::Internal,
        }
    }
}

fn failed(path: &Path, error: &std::io::Error) -> TenantError {
    TenantError::Files { path: path.display().to_string(), reason: error.to_string() }
}

/// The tenants of a data directory; `state` says how each stands. Blocks.
#[must_use]
pub fn shown(root: &Path, state: impl Fn(&TenantName) -> (TenantState, Option<String>)) -> TenantsShown {
    let show = |name: TenantName| {
        let (state, reason) = state(&name);
        let dir = Place::of(root, name.clone()).dir.display().to_string();
        TenantShown { name: name.to_string(), state, reason, dir }
    };
    TenantsShown { tenants: place::tenants(root).into_iter().map(show).collect() }
}

/// Makes a tenant's directory and its tokens. Blocks.
///
/// # Errors
/// [`TenantError`].
pub fn add(root: &Path, name: &TenantName) -> Result<(), TenantError> {
    let place = Place::of(root, name.clone());
    match own::new_dir(&place.dir) {
        Err(_) if place.exists() => return Err(TenantError::Taken(name.clone())),
        made => made.map_err(|error| failed(&place.dir, &error))?,
    }
    KeptTokens::of(&place.dir)?;
    Ok(())
}

/// Moves a tenant's directory out of the way, whole. Blocks. Nobody may work with it.
///
/// # Errors
/// [`TenantError`].
pub fn remove(root: &Path, name: &TenantName, now: Timestamp) -> Result<TenantRemoved, TenantError> {
    if name.is_local() {
        return Err(TenantError::Local);
    }
    let place = Place::of(root, name.clone());
    if !place.exists() {
        return Err(NoTenant(name.clone()).into());
    }
    let _held = hold(&place.dir)?;
    let removed: PathBuf = root.join(REMOVED_DIR);
    own::inner_dir(&removed).map_err(|error| failed(&removed, &error))?;
    let target = removed.join(format!("{name}-{}", now.strftime("%Y%m%dT%H%M%S%.6fZ")));
    std::fs::rename(&place.dir, &target).map_err(|error| failed(&place.dir, &error))?;
    Ok(TenantRemoved { name: name.to_string(), moved_to: target.display().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_is_added_once_and_taken_away_whole() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        place::lay_out(root).unwrap();
        let acme = TenantName::parse("acme").unwrap();
        add(root, &acme).unwrap();
        assert!(matches!(add(root, &acme), Err(TenantError::Taken(_))));
        let names = |root: &Path| place::tenants(root).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names(root), ["acme", "local"]);
        let tokens = KeptTokens::of(&root.join("tenants/acme")).unwrap();
        let local = KeptTokens::of(&root.join("tenants/local")).unwrap();
        assert!(tokens.owner != local.owner && tokens.agent != local.agent);

        let held = hold(&root.join("tenants/acme")).unwrap();
        assert!(matches!(remove(root, &acme, Timestamp::UNIX_EPOCH), Err(TenantError::InUse(_))));
        drop(held);
        let removed = remove(root, &acme, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(
            std::fs::read_to_string(Path::new(&removed.moved_to).join("token")).unwrap(),
            tokens.owner
        );
        assert_eq!(names(root), ["local"]);
        assert!(matches!(remove(root, &acme, Timestamp::UNIX_EPOCH), Err(TenantError::Unknown(_))));
        let local = remove(root, &TenantName::local(), Timestamp::UNIX_EPOCH);
        assert!(matches!(local, Err(TenantError::Local)));
        // The name is free again.
        add(root, &acme).unwrap();
    }
}
