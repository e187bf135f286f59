//! The description as it is served: in one form for the whole run, so that who has it need not fetch it again.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

/// The document as bytes, and its tag.
struct Served {
    bytes: Bytes,
    tag: HeaderValue,
}

/// Made when it is first asked for: a start does not wait for it.
static SERVED: LazyLock<Served> = LazyLock::new(Served::make);

impl Served {
    fn make() -> Self {
        let bytes = Bytes::from(serde_json::to_vec(&super::openapi()).unwrap_or_default());
        let tag = format!("\"{}\"", blake3::hash(&bytes).to_hex());
        // Hexadecimal digits and quotes are what a header may hold.
        let tag = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
        Self { bytes, tag }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let own = self.tag.to_str().unwrap_or_default();
        let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        given
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == own || tag == "*")
    }
}

/// This description. Who has it already sends its `ETag` as `If-None-Match`.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "health", security(("token" = [])), responses(
    (status = 200, body = serde_json::Value, headers(("ETag" = String, description = "Changes when the description does."))),
    (status = 304, description = "it is the one whose tag was sent"),
))]
pub async fn document(headers: HeaderMap) -> Response {
    let Served { bytes, tag } = &*SERVED;
    let kept = [(ETAG, tag.clone()), (CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))];
    if SERVED.is_known(&headers) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let of = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (kept, of, bytes.clone()).into_response()
}
