//! Whether an amount can be spent: it is compared with every limit, and the tightest limit decides.
//!
//! | limit | what is left of it |
//! |---|---|
//! | cap | the caller's own limit for a session or a day |
//! | daily, monthly | the virtual budget minus its reserve, minus the cost of today, or of this month, over all providers |
//! | budget | a budget with a current period and a matching scope |
//! | balance | the remaining balance at the provider; if none is named, the largest one |
//!
//! What a sum leaves out counts too ([`super::lacking`]): a yes is based on the upper bound of the spend.
//!
//! Overrides ([`Override`]) are added to each limit that they apply to, but not to balances: money that is
//! not there cannot be granted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allowance::reach::{Facing, Worker};
use super::allowance::{Allowance, Override};
use super::lacking::{Doubts, Lacking, Spent};
use super::money::Picodollars;

/// A planned spend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    pub amount: Picodollars,
    /// The provider, as usage names it.
    pub provider: Option<String>,
    pub model: Option<String>,
    /// The project's directory.
    pub project: Option<String>,
    /// The session: an override for one session does not apply to others.
    pub session: Option<String>,
    /// The caller's own limits.
    pub caps: Vec<Cap>,
}

/// A limit that the caller sets for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// Display name, such as `session`.
    pub name: String,
    pub limit: Picodollars,
    pub spent: Picodollars,
}

/// The kind of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// The caller's own.
    Cap,
    /// The virtual budget's daily limit.
    Daily,
    /// The virtual budget's monthly limit.
    Monthly,
    Budget,
    /// The balance at a provider.
    Balance,
}

/// A limit and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    pub kind: LimitKind,
    /// Name of the budget, provider or cap; empty for the virtual budget.
    pub name: String,
    /// The full limit.
    pub of: Picodollars,
    /// Known spend.
    pub spent: Picodollars,
    /// What the known spend leaves out.
    pub lacking: Lacking,
    /// The part that ordinary spend may not use.
    pub reserve: Picodollars,
    /// Overrides of this limit.
    pub allowed: Picodollars,
}

impl Limit {
    /// What is left for ordinary spend, including overrides; negative if overspent.
    #[must_use]
    pub fn left(&self) -> Picodollars {
        self.of - self.reserve - self.spent + self.allowed
    }

    /// A lower bound of what is left, if everything unknown costs as much as it may; none if there is no
    /// bound.
    #[must_use]
    pub fn left_at_least(&self) -> Option<Picodollars> {
        self.lacking.at_most.map(|more| self.left() - more)
    }

    /// The display name.
    #[must_use]
    pub fn label(&self) -> String {
        match self.kind {
            LimitKind::Cap => format!("the cap of the {}", self.name),
            LimitKind::Daily => "today, over all providers".to_owned(),
            LimitKind::Monthly => "this month, over all providers".to_owned(),
            LimitKind::Budget => format!("budget {}", self.name),
            LimitKind::Balance => format!("the balance at {}", self.name),
        }
    }
}

/// The state that a question is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation<'a> {
    pub allowance: &'a Allowance,
    /// Cost of today over all providers.
    pub today: Spent,
    /// Cost of this month over all providers.
    pub month: Spent,
    /// The budgets with a current period and a matching scope: name, amount and use.
    pub budgets: Vec<(String, Picodollars, Spent)>,
    /// The balances of possible providers: name, amount, and spend since the reading that is unknown.
    pub balances: Vec<(String, Picodollars, Lacking)>,
    /// What all these sums may leave out.
    pub doubts: Doubts,
    pub now: Timestamp,
}

/// Yes, no, or unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It fits every limit, even at the upper bound.
    Yes,
    /// It does not fit.
    No,
    /// It fits the known spend, but too much is unknown.
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affordability {
    pub verdict: Verdict,
    /// Upper bound of the tightest limit's spend, if its sum is incomplete and has a bound.
    pub at_most: Option<Picodollars>,
    /// What is unknown, in words.
    pub doubts: Vec<String>,
    /// The reason. It names no command, because agents read it.
    pub reason: String,
    /// The fix, for people alone: it names the commands that lift a limit.
    pub mend: Option<&'static str>,
    /// The limits, tightest first; if the answer is no, the first is the reason.
    pub limits: Vec<Limit>,
    /// The overrides in force.
    pub overrides: Vec<Override>,
}

/// Answers a question. An amount of zero can be spent unless a limit is overspent.
#[must_use]
pub fn can_afford(ask: &Ask, situation: &Situation<'_>) -> Affordability {
    let overrides: Vec<Override> = situation.allowance.active(situation.now).cloned().collect();
    let mut limits = limits(ask, situation);
    limits.sort_by_key(|limit| (limit.left(), limit.kind));
    let doubts = doubts(&limits, &situation.doubts);
    let Some(tightest) = limits.first() else {
        let reason = "nothing limits it: there is no budget and no balance".to_owned();
        let mend = Some("`mecris budget virtual` sets one");
        return Affordability {
            verdict: Verdict::Yes,
            at_most: None,
            doubts,
            reason,
            mend,
            limits,
            overrides,
        };
    };
    // The limit that the unknown spend may exceed first.
    let worst = limits.iter().min_by_key(|limit| (limit.left_at_least().is_some(), limit.left_at_least()));
    let worst = worst.unwrap_or(tightest);
    let fits_at_worst = worst.left_at_least().is_some_and(|left| ask.amount <= left);
    let (verdict, mut reason, mend) = if ask.amount > tightest.left() {
        (Verdict::No, does_not_fit(ask.amount, tightest), Some(mend_of(tightest.kind)))
    } else if !fits_at_worst {
        let mend = Some(
            "add the missing prices to a price file, then `mecris reprice`; `mecris prices check` names them",
        );
        (Verdict::Unknown, format!("not known, for {}", fits(worst)), mend)
    } else if !situation.doubts.missing.is_empty() {
        let mend = Some("`mecris import --refused` says what was not read, and why");
        (Verdict::Unknown, format!("not known, for {}", fits(tightest)), mend)
    } else {
        (Verdict::Yes, fits(tightest), None)
    };
    if verdict != Verdict::No && !doubts.is_empty() {
        reason = format!("{reason}; {}", doubts.join("; "));
    }
    let of = if verdict == Verdict::Unknown { worst } else { tightest };
    let at_most = if of.lacking.is_nothing() { None } else { of.lacking.most(of.spent) };
    Affordability { verdict, at_most, doubts, reason, mend, limits, overrides }
}

/// What these limits' sums leave out, without repetition.
fn doubts(limits: &[Limit], of_all: &Doubts) -> Vec<String> {
    let mut doubts: Vec<String> = Vec::new();
    for limit in limits {
        doubts.extend(limit.lacking.text().filter(|text| !doubts.contains(text)));
    }
    if !limits.is_empty() {
        doubts.extend(of_all.all().cloned());
    }
    doubts
}

fn limits(ask: &Ask, situation: &Situation<'_>) -> Vec<Limit> {
    let mut limits = Vec::new();
    let worker = Worker { session: ask.session.as_deref(), project: ask.project.as_deref() };
    let beyond = |facing| situation.allowance.beyond(facing, worker, situation.now);
    let plain = |kind, name: &str, of, spent: Spent, allowed| Limit {
        kind,
        name: name.to_owned(),
        of,
        spent: spent.known,
        lacking: spent.lacking,
        reserve: Picodollars::ZERO,
        allowed,
    };
    for cap in &ask.caps {
        limits.push(plain(LimitKind::Cap, &cap.name, cap.limit, cap.spent.into(), beyond(Facing::Own)));
    }
    if let Some(budget) = situation.allowance.budget {
        let ends = [
            (LimitKind::Daily, budget.daily, situation.today),
            (LimitKind::Monthly, budget.monthly, situation.month),
        ];
        let allowed = beyond(Facing::Virtual);
        for (kind, of, spent) in ends {
            limits.extend(
                of.map(|of| Limit { reserve: budget.reserve_of(of), ..plain(kind, "", of, spent, allowed) }),
            );
        }
    }
    for (name, amount, used) in &situation.budgets {
        limits.push(plain(LimitKind::Budget, name, *amount, *used, beyond(Facing::Budget(name))));
    }
    // Without a provider's name one sufficient balance is enough.
    let most = situation.balances.iter().max_by_key(|(_, left, _)| *left);
    limits.extend(most.map(|(name, left, lacking)| {
        let spent = Spent { known: Picodollars::ZERO, lacking: *lacking };
        plain(LimitKind::Balance, name, *left, spent, Picodollars::ZERO)
    }));
    limits
}

fn usd(amount: Picodollars) -> String {
    // The remaining amount is rounded down, so that an amount shown to fit does fit.
    let decimals = if amount.0.abs() < super::money::PICO { 4 } else { 2 };
    let unit = 10_i128.pow(12 - decimals);
    format!("{} USD", Picodollars(amount.0.div_euclid(unit) * unit).rounded(decimals))
}

fn fits(tightest: &Limit) -> String {
    let beyond = if tightest.allowed > Picodollars::ZERO {
        format!(", {} of it by override", usd(tightest.allowed))
    } else {
        String::new()
    };
    format!("{}: {} are left{beyond}", tightest.label(), usd(tightest.left()))
}

fn does_not_fit(amount: Picodollars, tightest: &Limit) -> String {
    let (label, left) = (tightest.label(), tightest.left());
    let left = if left > Picodollars::ZERO {
        format!("{} are left", usd(left))
    } else {
        "nothing is left".to_owned()
    };
    let short = amount - tightest.left();
    let reserve = if tightest.reserve > Picodollars::ZERO && short <= tightest.reserve {
        format!(" for ordinary spend, and {} are an emergency reserve", usd(tightest.reserve))
    } else {
        String::new()
    };
    format!("{label}: {left}{reserve}")
}

fn mend_of(tightest: LimitKind) -> &'static str {
    match tightest {
        LimitKind::Balance => "pay in, and `mecris balance set`",
        _ => "`mecris override --usd … --reason …` allows more, knowingly",
    }
}

#[cfg(test)]
mod tests;
