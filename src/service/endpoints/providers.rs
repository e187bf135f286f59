//! What providers report, held against what is recorded here; and an organisation's people.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::domain::calendar::{Days, DaysError, Unit};
use crate::service::providers::people::{self, PeopleShown, people};
use crate::service::providers::reconcile::{check, check_provider};
use crate::service::providers::summary::ReportedShown;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;
use crate::view::reconcile::{Reconciliation, Wanted};
use crate::view::report::Range;

use super::{Endpoint, Host, Method};

/// What is recorded here, held against what the providers reported and how their balances fell, by UTC day.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// From the first of these days on, in UTC; the last thirty where absent.
    #[param(value_type = Option<forms::DaysText>)]
    pub since: Option<Days>,
    /// Up to the last of these days, in UTC, included; today where absent.
    #[param(value_type = Option<forms::DaysText>)]
    pub until: Option<Days>,
    /// Only this provider.
    #[param(value_type = Option<forms::ProviderName>)]
    pub provider: Option<String>,
}

impl Reconcile {
    fn wanted(self, host: &Host) -> Result<Wanted, DaysError> {
        let Range { since, until } = host.range(self.since, self.until, Some(&TimeZone::UTC))?;
        Ok(Wanted { since, until, provider: self.provider })
    }
}

impl Endpoint for Reconcile {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/reconcile";
    type Out = Reconciliation;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(self.provider.iter().try_for_each(|name| check_provider(name))?)
    }

    async fn answer(self, host: &Host) -> Result<Reconciliation, ServiceError> {
        let wanted = check(self.wanted(host)?)?;
        host.ask(|reads| reads.reconcile(&wanted, Timestamp::now())).await
    }
}

/// What a provider itself reports, held against what is recorded here, and whether it answers.
#[derive(Serialize)]
pub struct GetReported(pub Reconcile);

impl Endpoint for GetReported {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/reported";
    type Out = ReportedShown;

    async fn answer(self, host: &Host) -> Result<ReportedShown, ServiceError> {
        let (wanted, now) = (self.0.wanted(host)?, Timestamp::now());
        let source = wanted.provider.as_ref().and_then(|name| host.source(name, now));
        Ok(ReportedShown { source, ..host.ask(|reads| reads.reported(wanted, now)).await?? })
    }
}

/// Who of the organisation used Claude Code on a UTC day, as Anthropic tells it now.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListPeople {
    /// A UTC day; yesterday where absent.
    #[param(value_type = Option<forms::DaysText>)]
    pub day: Option<Days>,
    /// By name, and not by pseudonym; that somebody asked so is in the log lines.
    #[serde(default)]
    pub names: bool,
}

impl Endpoint for ListPeople {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/people";
    type Out = PeopleShown;

    async fn answer(self, host: &Host) -> Result<PeopleShown, ServiceError> {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let day = self.day.unwrap_or(Days::Before(Unit::Day)).one(today)?;
        let wanted = people::Wanted { day, names: self.names };
        let by = match host {
            Host::Tree(_) => host.asker().reference,
            Host::Alone { .. } => host.actor().into(),
        };
        Ok(people(&host.settings().current(), host.dir(), wanted, &by).await)
    }
}
