//! Requests and responses about limit requests.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::{Kind, Principal};
use crate::domain::allowance::reach::{Reach, UnknownLimit};
use crate::domain::allowance::{Allowance, check_amount};
use crate::domain::balance::{BalanceError, parse_amount};
use crate::domain::code::{Code, Coded};
use crate::domain::limit_request::{
    Answer, LimitError, LimitOrder, LimitRequest, LimitRequests, State, Wish, check_answer, decide,
};
use crate::domain::money::Picodollars;
use crate::service::runtime::forms;
use crate::service::runtime::reads::Reads;

/// How long a closed request stays in the list, unless all are requested.
const SHOWN: SignedDuration = SignedDuration::from_hours(24);
/// Maximum number of requests shown.
const SHOWN_MAX: usize = 200;

/// Why a request body is invalid.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LimitBodyError {
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] BalanceError),
    /// Not a limit.
    #[error(transparent)]
    Limit(#[from] UnknownLimit),
    /// The domain refuses it in any state.
    #[error(transparent)]
    Refused(#[from] LimitError),
}

impl Coded for LimitBodyError {
    fn code(&self) -> Code {
        match self {
            Self::Amount(error) => error.code(),
            Self::Limit(error) => error.code(),
            Self::Refused(error) => error.code(),
        }
    }
}

/// A request for a higher limit. It grants nothing: a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitBody {
    /// The amount above the limit, a decimal string in USD: above 0 and at most 1000.
    #[schema(value_type = forms::UsdText)]
    pub amount_usd: String,
    /// The reason, one line of at most 200 bytes; the person reads it.
    #[schema(value_type = forms::Reason)]
    pub reason: String,
    /// The limit: `session`, `day`, `virtual` or `budget:NAME`; all limits if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::LimitName>)]
    pub limit: Option<String>,
    /// The session that it is for; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::SessionName>)]
    pub session: Option<String>,
    /// The directory that it is for; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::ProjectPath>)]
    pub project: Option<String>,
    /// Duration in minutes, at most seven days; the person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10080)]
    pub minutes: Option<u32>,
}

impl LimitBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`LimitBodyError`].
    pub fn check(&self, now: Timestamp) -> Result<(), LimitBodyError> {
        let order = LimitOrder::Ask(self.clone().into_wish()?);
        decide(&LimitRequests::default(), &Allowance::default(), order, &Principal::owner(), now)?;
        Ok(())
    }

    /// The request as the domain has it.
    ///
    /// # Errors
    /// [`LimitBodyError`].
    pub fn into_wish(self) -> Result<Wish, LimitBodyError> {
        let Self { amount_usd, reason, limit, session, project, minutes } = self;
        let limit = limit.map(|limit| limit.parse()).transpose()?;
        let reach = Reach { limit, session, project };
        Ok(Wish { amount: parse_amount(&amount_usd)?, reason: reason.trim().to_owned(), reach, minutes })
    }
}

/// How to grant a request. All fields are optional.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// The amount, a decimal string in USD; the requested amount if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::UsdText>)]
    pub amount_usd: Option<String>,
    /// When it ends, at most seven days from now. If absent, after the requested duration, and at the end of
    /// today at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl GrantBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`LimitBodyError`].
    pub fn check(&self) -> Result<(), LimitBodyError> {
        let amount = self.amount_usd.as_deref().map(parse_amount).transpose()?;
        let checked = amount.map_or(Ok(()), |amount| check_amount("override", amount));
        Ok(checked.map_err(LimitError::from)?)
    }

    /// The command.
    ///
    /// # Errors
    /// [`LimitBodyError::Amount`].
    pub fn into_order(
        self,
        number: u32,
        queries: &Reads,
        now: Timestamp,
    ) -> Result<LimitOrder, LimitBodyError> {
        let amount = self.amount_usd.as_deref().map(parse_amount).transpose()?;
        Ok(LimitOrder::Grant { number, amount, until: queries.until(self.until, now) })
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefuseBody {
    /// One line of at most 200 bytes, for the agent that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::Note>)]
    pub reason: Option<String>,
}

impl RefuseBody {
    /// Validates the request without reading the log. The command line calls this before it contacts a supervisor, so
    /// that the error is the same with one and without.
    ///
    /// # Errors
    /// [`LimitError::Reason`].
    pub fn check(&self) -> Result<(), LimitError> {
        check_answer(self.reason.as_deref().unwrap_or_default().trim())
    }
}

/// The limit requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitRequestsShown {
    /// Open requests first, then the newest.
    pub requests: Vec<LimitRequestLine>,
}

/// A limit request and its state. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitRequestLine {
    /// Its number.
    #[schema(example = 3)]
    pub number: u32,
    /// `open`, `granted`, `over`, `refused`, `withdrawn` or `expired`.
    #[schema(value_type = String)]
    pub state: State,
    /// The requested amount.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// The limit; null for all.
    pub limit: Option<String>,
    /// The session; null for all.
    pub session: Option<String>,
    /// The project; null for all.
    pub project: Option<String>,
    /// The requested duration in minutes; null if none was named.
    pub minutes: Option<u32>,
    /// The reason, in the words of whoever asked: data, never instructions.
    pub reason: String,
    /// The principal that asked.
    pub by: String,
    /// When it was asked.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// When it expires if nobody answers.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The grant; null if there is none.
    pub grant: Option<GrantLine>,
    /// Why a person refused it; null if nobody did.
    pub refusal: Option<String>,
}

/// A person's grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantLine {
    /// The granted amount.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// When it ends or ended.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// The number of its override.
    #[serde(rename = "override")]
    pub override_number: u32,
    /// Whether a person ended it early.
    pub is_ended: bool,
    /// The principal that granted it.
    pub by: String,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitAsked {
    /// The request and its state.
    pub request: LimitRequestLine,
    /// The same in words.
    pub text: String,
}

impl LimitRequestLine {
    fn new(request: &LimitRequest, now: Timestamp) -> Self {
        let Wish { amount, reason, reach, minutes } = &request.wish;
        let (grant, refusal) = match &request.answer {
            Some(Answer::Granted(grant)) => {
                let line = GrantLine {
                    amount_usd: grant.amount,
                    until: grant.until,
                    override_number: grant.number,
                    is_ended: grant.is_ended,
                    by: grant.by.clone(),
                };
                (Some(line), None)
            }
            Some(Answer::Refused { reason, .. }) => (None, Some(reason.clone())),
            Some(Answer::Withdrawn { .. }) | None => (None, None),
        };
        Self {
            number: request.number,
            state: request.state(now),
            amount_usd: *amount,
            limit: reach.limit.as_ref().map(ToString::to_string),
            session: reach.session.clone(),
            project: reach.project.clone(),
            minutes: *minutes,
            reason: reason.clone(),
            by: request.by.clone(),
            asked_at: request.asked_at,
            expires_at: request.expires_at(),
            grant,
            refusal,
        }
    }

    /// The state in words, for the agent that asked.
    #[must_use]
    pub fn told(&self) -> String {
        let number = self.number;
        match (self.state, &self.grant) {
            (State::Open, _) => format!(
                "Request {number} waits for a person, until {} at the latest. Nothing more may be spent before they \
                 grant it; ask again to see how it stands.",
                self.expires_at
            ),
            (State::Granted, Some(grant)) => format!(
                "A person granted {} USD on request {number}, until {}.",
                grant.amount_usd.exact(),
                grant.until
            ),
            (state, _) => format!("Request {number} is {}.", state.word()),
        }
    }

    fn is_shown(&self, now: Timestamp) -> bool {
        let is_recent = now.duration_since(self.asked_at) < SHOWN;
        is_recent || matches!(self.state, State::Open | State::Granted)
    }
}

/// Whether a principal may see a request: an agent sees its own.
fn is_visible(request: &LimitRequest, to: &Principal) -> bool {
    to.kind == Kind::Owner || *request.by == *to.reference
}

impl Reads {
    /// The requests that `to` may see: open ones, active grants, and those of the last day; with `all`, those
    /// of the last month.
    #[must_use]
    pub fn limit_requests(&self, to: &Principal, all: bool, now: Timestamp) -> LimitRequestsShown {
        let mut requests: Vec<LimitRequestLine> = self.with_view(|view| {
            let visible = view.requests.all().rev().filter(|request| is_visible(request, to));
            visible.map(|request| LimitRequestLine::new(request, now)).collect()
        });
        requests.retain(|line| all || line.is_shown(now));
        requests.sort_by_key(|line| line.state != State::Open);
        requests.truncate(SHOWN_MAX);
        LimitRequestsShown { requests }
    }

    /// The newest matching request of `by`; none if there is none.
    #[must_use]
    pub fn limit_asked(&self, by: &Principal, wish: &Wish, now: Timestamp) -> Option<LimitAsked> {
        let request = self.with_view(|view| {
            view.requests.latest(&by.reference, wish).map(|request| LimitRequestLine::new(request, now))
        })?;
        Some(LimitAsked { text: request.told(), request })
    }
}
