//! Whether messages arrive, by what became of the last ones.

use crate::domain::alert::Kind;
use crate::view::alerts::AlertLine;

use super::Check;

/// A check for each channel whose last message did not arrive, with the meaning of its code and the mend.
#[must_use]
pub fn checks(alerts: &[AlertLine]) -> Vec<Check> {
    let broken = alerts.iter().filter(|alert| alert.kind == Kind::Channel && alert.resolved_at.is_none());
    let check = |alert: &AlertLine| {
        let attempts =
            alerts.iter().flat_map(|alert| alert.attempts.iter().map(|attempt| (alert.id, attempt)));
        let own = attempts.filter(|(_, attempt)| {
            attempt.channel == alert.subject && matches!(attempt.state.as_str(), "refused" | "undelivered")
        });
        let (id, last) = own.max_by_key(|(_, attempt)| attempt.changed_at)?;
        let failure = last.failure.as_ref()?;
        let code = failure.code.map_or_else(String::new, |code| format!("{code}, "));
        let detail = format!("the message of alert {id} was {} ({code}{})", last.state, failure.what);
        Some(Check::warning(format!("messages by {}", last.channel), detail, failure.mend.clone()))
    };
    broken.filter_map(check).collect()
}
