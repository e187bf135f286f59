//! The answers to hooks: a stop comes each time, a warning once for each session and step of a limit.
//!
//! What was said is kept in memory alone, for the sessions of late: after a restart a warning may come again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::domain::gate::Verdict;
use crate::domain::gate::told::{Step, Told};
use crate::integration::claude_code::hook::{HookAnswer, HookCall, Unread};
use crate::service::runtime::reads::Reads;

use super::{GateShown, HOW_TO_ASK};

/// Sessions that are kept in mind; of more, the oldest are told again.
const SESSIONS_MAX: usize = 1_000;

/// What hooks were answered; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Said(Arc<Mutex<Sessions>>);

#[derive(Debug, Default)]
struct Sessions {
    known: BTreeMap<String, Session>,
    /// The oldest first.
    order: VecDeque<String>,
}

/// What a session's listeners were told.
#[derive(Debug, Clone, Default)]
struct Session {
    person: Told,
    claude: Told,
    /// What its hooks did not tell readably.
    unread: bool,
}

impl Said {
    /// Changes what is known of a session; of a call without one nothing is kept.
    fn with<T>(&self, session: Option<&str>, change: impl FnOnce(&mut Session) -> T) -> T {
        let Some(session) = session else { return change(&mut Session::default()) };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !sessions.known.contains_key(session) {
            if sessions.order.len() >= SESSIONS_MAX
                && let Some(oldest) = sessions.order.pop_front()
            {
                sessions.known.remove(&oldest);
            }
            sessions.order.push_back(session.to_owned());
        }
        change(sessions.known.entry(session.to_owned()).or_default())
    }
}

impl GateShown {
    /// The answer to a hook that this is the verdict on.
    #[must_use]
    pub fn answer_to(&self, call: &HookCall, said: &Said) -> HookAnswer {
        let event = call.hook_event_name.as_str();
        if self.verdict == Verdict::Block {
            return HookAnswer::to(event, Verdict::Block, &self.text(), &self.text_for_agents());
        }
        let (steps, parts): (Vec<Step>, Vec<&str>) = if self.verdict == Verdict::Warn {
            let doubts = self.new_doubts().map(|doubt| (("doubt".to_owned(), 0), doubt));
            self.reasons.iter().map(|reason| (reason.step(), reason.text.as_str())).chain(doubts).unzip()
        } else {
            <(Vec<Step>, Vec<&str>)>::default()
        };
        let reads = HookAnswer::is_read_by_claude(event);
        let (person, claude, is_unread_news) = said.with(call.session_id.as_deref(), |session| {
            let claude = if reads { session.claude.news(&steps) } else { Vec::new() };
            let is_news = !call.unread.is_empty() && !std::mem::replace(&mut session.unread, true);
            (session.person.news(&steps), claude, is_news)
        });
        let only = |news: &[bool]| -> Vec<&str> {
            parts.iter().zip(news).filter_map(|(part, is_news)| is_news.then_some(*part)).collect()
        };
        let text =
            |news: Vec<&str>| if news.is_empty() { String::new() } else { self.told(&news, HOW_TO_ASK) };
        let mut for_person = text(only(&person));
        if let Some(doubt) = call.doubt().filter(|_| is_unread_news) {
            let space = if for_person.is_empty() { "" } else { " " };
            for_person = format!("{for_person}{space}Mecris: {doubt}.");
        }
        // What is said is a warning, whatever it is about: work goes on.
        HookAnswer::to(event, Verdict::Warn, &for_person, &text(only(&claude)))
    }
}

impl Reads {
    /// The verdict on a hook's call. What a limit rests on and the call does not tell is not known.
    #[must_use]
    pub fn gate_for_hook(&self, call: &HookCall, now: Timestamp) -> GateShown {
        let mut shown = self.gate(&call.clone().into(), now);
        let gate = &self.settings.current().config.gate;
        if call.unread.contains(&Unread::Session) && gate.session_usd.is_some() {
            shown.doubts.push("the session is not known, so neither is its cost".to_owned());
            shown.verdict = shown.verdict.max(gate.unknown);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_sessions_are_kept_in_mind_than_there_may_be() {
        let said = Said::default();
        let is_news =
            |session: &str| said.with(Some(session), |session| !std::mem::replace(&mut session.unread, true));
        assert!(is_news("first") && !is_news("first"));
        for number in 0..SESSIONS_MAX * 2 {
            assert!(is_news(&number.to_string()));
        }
        let kept = said.0.lock().unwrap();
        assert_eq!((kept.known.len(), kept.order.len()), (SESSIONS_MAX, SESSIONS_MAX));
        drop(kept);
        assert!(is_news("first"), "it was long ago");
        assert!(said.with(None, |session| !std::mem::replace(&mut session.unread, true)));
        assert!(said.with(None, |session| !std::mem::replace(&mut session.unread, true)));
    }
}
