//! Slugs: the names of goals in URLs and on the command line.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

/// A goal's slug: 1 to 64 of `A-Z`, `a-z`, `0-9`, `-`, `_` and `.`, and not only dots, because it is a path
/// segment of URLs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GoalSlug(String);

/// Why a text is not a slug.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a goal's slug; use 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.'")]
pub struct SlugError(pub String);

impl Coded for SlugError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl GoalSlug {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text consists of the characters of slugs and request ids.
pub(super) fn is_plain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

impl TryFrom<String> for GoalSlug {
    type Error = SlugError;

    fn try_from(slug: String) -> Result<Self, SlugError> {
        let is_slug = is_plain(&slug) && slug.bytes().any(|byte| byte != b'.');
        if is_slug { Ok(Self(slug)) } else { Err(SlugError(slug)) }
    }
}

impl From<GoalSlug> for String {
    fn from(slug: GoalSlug) -> Self {
        slug.0
    }
}

impl std::str::FromStr for GoalSlug {
    type Err = SlugError;

    fn from_str(slug: &str) -> Result<Self, SlugError> {
        Self::try_from(slug.to_owned())
    }
}

impl fmt::Display for GoalSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_one_segment_of_an_address() {
        for slug in ["spend", "Read-2", "a.b_c", ".hidden", &"x".repeat(64)] {
            assert_eq!(slug.parse::<GoalSlug>().unwrap().as_str(), slug);
        }
        for slug in ["", ".", "..", "a/b", "a b", "ä", "a?b", &"x".repeat(65)] {
            assert_eq!(slug.parse::<GoalSlug>(), Err(SlugError(slug.to_owned())));
        }
    }
}
