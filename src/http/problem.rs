//! Errors as problem details (RFC 9457): each says its code, and the table of codes ([`Code`]) says the rest.

mod extract;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use extract::{Body, Form, Params, Segment};

use crate::domain::access::{Kind, Scope};
use crate::domain::code::{Code, Coded};
use crate::service::runtime::client::ServiceError;

/// A problem, by RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem; stable. Later versions may know more kinds.
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
    /// A problem of this kind.
    pub fn of(code: Code, detail: impl Into<String>) -> Self {
        Self {
            kind: code.urn(),
            title: code.name().replace('-', " "),
            status: code.status(),
            detail: detail.into(),
            retry_after: code.retry_after(),
        }
    }

    /// The request is not of the form that the API's description gives.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::of(Code::BadRequest, detail)
    }

    /// The request is of the form that the description gives, and makes no sense, or is not wanted.
    pub fn refused(detail: impl Into<String>) -> Self {
        Self::of(Code::Refused, detail)
    }

    /// No token, or a wrong one.
    #[must_use]
    pub fn unauthorized() -> Self {
        let detail = "send 'Authorization: Bearer <token>', with the token of a file in the data directory: an agent that of \
                      'agent-token', the owner that of 'token'";
        Self::of(Code::Unauthorized, detail)
    }

    /// A part that is needed does not answer.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::of(Code::Unavailable, detail)
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
        Self::of(Code::OutOfScope, detail)
    }

    /// The request comes from where it must not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::of(Code::Forbidden, detail)
    }

    /// The body has more than `most` bytes.
    #[must_use]
    pub fn too_large(most: usize) -> Self {
        let detail = format!("a request has at most {most} bytes; send less, or in parts");
        Self::of(Code::TooLarge, detail)
    }

    /// Something failed inside; `detail` says where its cause is told.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::of(Code::Internal, detail)
    }

    /// Too much is asked at once.
    pub fn busy(detail: impl Into<String>) -> Self {
        Self::of(Code::Busy, detail)
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

impl<E: Coded> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::of(error.code(), error.to_string())
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self::of(error.code(), error.to_string())
    }
}

/// For paths that are not there.
pub async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {}; /api/v1/openapi.json lists what there is", uri.path());
    Problem::of(Code::NotFound, detail)
}

/// For paths that are there under another method.
pub async fn method_not_allowed(method: axum::http::Method, uri: Uri) -> Problem {
    let detail = format!("{method} is not possible at {}; see /api/v1/openapi.json", uri.path());
    Problem::of(Code::MethodNotAllowed, detail)
}

/// For a handler that panicked: the connection lives on, and the panic's text stays inside.
pub fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::internal("this request failed inside; the log of the supervisor has the cause").into_response()
}
