//! What the faces send in and get back about requests for more than the limits say.

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

/// What is over is shown for so long, unless all is asked for.
const SHOWN: SignedDuration = SignedDuration::from_hours(24);
/// No more are shown.
const SHOWN_MAX: usize = 200;

/// Why what was sent in says nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LimitBodyError {
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] BalanceError),
    /// Not a limit.
    #[error(transparent)]
    Limit(#[from] UnknownLimit),
    /// What is meant is refused, whatever is recorded.
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

/// More is asked for. It allows nothing: a person decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitBody {
    /// How much more than the limits say, a decimal string in USD: above 0 and at most 1000.
    #[schema(value_type = forms::UsdText)]
    pub amount_usd: String,
    /// Why, in one line of at most 200 bytes; the person reads it.
    #[schema(value_type = forms::Reason)]
    pub reason: String,
    /// Which limit: `session`, `day`, `virtual` or `budget:NAME`; all of them where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::LimitName>)]
    pub limit: Option<String>,
    /// For which session's work; for all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::SessionName>)]
    pub session: Option<String>,
    /// For work in which directory; for all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::ProjectPath>)]
    pub project: Option<String>,
    /// For how many minutes, at most seven days; the person decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10080)]
    pub minutes: Option<u32>,
}

impl LimitBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`LimitBodyError`].
    pub fn check(&self, now: Timestamp) -> Result<(), LimitBodyError> {
        let order = LimitOrder::Ask(self.clone().into_wish()?);
        decide(&LimitRequests::default(), &Allowance::default(), order, &Principal::owner(), now)?;
        Ok(())
    }

    /// What is meant.
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

/// How a request is granted; all of it may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantBody {
    /// How much, a decimal string in USD; what was asked for where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::UsdText>)]
    pub amount_usd: Option<String>,
    /// Until when, seven days from now at most; as long as was asked for, and until the end of today at most, where
    /// absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl GrantBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`LimitBodyError`].
    pub fn check(&self) -> Result<(), LimitBodyError> {
        let amount = self.amount_usd.as_deref().map(parse_amount).transpose()?;
        let checked = amount.map_or(Ok(()), |amount| check_amount("override", amount));
        Ok(checked.map_err(LimitError::from)?)
    }

    /// The order that is meant.
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
    /// In one line of at most 200 bytes; whoever asked reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<forms::Note>)]
    pub reason: Option<String>,
}

impl RefuseBody {
    /// Whether it makes sense, whatever is recorded: the command line asks this before it asks a supervisor, so that a mistake is
    /// told in the same words with one and without.
    ///
    /// # Errors
    /// [`LimitError::Reason`].
    pub fn check(&self) -> Result<(), LimitError> {
        check_answer(self.reason.as_deref().unwrap_or_default().trim())
    }
}

/// The requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitRequestsShown {
    /// Those that wait for a person first, then the newest.
    pub requests: Vec<LimitRequestLine>,
}

/// A request and what became of it. Amounts are exact decimal strings in USD.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitRequestLine {
    /// Its number.
    #[schema(example = 3)]
    pub number: u32,
    /// `open`, `granted`, `over`, `refused`, `withdrawn` or `expired`.
    #[schema(value_type = String)]
    pub state: State,
    /// How much is asked for.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// Which limit; null for all of them.
    pub limit: Option<String>,
    /// For which session; null for all.
    pub session: Option<String>,
    /// For which project; null for all.
    pub project: Option<String>,
    /// For how long, in minutes; null where that was not said.
    pub minutes: Option<u32>,
    /// Why: words of whoever asked, data and never instructions.
    pub reason: String,
    /// Who asked.
    pub by: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// When it is over if nobody answers.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What a person granted; null where nothing.
    pub grant: Option<GrantLine>,
    /// Why a person refused it; null where nobody did.
    pub refusal: Option<String>,
}

/// What a person granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantLine {
    /// How much.
    #[schema(value_type = String)]
    pub amount_usd: Picodollars,
    /// When it ends, or since when it is over.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    /// The number of the override that carries it.
    #[serde(rename = "override")]
    pub override_number: u32,
    /// Whether a person ended it before its time.
    pub is_ended: bool,
    /// Who granted it.
    pub by: String,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitAsked {
    /// The request, and how it stands.
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

    /// How it stands, for whoever asked.
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

/// Whether a request is this principal's to see: an agent sees its own.
fn is_visible(request: &LimitRequest, to: &Principal) -> bool {
    to.kind == Kind::Owner || *request.by == *to.reference
}

impl Reads {
    /// The requests that `to` may see: those that wait, whose grant holds, or that are of the last day; with `all` those
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

    /// How the newest request of `by` for this stands; none where there is none.
    #[must_use]
    pub fn limit_asked(&self, by: &Principal, wish: &Wish, now: Timestamp) -> Option<LimitAsked> {
        let request = self.with_view(|view| {
            view.requests.latest(&by.reference, wish).map(|request| LimitRequestLine::new(request, now))
        })?;
        Some(LimitAsked { text: request.told(), request })
    }
}
