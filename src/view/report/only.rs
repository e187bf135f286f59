//! What a report is narrowed to.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::code::{Code, Coded};
use crate::domain::nearest::{nearest, offer};
use crate::view::spend::{Cell, Part, SpendView};

/// So many names are offered for one that is unknown.
const OFFERED: usize = 4;

/// The usage that a report is about: all of it, or what has all of the names that are given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// Who was paid.
    pub provider: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The project, by its name or its directory.
    pub project: Option<String>,
    /// The session.
    pub session: Option<String>,
}

/// A name that no usage has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnlyError {
    /// Nothing has it.
    #[error("no {what} '{name}' was used{}", offer("", .nearest))]
    Unknown {
        /// What the name is of.
        what: &'static str,
        /// The name.
        name: String,
        /// Names that were used.
        nearest: Vec<String>,
    },
    /// Several have it as a part.
    #[error("several {what}s have '{name}' in their names: {}; name one of them", .names.join(", "))]
    Several {
        /// What the name is of.
        what: &'static str,
        /// The name.
        name: String,
        /// Some of those that have it.
        names: Vec<String>,
    },
}

impl Coded for OnlyError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl Only {
    /// The same with the names as usage has them. Of a name any part is enough that no other has: a session's first letters,
    /// a model's family, a project's last folder.
    ///
    /// # Errors
    /// [`OnlyError`].
    pub fn resolved(self, spend: &SpendView) -> Result<Self, OnlyError> {
        let all = |of: fn(Part<'_>) -> [&str; 2]| -> BTreeSet<&str> {
            spend.parts_between(Timestamp::MIN, Timestamp::MAX).flat_map(of).collect()
        };
        Ok(Self {
            provider: resolve("provider", self.provider, || all(|part| [part.provider; 2]))?,
            model: resolve("model", self.model, || all(|part| [part.model; 2]))?,
            project: resolve("project", self.project, || all(|part| [part.project, part.directory]))?,
            session: resolve("session", self.session, || spend.session_names().collect())?,
        })
    }

    /// Whether parts, which have no session, are not enough to tell.
    pub(super) fn needs_sessions(&self) -> bool {
        self.session.is_some()
    }

    pub(super) fn takes(&self, part: &Part<'_>) -> bool {
        let is = |wanted: &Option<String>, name: &str| wanted.as_deref().is_none_or(|wanted| wanted == name);
        is(&self.provider, part.provider)
            && is(&self.model, part.model)
            && (is(&self.project, part.project) || is(&self.project, part.directory))
    }

    pub(super) fn takes_cell(&self, cell: &Cell<'_>) -> bool {
        self.session.as_deref().is_none_or(|wanted| wanted == cell.session) && self.takes(&cell.part())
    }
}

fn resolve<'a>(
    what: &'static str,
    name: Option<String>,
    known: impl FnOnce() -> BTreeSet<&'a str>,
) -> Result<Option<String>, OnlyError> {
    let Some(name) = name else { return Ok(None) };
    let known = known();
    // Usage without a project or a session has the empty name.
    if known.contains(name.as_str()) {
        return Ok(Some(name));
    }
    let is_part = |known: &&&str| !name.is_empty() && known.contains(&name);
    let mut likely = known.iter().filter(is_part);
    match (likely.next(), likely.next()) {
        (Some(one), None) => Ok(Some((*one).to_owned())),
        (Some(one), Some(other)) => {
            let names = [one, other].into_iter().chain(likely).take(OFFERED);
            let names = names.map(|name| (*name).to_owned()).collect();
            Err(OnlyError::Several { what, name, names })
        }
        (None, _) => {
            let nearest = nearest(&name, known, OFFERED).into_iter().map(str::to_owned).collect();
            Err(OnlyError::Unknown { what, name, nearest })
        }
    }
}
