//! What an override applies to: every limit and all work, or one limit, one session, one project.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::domain::budget::BudgetName;
use crate::domain::code::{Code, Coded};
use crate::domain::project::{directory, is_below};

/// A limit that an override can raise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifted {
    /// The cap per session.
    Session,
    /// The cap per day.
    Day,
    /// The virtual budget, daily and monthly.
    Virtual,
    Budget(BudgetName),
}

/// The prefix of a budget's name in the text form.
const BUDGET: &str = "budget:";

/// The form in events and on the command line: `session`, `day`, `virtual` or `budget:NAME`.
impl fmt::Display for Lifted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("session"),
            Self::Day => f.write_str("day"),
            Self::Virtual => f.write_str("virtual"),
            Self::Budget(name) => write!(f, "{BUDGET}{name}"),
        }
    }
}

/// The text does not name a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a limit is `session`, `day`, `virtual` or `budget:NAME`; leave it out for all of them")]
pub struct UnknownLimit;

impl Coded for UnknownLimit {
    fn code(&self) -> Code {
        Code::Refused
    }
}

impl FromStr for Lifted {
    type Err = UnknownLimit;

    fn from_str(text: &str) -> Result<Self, UnknownLimit> {
        match text {
            "session" => Ok(Self::Session),
            "day" => Ok(Self::Day),
            "virtual" => Ok(Self::Virtual),
            _ => {
                let name = text.strip_prefix(BUDGET).ok_or(UnknownLimit)?;
                name.parse().map(Self::Budget).map_err(|_| UnknownLimit)
            }
        }
    }
}

/// A limit that some work is checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facing<'a> {
    /// The cap of its session.
    Session,
    /// The cap of the day.
    Day,
    Virtual,
    /// The budget with this name.
    Budget(&'a str),
    /// The caller's own cap.
    Own,
}

/// The worker, as far as overrides need it; unknown parts are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Worker<'a> {
    pub session: Option<&'a str>,
    /// The project's directory.
    pub project: Option<&'a str>,
}

/// See the module. Absent parts do not restrict it: the default applies to every limit and all work.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Only this limit.
    pub limit: Option<Lifted>,
    /// Only this session's work.
    pub session: Option<String>,
    /// Only work in this directory and below it.
    pub project: Option<String>,
}

impl Reach {
    /// Whether it raises `facing` for this worker. If something about a worker is unknown, only overrides
    /// that do not depend on it apply: an override for one session must not serve another that hides its
    /// name.
    #[must_use]
    pub fn lifts(&self, facing: Facing<'_>, worker: Worker<'_>) -> bool {
        let is_limit = match (&self.limit, facing) {
            (None, _)
            | (Some(Lifted::Session), Facing::Session)
            | (Some(Lifted::Day), Facing::Day)
            | (Some(Lifted::Virtual), Facing::Virtual) => true,
            (Some(Lifted::Budget(name)), Facing::Budget(facing)) => name.as_str() == facing,
            _ => false,
        };
        let is_session = self.session.as_deref().is_none_or(|own| worker.session == Some(own));
        let is_in = |root: &str, path: &str| is_below(&directory(root), &directory(path));
        let is_project =
            self.project.as_deref().is_none_or(|root| worker.project.is_some_and(|path| is_in(root, path)));
        is_limit && is_session && is_project
    }

    /// What it raises, in words of ours: no word of whoever asked, except a budget's name, which consists of
    /// `a-z`, `0-9`, `-`, `_` and `.`.
    #[must_use]
    pub fn label(&self) -> String {
        let limit = match &self.limit {
            None => "all limits".to_owned(),
            Some(Lifted::Session) => "the cap of a session".to_owned(),
            Some(Lifted::Day) => "the cap of the day".to_owned(),
            Some(Lifted::Virtual) => "the virtual budget".to_owned(),
            Some(Lifted::Budget(name)) => format!("budget {name}"),
        };
        match (&self.session, &self.project) {
            (None, None) => limit,
            (Some(_), None) => format!("{limit}, for one session"),
            (None, Some(_)) => format!("{limit}, for one project"),
            (Some(_), Some(_)) => format!("{limit}, for one session of one project"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (limit, session, project of the override; limit, session, project of the work; whether it applies)
    #[test]
    fn an_override_reaches_what_it_names_and_nothing_else() {
        let cases = [
            ("", "", "", Facing::Own, "", "", true),
            ("", "", "", Facing::Budget("main"), "s1", "/home/ada", true),
            ("session", "s1", "", Facing::Session, "s1", "", true),
            ("session", "s1", "", Facing::Session, "s2", "", false),
            ("session", "s1", "", Facing::Session, "", "", false),
            ("session", "s1", "", Facing::Day, "s1", "", false),
            ("day", "", "", Facing::Day, "s2", "", true),
            ("day", "", "", Facing::Virtual, "s2", "", false),
            ("virtual", "", "", Facing::Virtual, "", "", true),
            ("budget:main", "", "", Facing::Budget("main"), "", "", true),
            ("budget:main", "", "", Facing::Budget("other"), "", "", false),
            ("budget:main", "", "", Facing::Own, "", "", false),
            ("", "s1", "", Facing::Day, "s1", "", true),
            ("", "s1", "", Facing::Day, "", "", false),
            ("", "", "/home/ada", Facing::Day, "", "/home/ada/engine", true),
            ("", "", "/home/ada", Facing::Day, "", "/home/adam", false),
            ("", "", "/home/ada", Facing::Day, "", "", false),
        ];
        let told = |text: &'static str| (!text.is_empty()).then_some(text);
        for (limit, session, project, facing, of_session, of_project, expected) in cases {
            let reach = Reach {
                limit: told(limit).map(|limit| limit.parse().unwrap()),
                session: told(session).map(str::to_owned),
                project: told(project).map(str::to_owned),
            };
            assert_eq!(reach.limit.as_ref().map(ToString::to_string).unwrap_or_default(), limit);
            let worker = Worker { session: told(of_session), project: told(of_project) };
            assert_eq!(reach.lifts(facing, worker), expected, "{reach:?} {facing:?} {worker:?}");
        }
        for wrong in ["", "all", "Day", "budget", "budget:", "budget:A B", "budget:\u{1b}[2J"] {
            assert_eq!(wrong.parse::<Lifted>(), Err(UnknownLimit), "{wrong}");
        }
    }
}
