//! Health: is the process alive, and can it do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::health::{Health, Readiness};

use super::App;

/// The process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// Always `alive`.
    #[schema(example = "alive")]
    pub status: String,
    /// The program's version.
    pub version: String,
}

/// Is the process alive?
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Live)))]
pub async fn live() -> Json<Live> {
    Json(Live { status: "alive".into(), version: env!("CARGO_PKG_VERSION").into() })
}

/// Can it do its work? Each part answers for itself; only a log that does not accept events makes it unready.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, body = Readiness, description = "ready"),
    (status = 503, body = Readiness, description = "not ready; the parts say why"),
))]
pub async fn ready(State(app): State<App>) -> (StatusCode, Json<Readiness>) {
    let readiness = Health::of(&app.system).readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}
