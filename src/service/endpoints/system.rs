//! The system itself: how things stand, its actors, its sources, its settings.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Snapshot;
use crate::domain::code::Code;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::settings::Reloaded;
use crate::service::runtime::sources::SourcesShown;
use crate::service::system::status::{DrillBody, StatusShown};

use super::refusal::Refusal;
use super::{Endpoint, Host, Method};

/// How things stand.
#[derive(Serialize)]
pub struct GetStatus;

impl Endpoint for GetStatus {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/status";
    type Out = StatusShown;

    async fn answer(self, host: &Host) -> Result<StatusShown, ServiceError> {
        let now = Timestamp::now();
        match host {
            Host::Tree(system) => Ok(system.status(now)),
            Host::Alone { .. } => host.ask(|reads| reads.status(now)).await,
        }
    }
}

/// The tree of actors: state, restarts, queue, last error.
#[derive(Serialize)]
pub struct ListActors;

impl Endpoint for ListActors {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/actors";
    type Out = Vec<Snapshot>;

    async fn answer(self, host: &Host) -> Result<Vec<Snapshot>, ServiceError> {
        Ok(host.supervised()?.actors())
    }
}

/// Has an actor panic on purpose, to see that it comes back.
#[derive(Serialize)]
pub struct Drill(pub DrillBody);

impl Endpoint for Drill {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/drill";
    type Out = Vec<Snapshot>;

    async fn answer(self, host: &Host) -> Result<Vec<Snapshot>, ServiceError> {
        let path = format!("root/{}", self.0.actor.trim_start_matches("root/"));
        if !host.supervised()?.drill(&path) {
            let words = "there is no such actor; `mecris actors` names those there are";
            return Err(Refusal::new(Code::ActorUnknown, words).into());
        }
        ListActors.answer(host).await
    }
}

/// The outside systems: whether each answers, how old what it said is, and what mends it.
#[derive(Serialize)]
pub struct ListSources;

impl Endpoint for ListSources {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/sources";
    type Out = SourcesShown;

    async fn answer(self, host: &Host) -> Result<SourcesShown, ServiceError> {
        Ok(host.supervised()?.sources.shown(Timestamp::now()))
    }
}

/// Reads the settings and the price file again.
#[derive(Serialize)]
pub struct Reload;

impl Endpoint for Reload {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/reload";
    type Out = Reloaded;

    async fn answer(self, host: &Host) -> Result<Reloaded, ServiceError> {
        host.supervised()?.reload().await
    }
}
