//! Names of tenants: each is a directory, a part of an address, and the prefix of its actors' paths.

use std::fmt;

use serde::Serialize;

use super::code::{Code, Coded};

/// The tenant of the person whose program it is.
pub const LOCAL: &str = "local";
/// The header by which a process of the owner's, which needs no token, says whose money and goals it asks for.
pub const HEADER: &str = "mecris-tenant";
/// The most characters of a name: it stands in paths and in metrics.
const NAME_MAX: usize = 40;

/// A tenant's name: 1 to 40 lower-case letters, digits and hyphens, with a letter or digit at both ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantName(String);

/// A text is no tenant's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tenant is named by 1 to 40 lower-case letters, digits and hyphens, such as acme or team-2")]
pub struct NoTenantName;

impl Coded for NoTenantName {
    fn code(&self) -> Code {
        Code::Refused
    }
}

/// There is no tenant of a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no tenant '{0}'; `mecris tenant list` names those there are, and `mecris tenant add {0}` makes one"
)]
pub struct NoTenant(pub TenantName);

impl Coded for NoTenant {
    fn code(&self) -> Code {
        Code::TenantUnknown
    }
}

impl TenantName {
    /// The tenant of the person whose program it is.
    #[must_use]
    pub fn local() -> Self {
        Self(LOCAL.to_owned())
    }

    /// Reads a name.
    ///
    /// # Errors
    /// [`NoTenantName`].
    pub fn parse(text: &str) -> Result<Self, NoTenantName> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let ends = bytes.first().zip(bytes.last()).is_some_and(|(a, z)| is_plain(*a) && is_plain(*z));
        let is_name =
            ends && bytes.len() <= NAME_MAX && bytes.iter().all(|byte| is_plain(*byte) || *byte == b'-');
        if is_name { Ok(Self(text.to_owned())) } else { Err(NoTenantName) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the tenant of the person whose program it is.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.0 == LOCAL
    }
}

impl std::str::FromStr for TenantName {
    type Err = NoTenantName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for TenantName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_path_and_an_address() {
        for good in ["local", "a", "team-2", "0", "acme-europe-west", &"x".repeat(40)] {
            assert_eq!(TenantName::parse(good).unwrap().as_str(), good);
        }
        let bad =
            ["", ".", "..", "a/b", "A", "a b", "-a", "a-", "-", "ä", "a\0", "a.b", "a_b", &"x".repeat(41)];
        for bad in bad {
            assert_eq!(TenantName::parse(bad), Err(NoTenantName), "{bad}");
        }
    }
}
