//! What an agent should do next, by how things stand: a table of rules.
//!
//! A recommendation is Mecris's own sentence. Of what comes from outside only names stand in it (of goals, budgets,
//! providers), cut and without control characters, so that no note and no goal can speak in Mecris's voice. A number
//! that may be old says so in the same sentence.

mod rules;

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::budget::Flag;
use super::calendar;
use super::money::Picodollars;

pub use rules::RULES;

/// A name from outside is no longer, in characters.
const NAME_MAX: usize = 40;
/// A sentence names no more of a kind.
const NAMED_MAX: usize = 3;

/// How soon something should be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// At once: something is being lost.
    Now,
    /// Today.
    Today,
    /// In the next days.
    Soon,
    /// Good to know.
    Info,
}

/// What should be done, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// The rule's name.
    pub rule: &'static str,
    /// How soon.
    pub urgency: Urgency,
    /// What, in one sentence.
    pub text: String,
}

/// A rule of the table: what it is called, how soon it wants something done, and its sentence where it applies.
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// How soon.
    pub urgency: Urgency,
    /// When it applies, in words, for the documentation.
    pub when: &'static str,
    /// Its sentence, where it applies.
    pub says: fn(&Situation) -> Option<String>,
}

/// A budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetFact {
    /// Its name.
    pub name: String,
    /// What is left; below zero where it is overspent.
    pub left: Picodollars,
    /// Days left, today included.
    pub days_left: u32,
    /// What there is to say about it.
    pub flags: Vec<Flag>,
}

impl BudgetFact {
    fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

/// A balance at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceFact {
    /// Who is paid.
    pub provider: String,
    /// What is left, by reckoning.
    pub left: Picodollars,
    /// How long ago it was read.
    pub age: SignedDuration,
    /// Whether less is left than the person wants to be told of.
    pub is_low: bool,
    /// Whether the reading is one that nothing confirms.
    pub is_doubtful: bool,
}

/// When money ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastFact {
    /// Whose.
    pub provider: String,
    /// Days until it ends in half of the runs.
    pub days: i32,
}

/// How far an estimate is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriftFact {
    /// Whose.
    pub provider: String,
    /// In percent of what the provider says, as it is shown.
    pub percent: String,
    /// Whether that is more than a tenth.
    pub is_large: bool,
}

/// An odometer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OdometerFact {
    /// Whose.
    pub provider: String,
    /// Whether its page must be read.
    pub need: OdometerNeed,
}

/// Whether an odometer's page must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OdometerNeed {
    /// Not now.
    None,
    /// In these days.
    Soon,
    /// Today, on the month's last day.
    LastDay,
}

/// A goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalFact {
    /// Its name in addresses.
    pub slug: String,
    /// Until it derails; none where nobody says.
    pub left: Option<SignedDuration>,
    /// Whether what is known of it may be old.
    pub is_old: bool,
}

/// The vault's tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFact {
    /// Due before today.
    pub overdue: usize,
    /// Due today.
    pub due_today: usize,
    /// Due by today, and another must be done first.
    pub blocked: usize,
    /// Whether the vault cannot be read now: these are as old as its last reading.
    pub is_old: bool,
}

/// An alert that is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertFact {
    /// Its number.
    pub id: u64,
    /// Whether something is being lost.
    pub is_grave: bool,
    /// Whether the person took note.
    pub is_acknowledged: bool,
    /// Whether it waits for something, so that nobody was told.
    pub is_held: bool,
}

/// A request for more than the limits say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestFact {
    /// Its number.
    pub number: u32,
    /// How much is asked for.
    pub amount: Picodollars,
}

/// How an outside system stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// It answers.
    Answers,
    /// It refuses the key.
    Refuses,
    /// It does not answer as it should.
    Fails,
}

/// An outside system that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFact {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: SourceState,
    /// How old what it said is; none where it never said anything.
    pub age: Option<SignedDuration>,
    /// Whether that is older than it should be.
    pub is_old: bool,
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Situation {
    /// Whether a supervisor runs.
    pub is_running: bool,
    /// Whether the log takes nothing.
    pub is_read_only: bool,
    /// Whether any usage is known.
    pub has_usage: bool,
    /// The budgets.
    pub budgets: Vec<BudgetFact>,
    /// Limits over all providers of which nothing is left, by name.
    pub spent_limits: Vec<String>,
    /// What the gate would stop work for, in its own words; empty where it would not.
    pub stops: Vec<String>,
    /// What a person allowed beyond the limits, in all.
    pub allowed: Picodollars,
    /// What is asked for beyond the limits and waits for the person, the oldest first.
    pub requests: Vec<RequestFact>,
    /// The balances.
    pub balances: Vec<BalanceFact>,
    /// When they end.
    pub forecasts: Vec<ForecastFact>,
    /// How far estimates are off.
    pub drifts: Vec<DriftFact>,
    /// Models without a price.
    pub unpriced: Vec<String>,
    /// How many calls that are.
    pub unpriced_calls: u64,
    /// The odometers.
    pub odometers: Vec<OdometerFact>,
    /// The goals, the nearest to derailing first.
    pub goals: Vec<GoalFact>,
    /// The vault's tasks; none where no vault is named.
    pub tasks: Option<TaskFact>,
    /// The alerts.
    pub alerts: Vec<AlertFact>,
    /// The outside systems that were asked for.
    pub sources: Vec<SourceFact>,
    /// Actors that are not there, by path.
    pub actors_down: Vec<String>,
}

/// What to recommend, the most urgent first, in the table's order among equals.
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

/// A text from outside in one line: without control characters and marks that turn the direction of writing, and cut.
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

/// Marks that nobody sees: of zero width, and those that turn the direction of writing.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Names in a sentence: the first of them, quoted, and how many more there are. None where there are none. A name that could
/// be words, and not a name alone, is only counted: the sentence is a recommendation, and an agent may follow it.
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

/// Short, and made of the characters that names of models, slugs and paths are made of: no blank, so no sentence.
fn is_plain(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@[]".contains(&byte);
    (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(is_part)
}

/// `3 h 10 min`.
fn span(left: SignedDuration) -> String {
    calendar::span(left)
}
