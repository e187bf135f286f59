//! Errors as problem details (RFC 9457): every error of every room becomes one here.

mod extract;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use extract::{Body, Form, Params, Segment};

use crate::domain::access::Principal;
use crate::domain::access::{Kind, Scope};
use crate::domain::allowance::AllowanceError;
use crate::domain::desk::DeskError;
use crate::integration::obsidian::append::AppendError;
use crate::log::LogError;
use crate::service::ServiceError;
use crate::service::aggregate::repository::{BookFailure, Refusal};
use crate::service::alerts::consent::ConsentFailure;
use crate::service::alerts::contacts::ContactsError;
use crate::service::balances::console::ConsoleFailure;
use crate::service::budgets::allowance::AllowanceFailure;
use crate::service::budgets::limit_requests::LimitBodyError;
use crate::service::goals::local::GoalFailure;
use crate::service::system::backups::BackupFailure;
use crate::service::vault::error::VaultFailure;
use crate::view::ViewError;

/// A problem, by RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    #[schema(example = "urn:mecris:problem:bad-request")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and the mend.
    pub detail: String,
    /// Seconds after which to try again, where that helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:mecris:problem:{kind}"),
            title: kind.replace('-', " "),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    /// The request is not of the form that the API's description gives.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// The request is of the form that the description gives, and makes no sense, or is not wanted.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", detail)
    }

    /// No token, or a wrong one.
    #[must_use]
    pub fn unauthorized() -> Self {
        let detail = "send 'Authorization: Bearer <token>', with the token of a file in the data directory: an agent that of \
                      'agent-token', the owner that of 'token'";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// The token is good, and is for other things.
    #[must_use]
    pub fn out_of_scope(kind: Kind, needed: Scope) -> Self {
        let mend = if kind == Kind::Agent {
            "; an agent that needs more of a limit asks for it with POST /api/v1/limit-requests"
        } else {
            ""
        };
        let detail =
            format!("this needs the scope '{}', which {kind}'s token does not have{mend}", needed.word());
        Self::new(StatusCode::FORBIDDEN, "out-of-scope", detail)
    }

    /// The request comes from where it must not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// What was named is not there.
    pub fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// The body has more than `most` bytes.
    #[must_use]
    pub fn too_large(most: usize) -> Self {
        let detail = format!("a request has at most {most} bytes; send less, or in parts");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// Something failed inside; `detail` says where its cause is told.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// Too much is asked at once.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", detail) }
    }

    /// Too much was asked in all; in a moment it is still too much.
    fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", detail)
    }

    fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<LogError> for Problem {
    fn from(error: LogError) -> Self {
        let detail = error.to_string();
        match error {
            LogError::Conflict { .. } => Self::new(StatusCode::CONFLICT, "conflict", detail),
            LogError::ReadOnly { .. } | LogError::Unavailable { .. } | LogError::Closed => {
                Self::unavailable(detail)
            }
            LogError::UnknownOutcome { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unknown-outcome", detail)
            }
            LogError::Corrupt { .. } => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "log-damaged", detail),
            LogError::Invalid { .. } | LogError::Unsafe(_) => Self::refused(detail),
            LogError::Busy { .. } => Self::busy(detail),
            _ => Self::internal(detail),
        }
    }
}

impl From<BackupFailure> for Problem {
    fn from(failure: BackupFailure) -> Self {
        match failure {
            BackupFailure::Log(error) => error.into(),
            BackupFailure::Outside { .. } | BackupFailure::Relative | BackupFailure::Root { .. } => {
                Self::refused(failure.to_string())
            }
        }
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        match error {
            ViewError::Log(error) => error.into(),
            ViewError::Event { .. } => Self::internal(error.to_string()),
        }
    }
}

impl<R: Refusal> From<BookFailure<R>> for Problem {
    fn from(failure: BookFailure<R>) -> Self {
        match failure {
            BookFailure::Refused(refusal) if refusal.is_unknown() => Self::missing(refusal.to_string()),
            BookFailure::Refused(refusal) if refusal.is_forbidden() => Self::forbidden(refusal.to_string()),
            BookFailure::Refused(refusal) if refusal.is_late() => {
                Self::new(StatusCode::CONFLICT, "conflict", refusal.to_string())
            }
            BookFailure::Refused(refusal) if refusal.is_flood() => Self::too_many(refusal.to_string()),
            BookFailure::Refused(refusal) => Self::refused(refusal.to_string()),
            BookFailure::Log(error) => error.into(),
            BookFailure::Unreadable(error) => error.into(),
        }
    }
}

impl From<AllowanceFailure> for Problem {
    fn from(error: AllowanceFailure) -> Self {
        let detail = error.to_string();
        match error {
            AllowanceFailure::Refused(AllowanceError::NoBudget) => Self::missing(detail),
            AllowanceFailure::Log(error) => error.into(),
            AllowanceFailure::Unreadable(error) => error.into(),
            _ => Self::refused(detail),
        }
    }
}

impl From<LimitBodyError> for Problem {
    fn from(error: LimitBodyError) -> Self {
        Self::refused(error.to_string())
    }
}

impl From<ConsoleFailure> for Problem {
    fn from(failure: ConsoleFailure) -> Self {
        let detail = failure.to_string();
        match failure {
            ConsoleFailure::Balance(failure) => failure.into(),
            ConsoleFailure::Recipe(_) => Self::refused(detail),
            // The page's state stands in the way, not the request.
            ConsoleFailure::Off | ConsoleFailure::Page(_) => {
                Self::new(StatusCode::CONFLICT, "page-not-read", detail)
            }
        }
    }
}

impl From<VaultFailure> for Problem {
    fn from(error: VaultFailure) -> Self {
        let detail = error.to_string();
        match error {
            VaultFailure::Mistake(_) => Self::refused(detail),
            VaultFailure::NotConfigured | VaultFailure::NoPath(_) => {
                Self::new(StatusCode::CONFLICT, "not-configured", detail)
            }
            VaultFailure::Append(AppendError::File { .. }) => Self::internal(detail),
            VaultFailure::Append(_) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            VaultFailure::Waiting | VaultFailure::Unreadable(_) => Self::unavailable(detail),
            VaultFailure::Log(error) => error.into(),
        }
    }
}

impl From<GoalFailure> for Problem {
    fn from(error: GoalFailure) -> Self {
        let detail = error.to_string();
        match error {
            GoalFailure::Refused(
                DeskError::UnknownGoal(_) | DeskError::UnknownFeed(_) | DeskError::NoKeeper(_),
            ) => Self::missing(detail),
            GoalFailure::Refused(_) | GoalFailure::Datapoint(_) | GoalFailure::Slug(_) => {
                Self::refused(detail)
            }
            GoalFailure::NotTaken(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not-taken", detail),
            GoalFailure::Log(error) => error.into(),
            GoalFailure::Unreadable(error) => error.into(),
        }
    }
}

impl From<ConsentFailure> for Problem {
    fn from(error: ConsentFailure) -> Self {
        match error {
            ConsentFailure::Contacts(error) => error.into(),
            ConsentFailure::View(error) => error.into(),
            ConsentFailure::Log(error) => error.into(),
        }
    }
}

impl From<ContactsError> for Problem {
    fn from(error: ContactsError) -> Self {
        let detail = error.to_string();
        match error {
            ContactsError::Form(_) | ContactsError::NoNumber => Self::refused(detail),
            ContactsError::File { .. } => Self::internal(detail),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let detail = error.to_string();
        match error {
            ServiceError::Busy => Self::busy(detail),
            ServiceError::Unavailable { .. } => Self::unavailable(detail),
            ServiceError::UnknownOutcome { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unknown-outcome", detail)
            }
            ServiceError::Balance(error) => error.into(),
            ServiceError::Allowance(error) => error.into(),
            ServiceError::Console(error) => error.into(),
            ServiceError::Odometer(error) => error.into(),
            ServiceError::Told(error) => error.into(),
            ServiceError::Limit(error) => error.into(),
            ServiceError::Token(error) => error.into(),
            ServiceError::LimitBody(error) => error.into(),
            ServiceError::Budget(error) => error.into(),
            ServiceError::Goal(error) => error.into(),
            ServiceError::Alert(error) => error.into(),
            ServiceError::Consent(error) => error.into(),
            ServiceError::Quota(error) => error.into(),
            ServiceError::Vault(error) => error.into(),
            ServiceError::Project(error) => error.into(),
            // The files stand in the way, not the request.
            ServiceError::Config(_) => Self::new(StatusCode::CONFLICT, "settings", detail),
            ServiceError::Record(error) => error.into(),
        }
    }
}

/// For paths that are not there.
pub async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}; /api/v1/openapi.json lists what there is", uri.path());
    Problem::missing(detail)
}

/// For paths that are there under another method.
pub async fn method_not_allowed(method: axum::http::Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not possible at {}; see /api/v1/openapi.json", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
}

/// For a handler that panicked: the connection lives on, and the panic's text stays inside.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("this request failed inside; the log of the supervisor has the cause").into_response()
}

/// Who asks, as the guard knows them.
pub struct Asker(pub Principal);

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Principal>().cloned().map(Self).ok_or_else(Problem::unauthorized)
    }
}
