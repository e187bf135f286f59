//! Health and readiness, part by part.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::actor::State;

use super::tree::Supervised;

/// Health of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// Whether it works.
    pub ok: bool,
    /// What it is doing, or why it does not work.
    pub reason: String,
}

/// Whether the system can do its work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Readiness {
    /// False only if the log refuses events: everything else degrades on its own.
    pub ready: bool,
    /// Health by part; empty for callers without read access.
    pub parts: BTreeMap<String, Part>,
}

impl Readiness {
    /// The response for callers without read access: ready or not.
    #[must_use]
    pub fn for_strangers(self) -> Self {
        Self { parts: BTreeMap::new(), ..self }
    }
}

/// Checks a running system.
pub struct Health<'a>(&'a Supervised);

impl<'a> Health<'a> {
    #[must_use]
    pub fn of(system: &'a Supervised) -> Self {
        Self(system)
    }

    /// The health of each part.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let log = self.log();
        let ready = log.ok;
        let mut parts: BTreeMap<String, Part> = [
            ("log".to_owned(), log),
            ("projection".to_owned(), self.projection()),
            ("transcripts".to_owned(), self.transcripts()),
        ]
        .into();
        for source in self.0.sources.shown(Timestamp::now()).sources {
            let part = Part { ok: !source.state.is_trouble(), reason: source.reason };
            parts.insert(format!("source {}", source.name), part);
        }
        for actor in self.0.actors() {
            let ok = matches!(actor.state, State::Running | State::Starting);
            let state = serde_json::to_value(actor.state).unwrap_or_default();
            let state = state.as_str().unwrap_or_default().to_owned();
            let reason = match (&actor.last_error, ok) {
                (Some(error), false) => format!("{state}: {error}"),
                _ => state,
            };
            parts.insert(format!("actor {}", actor.path), Part { ok, reason });
        }
        Readiness { ready, parts }
    }

    fn log(&self) -> Part {
        match self.0.queries.log.health().refusal {
            Some(reason) => Part { ok: false, reason },
            None => Part { ok: true, reason: format!("{} events", self.0.queries.last_seen()) },
        }
    }

    fn projection(&self) -> Part {
        let behind = self.0.queries.last_seen().0.saturating_sub(self.0.projected.borrow().0);
        Part { ok: true, reason: format!("{behind} events behind") }
    }

    fn transcripts(&self) -> Part {
        let state = self.0.import_state.lock().unwrap_or_else(PoisonError::into_inner);
        match (&state.error, state.at) {
            (Some(error), _) => Part { ok: false, reason: error.clone() },
            (None, None) => Part { ok: true, reason: "the first import is running".into() },
            (None, Some(at)) => {
                Part { ok: true, reason: format!("{} files, last read {at}", state.summary.files) }
            }
        }
    }
}
