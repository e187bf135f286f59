//! Whether something can be afforded: held against every limit there is, the tightest decides.
//!
//! | limit | what is left of it |
//! |---|---|
//! | cap | what whoever asks may spend, for a session or a day of its own |
//! | daily, monthly | the virtual budget less its reserve, less the cost of today, or of this month, over all providers |
//! | budget | a budget whose period is now and whose scope covers what is asked for |
//! | balance | what is left at the provider, and where none is named, at the one where most is left |
//!
//! What a sum leaves out is held against the ask too ([`super::lacking`]): a yes rests on what may be spent at most.
//!
//! What a person allowed beyond the limits ([`Override`]) is added to each that it reaches, but to no balance: money that
//! is not there cannot be allowed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allowance::reach::{Facing, Worker};
use super::allowance::{Allowance, Override};
use super::lacking::{Doubts, Lacking, Spent};
use super::money::Picodollars;

/// What somebody would like to spend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// How much.
    pub amount: Picodollars,
    /// With whom, as usage names it.
    pub provider: Option<String>,
    /// On which model.
    pub model: Option<String>,
    /// In which project's directory.
    pub project: Option<String>,
    /// In which session: what was allowed for one counts for no other.
    pub session: Option<String>,
    /// Limits of the asker's own.
    pub caps: Vec<Cap>,
}

/// A limit that whoever asks has for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cap {
    /// What people call it, such as `session`.
    pub name: String,
    /// What may be spent.
    pub limit: Picodollars,
    /// What was spent of it.
    pub spent: Picodollars,
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// The asker's own.
    Cap,
    /// The virtual budget's day.
    Daily,
    /// The virtual budget's month.
    Monthly,
    /// A budget.
    Budget,
    /// The money at a provider.
    Balance,
}

/// A limit and how much of it is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Which.
    pub kind: LimitKind,
    /// A budget's, provider's or cap's name; empty for the virtual budget.
    pub name: String,
    /// What may be spent in all.
    pub of: Picodollars,
    /// What was spent of it, as far as it is known.
    pub spent: Picodollars,
    /// What that leaves out.
    pub lacking: Lacking,
    /// The part that ordinary spend may not touch.
    pub reserve: Picodollars,
    /// What was allowed beyond it.
    pub allowed: Picodollars,
}

impl Limit {
    /// What is left for ordinary spend, with what was allowed; below zero where it is overspent.
    #[must_use]
    pub fn left(&self) -> Picodollars {
        self.of - self.reserve - self.spent + self.allowed
    }

    /// What is left at least, if what nobody knows costs as much as it may; none where it has no bound.
    #[must_use]
    pub fn left_at_least(&self) -> Option<Picodollars> {
        self.lacking.at_most.map(|more| self.left() - more)
    }

    /// What people call it.
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

/// What is held against an ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation<'a> {
    /// See [`Allowance`].
    pub allowance: &'a Allowance,
    /// What today cost over all providers.
    pub today: Spent,
    /// What this month cost over all providers.
    pub month: Spent,
    /// The budgets whose period is now and whose scope covers the ask: name, amount and what was used.
    pub budgets: Vec<(String, Picodollars, Spent)>,
    /// What is left at the providers that may be paid: name, amount, and what was spent since the reading and is not known.
    pub balances: Vec<(String, Picodollars, Lacking)>,
    /// What is not known of all these sums.
    pub doubts: Doubts,
    /// The moment.
    pub now: Timestamp,
}

/// Yes, no, or nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It fits every limit, whatever is not known.
    Yes,
    /// It does not fit.
    No,
    /// It fits what is known, and too much is not.
    Unknown,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affordability {
    /// Whether it fits every limit.
    pub verdict: Verdict,
    /// What is spent of the tightest limit at most, where its sum lacks something and that has a bound.
    pub at_most: Option<Picodollars>,
    /// What is not known, in words.
    pub doubts: Vec<String>,
    /// Why. It names no command: agents read it.
    pub reason: String,
    /// What a person can do about it, for people alone: it names the commands that lift a limit.
    pub mend: Option<&'static str>,
    /// The limits, the tightest first; where the answer is no, the first is why.
    pub limits: Vec<Limit>,
    /// What was allowed beyond them, and holds.
    pub overrides: Vec<Override>,
}

/// Answers an ask. An amount of nothing can be afforded where no limit is overspent.
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
    // The limit that what is not known may reach first.
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

/// What is not known of these limits' sums, each once.
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
    // Without a provider's name it is enough that one of them can be paid.
    let most = situation.balances.iter().max_by_key(|(_, left, _)| *left);
    limits.extend(most.map(|(name, left, lacking)| {
        let spent = Spent { known: Picodollars::ZERO, lacking: *lacking };
        plain(LimitKind::Balance, name, *left, spent, Picodollars::ZERO)
    }));
    limits
}

fn usd(amount: Picodollars) -> String {
    // What is left is told rounded down, so that what is told to fit does.
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
