//! Events of supervision.

use std::rc::Rc;
use std::time::Duration;

use super::vital::ExitReason;

/// Receives supervision events on the supervisor's thread: it must be fast, and must not panic.
pub(super) type Listener = Rc<dyn Fn(SupervisionEvent)>;

/// A supervisor's action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SupervisionEvent {
    /// A child's run ended, and it is restarted after a pause, together with the siblings that the strategy
    /// names.
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
        /// The failure behind it.
        reason: ExitReason,
    },
    /// A child did not stop in time and was cut off.
    CutOff {
        /// Its path.
        path: String,
    },
    /// A message is not delivered again: its handling failed, and it must not be repeated or failed before.
    SetAside {
        /// The actor's path.
        path: String,
        /// The kind of message, from its behaviour's label.
        message: &'static str,
        /// How the handling ended.
        reason: ExitReason,
        /// Number of deliveries.
        times: u32,
    },
}
