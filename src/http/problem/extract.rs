//! Extractors whose rejection is a [`Problem`]. What they read is held against the API's description too
//! ([`crate::http::described`]), where the request is for an operation of it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{
    BytesRejection, FormRejection, JsonRejection, PathRejection, QueryRejection, RawPathParamsRejection,
};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, RawPathParams, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::{Json, body};
use serde::de::DeserializeOwned;

use crate::domain::code::Code;

use super::super::described::check::Operation;
use super::Problem;

/// Query parameters.
pub struct Params<T>(pub T);

/// Path parameters.
pub struct Segment<T>(pub T);

/// A JSON body.
pub struct Body<T>(pub T);

/// A form.
#[derive(FromRequest)]
#[from_request(via(axum::Form), rejection(Problem))]
pub struct Form<T>(pub T);

fn operation(parts: &Parts) -> Option<Arc<Operation>> {
    parts.extensions.get::<Arc<Operation>>().cloned()
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(wanted) = Query::from_request_parts(parts, state).await?;
        if let Some(operation) = operation(parts) {
            operation.check_query(&parts.uri)?;
        }
        Ok(Self(wanted))
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(named) = Path::from_request_parts(parts, state).await?;
        if let Some(operation) = operation(parts) {
            let segments = RawPathParams::from_request_parts(parts, state).await?;
            operation.check_path(segments.iter())?;
        }
        Ok(Self(named))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let operation = request.extensions().get::<Arc<Operation>>().cloned();
        let (parts, stream) = request.into_parts();
        let stream = Request::from_parts(parts.clone(), stream);
        let bytes = Bytes::from_request(stream, state).await?;
        let whole = Request::from_parts(parts, body::Body::from(bytes.clone()));
        // Its own type first, for it knows best what is wrong.
        match (Json::from_request(whole, state).await, operation) {
            (Ok(Json(value)), None) => Ok(Self(value)),
            (Ok(Json(value)), Some(operation)) => operation.check_body(&bytes).map(|()| Self(value)),
            (Err(rejection @ JsonRejection::JsonDataError(_)), Some(operation)) => {
                let plain = operation.plain(&bytes).and_then(|value| T::deserialize(value).ok());
                plain.map(Self).ok_or_else(|| rejection.into())
            }
            (Err(rejection), _) => Err(rejection.into()),
        }
    }
}

impl Problem {
    /// A body that cannot be read. JSON of another form than is described is no better than what is no JSON.
    fn unread(status: StatusCode, detail: String) -> Self {
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
            _ => Code::BadRequest,
        };
        Self::of(code, detail)
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        Self::unread(rejection.status(), rejection.body_text())
    }
}

impl From<FormRejection> for Problem {
    fn from(rejection: FormRejection) -> Self {
        Self::unread(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<RawPathParamsRejection> for Problem {
    fn from(rejection: RawPathParamsRejection) -> Self {
        Self::bad_request(rejection.body_text())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::unread(rejection.status(), rejection.body_text())
    }
}
