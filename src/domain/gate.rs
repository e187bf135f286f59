//! The gate: whether work that costs money may go on, by what is spent already.
//!
//! What the work is held against are caps of its owner's, of the session and of the day, the virtual
//! budget, and the budgets whose scope covers it; what was allowed beyond them (`mecris override`, a request that was granted) is added to each that it reaches. A cap that is reached stops it; a share of one that is reached warns. The gate is asked
//! before each step, so it stops a session that runs away, and not the one step that is dear: nobody knows
//! what a step costs before it is done.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::allowance::reach::Facing;
use super::budget::{BudgetName, Scope};
use super::lacking::Lacking;
use super::money::Picodollars;
use crate::domain::words::words;

/// What may be spent, and from where on there is a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caps {
    /// What one session may cost.
    pub session: Option<Picodollars>,
    /// What one day may cost, all sessions together.
    pub day: Option<Picodollars>,
    /// Whether a budget that is spent stops work, the virtual one too.
    pub budgets: bool,
    /// The used share of a cap or budget from which on there is a warning, in percent.
    pub warn_percent: u32,
    /// What comes of a limit of which nobody knows whether it is reached, because its sum leaves something out.
    pub unknown: Verdict,
}

/// The work that asks; what is not known about it is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work<'a> {
    /// Who is paid.
    pub provider: Option<&'a str>,
    /// The model.
    pub model: Option<&'a str>,
    /// The project's directory, as [`super::project::directory`] writes it.
    pub project: Option<&'a str>,
    /// What the person calls it.
    pub name: Option<&'a str>,
}

/// Whether a budget's scope covers some work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// It does.
    Covered,
    /// It may: something about the work is not known.
    Perhaps,
    /// It does not.
    Not,
}

/// Whether `scope` covers `work`.
#[must_use]
pub fn coverage(scope: &Scope, work: Work<'_>) -> Coverage {
    // What is not known is taken to be what the scope wants: it covers if everything else does.
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

/// What work is held against.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The cap of a session.
    Session,
    /// The cap of a day.
    Day,
    /// The virtual budget's day.
    VirtualDay,
    /// The virtual budget's month.
    VirtualMonth,
    /// A budget.
    Budget(BudgetName),
}

impl Limit {
    /// As an override looks at it.
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

/// A limit and how far it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which.
    pub limit: Limit,
    /// What is spent of it, as far as it is known.
    pub spent: Picodollars,
    /// What that leaves out.
    pub lacking: Lacking,
    /// What may be spent.
    pub cap: Picodollars,
    /// Whether it surely covers the work; one that only may never stops it.
    pub is_certain: bool,
}

/// What comes of it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Work goes on.
    Allow,
    /// Work goes on, and its owner should know.
    Warn,
    /// Work stops.
    Block,
}

words! { Verdict { Allow: "allow", Warn: "warn", Block: "block" } }

/// A limit that is reached, or nearly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What it comes to.
    pub verdict: Verdict,
    /// Of what.
    pub held: Held,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Held { limit, spent, cap, lacking, .. } = &self.held;
        write!(f, "{limit}: {} of {} USD spent", spent.rounded(2), cap.rounded(2))?;
        lacking.text().map_or(Ok(()), |text| write!(f, "; {text}"))
    }
}

/// The gate's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The gravest of the reasons.
    pub verdict: Verdict,
    /// The gravest first, then the session, the day, and the budgets by name.
    pub reasons: Vec<Reason>,
}

/// Holds work against its limits. Where a sum leaves something out, and with it may come near the cap, what comes of it is
/// `unknown`; a block only where the limit surely covers the work.
#[must_use]
pub fn rule(held: Vec<Held>, warn_percent: u32, unknown: Verdict) -> Ruling {
    let is_near = |spent: Picodollars, held: &Held| spent.0 * 100 >= held.cap.0 * i128::from(warn_percent);
    let judge = |held: &Held| {
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
