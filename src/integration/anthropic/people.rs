//! Who of an organisation used Claude Code on a day, and what that is estimated to have cost.
//!
//! Source: <https://platform.claude.com/docs/en/api/admin-api/claude-code/get-claude-code-usage-report>. Amounts are
//! JSON numbers in cents, and estimates of the provider's. Whoever is named here is asked for anew each time: nobody's
//! name is kept.

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;
use serde::Deserialize;
use sonic_rs::RawNumber;

use crate::domain::currency::Currency;
use crate::domain::decimal::{Unit, parse_decimal};
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::integration::pages::{Page, read_all};
use crate::integration::resilience::{Answer, OutsideError};

use super::{Anthropic, SYSTEM, get};

/// Rows in a page, at most.
const LIMIT: &str = "1000";
/// No organisation has more people than this many pages hold.
const PAGES_MAX: usize = 50;

/// A person's address or a key's name: personal, so no error and no span shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(pub String);

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(hidden)")
    }
}

/// Who used it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// A person, by address.
    User(PersonName),
    /// A key, by name.
    Key(PersonName),
}

/// What somebody did with Claude Code on a day, with one kind of terminal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person {
    /// Who.
    pub who: Who,
    /// `api` or `subscription`.
    pub customer_type: String,
    /// `vscode`, `tmux`, …
    pub terminal: String,
    /// How many sessions.
    pub sessions: u64,
    /// Lines that were added.
    pub lines_added: u64,
    /// Lines that were removed.
    pub lines_removed: u64,
    /// Commits by Claude Code.
    pub commits: u64,
    /// Pull requests by Claude Code.
    pub pull_requests: u64,
    /// What was consumed.
    pub tokens: Tokens,
    /// What the provider estimates that to cost, in USD; none where it told another currency.
    pub estimated_cost: Option<Picodollars>,
}

#[derive(Deserialize)]
struct Row {
    actor: Actor,
    #[serde(default)]
    customer_type: Option<String>,
    #[serde(default)]
    terminal_type: Option<String>,
    core_metrics: Metrics,
    #[serde(default)]
    model_breakdown: Vec<Breakdown>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Actor {
    UserActor { email_address: String },
    ApiActor { api_key_name: String },
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(default)]
    num_sessions: u64,
    #[serde(default)]
    lines_of_code: Lines,
    #[serde(default)]
    commits_by_claude_code: u64,
    #[serde(default)]
    pull_requests_by_claude_code: u64,
}

#[derive(Default, Deserialize)]
struct Lines {
    #[serde(default)]
    added: u64,
    #[serde(default)]
    removed: u64,
}

#[derive(Deserialize)]
struct Breakdown {
    tokens: Counts,
    estimated_cost: Estimate,
}

#[derive(Deserialize)]
struct Counts {
    #[serde(default)]
    input: u64,
    #[serde(default)]
    output: u64,
    #[serde(default)]
    cache_read: u64,
    #[serde(default)]
    cache_creation: u64,
}

#[derive(Deserialize)]
struct Estimate {
    amount: RawNumber,
    currency: String,
}

impl Anthropic {
    /// Who used Claude Code on a UTC day. A row that comes twice in the same words counts once.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn people(&self, day: Date) -> Result<Vec<Person>, OutsideError> {
        let rows = read_all(SYSTEM, PAGES_MAX, |page| async {
            let mut ask = get("v1/organizations/usage_report/claude_code")
                .query("starting_at", day.to_string())
                .query("limit", LIMIT);
            if let Some(page) = page {
                ask = ask.query("page", page);
            }
            self.outside.ask_for::<Page<Row>>(&ask, Answer::exact).await
        });
        people_of(rows.await?)
    }
}

fn people_of(rows: Vec<Row>) -> Result<Vec<Person>, OutsideError> {
    let mut seen = HashSet::new();
    let mut people: Vec<Person> = Vec::new();
    for row in rows {
        let person = person(row)?;
        if seen.insert(person.clone()) {
            people.push(person);
        }
    }
    people.sort_by(|a, b| (&a.who, &a.terminal).cmp(&(&b.who, &b.terminal)));
    Ok(people)
}

/// Whom one page tells of.
pub(crate) fn of_page(page: &Answer) -> Result<Vec<Person>, OutsideError> {
    people_of(page.exact::<Page<_>>()?.items)
}

fn person(row: Row) -> Result<Person, OutsideError> {
    let malformed = |what| OutsideError::Malformed { system: SYSTEM, what };
    let (mut tokens, mut cost) = (Tokens::default(), Some(Picodollars::ZERO));
    for Breakdown { tokens: counts, estimated_cost } in row.model_breakdown {
        tokens = tokens.saturating_add(Tokens {
            input: counts.input,
            output: counts.output,
            cache_read: counts.cache_read,
            // How long it is kept is not told.
            cache_write_5m: counts.cache_creation,
            ..Tokens::default()
        });
        let amount = parse_decimal(estimated_cost.amount.as_str(), Unit::Cents);
        let amount = amount.map_err(|_| malformed("an amount that is none"))?;
        let is_usd = Currency::parse(&estimated_cost.currency) == Ok(Currency::USD);
        cost = cost.filter(|_| is_usd).map(|cost| cost + amount);
    }
    let metrics = row.core_metrics;
    Ok(Person {
        who: match row.actor {
            Actor::UserActor { email_address } => Who::User(PersonName(email_address)),
            Actor::ApiActor { api_key_name } => Who::Key(PersonName(api_key_name)),
        },
        customer_type: row.customer_type.unwrap_or_default(),
        terminal: row.terminal_type.unwrap_or_default(),
        sessions: metrics.num_sessions,
        lines_added: metrics.lines_of_code.added,
        lines_removed: metrics.lines_of_code.removed,
        commits: metrics.commits_by_claude_code,
        pull_requests: metrics.pull_requests_by_claude_code,
        tokens,
        estimated_cost: cost,
    })
}
