//! Projects: the directory in which a session began, normalized by visible rules, and named by the person.
//!
//! | rule | written | project |
//! |---|---|---|
//! | a repository is one project, with its worktrees and subfolders, if it was found on disk | `/w/alpha/src` in `/w/alpha` | `/w/alpha` |
//! | Claude Code's own worktrees belong to the surrounding repository | `/w/alpha/.claude/worktrees/x` | `/w/alpha` |
//! | `\` is `/`, a drive letter is upper case | `c:\w\alpha` | `C:/w/alpha` |
//! | a trailing slash is ignored | `/w/alpha/` | `/w/alpha` |
//! | an alias covers its directory and everything below it; the longest one counts | `/w/alpha` as `alpha` | `alpha` |
//!
//! `mecris projects` lists the directories of each project.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::code::{Code, Coded};

use super::shown::line as shown;

/// Where Claude Code creates its worktrees.
const WORKTREES: &str = "/.claude/worktrees/";

/// Maximum length of a name, in bytes.
const NAME_MAX: usize = 400;

/// Maximum number of aliases.
const ALIASES_MAX: usize = 1_000;

/// Normalizes the spelling of a directory.
#[must_use]
pub fn directory(written: &str) -> Cow<'_, str> {
    let mut path = Cow::Borrowed(written);
    let drive = written.as_bytes();
    let has_drive = drive.len() > 1 && drive[0].is_ascii_alphabetic() && drive[1] == b':';
    let has_root = has_drive && (drive.len() == 2 || matches!(drive[2], b'\\' | b'/'));
    // On other systems a backslash may be part of a name.
    if has_root || written.starts_with("\\\\") {
        let mut own = written.replace('\\', "/");
        if has_root && drive[0].is_ascii_lowercase() {
            own.replace_range(..1, &written[..1].to_ascii_uppercase());
        }
        path = Cow::Owned(own);
    }
    let end = path.find(WORKTREES).unwrap_or(path.len());
    let end = path[..end].trim_end_matches('/').len();
    // The root of a file system keeps its slash.
    let end = if end == 0 && path.starts_with('/') { 1 } else { end };
    match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[..end]),
        Cow::Owned(mut path) => {
            path.truncate(end);
            Cow::Owned(path)
        }
    }
}

/// The project's directory for a session that began in `project`, in a repository with this root if one was
/// found.
#[must_use]
pub fn fold<'a>(project: &'a str, repository: &'a str) -> Cow<'a, str> {
    directory(if repository.is_empty() { project } else { repository })
}

/// Whether a directory equals another or is below it, both in the form of [`directory`].
#[must_use]
pub fn is_below(root: &str, path: &str) -> bool {
    let root = root.trim_end_matches('/');
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A person's names for directories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aliases {
    names: BTreeMap<String, String>,
}

/// Why an alias is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AliasError {
    /// An invalid name.
    #[error("the {0} must be one line of 1 to {NAME_MAX} bytes")]
    Name(&'static str),
    /// A cycle of names.
    #[error("'{}' is called '{}', which leads back to it; give it another name, or end that alias first", shown(.0), shown(.1))]
    Cycle(String, String),
    /// There is no such alias.
    #[error("'{}' has no alias; `mecris projects` shows those there are", shown(.0))]
    None(String),
    /// There are too many.
    #[error("there are {ALIASES_MAX} aliases already; end some first")]
    TooMany,
}

impl Coded for AliasError {
    fn code(&self) -> Code {
        match self {
            Self::None(_) => Code::AliasUnknown,
            Self::Cycle(..) | Self::TooMany => Code::AliasConflict,
            Self::Name(_) => Code::Refused,
        }
    }
}

/// A change of an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasChange {
    /// The directory, in the form of [`directory`].
    pub directory: String,
    /// Its name; none removes the alias.
    pub name: Option<String>,
}

impl Aliases {
    /// Decides to set an alias, or to remove it. None if nothing changes.
    ///
    /// # Errors
    /// [`AliasError`].
    pub fn decide(&self, written: &str, name: Option<&str>) -> Result<Option<AliasChange>, AliasError> {
        let directory = directory(one_line("directory", written)?).into_owned();
        let Some(name) = name else {
            if !self.names.contains_key(&directory) {
                return Err(AliasError::None(directory));
            }
            return Ok(Some(AliasChange { directory, name: None }));
        };
        let name = self::directory(one_line("name", name)?).into_owned();
        let known = self.names.get(&directory);
        if known == Some(&name) {
            return Ok(None);
        }
        if known.is_none() && self.names.len() >= ALIASES_MAX {
            return Err(AliasError::TooMany);
        }
        let mut with = self.clone();
        with.names.insert(directory.clone(), name.clone());
        if with.called(&directory).is_none() {
            return Err(AliasError::Cycle(directory, name));
        }
        Ok(Some(AliasChange { directory, name: Some(name) }))
    }

    /// Applies a change.
    pub fn evolve(&mut self, change: AliasChange) {
        match change.name {
            Some(name) => self.names.insert(change.directory, name),
            None => self.names.remove(&change.directory),
        };
    }

    /// A directory's name; itself if it has no alias.
    #[must_use]
    pub fn name(&self, directory: &str) -> String {
        self.called(directory).unwrap_or_else(|| directory.to_owned())
    }

    /// The aliases: directory and name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.names.iter().map(|(directory, name)| (directory.as_str(), name.as_str()))
    }

    /// The final name; none if the names form a cycle.
    fn called(&self, directory: &str) -> Option<String> {
        let mut name = directory.to_owned();
        // Each step uses another alias, or there is a cycle.
        for _ in 0..=self.names.len() {
            let longest = self
                .names
                .iter()
                .filter(|(root, _)| is_below(root, &name))
                .max_by_key(|(root, _)| root.len());
            match longest {
                None => return Some(name),
                // A directory may be renamed to one above it that has an alias, but not to itself.
                Some((_, next)) if *next == name => return None,
                Some((_, next)) => name.clone_from(next),
            }
        }
        None
    }
}

/// Validates a directory and a name without regard to other aliases.
///
/// # Errors
/// [`AliasError::Name`].
pub fn check_alias(written: &str, name: Option<&str>) -> Result<(), AliasError> {
    one_line("directory", written)?;
    name.map_or(Ok(()), |name| one_line("name", name).map(drop))
}

fn one_line<'a>(what: &'static str, text: &'a str) -> Result<&'a str, AliasError> {
    let text = text.trim();
    let is_line = !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(char::is_control);
    if is_line { Ok(text) } else { Err(AliasError::Name(what)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_spelling() {
        for (written, expected) in [
            ("/w/alpha", "/w/alpha"),
            ("/w/alpha/", "/w/alpha"),
            ("/w/alpha//", "/w/alpha"),
            ("/", "/"),
            ("", ""),
            ("C:\\w\\alpha", "C:/w/alpha"),
            ("c:\\w\\alpha\\", "C:/w/alpha"),
            ("c:/w/alpha", "C:/w/alpha"),
            ("\\\\server\\share\\x", "//server/share/x"),
            ("/w/odd\\name", "/w/odd\\name"),
            ("c:relative", "c:relative"),
            ("/w/alpha/.claude/worktrees/elastic-x1", "/w/alpha"),
            ("c:\\w\\alpha\\.claude\\worktrees\\x\\src", "C:/w/alpha"),
            ("/w/alpha/.claude/worktrees", "/w/alpha/.claude/worktrees"),
            ("/w/.claude", "/w/.claude"),
        ] {
            assert_eq!(directory(written), expected, "{written}");
            assert_eq!(directory(&directory(written)), expected, "{written} again");
        }
        assert_eq!(fold("/w/alpha/src", "/w/alpha"), "/w/alpha");
        assert_eq!(fold("/w/alpha/src", ""), "/w/alpha/src");
    }

    fn alias(aliases: &mut Aliases, directory: &str, name: Option<&str>) -> Result<bool, AliasError> {
        let change = aliases.decide(directory, name)?;
        let has_changed = change.is_some();
        if let Some(change) = change {
            aliases.evolve(change);
        }
        Ok(has_changed)
    }

    #[test]
    fn an_alias_takes_what_is_below_it_and_the_longest_counts() {
        let mut aliases = Aliases::default();
        assert_eq!(alias(&mut aliases, "/w/alpha/", Some("alpha")), Ok(true));
        assert_eq!(alias(&mut aliases, "/w/alpha", Some("alpha")), Ok(false));
        assert_eq!(alias(&mut aliases, "/w/alpha/side", Some("side")), Ok(true));
        assert_eq!(alias(&mut aliases, "c:\\w\\alpha", Some("alpha")), Ok(true));
        assert_eq!(alias(&mut aliases, "alpha", Some("product")), Ok(true));
        for (directory, name) in [
            ("/w/alpha", "product"),
            ("/w/alpha/src", "product"),
            ("/w/alpha/side/x", "side"),
            ("/w/alphabet", "/w/alphabet"),
            ("C:/w/alpha", "product"),
        ] {
            assert_eq!(aliases.name(directory), name, "{directory}");
        }
        assert_eq!(alias(&mut aliases, "alpha", None), Ok(true));
        assert_eq!(aliases.name("/w/alpha"), "alpha");
    }

    #[test]
    fn names_that_go_round_and_names_that_are_none_are_refused() {
        let mut aliases = Aliases::default();
        alias(&mut aliases, "/a", Some("/b")).unwrap();
        alias(&mut aliases, "/b", Some("/c")).unwrap();
        assert_eq!(alias(&mut aliases, "/c", Some("/a")), Err(AliasError::Cycle("/c".into(), "/a".into())));
        assert_eq!(
            alias(&mut aliases, "/c", Some("/a/below")),
            Err(AliasError::Cycle("/c".into(), "/a/below".into()))
        );
        assert_eq!(alias(&mut aliases, "/x", Some("/x")), Err(AliasError::Cycle("/x".into(), "/x".into())));
        assert_eq!(alias(&mut aliases, "/x", None), Err(AliasError::None("/x".into())));
        assert_eq!(alias(&mut aliases, " ", Some("x")), Err(AliasError::Name("directory")));
        assert_eq!(alias(&mut aliases, "/x", Some("a\nb")), Err(AliasError::Name("name")));
        assert_eq!(aliases.name("/a"), "/c");
    }
}
