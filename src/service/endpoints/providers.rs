//! What providers report, held against what is recorded here; and an organisation's people.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::service::providers::people::{self, PeopleShown, people};
use crate::service::providers::reconcile::check;
use crate::service::providers::summary::ReportedShown;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;
use crate::view::reconcile::{Reconciliation, Wanted};

use super::{Endpoint, Host, Method};

/// What is recorded here, held against what the providers reported and how their balances fell, by UTC day.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Reconcile {
    /// The first UTC day, `YYYY-MM-DD`; the last thirty where absent.
    #[param(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// The last UTC day, included; today where absent.
    #[param(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Only this provider.
    #[param(value_type = Option<forms::ProviderName>)]
    pub provider: Option<String>,
}

impl Reconcile {
    fn wanted(self) -> Wanted {
        let Self { since, until, provider } = self;
        Wanted { since, until, provider }
    }
}

impl Endpoint for Reconcile {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/reconcile";
    type Out = Reconciliation;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        check(self.clone().wanted())?;
        Ok(())
    }

    async fn answer(self, host: &Host) -> Result<Reconciliation, ServiceError> {
        let wanted = check(self.wanted())?;
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
        let (wanted, now) = (self.0.wanted(), Timestamp::now());
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
    #[param(value_type = Option<String>, format = Date)]
    pub day: Option<Date>,
    /// By name, and not by pseudonym; that somebody asked so is in the log lines.
    #[serde(default)]
    pub names: bool,
}

impl Endpoint for ListPeople {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/people";
    type Out = PeopleShown;

    async fn answer(self, host: &Host) -> Result<PeopleShown, ServiceError> {
        let yesterday = || Timestamp::now().to_zoned(TimeZone::UTC).date().yesterday().unwrap_or(Date::MIN);
        let wanted = people::Wanted { day: self.day.unwrap_or_else(yesterday), names: self.names };
        let by = match host {
            Host::Tree(_) => host.asker().reference,
            Host::Alone { .. } => host.actor().into(),
        };
        Ok(people(&host.settings().current(), host.dir(), wanted, &by).await)
    }
}
