//! `mecris token`: who else may ask, and for what.

use clap::Subcommand;
use jiff::{Span, SpanRelativeTo, Unit};

use crate::service::access::token::TokenBody;
use crate::service::endpoints::access::{IssueToken, ListTokens, RevokeToken, RotateToken};

use super::backend::Backend;
use super::output::{CliError, print};
use super::{Common, tables};

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// The tokens that were given out
    List,
    /// Make one; it is shown this once
    New {
        /// For whom: agent, ingest, auditor or member
        #[arg(long, default_value = "agent")]
        kind: String,
        /// What you call it
        #[arg(long, default_value = "")]
        name: String,
        /// For how long, such as 90d [default: 90d for ingest and member, for ever for the others]
        #[arg(long, value_name = "SPAN")]
        expires: Option<Span>,
    },
    /// Make another in the place of one, which stays good for a day
    Rotate {
        /// Its id, as `mecris token list` shows it
        id: String,
    },
    /// Take one back: its next request is refused
    Revoke {
        /// Its id
        id: String,
    },
}

/// Carries out `mecris token`.
///
/// # Errors
/// [`CliError`].
pub fn token(common: &Common, command: Option<TokenCommand>) -> Result<(), CliError> {
    let backend = Backend::open(common)?;
    match command.unwrap_or(TokenCommand::List) {
        TokenCommand::List => print(common.json, &backend.call(ListTokens)?, tables::token::all),
        TokenCommand::New { kind, name, expires } => {
            let minutes = expires.map(minutes).transpose()?;
            let given = backend.call(IssueToken(TokenBody { kind, name, minutes }))?;
            print(common.json, &given, tables::token::given)
        }
        TokenCommand::Rotate { id } => {
            print(common.json, &backend.call(RotateToken { id })?, tables::token::given)
        }
        TokenCommand::Revoke { id } => {
            print(common.json, &backend.call(RevokeToken { id })?, tables::token::all)
        }
    }
}

fn minutes(span: Span) -> Result<u32, CliError> {
    let total = span.total((Unit::Minute, SpanRelativeTo::days_are_24_hours())).ok();
    let whole = total.filter(|minutes| (1.0..1e9).contains(minutes)).map(|minutes| minutes as u32);
    whole.ok_or_else(|| CliError::Usage("--expires takes a span of a minute or more, such as 90d".to_owned()))
}
