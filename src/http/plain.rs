//! Who may not lift a limit is told no command that does, whatever they ask: the edge of [`crate::domain::access::plain`].

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::domain::access::plain::{for_agents, may_name_one};
use crate::domain::access::{Principal, Scope};

use super::problem::Problem;

/// An answer as this principal may read it; without one, as anybody may. Streams and other texts than JSON are left alone: of
/// those the face that makes them takes care.
pub async fn told_to(principal: Option<&Principal>, answer: Response) -> Response {
    let kind = answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_json = kind.is_some_and(|kind| ["application/json", "application/problem+json"].contains(&kind));
    if !is_json || principal.is_some_and(|principal| principal.may(Scope::Own)) {
        return answer;
    }
    let (mut parts, body) = answer.into_parts();
    // An answer is whole in memory when it is made; what is asked for as a stream is no JSON.
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return Problem::internal("the answer ended early").into_response();
    };
    if !may_name_one(&bytes) {
        return Response::from_parts(parts, Body::from(bytes));
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Problem::internal("the answer is not JSON").into_response();
    };
    for_agents(&mut value);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}
