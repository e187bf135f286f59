//! Usage: reports, transcripts, what is told by hand, prices and projects.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::config::zone;
use crate::domain::access::Kind;
use crate::domain::calendar::Days;
use crate::domain::project::check_alias;
use crate::service::aggregate::caller;
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;
use crate::service::usage::importer::ImportSummary;
use crate::service::usage::manual::{ToldBody, ToldShown, record};
use crate::service::usage::projects::{AliasAggregate, AliasBody};
use crate::service::usage::recorder::reprice::{Repriced, WhatIf};
use crate::service::usage::refused::RefusedShown;
use crate::service::usage::report::ReportShown;
use crate::service::usage::repricing::{Lacks, lacks, today};
use crate::view::freshness::Freshness;
use crate::view::projects::ProjectsShown;
use crate::view::report::{Grouping, Only};

use super::{Endpoint, Host, Method};

/// What was spent, by day, week, month, project, session or model.
#[derive(Debug, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetSpend {
    /// `daily` where absent.
    #[param(inline)]
    pub by: Option<Grouping>,
    /// From the first of these days on.
    #[param(value_type = Option<forms::DaysText>)]
    pub since: Option<Days>,
    /// Up to the last of these days, included.
    #[param(value_type = Option<forms::DaysText>)]
    pub until: Option<Days>,
    /// Only what this provider was paid.
    #[param(value_type = Option<forms::UsedName>)]
    pub provider: Option<String>,
    /// Only this model, or the one whose name has this part.
    #[param(value_type = Option<forms::UsedName>)]
    pub model: Option<String>,
    /// Only this project: its name, its directory, or a part of one that no other has.
    #[param(value_type = Option<forms::UsedName>)]
    pub project: Option<String>,
    /// Only this session, or the one whose id has this part.
    #[param(value_type = Option<forms::UsedName>)]
    pub session: Option<String>,
    /// The time zone of the days; the configured one where absent.
    #[param(value_type = Option<forms::ZoneName>)]
    pub tz: Option<String>,
}

/// The time zone of this name.
///
/// # Errors
/// There is none.
pub(super) fn zone_of(name: Option<&str>) -> Result<Option<TimeZone>, ServiceError> {
    Ok(name.map(zone::named).transpose()?)
}

impl Endpoint for GetSpend {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/spend";
    type Out = ReportShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        zone_of(self.tz.as_deref()).map(drop)
    }

    async fn answer(self, host: &Host) -> Result<ReportShown, ServiceError> {
        let (by, zone) = (self.by.unwrap_or(Grouping::Daily), zone_of(self.tz.as_deref())?);
        let range = host.range(self.since, self.until, zone.as_ref())?;
        let Self { provider, model, project, session, .. } = self;
        let only = Only { provider, model, project, session };
        Ok(host.ask(|reads| reads.report(by, &range, only, zone.as_ref())).await??)
    }
}

/// Looks at all of the supervisor's transcripts now.
#[derive(Serialize)]
pub struct Import;

impl Endpoint for Import {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/import";
    type Out = ImportSummary;

    async fn answer(self, host: &Host) -> Result<ImportSummary, ServiceError> {
        host.supervised()?.import().await
    }
}

/// Has a supervisor read what is new in transcripts, and says how old the figures are then.
#[derive(Serialize)]
pub struct Look;

impl Endpoint for Look {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/look";
    type Out = Freshness;

    async fn answer(self, host: &Host) -> Result<Freshness, ServiceError> {
        Ok(host.supervised()?.refresh().await)
    }
}

/// Records usage that no transcript shows.
#[derive(Serialize)]
pub struct RecordUsage(pub ToldBody);

impl Endpoint for RecordUsage {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/usage";
    type Out = ToldShown;

    fn check(&self, now: Timestamp) -> Result<(), ServiceError> {
        Ok(self.0.check(now)?)
    }

    async fn answer(self, host: &Host) -> Result<ToldShown, ServiceError> {
        let now = Timestamp::now();
        let usage = host.ask_blocking(move |reads| reads.usage_told(self.0.into_told(now), now)).await??;
        let session = usage.session.to_string();
        // Of an agent a sum only grows.
        let may_fall = host.asker().kind == Kind::Owner;
        let recorded = match host {
            Host::Tree(system) => system.record_told(usage, may_fall).await?,
            Host::Alone { .. } => {
                let importer = host.importer();
                caller::blocking(move || record(importer.recorder(), usage, may_fall)).await??
            }
        };
        host.ask(|reads| reads.told(session, recorded)).await
    }
}

/// Prices what lacks a price. What was priced stays as it was.
#[derive(Serialize)]
pub struct Reprice;

impl Endpoint for Reprice {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/reprice";
    type Out = Repriced;

    async fn answer(self, host: &Host) -> Result<Repriced, ServiceError> {
        match host {
            Host::Tree(system) => system.reprice().await,
            Host::Alone { .. } => {
                let (importer, on_progress) = (host.importer(), host.on_progress());
                let reprice = move || {
                    importer.recorder().reprice(&|done, total| on_progress(done as u64, total as u64))
                };
                Ok(caller::blocking(reprice).await??)
            }
        }
    }
}

/// What everything would cost by the prices of a day. Nothing is written.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetWhatIf {
    /// The day (UTC), `YYYY-MM-DD`; today where absent.
    #[param(value_type = Option<String>, format = Date)]
    pub as_of: Option<Date>,
}

impl Endpoint for GetWhatIf {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/reprice";
    const IS_LONG: bool = true;
    type Out = WhatIf;

    async fn answer(self, host: &Host) -> Result<WhatIf, ServiceError> {
        let (settings, importer) = (host.settings().clone(), host.importer());
        let as_of = self.as_of.unwrap_or_else(today);
        let ask = move || {
            let table = Arc::new(settings.prices_as_written()?);
            Ok(importer.recorder().by(table).what_if(as_of)?)
        };
        caller::blocking(ask).await?
    }
}

/// Which models lack prices, and how many of their calls the price file has a price for now.
#[derive(Serialize)]
pub struct ListLacking;

impl Endpoint for ListLacking {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/prices/lacking";
    const IS_LONG: bool = true;
    type Out = Lacks;

    async fn answer(self, host: &Host) -> Result<Lacks, ServiceError> {
        let (settings, importer) = (host.settings().clone(), host.importer());
        let ask = move || Ok(lacks(importer.recorder(), Arc::new(settings.prices_as_written()?))?);
        caller::blocking(ask).await?
    }
}

/// What was folded into which project, what each cost, and what a person calls them.
#[derive(Serialize)]
pub struct ListProjects;

impl Endpoint for ListProjects {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/projects";
    type Out = ProjectsShown;

    async fn answer(self, host: &Host) -> Result<ProjectsShown, ServiceError> {
        host.ask(Reads::projects).await
    }
}

/// Calls a directory, and all below it, by a name.
#[derive(Serialize)]
pub struct AliasProject(pub AliasBody);

impl Endpoint for AliasProject {
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/v1/projects/aliases";
    type Out = ProjectsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(check_alias(&self.0.directory, Some(&self.0.name))?)
    }

    async fn answer(self, host: &Host) -> Result<ProjectsShown, ServiceError> {
        let AliasBody { directory, name } = self.0;
        host.execute::<AliasAggregate>((directory, Some(name))).await?;
        ListProjects.answer(host).await
    }
}

/// Calls a directory as it is again.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct UnaliasProject {
    /// The directory.
    #[param(value_type = forms::Directory)]
    pub directory: String,
}

impl Endpoint for UnaliasProject {
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/v1/projects/aliases";
    type Out = ProjectsShown;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        Ok(check_alias(&self.directory, None)?)
    }

    async fn answer(self, host: &Host) -> Result<ProjectsShown, ServiceError> {
        host.execute::<AliasAggregate>((self.directory, None)).await?;
        ListProjects.answer(host).await
    }
}

/// Lines of transcripts that were refused, and files that cannot be read; never their text.
#[derive(Serialize)]
pub struct ListRefused;

impl Endpoint for ListRefused {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/import/refused";
    const IS_LONG: bool = true;
    type Out = RefusedShown;

    async fn answer(self, host: &Host) -> Result<RefusedShown, ServiceError> {
        let importer = host.importer();
        Ok(caller::blocking(move || importer.refused()).await?)
    }
}
