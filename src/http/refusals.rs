//! Requests that are refused: counted at once, told once a minute.
//!
//! The first of a quiet time is told within seconds, what follows once a minute, whatever it is: a line in the log, and an event
//! (`access-refused`), from which a person hears where it is repeated (`domain/access/refusals.rs`).

use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Counter;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;

use crate::domain::access::refusals;
use crate::service::runtime::incidents::Note;

use super::peer::Peer;

pub use crate::domain::access::refusals::Why;

/// After the first of a quiet time so long is waited for others.
const GATHER: Duration = Duration::from_secs(3);
/// After that one is told in so long.
const PAUSE: Duration = Duration::from_mins(1);

static REFUSED: LazyLock<Counter<u64>> = LazyLock::new(|| {
    let counter = opentelemetry::global::meter("mecris.http")
        .u64_counter("mecris.http.refused")
        .with_unit("{request}")
        .with_description("Requests that were refused, by why and where from.")
        .build();
    // A series that is not there before its first event has no growth then.
    for why in Why::ALL {
        for from in ["loopback", "network", "socket"] {
            counter.add(0, &attributes(why, from));
        }
    }
    counter
});

fn attributes(why: Why, from: &'static str) -> [KeyValue; 2] {
    [KeyValue::new("reason", why.name()), KeyValue::new("from", from)]
}

#[derive(Default)]
struct Untold {
    refusals: refusals::Refusals,
    /// Who was refused last, over the network.
    last: Option<IpAddr>,
}

#[derive(Default)]
struct Inner {
    untold: Mutex<Untold>,
    some: Notify,
}

/// What was refused and is not yet told. Its clones are one.
#[derive(Clone, Default)]
pub struct Refusals(Arc<Inner>);

impl Refusals {
    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.0.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more.
    pub fn note(&self, why: Why, peer: Peer) {
        REFUSED.add(1, &attributes(why, peer.class()));
        let address = peer.counted();
        let mut untold = self.untold();
        untold.refusals.note(why, address.is_some());
        untold.last = address.or(untold.last);
        drop(untold);
        self.0.some.notify_one();
    }

    /// Tells of them until the end, and then of what is left.
    pub async fn tell(self, notes: UnboundedSender<Note>, ending: impl Future<Output = ()>) {
        LazyLock::force(&REFUSED);
        tokio::pin!(ending);
        let pause = async || {
            self.0.some.notified().await;
            tokio::time::sleep(GATHER).await;
            self.tell_now(&notes);
            tokio::time::sleep(PAUSE).await;
        };
        loop {
            tokio::select! {
                () = pause() => {}
                () = &mut ending => return self.tell_now(&notes),
            }
        }
    }

    fn tell_now(&self, notes: &UnboundedSender<Note>) {
        let Untold { refusals, last } = std::mem::take(&mut *self.untold());
        if refusals.sum() > 0 {
            let last = last.map(tracing::field::display);
            tracing::warn!(from = last, "requests were refused: {}", refusals.words());
            let _ = notes.send(Note::Refused(refusals));
        }
    }
}

/// Counts the answers that refuse.
pub async fn count(State(refused): State<Refusals>, request: Request, next: Next) -> Response {
    let peer = Peer::of(request.extensions());
    let response = next.run(request).await;
    if let Some((why, peer)) = Why::of_status(response.status().as_u16()).zip(peer) {
        refused.note(why, peer);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_soon_and_a_flood_once_a_minute() {
        let (sender, mut notes) = tokio::sync::mpsc::unbounded_channel();
        let refused = Refusals::default();
        let (end, ending) = tokio::sync::oneshot::channel();
        let telling = tokio::spawn(refused.clone().tell(sender, async { drop(ending.await) }));
        let begun = tokio::time::Instant::now();
        let (near, far) =
            (Peer::Tcp("127.0.0.1:1".parse().unwrap()), Peer::Tcp("192.0.2.7:1".parse().unwrap()));
        let mut told = Vec::new();
        for second in 0..200 {
            refused.note(
                if second % 2 == 0 { Why::Unauthorized } else { Why::InPlain },
                if second % 2 == 0 { near } else { far },
            );
            tokio::time::sleep(Duration::from_secs(1)).await;
            while let Ok(Note::Refused(refusals)) = notes.try_recv() {
                told.push((begun.elapsed().as_secs(), refusals));
            }
        }
        end.send(()).unwrap();
        telling.await.unwrap();
        while let Ok(Note::Refused(refusals)) = notes.try_recv() {
            told.push((begun.elapsed().as_secs(), refusals));
        }
        let sums: u64 = told.iter().map(|(_, refusals)| refusals.sum()).sum();
        assert_eq!(told.len(), 5, "four, and what was left at the end: {told:?}");
        assert!(told[0].0 <= 4, "{told:?}");
        assert_eq!(sums, 200, "{told:?}");
        assert!(told[1].1.from_network > 0 && told[1].1.from_network < told[1].1.sum());
    }
}
