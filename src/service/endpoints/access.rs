//! Tokens: the owner gives, rotates and takes them.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::access::register::{TokenOrder, check_id};
use crate::service::access::token::{Minted, TokenAggregate, TokenBody, TokenGiven, TokensShown, mint};
use crate::service::runtime::client::ServiceError;

use super::{Endpoint, Host, Method};

/// The tokens that were given out, without the tokens themselves.
#[derive(Serialize)]
pub struct ListTokens;

impl Endpoint for ListTokens {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/tokens";
    type Out = TokensShown;

    async fn answer(self, host: &Host) -> Result<TokensShown, ServiceError> {
        host.ask(|reads| reads.tokens(Timestamp::now())).await
    }
}

/// Gives a token out; the answer is the only place where it stands.
#[derive(Serialize)]
pub struct IssueToken(pub TokenBody);

impl Endpoint for IssueToken {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/tokens";
    type Out = TokenGiven;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<TokenGiven, ServiceError> {
        give(host, mint(self.0)?).await
    }
}

/// Gives another token out in the place of one, which stays good for a day.
#[derive(Serialize)]
pub struct RotateToken {
    /// The id of the one.
    pub id: String,
}

impl Endpoint for RotateToken {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/tokens/{id}/rotate";
    const HAS_BODY: bool = false;
    type Out = TokenGiven;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(check_id(&self.id)?)
    }

    async fn answer(self, host: &Host) -> Result<TokenGiven, ServiceError> {
        let minted = host.ask(|reads| reads.rotation(&self.id)).await??;
        give(host, minted).await
    }
}

async fn give(host: &Host, minted: Minted) -> Result<TokenGiven, ServiceError> {
    let Minted { token, id, order } = minted;
    host.execute::<TokenAggregate>((order, host.asker())).await?;
    host.ask(|reads| reads.given(token, &id)).await
}

/// Takes a token back.
#[derive(Serialize)]
pub struct RevokeToken {
    /// Its id.
    pub id: String,
}

impl Endpoint for RevokeToken {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/tokens/{id}";
    type Out = TokensShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(check_id(&self.id)?)
    }

    async fn answer(self, host: &Host) -> Result<TokensShown, ServiceError> {
        host.execute::<TokenAggregate>((TokenOrder::Revoke { id: self.id }, host.asker())).await?;
        ListTokens.answer(host).await
    }
}
