//! Bodies that are too large: refused before they are read where they say so, and in one form wherever it is found out.

use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// The largest request body, in bytes; nothing that is asked for is near it.
pub const MAX_BODY: usize = 64 * 1024;

/// Refuses a body that says it is too large. What finds it out while it reads answers with the status alone, or in a
/// form of its own: that becomes the problem that everything else answers with.
pub async fn check(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > MAX_BODY as u64) {
        return Problem::too_large(MAX_BODY).into_response();
    }
    let response = next.run(request).await;
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::too_large(MAX_BODY).into_response();
    }
    response
}
