//! What is answered from the log alone: events, explanations, replays, and the log's own state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::domain::code::Code;
use crate::event::Position;
use crate::log::verify::parse_hash;
use crate::service::aggregate::caller;
use crate::service::audit::{
    BackedUp, BackupBody, EventPage, HeadShown, Reckoning, Replayed, Verified, parse_until,
};
use crate::service::runtime::client::ServiceError;
use crate::service::runtime::forms;
use crate::service::runtime::incidents::{Incidents, incidents};
use crate::service::system::backups::{Reach, back_up, root};
use crate::view::explain::Explanation;
use crate::view::replay::Until;

use super::refusal::Refusal;
use super::usage::zone_of;
use super::{Endpoint, Host, Method};

/// The events themselves, by position, page by page.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct GetEvents {
    /// The first position; 1 where absent.
    #[param(minimum = 0, maximum = 9_223_372_036_854_775_807_u64)]
    pub from: Option<u64>,
    /// How many at most; 100 where absent.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
}

impl GetEvents {
    fn page(&self) -> Result<(Position, usize), ServiceError> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            return Err(Refusal::new(Code::BadRequest, "limit must be from 1 to 1000").into());
        }
        Ok((Position(self.from.unwrap_or(1)), limit))
    }
}

impl Endpoint for GetEvents {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/events";
    const IS_LONG: bool = true;
    type Out = EventPage;

    async fn answer(self, host: &Host) -> Result<EventPage, ServiceError> {
        let (from, limit) = self.page()?;
        Ok(host.ask_blocking(move |reads| reads.events(from, limit)).await??)
    }
}

/// Events as JSON lines, page by page: an empty page is the end.
#[derive(Serialize)]
pub struct Export(pub GetEvents);

impl Endpoint for Export {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/export";
    const IS_LONG: bool = true;
    /// The lines as they are, which are no JSON document.
    type Out = Vec<u8>;

    async fn answer(self, host: &Host) -> Result<Vec<u8>, ServiceError> {
        let (from, limit) = self.0.page()?;
        Ok(host.ask_blocking(move |reads| reads.export(from, limit as u64)).await??)
    }
}

/// The events behind a number.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Explain {
    /// Days (`2026-11-23`, `yesterday`, `last-week`, `2026-11`), or the id of a session or message, or its beginning.
    #[param(min_length = 1, max_length = 1000, example = "2026-11-23")]
    pub subject: String,
    /// The time zone of the day; the configured one where absent.
    #[param(value_type = Option<forms::ZoneName>)]
    pub tz: Option<String>,
}

impl Endpoint for Explain {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/explain";
    const IS_LONG: bool = true;
    type Out = Explanation;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        if self.subject.is_empty() {
            return Err(Refusal::new(Code::BadRequest, "name a day, a session or a message").into());
        }
        zone_of(self.tz.as_deref()).map(drop)
    }

    async fn answer(self, host: &Host) -> Result<Explanation, ServiceError> {
        self.check(Timestamp::now())?;
        let (subject, zone) = (self.subject, zone_of(self.tz.as_deref())?);
        Ok(host.ask_blocking(move |reads| reads.explain(&subject, zone.as_ref(), Timestamp::now())).await??)
    }
}

/// Everything rebuilt from the first event.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// A position or an instant (RFC 3339); the head where absent.
    #[param(value_type = Option<forms::ReplayEnd>)]
    pub until: Option<String>,
    /// `recorded` (what was known then, the default) or `occurred` (what is known now of then).
    #[param(inline)]
    pub by: Option<Reckoning>,
}

impl Replay {
    fn end(&self) -> Result<Until, ServiceError> {
        let end = parse_until(self.until.as_deref(), self.by.unwrap_or_default());
        Ok(end.map_err(|words| Refusal::new(Code::Refused, words))?)
    }
}

impl Endpoint for Replay {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/replay";
    const IS_LONG: bool = true;
    type Out = Replayed;

    fn check(&self, _: Timestamp) -> Result<(), ServiceError> {
        self.end().map(drop)
    }

    async fn answer(self, host: &Host) -> Result<Replayed, ServiceError> {
        let (end, on_progress) = (self.end()?, host.on_progress());
        let replay = host.ask_blocking(move |reads| {
            reads.replay(end, Timestamp::now(), &mut |done, total| on_progress(done, total))
        });
        Ok(replay.await??)
    }
}

/// Verifies the whole log, both copies.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// A head's hash that was written down: it must still be part of the log.
    #[param(value_type = Option<forms::BlockHash>)]
    pub head: Option<String>,
}

impl Verify {
    /// The hash that is expected.
    ///
    /// # Errors
    /// It is none.
    pub fn expected(&self) -> Result<Option<[u8; 32]>, Refusal> {
        let words = "head must be 64 hexadecimal digits, as `mecris head` prints them";
        let parse = |text: &String| parse_hash(text).ok_or_else(|| Refusal::new(Code::BadRequest, words));
        self.head.as_ref().map(parse).transpose()
    }
}

impl Endpoint for Verify {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/verify";
    const HAS_BODY: bool = false;
    const IS_LONG: bool = true;
    type Out = Verified;

    async fn answer(self, host: &Host) -> Result<Verified, ServiceError> {
        let (expected, log) = (self.expected()?, host.log());
        let report = caller::blocking(move || log.verify(expected, &mut |_, _| {})).await??;
        Ok(report.into())
    }
}

/// The head of the log.
#[derive(Serialize)]
pub struct GetHead;

impl Endpoint for GetHead {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/head";
    const IS_LONG: bool = true;
    type Out = HeadShown;

    async fn answer(self, host: &Host) -> Result<HeadShown, ServiceError> {
        let log = host.log();
        Ok(caller::blocking(move || log.head()).await??.into())
    }
}

/// Backs the log up to a directory of this machine, while it is written to.
#[derive(Serialize)]
pub struct Backup {
    /// Where to.
    #[serde(flatten)]
    pub body: BackupBody,
    /// Where whoever asks may have it written to; a supervisor decides that itself.
    #[serde(skip)]
    pub reach: Reach,
}

impl Endpoint for Backup {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/backup";
    const IS_LONG: bool = true;
    type Out = BackedUp;

    async fn answer(self, host: &Host) -> Result<BackedUp, ServiceError> {
        let root = root(host.settings().current().config.backup.root.as_deref(), host.dir());
        let (log, on_progress) = (host.log(), host.on_progress());
        let write = move || {
            let mut progress = |done, total| on_progress(done, total);
            back_up(&*log, &self.body.dir, &root, self.reach, &mut progress)
        };
        Ok(caller::blocking(write).await??)
    }
}

/// What happened to the system itself: restarts, escalations, sources that came and went, repairs.
#[derive(Debug, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ListIncidents {
    /// The first instant (RFC 3339); the log's beginning where absent.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
}

impl Endpoint for ListIncidents {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/incidents";
    const IS_LONG: bool = true;
    type Out = Incidents;

    async fn answer(self, host: &Host) -> Result<Incidents, ServiceError> {
        let find = host.ask_blocking(move |reads| incidents(&*reads.log, &reads.tenant, self.since));
        Ok(find.await??)
    }
}
