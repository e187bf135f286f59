//! The narrator's context, and a day.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::domain::calendar::{self, Days};
use crate::service::aggregate::caller;
use crate::service::briefing::activity::Activity;
use crate::service::briefing::shape::Narration;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;

use super::{Endpoint, Host, Method};

/// How things stand and what to do next.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetNarration {
    /// All of it, however long.
    #[serde(default)]
    pub detail: bool,
}

impl Endpoint for GetNarration {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/narrator";
    const IS_LONG: bool = true;
    type Out = Narration;

    async fn answer(self, host: &Host) -> Result<Narration, ServiceError> {
        let (now, detail) = (Timestamp::now(), self.detail);
        match host {
            Host::Tree(system) => {
                let system = system.clone();
                Ok(caller::blocking(move || system.narrator(detail, now)).await?)
            }
            Host::Alone { .. } => {
                let reads = host.reads_with_vault().await?;
                Ok(caller::blocking(move || reads.narrator(detail, now)).await?)
            }
        }
    }
}

/// What happened on a day: spend, sessions, datapoints of goals, tasks done, alerts.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetActivity {
    /// Which; today where absent.
    #[param(value_type = Option<forms::DaysText>)]
    pub date: Option<Days>,
}

impl Endpoint for GetActivity {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/activity";
    const IS_LONG: bool = true;
    type Out = Activity;

    async fn answer(self, host: &Host) -> Result<Activity, ServiceError> {
        let today = calendar::day_of(Timestamp::now(), &host.settings().current().zone);
        let date = self.date.map(|days| days.one(today)).transpose()?;
        let reads = host.reads_with_vault().await?;
        Ok(caller::blocking(move || reads.activity(date, Timestamp::now())).await?)
    }
}
