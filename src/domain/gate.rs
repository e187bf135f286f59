//! The gate: whether work that costs money may continue, by what has been spent.
//!
//! Work is checked against its owner's caps per session and per day, the virtual budget, and the budgets with
//! a matching scope. Overrides (`mecris override`, a granted request) are added to each limit that they apply
//! to. A reached limit blocks the work; a large used share of one warns. The gate is asked before each step,
//! so it stops a runaway session, but not a single expensive step: a step's cost is unknown before it is
//! done.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::allowance::reach::Facing;
use super::budget::{BudgetName, Scope};
use super::lacking::Lacking;
use super::money::Picodollars;
use crate::domain::words::words;

pub mod told;

/// Limits of spend, and the warning threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// Maximum cost of a session.
    pub session: Option<Picodollars>,
    /// Maximum cost of a day over all sessions.
    pub day: Option<Picodollars>,
    /// Whether a spent budget, including the virtual one, blocks work.
    pub budgets: bool,
    /// The used share of a limit from which on there is a warning, in percent.
    pub warn_percent: u32,
    /// The verdict if it is unknown whether a limit is reached, because its sum is incomplete.
    pub unknown: Verdict,
}

/// The work in question; unknown parts are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work<'a> {
    /// The provider.
    pub provider: Option<&'a str>,
    pub model: Option<&'a str>,
    /// The project's directory, in the form of [`super::project::directory`].
    pub project: Option<&'a str>,
    /// The project's name.
    pub name: Option<&'a str>,
}

/// Whether a budget's scope covers some work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    Covered,
    /// Possibly: something about the work is unknown.
    Perhaps,
    Not,
}

/// Whether `scope` covers `work`.
#[must_use]
pub fn coverage(scope: &Scope, work: Work<'_>) -> Coverage {
    // Unknown parts are assumed to match: it covers if everything else does.
    let provider = work.provider.or(scope.provider.as_deref());
    let project = work.project.or(scope.project.as_deref());
    let known = Scope { model: scope.model.clone().filter(|_| work.model.is_some()), ..scope.clone() };
    let covers =
        |project: &str| known.covers(provider.unwrap_or_default(), work.model.unwrap_or_default(), project);
    if !covers(project.unwrap_or_default()) && !work.name.is_some_and(covers) {
        return Coverage::Not;
    }
    let is_unknown = (scope.provider.is_some() && work.provider.is_none())
        || (scope.model.is_some() && work.model.is_none())
        || (scope.project.is_some() && work.project.is_none());
    if is_unknown { Coverage::Perhaps } else { Coverage::Covered }
}

/// A limit that work is checked against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The cap per session.
    Session,
    /// The cap per day.
    Day,
    /// The virtual budget's daily limit.
    VirtualDay,
    /// The virtual budget's monthly limit.
    VirtualMonth,
    Budget(BudgetName),
}

impl Limit {
    /// The same limit from the perspective of overrides.
    #[must_use]
    pub fn facing(&self) -> Facing<'_> {
        match self {
            Self::Session => Facing::Session,
            Self::Day => Facing::Day,
            Self::VirtualDay | Self::VirtualMonth => Facing::Virtual,
            Self::Budget(name) => Facing::Budget(name.as_str()),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("this session"),
            Self::Day => f.write_str("today"),
            Self::VirtualDay => f.write_str("today, over all providers"),
            Self::VirtualMonth => f.write_str("this month, over all providers"),
            Self::Budget(name) => write!(f, "budget '{name}'"),
        }
    }
}

/// A limit and its use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitUse {
    pub limit: Limit,
    /// Known spend.
    pub spent: Picodollars,
    /// What the known spend leaves out.
    pub lacking: Lacking,
    /// The limit, including overrides.
    pub cap: Picodollars,
    /// What overrides add to it.
    pub beyond: Picodollars,
    /// Whether it certainly covers the work; otherwise it never blocks.
    pub is_certain: bool,
}

/// A verdict.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Work continues.
    Allow,
    /// Work continues, and its owner should know.
    Warn,
    /// Work stops.
    Block,
}

words! { Verdict { Allow: "allow", Warn: "warn", Block: "block" } }

/// A limit that is reached, or nearly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub verdict: Verdict,
    pub held: LimitUse,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimitUse { limit, spent, cap, beyond, lacking, .. } = &self.held;
        write!(f, "{limit}: {} of {}", spent.rounded(2), (*cap - *beyond).rounded(2))?;
        if *beyond != Picodollars::ZERO {
            write!(f, " + {} override", beyond.rounded(2))?;
        }
        f.write_str(" USD spent")?;
        lacking.text().map_or(Ok(()), |text| write!(f, "; {text}"))
    }
}

/// The gate's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The most severe verdict of the reasons.
    pub verdict: Verdict,
    /// Most severe first, then session, day, and budgets by name.
    pub reasons: Vec<Reason>,
}

/// Checks work against its limits. If a sum is incomplete and may come near its limit, the verdict is
/// `unknown`. Only limits that certainly cover the work can block.
#[must_use]
pub fn rule(held: Vec<LimitUse>, warn_percent: u32, unknown: Verdict) -> Ruling {
    let is_near =
        |spent: Picodollars, held: &LimitUse| spent.0 * 100 >= held.cap.0 * i128::from(warn_percent);
    let judge = |held: &LimitUse| {
        let known = match (held.spent >= held.cap, is_near(held.spent, held)) {
            (true, _) if held.is_certain => Verdict::Block,
            (true, _) | (_, true) => Verdict::Warn,
            _ => Verdict::Allow,
        };
        let may_be_near = !held.lacking.is_nothing()
            && held.lacking.most(held.spent).is_none_or(|most| is_near(most, held));
        let at_most = if held.is_certain { Verdict::Block } else { Verdict::Warn };
        if may_be_near { known.max(unknown.min(at_most)) } else { known }
    };
    let mut reasons: Vec<Reason> = held
        .into_iter()
        .map(|held| Reason { verdict: judge(&held), held })
        .filter(|reason| reason.verdict > Verdict::Allow)
        .collect();
    reasons.sort_by(|a, b| b.verdict.cmp(&a.verdict).then_with(|| a.held.limit.cmp(&b.held.limit)));
    let verdict = reasons.first().map_or(Verdict::Allow, |reason| reason.verdict);
    Ruling { verdict, reasons }
}

#[cfg(test)]
mod tests;
