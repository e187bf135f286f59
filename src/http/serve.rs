//! The way in over TCP: who is let in, for how long without a word, and who makes room.
//!
//! ```text
//!   accept ─▶ room? ──yes──▶ head within 5 s ─▶ request ─▶ answer ─▶ next head within 5 s …
//!               └──no──▶ the oldest connection without a request in work is closed ─▶ as above
//! ```
//!
//! Whoever connects and says nothing costs a descriptor, and descriptors are few. So a head has a deadline; and where all
//! places are taken, a newcomer takes that of the one who has been silent longest. A flood of connections that never send a
//! request thus pushes out itself, while a client that sends its request at once is answered: health among them. HTTP/1.1 is
//! all that is spoken here; the port for gRPC speaks HTTP/2.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Frame;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tower::ServiceExt;

use super::listener::connections_max;
use super::peer::Peer;

/// How long a request's head may take to come, also on a connection that is kept.
const HEAD: Duration = Duration::from_secs(5);
/// Where nobody can be let in just now, so that the loop does not spin.
const PAUSE: Duration = Duration::from_millis(10);

/// A connection's place: how many of its requests are in work.
#[derive(Default)]
struct Place {
    in_work: AtomicUsize,
}

/// A request in work, until its answer has gone or was given up.
struct InWork(Arc<Place>);

impl InWork {
    fn begin(place: &Arc<Place>) -> Self {
        place.in_work.fetch_add(1, Ordering::AcqRel);
        Self(place.clone())
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.in_work.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer's body that keeps its connection's place.
struct Kept {
    body: Body,
    _in_work: InWork,
}

impl HttpBody for Kept {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// The connections that are open, the oldest first.
#[derive(Default)]
struct Open(VecDeque<(std::sync::Weak<Place>, AbortHandle)>);

impl Open {
    /// Makes room where all places are taken: the oldest connection without a request in work is closed. False where
    /// there is none.
    fn make_room(&mut self, most: usize) -> bool {
        self.0.retain(|(place, task)| place.strong_count() > 0 && !task.is_finished());
        if self.0.len() < most {
            return true;
        }
        let is_idle = |(place, _): &(std::sync::Weak<Place>, AbortHandle)| {
            place.upgrade().is_none_or(|place| place.in_work.load(Ordering::Acquire) == 0)
        };
        let Some(idle) = self.0.iter().position(is_idle) else { return false };
        if let Some((_, task)) = self.0.remove(idle) {
            task.abort();
        }
        true
    }
}

/// Serves until `shutdown`; then what is open ends its requests, for as long as the caller waits.
///
/// # Errors
/// The listener's own; none today, for a failed accept is tried again.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let (graceful, most) = (GracefulShutdown::new(), connections_max());
    let (mut open, mut is_short) = (Open::default(), false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: whoever is silent gives theirs back.
                if !std::mem::replace(&mut is_short, true) {
                    tracing::warn!(%error, "connections cannot be accepted; the silent ones are closed");
                }
                open.make_room(0);
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        is_short = false;
        // Where all are at work, the newcomer is not let in.
        if open.make_room(most) {
            open.0.push_back(connection(stream, address, &router, &graceful));
        }
        // Whoever was let in is heard before the next one is: else a flood would push out those who have just asked.
        tokio::task::yield_now().await;
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: &Router,
    graceful: &GracefulShutdown,
) -> (std::sync::Weak<Place>, AbortHandle) {
    // Answers are whole when they are written: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let place: Arc<Place> = Arc::default();
    let (known, router) = (Arc::downgrade(&place), router.clone());
    let service = tower::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (in_work, router) = (InWork::begin(&place), router.clone());
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(Peer::Tcp(address));
            let answer: Response = match router.oneshot(request).await {
                Ok(answer) => answer,
                Err(never) => match never {},
            };
            Ok::<_, std::convert::Infallible>(answer.map(|body| Kept { body, _in_work: in_work }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let watched = graceful.watch(served);
    let task = tokio::spawn(async move {
        // A client that goes away, or sends what is no HTTP, is no news.
        let _ = watched.await;
    });
    (known, task.abort_handle())
}
