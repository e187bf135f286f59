//! Health: is the process alive, and can it do its work.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::access::Scope;
use crate::service::system::health::{Health, Readiness};

use super::App;
use super::guard::Guard;

/// The process answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// Always `alive`.
    #[schema(example = "alive")]
    pub status: String,
    /// The program's version.
    pub version: String,
}

/// Marks a request of somebody who may read.
#[derive(Debug, Clone, Copy)]
pub struct MayRead;

/// Nobody is refused here; but who it is decides how much is told.
pub async fn tell_who_asks(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    if guard.may(request.headers(), request.extensions(), Scope::Read).is_ok() {
        request.extensions_mut().insert(MayRead);
    }
    next.run(request).await
}

/// Is the process alive?
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Live)))]
pub async fn live() -> Json<Live> {
    Json(Live { status: "alive".into(), version: env!("CARGO_PKG_VERSION").into() })
}

/// Can it do its work? Only a log that does not accept events makes it unready. To whoever may read, each part answers for
/// itself; strangers hear no more than yes or no.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses(
    (status = 200, body = Readiness, description = "ready"),
    (status = 503, body = Readiness, description = "not ready; the parts say why"),
))]
pub async fn ready(
    State(app): State<App>,
    known: Option<Extension<MayRead>>,
) -> (StatusCode, Json<Readiness>) {
    let readiness = Health::of(&app.system).readiness();
    let readiness = if known.is_some() { readiness } else { readiness.for_strangers() };
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness))
}
