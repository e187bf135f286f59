//! Anthropic's API: models for ordinary keys, the organisation for admin keys.

use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Front, serve};

/// The keys that are known.
pub const KEY: &str = "sk-ant-api03-marked-secret-key";
pub const ADMIN_KEY: &str = "sk-ant-admin01-marked-secret-key";

pub struct Anthropic {
    pub front: Front,
}

impl Anthropic {
    pub fn start() -> Self {
        let router = Router::new()
            .route("/v1/models", get(models))
            .route("/v1/organizations/me", get(organization))
            .fallback(|| async { error(StatusCode::NOT_FOUND, "not_found_error") });
        Self { front: serve(router) }
    }
}

fn error(status: StatusCode, kind: &str) -> Response {
    let body = json!({"type": "error", "error": {"type": kind, "message": "said the server"}, "request_id": "req_01"});
    (status, Json(body)).into_response()
}

fn check(headers: &HeaderMap, key: &str) -> Result<(), Response> {
    if headers.get("anthropic-version").is_none() {
        return Err(error(StatusCode::BAD_REQUEST, "invalid_request_error"));
    }
    match headers.get("x-api-key").map(|value| value.to_str().unwrap()) {
        Some(sent) if sent == key => Ok(()),
        Some(sent) if sent == KEY || sent == ADMIN_KEY => {
            Err(error(StatusCode::FORBIDDEN, "permission_error"))
        }
        _ => Err(error(StatusCode::UNAUTHORIZED, "authentication_error")),
    }
}

async fn models(headers: HeaderMap, Query(query): Query<Value>) -> Result<Json<Value>, Response> {
    check(&headers, KEY)?;
    assert!(
        query
            .as_object()
            .unwrap()
            .keys()
            .all(|field| ["limit", "after_id", "before_id"].contains(&field.as_str()))
    );
    Ok(Json(json!({
        "data": [{"type": "model", "id": "claude-opus-5", "display_name": "Claude Opus 5",
            "created_at": "2026-02-01T00:00:00Z"}],
        "has_more": true, "first_id": "claude-opus-5", "last_id": "claude-opus-5",
    })))
}

async fn organization(headers: HeaderMap) -> Result<Json<Value>, Response> {
    check(&headers, ADMIN_KEY)?;
    Ok(Json(
        json!({"id": "11111111-2222-3333-4444-555555555555", "type": "organization", "name": "Analytical Engines"}),
    ))
}
