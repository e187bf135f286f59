//! Manually reported usage: one sum for a session on another machine, or for a script without a transcript.
//!
//! A report contains a session's total so far, and a repeated report replaces it. Sessions whose calls are
//! read from transcripts are refused, because they would count twice.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::domain::code::{Code, Coded};

use super::naming;
use super::tokens::{MAX_COUNT, Tokens};
use super::usage::{MessageKey, TOLD, Usage};

/// Maximum length of a name, in bytes.
const NAME_MAX: usize = 200;
/// Maximum difference between the clocks of two machines.
const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(10);

/// A manual report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The provider.
    pub provider: String,
    /// The model, as the provider names it.
    pub model: String,
    pub session: String,
    /// The project's directory, or empty.
    pub project: String,
    /// The session's total consumption with this model so far.
    pub tokens: Tokens,
    /// When the session ended, or the time of the total.
    pub at: Timestamp,
}

/// Why a report is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToldError {
    /// An invalid name.
    #[error("the {0} must be one line of 1 to {NAME_MAX} bytes")]
    Name(&'static str),
    /// Too many tokens.
    #[error("no session has more than {MAX_COUNT} tokens of a kind; tell how many it had")]
    TooMany,
    /// No tokens.
    #[error("a session without a token is no usage; tell how many it had")]
    Nothing,
    /// A time in the future.
    #[error("{0} is in the future; give the time when the session ended, or leave it out for now")]
    Future(Timestamp),
    /// The session is already counted from its transcript.
    #[error("session '{0}' is read from transcripts here; it would count twice, so nothing is recorded")]
    Read(String),
    /// Less than before, from someone who may not reduce it.
    #[error(
        "session '{0}' had more tokens when it was last told, or was told of a later time; only the person corrects that, so \
         nothing is recorded"
    )]
    Falls(String),
}

impl Coded for ToldError {
    fn code(&self) -> Code {
        Code::Refused
    }
}

/// Compares an agent's report with the recorded one: each kind of token must not decrease, and the time must
/// not move back or into the future, because either would move the sum out of the day or period whose limit
/// it counts for.
///
/// # Errors
/// [`ToldError::Falls`].
pub fn check_growth(before: &Usage, told: &Usage, now: Timestamp) -> Result<(), ToldError> {
    let falls = before.tokens.counts().into_iter().zip(told.tokens.counts()).any(|(was, is)| is < was);
    let moves = told.occurred_at < before.occurred_at || told.occurred_at > before.occurred_at.max(now);
    if falls || moves { Err(ToldError::Falls(told.session.to_string())) } else { Ok(()) }
}

impl Told {
    /// Validates the report without regard to recorded ones.
    ///
    /// # Errors
    /// [`ToldError`].
    pub fn check(&self, now: Timestamp) -> Result<(), ToldError> {
        for (what, name) in [("provider", &self.provider), ("model", &self.model), ("session", &self.session)]
        {
            if name.trim().is_empty() || !is_line(name) {
                return Err(ToldError::Name(what));
            }
        }
        if !is_line(&self.project) {
            return Err(ToldError::Name("project"));
        }
        let counts = self.tokens.counts();
        if counts.iter().any(|count| *count > MAX_COUNT) {
            return Err(ToldError::TooMany);
        }
        if counts.iter().all(|count| *count == 0) {
            return Err(ToldError::Nothing);
        }
        if self.at.duration_since(now) > AHEAD_MAX {
            return Err(ToldError::Future(self.at));
        }
        Ok(())
    }

    /// The usage to record. `is_read`: the session has a transcript.
    ///
    /// # Errors
    /// [`ToldError`].
    pub fn into_usage(self, is_read: bool, now: Timestamp) -> Result<Usage, ToldError> {
        self.check(now)?;
        if is_read {
            return Err(ToldError::Read(self.session));
        }
        let name = naming::resolve(&self.provider, &self.model);
        let (provider, model) = (name.provider.into_owned(), name.model.into_owned());
        Ok(Usage {
            key: key(&provider, &model, &self.session),
            provider: Arc::from(provider),
            model: Arc::from(model),
            project: Arc::from(self.project),
            session: Arc::from(self.session),
            inference_geo: Arc::from(if name.is_regional { "regional" } else { "" }),
            tokens: self.tokens,
            occurred_at: self.at,
            ..Usage::default()
        })
    }
}

/// The identity of a session's sum with one model.
#[must_use]
pub fn key(provider: &str, model: &str, session: &str) -> MessageKey {
    MessageKey {
        message_id: format!("{TOLD}{session}").into_boxed_str(),
        request_id: format!("{provider}/{model}").into_boxed_str(),
    }
}

fn is_line(name: &str) -> bool {
    name.len() <= NAME_MAX && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::usage;

    fn now() -> Timestamp {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn told() -> Told {
        Told {
            provider: "anthropic".to_owned(),
            model: "claude-sonnet-4-5".to_owned(),
            session: "evening".to_owned(),
            project: String::new(),
            tokens: Tokens { input: 10, output: 5, ..Tokens::default() },
            at: now(),
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let long = "x".repeat(NAME_MAX + 1);
        let with = |change: &dyn Fn(&mut Told)| {
            let mut told = told();
            change(&mut told);
            told.into_usage(false, now())
        };
        let far = now() + SignedDuration::from_mins(11);
        for (refused, expected) in [
            (with(&|told| told.model = " ".to_owned()), ToldError::Name("model")),
            (with(&|told| told.provider = "a\nb".to_owned()), ToldError::Name("provider")),
            (with(&|told| told.session.clone_from(&long)), ToldError::Name("session")),
            (with(&|told| told.project.clone_from(&long)), ToldError::Name("project")),
            (with(&|told| told.tokens = Tokens::default()), ToldError::Nothing),
            (with(&|told| told.tokens.cache_read = MAX_COUNT + 1), ToldError::TooMany),
            (with(&|told| told.at = far), ToldError::Future(far)),
            (told().into_usage(true, now()), ToldError::Read("evening".to_owned())),
        ] {
            assert_eq!(refused, Err(expected));
        }
        assert!(with(&|told| told.at = now() + SignedDuration::from_mins(9)).is_ok());
    }

    #[test]
    fn an_agent_s_sum_grows_and_stays_where_it_is() {
        let minutes = |minutes| now() + SignedDuration::from_mins(minutes);
        let usage = |input, output, at| {
            let told = Told { tokens: Tokens { input, output, ..Tokens::default() }, at, ..told() };
            told.into_usage(false, now()).unwrap()
        };
        let before = usage(10, 5, minutes(-60));
        let falls = Err(ToldError::Falls("evening".to_owned()));
        let cases = [
            (usage(10, 5, minutes(-60)), Ok(())),
            (usage(11, 5, minutes(0)), Ok(())),
            (usage(11, 5, minutes(-60)), Ok(())),
            (usage(9, 500, minutes(0)), falls.clone()),
            (usage(10, 4, minutes(0)), falls.clone()),
            (usage(11, 5, minutes(-61)), falls.clone()),
            (usage(11, 5, minutes(1)), falls),
        ];
        for (told, expected) in cases {
            assert_eq!(check_growth(&before, &told, now()), expected, "{told:?}");
        }
        assert!(usage::is_told(&before.key.message_id) && !usage::is_told("msg_01"));
    }

    #[test]
    fn a_session_is_one_sum_for_each_model() {
        let of =
            |model: &str| Told { model: model.to_owned(), ..told() }.into_usage(false, now()).unwrap().key;
        assert_eq!(of("one"), of("one"));
        assert_ne!(of("one"), of("other"));
    }
}
