//! The actor's in-flight set: sends, lookups and delivery queries, and the timer for whatever is due
//! next.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::Instrument;

use crate::actor::Context;
use crate::domain::alert::book::{AlertState, Attempt, AttemptState};
use crate::domain::alert::step::{OutgoingMessage, reference_of};
use crate::domain::alert::{AlertId, AttemptId};
use crate::domain::clock::happened;
use crate::event::Position;
use crate::integration::channel::Lost;
use crate::service::runtime::settings::Settings;

use super::super::contacts::Contacts;
use super::super::delivery::Dispatcher;
use super::{AlertActor, AlertMessage};

/// How long a finished task waits for room in the actor's mailbox.
const PATIENCE: Duration = Duration::from_mins(10);
/// The first pause after a failed lookup; it doubles up to the maximum.
const SEEK_AGAIN: SignedDuration = SignedDuration::from_secs(5);
const SEEK_AGAIN_MAX: SignedDuration = SignedDuration::from_mins(15);
/// Delay before the first delivery query; later pauses grow with the message's age.
const FOLLOW_FIRST: SignedDuration = SignedDuration::from_secs(5);
/// No query is made after this: a message lives for ten hours at most.
const FOLLOW_LAST: SignedDuration = SignedDuration::from_hours(12);
/// Minimum pause between evaluations.
const AT_LEAST: Duration = Duration::from_millis(50);
/// Maximum pause between evaluations.
const LOOK_AGAIN: Duration = Duration::from_hours(1);
/// View changes within this time are evaluated together.
const TOGETHER: Duration = Duration::from_millis(200);

type Key = (AlertId, AttemptId);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// Attempts that are being sent or looked up.
    under_way: BTreeSet<Key>,
    /// When to repeat a failed lookup, and the pause before that.
    seek_at: BTreeMap<Key, (Timestamp, SignedDuration)>,
    /// Attempts with a delivery query under way, and when the last answer came.
    following: BTreeSet<Key>,
    followed_at: BTreeMap<Key, Timestamp>,
    /// When the next of these is due.
    due: Option<Timestamp>,
}

impl InFlight {
    /// When the next lookup or query is due.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// Marks an attempt's task as finished.
    pub(super) fn is_back(&mut self, id: AlertId, attempt: AttemptId) {
        self.under_way.remove(&(id, attempt));
    }

    /// Schedules another lookup after a failed one.
    pub(super) fn seek_later(&mut self, id: AlertId, attempt: AttemptId, now: Timestamp) {
        let pause = match self.seek_at.get(&(id, attempt)) {
            Some((_, pause)) => pause.saturating_mul(2).min(SEEK_AGAIN_MAX),
            None => SEEK_AGAIN,
        };
        self.seek_at.insert((id, attempt), (later(now, pause), pause));
    }

    /// Marks a delivery query as finished.
    pub(super) fn followed(&mut self, id: AlertId, attempt: AttemptId, now: Timestamp) {
        self.following.remove(&(id, attempt));
        self.followed_at.insert((id, attempt), now);
    }

    /// Sends a message.
    pub(super) fn send(
        &mut self,
        context: &Context<AlertActor>,
        dispatcher: &Dispatcher,
        contacts: &Contacts,
        sending: OutgoingMessage,
    ) {
        self.under_way.insert((sending.id, sending.attempt));
        let (dispatcher, contacts, handle) = (dispatcher.clone(), contacts.clone(), context.handle().clone());
        let (alert, channel) = (sending.id.0, sending.channel.word());
        let span = tracing::info_span!("alert.send", mecris.alert.id = alert, mecris.alert.channel = channel);
        let send = async move {
            let number = number_of(contacts, sending.contact.clone()).await;
            let report = dispatcher.send(&sending, number.as_ref()).await;
            tracing::info!(
                alert = sending.id.0,
                channel = sending.channel.word(),
                "a message was handed over"
            );
            let told = AlertMessage::Reported(sending.id, sending.attempt, report);
            let _ = handle.tell(told, PATIENCE).await;
        };
        context.spawn(send.instrument(span));
    }

    /// Looks up open attempts that are not in flight, each once its settling time has passed.
    pub(super) fn seek(
        &mut self,
        context: &Context<AlertActor>,
        dispatcher: &Dispatcher,
        contacts: &Contacts,
        book: &AlertState,
        settle: SignedDuration,
        now: Timestamp,
    ) {
        self.due = None;
        let open = attempts(book, |attempt| attempt.state == AttemptState::Open);
        self.seek_at.retain(|key, _| open.iter().any(|(id, attempt)| *key == (*id, attempt.id)));
        for (id, attempt) in open {
            let key = (id, attempt.id);
            if self.under_way.contains(&key) {
                continue;
            }
            let settled = later(happened(attempt.started_at, now), settle);
            // A pause longer than the maximum was scheduled before the clock was set back.
            let again = self.seek_at.get(&key).filter(|(at, _)| at.duration_since(now) <= SEEK_AGAIN_MAX);
            let at = again.map_or(settled, |(at, _)| settled.max(*at));
            if at > now {
                self.is_due(at);
                continue;
            }
            self.under_way.insert(key);
            let (dispatcher, contacts, handle) =
                (dispatcher.clone(), contacts.clone(), context.handle().clone());
            let attempt = attempt.clone();
            let known = book.channel_ids();
            let reference =
                book.get(id).and_then(|alert| reference_of(alert, attempt.id)).unwrap_or_default();
            context.spawn(async move {
                let parcel = &attempt.parcel;
                let number = number_of(contacts, parcel.contact.clone()).await;
                let (digest, since) = (parcel.digest, attempt.started_at);
                let lost = Lost {
                    channel: parcel.channel,
                    number: number.as_ref(),
                    digest,
                    reference: &reference,
                    since,
                    known: &known,
                };
                let sought = dispatcher.look_for(&lost).await;
                let _ = handle.tell(AlertMessage::LookupResult(id, attempt.id, sought), PATIENCE).await;
            });
        }
    }

    /// Queries the delivery status of accepted SMS, at growing intervals.
    pub(super) fn follow(
        &mut self,
        context: &Context<AlertActor>,
        dispatcher: &Dispatcher,
        book: &AlertState,
        now: Timestamp,
    ) {
        let taken = attempts(book, |attempt| {
            matches!(attempt.state, AttemptState::Accepted(_))
                && attempt.parcel.channel.needs_consent()
                && now.duration_since(happened(attempt.changed_at, now)) < FOLLOW_LAST
        });
        self.followed_at.retain(|key, _| taken.iter().any(|(id, attempt)| *key == (*id, attempt.id)));
        for (id, attempt) in taken {
            let key = (id, attempt.id);
            let AttemptState::Accepted(sid) = &attempt.state else { continue };
            let at = match self.followed_at.get(&key) {
                Some(last) => later(
                    happened(*last, now),
                    last.duration_since(attempt.changed_at).clamp(FOLLOW_FIRST, FOLLOW_LAST),
                ),
                None => later(attempt.changed_at, FOLLOW_FIRST),
            };
            if at > now {
                self.is_due(at);
                continue;
            }
            if !self.following.insert(key) {
                continue;
            }
            let (dispatcher, handle, sid) = (dispatcher.clone(), context.handle().clone(), sid.clone());
            let (attempt, channel) = (attempt.id, attempt.parcel.channel);
            context.spawn(async move {
                let delivery = dispatcher.delivery(channel, &sid).await;
                let _ = handle.tell(AlertMessage::Followed(id, attempt, delivery), PATIENCE).await;
            });
        }
    }

    fn is_due(&mut self, at: Timestamp) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }
}

fn attempts(book: &AlertState, wanted: impl Fn(&Attempt) -> bool) -> Vec<(AlertId, &Attempt)> {
    let of = |alert: &'_ crate::domain::alert::book::Alert| alert.id;
    let all = book.alerts().flat_map(|alert| alert.attempts().map(move |attempt| (of(alert), attempt)));
    all.filter(|(_, attempt)| wanted(attempt)).collect()
}

/// Finds an attempt.
pub(super) fn find(book: &AlertState, id: AlertId, attempt: AttemptId) -> Option<&Attempt> {
    book.get(id)?.attempts().find(|known| known.id == attempt)
}

/// Whether an attempt's outcome is unknown.
pub(super) fn is_open(book: &AlertState, id: AlertId, attempt: AttemptId) -> bool {
    find(book, id, attempt).is_some_and(|attempt| attempt.state == AttemptState::Open)
}

/// Whether an attempt was accepted and nothing newer is known.
pub(super) fn is_accepted(book: &AlertState, id: AlertId, attempt: AttemptId) -> bool {
    find(book, id, attempt).is_some_and(|attempt| matches!(attempt.state, AttemptState::Accepted(_)))
}

async fn number_of(contacts: Contacts, contact: Option<String>) -> Option<crate::config::Phone> {
    let contact = contact?;
    let all = tokio::task::spawn_blocking(move || contacts.all()).await;
    all.ok()?.ok()?.remove(&contact)
}

fn later(instant: Timestamp, pause: SignedDuration) -> Timestamp {
    instant.saturating_add(pause).unwrap_or(Timestamp::MAX)
}

/// Wakes the actor when views or settings change, and when something is due.
#[derive(Debug)]
pub(super) struct Waker {
    due: watch::Sender<Option<Instant>>,
}

impl Waker {
    /// Wakes the actor at once, and from then on. Stops with the actor's run.
    pub(super) fn start(
        context: &Context<AlertActor>,
        mut projected: watch::Receiver<Position>,
        mut sources: watch::Receiver<u64>,
        settings: &Settings,
    ) -> Self {
        let (sender, mut due) = watch::channel(Some(Instant::now()));
        let (handle, mut clock) = (context.handle().clone(), settings.clock().subscribe());
        let mut settings = settings.subscribe();
        context.spawn(async move {
            let mut at = *due.borrow_and_update();
            loop {
                let message = tokio::select! {
                    () = sleep_until(at) => {
                        // The actor sets the next time itself.
                        at = None;
                        AlertMessage::Consider
                    }
                    changed = due.changed() => match changed {
                        Ok(()) => {
                            at = *due.borrow_and_update();
                            continue;
                        }
                        Err(_) => return,
                    },
                    changed = projected.changed() => match changed {
                        Ok(()) => {
                            tokio::time::sleep(TOGETHER).await;
                            projected.mark_unchanged();
                            AlertMessage::Consider
                        }
                        Err(_) => return,
                    },
                    changed = sources.changed() => match changed {
                        Ok(()) => AlertMessage::Consider,
                        Err(_) => return,
                    },
                    changed = clock.changed() => match changed {
                        Ok(()) => AlertMessage::Consider,
                        Err(_) => return,
                    },
                    changed = settings.changed() => match changed {
                        Ok(()) => AlertMessage::Renew,
                        Err(_) => return,
                    },
                };
                if handle.tell(message, PATIENCE).await.is_err() {
                    return;
                }
            }
        });
        Self { due: sender }
    }

    /// Sets the time of the next evaluation.
    pub(super) fn set(&self, at: Option<Timestamp>) {
        let wait =
            at.map(|at| Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO));
        self.after(wait.unwrap_or(LOOK_AGAIN));
    }

    /// Requests an evaluation after `wait`, and within the hour in any case.
    pub(super) fn after(&self, wait: Duration) {
        let wait = wait.clamp(AT_LEAST, LOOK_AGAIN);
        self.due.send_replace(Some(Instant::now() + wait));
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
