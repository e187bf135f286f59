//! What is too much is refused at once and by name, so that what is taken is answered.
//!
//! At most [`IN_FLIGHT`] requests to the API are worked on; the next is answered `429` with `Retry-After`
//! and its connection is closed, so that waiting clients hold neither memory nor descriptors. The health
//! endpoints are outside of this: a supervisor that is busy is not dead.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::problem::Problem;

/// How many requests to the API are worked on at once.
pub const IN_FLIGHT: usize = 64;

/// How many questions read the log at once. They keep a core busy each: were there more, the threads that
/// accept connections and answer the health endpoints would get no turn.
static READERS: Semaphore = Semaphore::const_new(2);

/// Waits for a turn to read the log. The requests that wait are among [`IN_FLIGHT`].
pub async fn turn() -> Option<SemaphorePermit<'static>> {
    // The semaphore is never closed.
    READERS.acquire().await.ok()
}

/// Counts the requests that are worked on.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// Lets so many in at once.
    #[must_use]
    pub fn of(requests: usize) -> Self {
        Self(Arc::new(Semaphore::new(requests)))
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::of(IN_FLIGHT)
    }
}

/// Lets a request in, or refuses it.
pub async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Ok(_permit) = gate.0.try_acquire() else {
        let mut response = Problem::busy("too much is asked at once; try again in a moment").into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    };
    next.run(request).await
}
