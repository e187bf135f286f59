//! The narrator: recommends what an agent should do next, by a table of rules.
//!
//! A recommendation is Mecris's own sentence. Of foreign text it contains only names (of goals, budgets,
//! providers), truncated and without control characters, so that no note and no goal can speak in Mecris's
//! voice. A number that may be out of date says so in the same sentence.

mod rules;

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::budget::Flag;
use super::calendar;
use super::money::Picodollars;

pub use rules::RULES;

/// Maximum length of a foreign name, in characters.
const NAME_MAX: usize = 40;
/// Maximum number of names of one kind in a sentence.
const NAMED_MAX: usize = 3;

/// How soon something should be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// Immediately: something is being lost.
    Now,
    /// Today.
    Today,
    /// In the next days.
    Soon,
    /// For information.
    Info,
}

/// A recommendation, and the rule behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// The rule's name.
    pub rule: &'static str,
    pub urgency: Urgency,
    /// One sentence.
    pub text: String,
}

/// A row of the table.
pub struct Rule {
    pub name: &'static str,
    pub urgency: Urgency,
    /// The condition in words, for the documentation.
    pub when: &'static str,
    /// The sentence, if the condition is met.
    pub says: fn(&Situation) -> Option<String>,
}

/// The rules' view of a budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetFact {
    pub name: String,
    /// Negative if overspent.
    pub left: Picodollars,
    /// Days left, including today.
    pub days_left: u32,
    pub flags: Vec<Flag>,
}

impl BudgetFact {
    fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

/// The rules' view of a balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceFact {
    /// The provider.
    pub provider: String,
    /// Calculated from the last reading.
    pub left: Picodollars,
    /// Age of the reading.
    pub age: SignedDuration,
    /// Whether it is below the person's threshold.
    pub is_low: bool,
    /// Whether nothing confirms the reading.
    pub is_doubtful: bool,
}

/// When a balance runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastFact {
    pub provider: String,
    /// Days until it runs out, by the median run.
    pub days: i32,
}

/// How far an estimate is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftFact {
    pub provider: String,
    /// As a percentage of the provider's number, formatted.
    pub percent: String,
    /// Whether that is more than a tenth.
    pub is_large: bool,
}

/// The rules' view of an odometer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OdometerFact {
    pub provider: String,
    /// Whether its page should be read.
    pub need: OdometerNeed,
}

/// Whether an odometer's page should be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OdometerNeed {
    /// Not now.
    None,
    /// Within days.
    Soon,
    /// Today, on the month's last day.
    LastDay,
}

/// The rules' view of a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalFact {
    pub slug: String,
    /// Time until it derails; none if unknown.
    pub left: Option<SignedDuration>,
    /// Whether its data may be out of date.
    pub is_old: bool,
}

/// The vault's tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFact {
    /// Due before today.
    pub overdue: usize,
    /// Due today.
    pub due_today: usize,
    /// Due by today, but blocked by another task.
    pub blocked: usize,
    /// Whether the vault cannot be read now: these numbers are from its last read.
    pub is_old: bool,
}

/// An open alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertFact {
    pub id: u64,
    /// Whether something is being lost.
    pub is_grave: bool,
    /// Whether the person acknowledged it.
    pub is_acknowledged: bool,
    /// Whether it is being held back, so that nobody was told.
    pub is_held: bool,
}

/// A channel whose last message did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelFact {
    /// Its word.
    pub name: &'static str,
    /// The code and its meaning, in our words.
    pub what: String,
    /// The mend, in our words.
    pub fix: String,
}

/// A provider's amount that is not believed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoubtFact {
    pub provider: String,
    /// Why, in our words.
    pub why: &'static str,
    /// The mend, in our words.
    pub fix: String,
}

/// An open limit request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestFact {
    pub number: u32,
    /// The requested amount.
    pub amount: Picodollars,
}

/// The state of an outside system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// It answers.
    Answers,
    /// It refuses the key.
    Refuses,
    /// It does not answer correctly.
    Fails,
}

/// A configured outside system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFact {
    pub name: String,
    pub state: SourceState,
    /// Age of its data; none if it never answered.
    pub age: Option<SignedDuration>,
    /// Whether the data is older than it should be.
    pub is_old: bool,
}

/// The situation that the rules evaluate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// Whether a supervisor is running.
    pub is_running: bool,
    /// Whether the log refuses events.
    pub is_read_only: bool,
    /// Whether there is any usage.
    pub has_usage: bool,
    pub budgets: Vec<BudgetFact>,
    /// Names of the spent limits over all providers.
    pub spent_limits: Vec<String>,
    /// What the gate would block work for, in its own words; empty if it would not.
    pub stops: Vec<String>,
    /// The sum of the overrides in force.
    pub allowed: Picodollars,
    /// Open limit requests, oldest first.
    pub requests: Vec<RequestFact>,
    pub balances: Vec<BalanceFact>,
    /// When the balances run out.
    pub forecasts: Vec<ForecastFact>,
    /// How far estimates are off.
    pub drifts: Vec<DriftFact>,
    pub unpriced: Vec<String>,
    /// Number of calls without a price.
    pub unpriced_calls: u64,
    pub odometers: Vec<OdometerFact>,
    /// The goals, nearest to derailing first.
    pub goals: Vec<GoalFact>,
    /// The vault's tasks; none if no vault is configured.
    pub tasks: Option<TaskFact>,
    pub alerts: Vec<AlertFact>,
    /// The channels whose last message did not arrive.
    pub broken: Vec<ChannelFact>,
    /// The amounts that are not believed.
    pub doubts: Vec<DoubtFact>,
    /// The configured outside systems.
    pub sources: Vec<SourceFact>,
    /// Paths of actors that are not running.
    pub actors_down: Vec<String>,
}

/// The recommendations, most urgent first, then in the table's order.
#[must_use]
pub fn recommend(situation: &Situation) -> Vec<Recommendation> {
    let told = RULES.iter().filter_map(|rule| {
        let text = (rule.says)(situation)?;
        Some(Recommendation { rule: rule.name, urgency: rule.urgency, text })
    });
    let mut told: Vec<Recommendation> = told.collect();
    told.sort_by_key(|recommendation| recommendation.urgency);
    if told.is_empty() {
        let text = "Nothing is urgent: budgets, goals and tasks are in order.".to_owned();
        told.push(Recommendation { rule: "all-well", urgency: Urgency::Info, text });
    }
    told
}

/// Foreign text as one line: without control characters and marks that change the writing direction,
/// truncated.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let is_gap = |c: char| c.is_control() || c.is_whitespace() || is_unseen(c);
    let parts: Vec<&str> = text.split(is_gap).filter(|part| !part.is_empty()).collect();
    let clean = parts.join(" ");
    if clean.chars().count() <= most {
        return clean;
    }
    let cut: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Invisible marks: zero width, or changing the writing direction.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Names in a sentence: the first ones, quoted, and the number of further ones. None if there are none. A
/// name that could contain a sentence is only counted: an agent may follow a recommendation.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let (plain, odd): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| is_plain(name));
    let named: Vec<String> = plain.iter().take(NAMED_MAX).map(|name| format!("'{name}'")).collect();
    let rest = plain.len().saturating_sub(NAMED_MAX) + odd.len();
    match (named.is_empty(), rest) {
        (true, 0) => None,
        (true, rest) => Some(format!("{rest} whose names are not repeated here")),
        (false, 0) => Some(named.join(", ")),
        (false, rest) => Some(format!("{} and {rest} more", named.join(", "))),
    }
}

/// Short, and made of the characters of model names, slugs and paths: without spaces it is not a sentence.
fn is_plain(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@[]".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_part)
}

/// `3 h 10 min`.
fn span(left: SignedDuration) -> String {
    calendar::span(left)
}
