//! Who of an organisation used Claude Code on a day, and what that is estimated to have cost.
//!
//! Source: <https://platform.claude.com/docs/en/api/admin-api/claude-code/get-claude-code-usage-report>. Amounts are
//! JSON numbers in cents, and estimates of the provider's. Whoever is named here is asked for anew each time: nobody's
//! name is kept.

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;

use crate::domain::currency::Currency;
use crate::domain::decimal::Unit;
use crate::domain::money::Picodollars;
use crate::domain::tokens::Tokens;
use crate::integration::pages::{Page, cost_in, currency_in, page, read_all};
use crate::integration::resilience::{Answer, OutsideError};
use crate::integration::rows::{self, Field, Listed, Odd, OddField, Oddness, Raw};

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

impl Anthropic {
    /// Who used Claude Code on a UTC day. A row that comes twice in the same words counts once.
    ///
    /// # Errors
    /// [`OutsideError`].
    pub async fn people(&self, day: Date) -> Result<Listed<Person>, OutsideError> {
        let rows = read_all(SYSTEM, PAGES_MAX, |page| async {
            let mut ask = get("v1/organizations/usage_report/claude_code")
                .query("starting_at", day.to_string())
                .query("limit", LIMIT);
            if let Some(page) = page {
                ask = ask.query("page", page);
            }
            self.outside.ask_for(&ask, people_page).await
        });
        Ok(people_of(rows.await?))
    }
}

fn people_page(answer: &Answer) -> Result<Page<Person>, OutsideError> {
    page(answer, |number, row, odd| {
        let place = format!("data[{number}]");
        let read = row.must_be_object("row").and_then(|()| person(row, &place, odd));
        read.map_err(|field| odd.row(&place, &field)).ok()
    })
}

fn people_of(told: Listed<Person>) -> Listed<Person> {
    let mut seen = HashSet::new();
    let mut people: Vec<Person> =
        told.rows.into_iter().filter(|person| seen.insert(person.clone())).collect();
    people.sort_by(|a, b| (&a.who, &a.terminal).cmp(&(&b.who, &b.terminal)));
    Listed { rows: people, odd: told.odd }
}

/// Whom one page tells of.
pub(crate) fn of_page(page: &Answer) -> Result<Listed<Person>, OutsideError> {
    Ok(people_of(people_page(page)?.into()))
}

fn person(row: &Raw<'_>, place: &str, odd: &mut Odd) -> Field<Person> {
    let who = row.object("actor", |actor| match actor.string("type")?.as_str() {
        "user_actor" => Ok(Who::User(PersonName(actor.string("email_address")?))),
        "api_actor" => Ok(Who::Key(PersonName(actor.string("api_key_name")?))),
        _ => Err(rows::odd("type", Oddness::Other)),
    })?;
    let (mut tokens, mut cost, mut broken) = (Tokens::default(), Some(Picodollars::ZERO), None);
    let breakdown = row.list("model_breakdown", |_, part| match of_model(part) {
        Ok((consumed, told)) => {
            tokens = tokens.saturating_add(consumed);
            cost = cost.zip(told).map(|(cost, told)| cost + told);
        }
        Err(field) => drop(broken.get_or_insert(field)),
    });
    unless_missing(breakdown, ())?;
    if let Some(field) = broken {
        return Err(OddField { field: format!("model_breakdown.{}", field.field).into(), ..field });
    }
    row.object("core_metrics", |metrics| {
        let count = |name| unless_missing(metrics.count(name), 0);
        let lines = metrics.object("lines_of_code", |lines| {
            Ok((unless_missing(lines.count("added"), 0)?, unless_missing(lines.count("removed"), 0)?))
        });
        let (lines_added, lines_removed) = unless_missing(lines, (0, 0))?;
        Ok(Person {
            who,
            customer_type: odd.maybe(place, row.string("customer_type")).unwrap_or_default(),
            terminal: odd.maybe(place, row.string("terminal_type")).unwrap_or_default(),
            sessions: count("num_sessions")?,
            lines_added,
            lines_removed,
            commits: count("commits_by_claude_code")?,
            pull_requests: count("pull_requests_by_claude_code")?,
            tokens,
            estimated_cost: cost,
        })
    })
}

/// What was consumed of one model, and what that is estimated to cost; none where that is not in USD.
fn of_model(part: &Raw<'_>) -> Field<(Tokens, Option<Picodollars>)> {
    let tokens = part.object("tokens", |counts| {
        let count = |name| unless_missing(counts.count(name), 0);
        Ok(Tokens {
            input: count("input")?,
            output: count("output")?,
            cache_read: count("cache_read")?,
            // How long it is kept is not told.
            cache_write_5m: count("cache_creation")?,
            ..Tokens::default()
        })
    })?;
    let cost = part.object("estimated_cost", |told| {
        Ok((cost_in(told, "amount", Unit::Cents)?, currency_in(told, "currency")?))
    })?;
    Ok((tokens, Some(cost.0).filter(|_| cost.1 == Currency::USD)))
}

/// What is absent is nothing here; what is there must be read.
fn unless_missing<T>(field: Field<T>, nothing: T) -> Field<T> {
    match field {
        Err(OddField { oddness: Oddness::Missing, .. }) => Ok(nothing),
        field => field,
    }
}
