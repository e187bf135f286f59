//! The rule for messages that did not arrive: that is told over another channel.

use jiff::Timestamp;

use crate::domain::alert::book::AlertState;
use crate::domain::alert::broken::{TOLD_FOR, broken};

use super::{Causes, Kind, Severity, grade};

/// Adds a cause for each channel whose last message was refused or did not arrive. It lasts until a message
/// arrives there, and for a week at most: what is older says nothing of the channel.
pub fn add(alerts: &AlertState, now: Timestamp, causes: &mut Causes) {
    for broken in broken(alerts, now) {
        causes.may_change_at(broken.at.saturating_add(TOLD_FOR).unwrap_or(Timestamp::MAX));
        let kind = alerts.get(broken.alert).map_or("", |alert| alert.key.kind.word());
        let text = format!(
            "{}: the message of alert {} ({kind}) was {} ({}). To mend it: {}.",
            broken.channel,
            broken.alert,
            broken.state,
            broken.what(),
            broken.fix()
        );
        causes.add(Kind::Channel, broken.channel.word(), "", grade(Severity::Warning, 1), text);
    }
}
