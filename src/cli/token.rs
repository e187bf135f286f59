//! `mecris token`: who else may ask, and for what.

use clap::Subcommand;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use crate::domain::access::Principal;
use crate::domain::access::register::{TokenOrder, check_id};
use crate::service::access::token::{Minted, TokenAggregate, TokenBody, TokenGiven, TokensShown, mint};
use crate::service::runtime::node::Node;

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
        TokenCommand::List => print(common.json, &backend.tokens()?, tables::token::all),
        TokenCommand::New { kind, name, expires } => {
            let minutes = expires.map(minutes).transpose()?;
            let given = backend.give_token(TokenBody { kind, name, minutes })?;
            print(common.json, &given, tables::token::given)
        }
        TokenCommand::Rotate { id } => print(common.json, &backend.rotate_token(&id)?, tables::token::given),
        TokenCommand::Revoke { id } => print(common.json, &backend.revoke_token(id)?, tables::token::all),
    }
}

fn minutes(span: Span) -> Result<u32, CliError> {
    let total = span.total((Unit::Minute, SpanRelativeTo::days_are_24_hours())).ok();
    let whole = total.filter(|minutes| (1.0..1e9).contains(minutes)).map(|minutes| minutes as u32);
    whole.ok_or_else(|| CliError::Usage("--expires takes a span of a minute or more, such as 90d".to_owned()))
}

impl Backend {
    fn tokens(&self) -> Result<TokensShown, CliError> {
        match self {
            Self::Running(remote) => remote.get("/api/v1/tokens", &[]),
            Self::Own(node) => Ok(node.queries()?.tokens(Timestamp::now())),
        }
    }

    fn give_token(&self, body: TokenBody) -> Result<TokenGiven, CliError> {
        body.check(Timestamp::now())?;
        match self {
            Self::Running(remote) => remote.post_body("/api/v1/tokens", &body),
            Self::Own(node) => give(node, mint(body)?),
        }
    }

    fn rotate_token(&self, id: &str) -> Result<TokenGiven, CliError> {
        check_id(id)?;
        match self {
            Self::Running(remote) => remote.post(&format!("/api/v1/tokens/{id}/rotate")),
            Self::Own(node) => give(node, node.queries()?.rotation(id)?),
        }
    }

    fn revoke_token(&self, id: String) -> Result<TokensShown, CliError> {
        check_id(&id)?;
        match self {
            Self::Running(remote) => remote.delete(&format!("/api/v1/tokens/{id}")),
            Self::Own(node) => {
                order(node, TokenOrder::Revoke { id })?;
                self.tokens()
            }
        }
    }
}

fn give(node: &Node, minted: Minted) -> Result<TokenGiven, CliError> {
    order(node, minted.order)?;
    Ok(node.queries()?.given(minted.token, &minted.id))
}

fn order(node: &Node, order: TokenOrder) -> Result<(), CliError> {
    node.execute::<TokenAggregate>((order, Principal::owner()), Timestamp::now(), "cli")?;
    Ok(())
}
