//! The way in: who is let in, for how long without a word, and who makes room.
//!
//! ```text
//!   accept ─▶ room? ──yes──▶ TLS within 5 s ─▶ head within 5 s ─▶ body within 10 s ─▶ answer, read within 10 s ─▶ next head …
//!               │
//!               └──no──▶ the oldest connection without a request in work is closed ─▶ as above
//!                        none such? a place kept for health alone, else it is not let in
//! ```
//!
//! Whoever connects and says nothing costs a descriptor, and descriptors are few. So each step has a deadline; and where all
//! places are taken, a newcomer takes that of the one who has been silent longest. A flood of connections that never send a
//! request thus pushes out itself, while a client that sends its request at once is answered. Where all places are at
//! work, some are left for those who ask for health alone. One address of the network has at most a quarter of the places.
//!
//! All listeners are served by this loop: the API and OTLP over HTTP/1.1, OTLP over gRPC by HTTP/2, and the socket.

mod places;
pub(super) mod stream;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, Sleep, timeout};
use tower::ServiceExt;

use super::peer::Peer;
use super::problem::Problem;
use super::refusals::{Refusals, Why};
use super::socket::Own;
use super::tls::Tls;
use places::{InWork, Open, Place, connections_max};
use stream::Patient;

pub use stream::{Io, Protocol};

/// How long a handshake may take, and a request's head to come, also on a connection that is kept.
const HEAD: Duration = Duration::from_secs(5);
/// How long a whole body may take to come. The longest that is taken is some MiB.
pub(super) const BODY: Duration = Duration::from_secs(10);
/// A connection of HTTP/2 without a request is closed after one to two of these.
const IDLE: Duration = Duration::from_mins(1);
/// Whether the other end of a connection of HTTP/2 is still there is asked so often, and waited for half as long.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Requests of one connection of HTTP/2 that are worked on at once.
const STREAMS: u32 = 8;
/// So many streams that were reset before they were answered are remembered; a client that resets more is cut off.
const RESETS: usize = 20;
/// What is kept of a connection that nobody has read yet, in bytes: a head must fit into it, a body comes in pieces.
const BUFFER: usize = 32 << 10;
/// The same of a stream of HTTP/2; a connection may have twice as much.
const WINDOW: u32 = 128 << 10;
/// The longest head of HTTP/2, in bytes.
const HEAD_BYTES: u32 = 16 << 10;
/// Where nobody can be let in just now, so that the loop does not spin.
const PAUSE: Duration = Duration::from_millis(10);

/// Where connections come from.
pub enum Listener {
    /// The network, or loopback. With TLS, whoever comes over the network must speak it.
    Tcp(TcpListener, Option<Tls>),
    /// The data directory's socket.
    Own(Own),
}

/// Listens, with room in the kernel's queue for those who come all at once.
///
/// # Errors
/// What the system says: the address is taken, or not this machine's.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const QUEUE: u32 = 4_096;
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A supervisor that is started again at once finds its address free.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// What has been accepted, before a word is said.
enum Accepted {
    Tcp(TcpStream, SocketAddr, Option<Tls>),
    Own(tokio::net::UnixStream, u32),
}

impl Accepted {
    fn peer(&self) -> Peer {
        match self {
            Self::Tcp(_, address, _) => Peer::Tcp(*address),
            Self::Own(_, uid) => Peer::Unix { uid: *uid },
        }
    }
}

impl Listener {
    async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, tls) => {
                let (stream, address) = listener.accept().await?;
                // Answers are whole when they are written: nothing is gained by waiting for more.
                let _ = stream.set_nodelay(true);
                Ok(Accepted::Tcp(stream, address, tls.clone()))
            }
            Self::Own(own) => own.accept().await.map(|(stream, uid)| Accepted::Own(stream, uid)),
        }
    }
}

/// What every connection of a listener is answered with.
#[derive(Clone)]
struct House {
    protocol: Protocol,
    router: Router,
    refusals: Refusals,
}

/// Serves until `shutdown`; then what is open ends its requests, for as long as the caller waits.
pub async fn serve(
    listener: Listener,
    protocol: Protocol,
    router: Router,
    refusals: Refusals,
    shutdown: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let house = House { protocol, router, refusals };
    let (mut open, mut is_short) = (Open::of(connections_max()), false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: whoever is silent gives theirs back.
                if !std::mem::replace(&mut is_short, true) {
                    tracing::warn!(%error, "connections cannot be accepted; the silent ones are closed");
                }
                open.close_idle();
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        is_short = false;
        // Where all are at work, or one address has too many, the newcomer is not let in.
        if let Some(place) = open.make_room(accepted.peer().counted()) {
            let conversation = converse(accepted, place.clone(), house.clone(), graceful.watcher());
            open.keep(&place, tokio::spawn(conversation).abort_handle());
        }
        // Whoever was let in is heard before the next one is: else a flood would push out those who have just asked.
        tokio::task::yield_now().await;
    }
    drop(listener);
    graceful.shutdown().await;
}

/// One connection, from its first byte to its last. A client that goes away, or sends what is no HTTP, is no news.
async fn converse(accepted: Accepted, place: Place, house: House, watcher: Watcher) {
    let peer = accepted.peer();
    let io: Io = match accepted {
        Accepted::Own(stream, _) => Box::new(stream),
        Accepted::Tcp(stream, _, None) => Box::new(stream),
        Accepted::Tcp(stream, _, Some(tls)) => match timeout(HEAD, tls.open(stream, peer)).await {
            Ok(Ok(Ok(stream))) => stream,
            Ok(Ok(Err(in_plain))) => {
                house.refusals.note(Why::InPlain, peer);
                let _ = timeout(HEAD, in_plain.refuse()).await;
                return;
            }
            Ok(Err(_)) | Err(_) => return,
        },
    };
    let io = TokioIo::new(Patient::of(io));
    let (watched, protocol) = (place.clone(), house.protocol);
    let service = TowerToHyperService::new(tower::service_fn(move |request: hyper::Request<Incoming>| {
        answer(request, protocol, peer, InWork::begin(&place), house.router.clone())
    }));
    match protocol {
        Protocol::Http1 => {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(BUFFER);
            let _ = watcher.watch(http.serve_connection(io, service)).await;
        }
        Protocol::Http2 => {
            let mut http = http2::Builder::new(TokioExecutor::new());
            http.timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .max_pending_accept_reset_streams(RESETS)
                .max_local_error_reset_streams(RESETS)
                .max_header_list_size(HEAD_BYTES)
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(2 * WINDOW)
                .keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE / 2);
            tokio::select! {
                _ = watcher.watch(http.serve_connection(io, service)) => {}
                // Here no head has a deadline, for many may come at once.
                () = watched.falls_silent(IDLE) => {}
            }
        }
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    protocol: Protocol,
    peer: Peer,
    in_work: InWork,
    router: Router,
) -> Result<Response, std::convert::Infallible> {
    let mut request: Request = request.map(|body| match protocol {
        Protocol::Http1 => Body::new(Timely::of(body)),
        // gRPC's deadline is that of the whole call, so that it can be answered in gRPC's words.
        Protocol::Http2 => Body::new(body),
    });
    request.extensions_mut().insert(peer);
    let answer = if in_work.is_for_health() && !request.uri().path().starts_with("/health/") {
        let mut answer = Problem::busy("all connections are at work; try again in a moment").into_response();
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        answer
    } else {
        match router.oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    };
    Ok(answer.map(|body| Body::new(Kept { body, _in_work: in_work })))
}

/// An answer's body that keeps its connection's place until it has gone or was given up.
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

/// A request's body that must have come as a whole within [`BODY`]: a byte now and then is no body.
struct Timely {
    body: Incoming,
    until: Instant,
    /// Set when the body is first waited for: most requests have none.
    late: Option<Pin<Box<Sleep>>>,
}

/// The body took too long. It is among an error's causes ([`is_late`]).
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct Late;

/// Whether a body cannot be read because it took too long, and not because of what it is.
pub(super) fn is_late(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<Late>)
}

impl Timely {
    fn of(body: Incoming) -> Self {
        Self { body, until: Instant::now() + BODY, late: None }
    }
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let until = self.until;
        let late = self.late.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
        match late.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Some(Err(Late.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
