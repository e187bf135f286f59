//! The places of a listener: who has one, who is at work in it, and who gives theirs up.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;

/// More connections are never held, whatever the limit of open files.
const CONNECTIONS_MAX: u64 = 4_096;
/// So many places are left for those who ask for health, where all others are at work.
const FOR_HEALTH: usize = 16;
/// So many connections at work are passed over for one newcomer, in search of a silent one.
const PASSED_OVER: usize = 64;

/// How many connections are held: a half of the files that this process may open. The log and the clients need some too.
pub(super) fn connections_max() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let connections = (limit.unwrap_or(CONNECTIONS_MAX) / 2).clamp(16, CONNECTIONS_MAX);
    usize::try_from(connections).unwrap_or(16)
}

/// How many connections there are, and of them each address's.
#[derive(Default)]
struct Count {
    all: AtomicUsize,
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

impl Count {
    fn by_address(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.by_address.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection's place. Its clones are one; the last to go gives it back.
#[derive(Clone)]
pub(super) struct Place(Arc<Inner>);

struct Inner {
    count: Arc<Count>,
    address: Option<IpAddr>,
    is_for_health: bool,
    in_work: AtomicUsize,
    /// Whether a request began since this was last looked at.
    has_asked: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.count.all.fetch_sub(1, Ordering::AcqRel);
        let Some(address) = self.address else { return };
        let mut counts = self.count.by_address();
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }
}

impl Inner {
    fn is_idle(&self) -> bool {
        self.in_work.load(Ordering::Acquire) == 0
    }
}

impl Place {
    /// Ends when no request was in work, nor began, for one to two times `patience`.
    pub(super) async fn falls_silent(&self, patience: Duration) {
        loop {
            tokio::time::sleep(patience).await;
            if !self.0.has_asked.swap(false, Ordering::AcqRel) && self.0.is_idle() {
                return;
            }
        }
    }
}

/// A request in work, until its answer has gone or was given up.
pub(super) struct InWork(Arc<Inner>);

impl InWork {
    pub(super) fn begin(place: &Place) -> Self {
        place.0.in_work.fetch_add(1, Ordering::AcqRel);
        place.0.has_asked.store(true, Ordering::Release);
        Self(place.0.clone())
    }

    /// Whether its connection was let in to ask for health alone.
    pub(super) fn is_for_health(&self) -> bool {
        self.0.is_for_health
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.0.in_work.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The connections that are open, the oldest first, but for those that were passed over.
pub(super) struct Open {
    most: usize,
    count: Arc<Count>,
    queue: VecDeque<(Weak<Inner>, AbortHandle)>,
}

impl Open {
    pub(super) fn of(most: usize) -> Self {
        Self { most, count: Arc::default(), queue: VecDeque::new() }
    }

    /// A place for a newcomer from an address, where that is counted: a free one, or that of the oldest connection without a
    /// request in work, which is closed, or one of those that are left for health. None where there is none.
    ///
    /// Each newcomer costs a bounded number of steps, whatever is open.
    pub(super) fn make_room(&mut self, address: Option<IpAddr>) -> Option<Place> {
        // What has gone is swept when it is as much as may be open: one step for each that went.
        if self.queue.len() > 2 * (self.most + FOR_HEALTH) {
            self.queue.retain(|(place, _)| place.strong_count() > 0);
        }
        let of_it = address.map_or(0, |address| self.count.by_address().get(&address).copied().unwrap_or(0));
        if of_it >= (self.most / 4).max(4) {
            return None;
        }
        // A connection that is closed counts until its task has gone, which is soon.
        let is_full = self.count.all.load(Ordering::Acquire) >= self.most;
        let is_for_health = is_full && !self.close_one();
        let is_over = self.count.all.load(Ordering::Acquire) >= self.most + FOR_HEALTH;
        if is_for_health && is_over {
            return None;
        }
        self.count.all.fetch_add(1, Ordering::AcqRel);
        if let Some(address) = address {
            *self.count.by_address().entry(address).or_default() += 1;
        }
        Some(Place(Arc::new(Inner {
            count: self.count.clone(),
            address,
            is_for_health,
            in_work: AtomicUsize::new(0),
            has_asked: AtomicBool::new(false),
        })))
    }

    /// Remembers whose task holds a place.
    pub(super) fn keep(&mut self, place: &Place, task: AbortHandle) {
        self.queue.push_back((Arc::downgrade(&place.0), task));
    }

    /// Closes the oldest connection without a request in work, and says whether there was one.
    fn close_one(&mut self) -> bool {
        let mut passed_over = 0;
        while let Some((place, task)) = self.queue.pop_front() {
            let Some(inner) = place.upgrade() else { continue };
            if inner.is_idle() {
                task.abort();
                return true;
            }
            self.queue.push_back((place, task));
            passed_over += 1;
            if passed_over >= PASSED_OVER.min(self.queue.len()) {
                return false;
            }
        }
        false
    }

    /// Closes all connections without a request in work.
    pub(super) fn close_idle(&mut self) {
        self.queue.retain(|(place, task)| {
            let Some(inner) = place.upgrade() else { return false };
            if inner.is_idle() {
                task.abort();
            }
            !inner.is_idle()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silent() -> AbortHandle {
        tokio::spawn(std::future::pending::<()>()).abort_handle()
    }

    /// A place with a task that holds it.
    fn taken(open: &mut Open, address: Option<IpAddr>) -> Option<(Place, AbortHandle)> {
        let place = open.make_room(address)?;
        let task = silent();
        open.keep(&place, task.clone());
        Some((place, task))
    }

    #[tokio::test]
    async fn a_newcomer_takes_the_place_of_the_one_who_is_silent_longest() {
        let mut open = Open::of(3);
        let held: Vec<_> = (0..3).map(|_| taken(&mut open, None).unwrap()).collect();
        let _first_is_at_work = InWork::begin(&held[0].0);
        let (newcomer, _) = taken(&mut open, None).unwrap();
        tokio::task::yield_now().await;
        assert_eq!(held.iter().map(|(_, task)| task.is_finished()).collect::<Vec<_>>(), [false, true, false]);
        assert!(!newcomer.0.is_for_health);
    }

    #[tokio::test]
    async fn where_all_are_at_work_some_places_are_left_for_health() {
        let mut open = Open::of(3);
        let held: Vec<_> = (0..3).map(|_| taken(&mut open, None).unwrap().0).collect();
        let mut at_work: Vec<_> = held.iter().map(InWork::begin).collect();
        let for_health: Vec<_> = std::iter::from_fn(|| taken(&mut open, None))
            .map(|(place, _)| InWork::begin(&place))
            .take(FOR_HEALTH + 1)
            .collect();
        assert_eq!(for_health.len(), FOR_HEALTH);
        assert!(for_health.iter().all(InWork::is_for_health));
        drop((for_health, at_work.pop(), held));
        let (place, _) = taken(&mut open, None).expect("whoever has gone leaves a place");
        assert!(!place.0.is_for_health);
    }

    #[tokio::test]
    async fn one_address_has_a_quarter_of_the_places_and_gets_them_back() {
        let mut open = Open::of(40);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let held: Vec<_> = std::iter::from_fn(|| taken(&mut open, Some(one))).take(40).collect();
        assert_eq!(held.len(), 10);
        assert!(taken(&mut open, Some(other)).is_some());
        assert!(taken(&mut open, None).is_some());
        drop(held);
        assert!(taken(&mut open, Some(one)).is_some());
    }

    #[tokio::test]
    async fn what_has_gone_is_not_kept_in_mind() {
        let mut open = Open::of(4);
        for _ in 0..10_000 {
            drop(taken(&mut open, Some(IpAddr::from([192, 0, 2, 1]))).unwrap());
        }
        assert!(open.queue.len() <= 2 * (4 + FOR_HEALTH) + 1, "{}", open.queue.len());
        assert!(open.count.by_address().is_empty());
    }
}
