//! Passes every request on as it is, with the bearer token added.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use reqwest::Client;

/// More than the server behind this takes, so that it is the one that refuses.
const MAX_BODY: usize = 16 << 20;

struct Forward {
    client: Client,
    url: String,
    bearer: String,
}

/// Passes on to this URL, with this token.
pub fn router(url: String, token: &str) -> Router {
    // Straight there, whatever proxy the environment names.
    let client = Client::builder().no_proxy().build().expect("a plain client can be made");
    let forward = Forward { client, url, bearer: format!("Bearer {token}") };
    Router::new().fallback(pass_on).with_state(Arc::new(forward))
}

/// What belongs to a connection and not to a message, and the length, which is counted anew.
fn without_hops(mut headers: HeaderMap) -> HeaderMap {
    for hop in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::UPGRADE] {
        headers.remove(hop);
    }
    headers
}

async fn pass_on(State(forward): State<Arc<Forward>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let sent = forward
        .client
        .request(parts.method, &forward.url)
        .headers(without_hops(parts.headers))
        .header(header::AUTHORIZATION, &forward.bearer)
        .body(body)
        .send();
    let answer = match sent.await {
        Ok(answer) => answer,
        Err(error) => return (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    };
    let (status, headers) = (answer.status(), without_hops(answer.headers().clone()));
    // Piece by piece: an event must not wait for the end of its stream.
    let pieces = unfold(answer, |mut answer| async move {
        let piece = answer.chunk().await.transpose()?;
        Some((piece, answer))
    });
    (status, headers, Body::from_stream(pieces)).into_response()
}
