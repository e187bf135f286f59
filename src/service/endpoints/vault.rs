//! The vault.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::service::aggregate::caller;
use crate::service::runtime::client::ServiceError;
use crate::service::vault::queries::{DailyParams, DailyShown, LogBody, Logged, VaultShown};
use crate::service::vault::tasks::{TasksFilter, TasksShown};
use crate::service::vault::undo::TakenBack;

use super::{Endpoint, Host, Method};

/// The vault, the goals in it, and what stands in the way of reading it.
#[derive(Serialize)]
pub struct GetVault;

impl Endpoint for GetVault {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/vault";
    type Out = VaultShown;

    async fn answer(self, host: &Host) -> Result<VaultShown, ServiceError> {
        Ok(host.reads_with_vault().await?.vault(Timestamp::now())?)
    }
}

/// The vault's tasks, the one that is due first before all others.
#[derive(Serialize)]
pub struct ListTasks(pub TasksFilter);

impl Endpoint for ListTasks {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/tasks";
    type Out = TasksShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        // A word makes sense on every day or on none.
        self.0.check(Date::default())?;
        Ok(())
    }

    async fn answer(self, host: &Host) -> Result<TasksShown, ServiceError> {
        Ok(host.reads_with_vault().await?.tasks(&self.0, Timestamp::now())?)
    }
}

/// A daily note, or a note of another period.
#[derive(Serialize)]
pub struct GetDaily(pub DailyParams);

impl Endpoint for GetDaily {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/daily";
    const IS_LONG: bool = true;
    type Out = DailyShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        self.0.kind()?;
        Ok(())
    }

    async fn answer(self, host: &Host) -> Result<DailyShown, ServiceError> {
        let reads = host.reads_with_vault().await?;
        Ok(caller::blocking(move || reads.daily(&self.0, Timestamp::now())).await??)
    }
}

/// Takes back what was written to the vault last, unless the note was changed since.
#[derive(Serialize)]
pub struct UndoWrite;

impl Endpoint for UndoWrite {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/vault/undo";
    type Out = TakenBack;

    async fn answer(self, host: &Host) -> Result<TakenBack, ServiceError> {
        let _one = ONE.lock().await;
        let (reads, actor) = (host.reads_with_vault().await?, host.actor());
        let taken = caller::blocking(move || reads.undo_write(Timestamp::now(), actor)).await;
        Ok(taken.map_err(|_| ServiceError::UnknownOutcome { what: "the vault" })??)
    }
}

/// One write at a time: two lines of one moment are two lines.
static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Writes one line to today's daily note; the same again changes nothing.
#[derive(Serialize)]
pub struct LogSession(pub LogBody);

impl Endpoint for LogSession {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/daily";
    type Out = Logged;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check()?)
    }

    async fn answer(self, host: &Host) -> Result<Logged, ServiceError> {
        let _one = ONE.lock().await;
        let (reads, actor) = (host.reads_with_vault().await?, host.actor());
        let written = caller::blocking(move || reads.log_session(self.0, Timestamp::now(), actor)).await;
        Ok(written.map_err(|_| ServiceError::UnknownOutcome { what: "the vault" })??)
    }
}
