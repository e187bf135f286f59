//! What supervision tells those who listen.

use std::rc::Rc;
use std::time::Duration;

use super::vital::ExitReason;

/// Hears what supervisors do, on their thread: it must be quick, and must not panic.
pub(super) type Listener = Rc<dyn Fn(SupervisionEvent)>;

/// What a supervisor did about a child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SupervisionEvent {
    /// A child's run ended, and it is restarted after a pause; with it those that the strategy names.
    Restarting {
        /// Its path.
        path: String,
        /// Why it ended.
        reason: ExitReason,
        /// The pause.
        pause: Duration,
    },
    /// A child's run ended, and it is not restarted.
    Ended {
        /// Its path.
        path: String,
        /// Why it ended.
        reason: ExitReason,
    },
    /// A supervisor gave up.
    Escalated {
        /// The supervisor's path.
        path: String,
        /// What went before.
        reason: ExitReason,
    },
    /// A child did not stop in time and was cut off.
    CutOff {
        /// Its path.
        path: String,
    },
    /// A message is not delivered again: its handling failed, and it must not be repeated or has
    /// failed before.
    SetAside {
        /// Whose message.
        path: String,
        /// What kind of message, in its behaviour's words.
        message: &'static str,
        /// How the handling ended.
        reason: ExitReason,
        /// How often it was delivered.
        times: u32,
    },
}
