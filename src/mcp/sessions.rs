//! How many sessions of the older protocol versions there may be at once.
//!
//! Each session keeps a task and buffers until it has been silent for `mcp.session_seconds`. A client that begins one
//! session after the other, by a fault or on purpose, must not fill the memory. The version of 2026-07-28 has no
//! sessions and is not touched.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use serde_json::json;

/// So many sessions are open at once; a person has a handful of agents.
pub const SESSIONS_MAX: usize = 128;

/// From this version on the protocol has no sessions; versions are dates, and compare as text.
pub(super) const STATELESS: &str = "2026-07-28";

/// Refuses to begin a session where there are too many. Those that are open go on.
pub async fn bound(
    State(sessions): State<Arc<LocalSessionManager>>,
    request: Request,
    next: Next,
) -> Response {
    if begins_session(request.method(), request.headers())
        && sessions.sessions.read().await.len() >= SESSIONS_MAX
    {
        return refusal();
    }
    next.run(request).await
}

/// A message without a session, of a version that has sessions, can only begin one.
fn begins_session(method: &Method, headers: &HeaderMap) -> bool {
    let version = headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok());
    method == Method::POST
        && !headers.contains_key("mcp-session-id")
        && version.is_none_or(|version| version < STATELESS)
}

/// In JSON-RPC's form, for the one who asks is a client of the protocol.
fn refusal() -> Response {
    let message = format!(
        "{SESSIONS_MAX} sessions are open, and no more can be; end some (DELETE), or speak the version {STATELESS}, which \
         has none"
    );
    let body = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": message } });
    let headers = [(CONTENT_TYPE, "application/json"), (RETRY_AFTER, "10")];
    (StatusCode::TOO_MANY_REQUESTS, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_begin_a_session_counts() {
        type Case = (Method, &'static [(&'static str, &'static str)], bool);
        let cases: [Case; 6] = [
            (Method::POST, &[], true),
            (Method::POST, &[("mcp-protocol-version", "2025-11-25")], true),
            (Method::POST, &[("mcp-protocol-version", "2026-07-28")], false),
            (Method::POST, &[("mcp-session-id", "s")], false),
            (Method::GET, &[], false),
            (Method::DELETE, &[("mcp-session-id", "s")], false),
        ];
        for (method, given, expected) in cases {
            let headers = given.iter().map(|(name, value)| {
                (axum::http::HeaderName::from_static(name), axum::http::HeaderValue::from_static(value))
            });
            assert_eq!(begins_session(&method, &headers.collect()), expected, "{method} {given:?}");
        }
    }
}
