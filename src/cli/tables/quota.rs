//! How much of a subscription's limits is used.

use crate::service::balances::quota::QuotasShown;
use crate::view::quotas::QuotaLine;

use super::system::age;

/// `mecris quota`.
#[must_use]
pub fn all(shown: &QuotasShown) -> String {
    if shown.quotas.is_empty() {
        return "Nothing was told of a Claude subscription's limits. Claude Code's status line tells them.\n"
            .to_owned();
    }
    lines(&shown.quotas)
}

/// A line for each window.
#[must_use]
pub fn lines(quotas: &[QuotaLine]) -> String {
    let line = |line: &QuotaLine| {
        let end = line.resets_at.strftime("%Y-%m-%d %H:%M UTC");
        let ago = age(line.age_seconds);
        match &line.used_percent {
            Some(used) => {
                format!("Claude's {} limit: {used} % used, resets {end} (told {ago} ago)\n", line.window)
            }
            None => format!("Claude's {} limit: not known since it reset at {end}\n", line.window),
        }
    };
    quotas.iter().map(line).collect()
}
