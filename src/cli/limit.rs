//! `mecris limit`: what is asked for beyond the limits, and a person's answers.

use clap::{Args, Subcommand};
use jiff::{Span, Timestamp};

use crate::service::budgets::limit_requests::{GrantBody, LimitBody, RefuseBody};
use crate::service::endpoints::limits::{AskForMore, EndGrant, Grant, ListRequests, Refuse, Withdraw};

use super::backend::{Backend, settings};
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with requests.
#[derive(Debug, Subcommand)]
pub enum LimitCommand {
    /// What is asked for, and how it stands
    List {
        /// Also what is over for longer than a day
        #[arg(long)]
        all: bool,
    },
    /// Ask for more, as a person may for themselves; agents ask over MCP
    Request(RequestArgs),
    /// Grant a request: for as much and as long as you say, and it ends by itself
    Grant(GrantArgs),
    /// Refuse a request
    Refuse {
        /// Its number
        number: u32,
        /// Why; whoever asked reads it
        #[arg(long)]
        reason: Option<String>,
    },
    /// Take a request back
    Withdraw {
        /// Its number
        number: u32,
    },
    /// End what was granted on a request before its time
    End {
        /// The request's number
        number: u32,
    },
}

/// Options of `limit request`.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// How much more than the limits say, in USD
    #[arg(allow_negative_numbers = true)]
    pub usd: String,
    /// Why, in one line
    #[arg(long)]
    pub reason: String,
    /// Which limit: session, day, virtual or budget:NAME [default: all of them]
    #[arg(long)]
    pub limit: Option<String>,
    /// For which session's work [default: all]
    #[arg(long)]
    pub session: Option<String>,
    /// For work in which directory [default: all]
    #[arg(long, value_name = "DIR")]
    pub project: Option<String>,
    /// For how many minutes
    #[arg(long)]
    pub minutes: Option<u32>,
}

/// Options of `limit grant`.
#[derive(Debug, Args)]
pub struct GrantArgs {
    /// The request's number
    pub number: u32,
    /// How much, in USD [default: what was asked for]
    #[arg(long, value_name = "USD")]
    pub amount: Option<String>,
    /// For how long, such as 90m, 2h or 3d [default: as was asked for, until the end of today at most]
    #[arg(long = "for", value_name = "SPAN", conflicts_with = "until")]
    pub span: Option<Span>,
    /// Until when (2026-11-23T18:00:00Z), seven days from now at most
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
}

/// Carries out `mecris limit`.
///
/// # Errors
/// [`CliError`].
pub fn limit(common: &Common, command: Option<LimitCommand>) -> Result<(), CliError> {
    let backend = Backend::open(common)?;
    let shown = match command.unwrap_or(LimitCommand::List { all: false }) {
        LimitCommand::List { all } => backend.call(ListRequests { all })?,
        LimitCommand::Request(args) => {
            let RequestArgs { usd, reason, limit, session, project, minutes } = args;
            let body = LimitBody { amount_usd: usd, reason, limit, session, project, minutes };
            return print(common.json, &backend.call(AskForMore(body))?, tables::limit::asked);
        }
        LimitCommand::Grant(args) => {
            let GrantArgs { number, amount, span, until } = args;
            let until = span.map(|span| end_of(span, common)).transpose()?.or(until);
            backend.call(Grant { number, body: GrantBody { amount_usd: amount, until } })?
        }
        LimitCommand::Refuse { number, reason } => {
            backend.call(Refuse { number, body: RefuseBody { reason } })?
        }
        LimitCommand::Withdraw { number } => backend.call(Withdraw { number })?,
        LimitCommand::End { number } => backend.call(EndGrant { number })?,
    };
    print(common.json, &shown, tables::limit::requests)
}

fn end_of(span: Span, common: &Common) -> Result<Timestamp, CliError> {
    let wrong =
        || CliError::Usage("--for takes a span of at most seven days, such as 90m, 2h or 3d".to_owned());
    let (loaded, _) = settings(common)?;
    let now = Timestamp::now().to_zoned(loaded.zone);
    now.checked_add(span).map(|end| end.timestamp()).map_err(|_| wrong())
}
