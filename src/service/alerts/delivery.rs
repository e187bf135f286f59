//! Hands alerts to the channels that are set up, and looks for messages of which nothing is known.
//!
//! Which channels there are, and how each of them sends, is said by [`CHANNELS`] and the channels' own files.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::config::{Loaded, Phone};
use crate::domain::alert::step::OutgoingMessage;
use crate::domain::alert::{Channel, Delivery, Outcome};
use crate::event::{EventId, TenantId};
use crate::integration::CHANNELS;
use crate::integration::channel::{AlertChannel, ChannelKind, LookupResult, Lost, Outbound, Report};
use crate::integration::resilience::{OutsideError, Policy};
use crate::service::runtime::poller::{breaker_listener, policy, state_after, wrong_settings};
use crate::service::runtime::sources::{SourceState, Sources};

/// Channels are asked when there is something to tell: their last answer is never too old.
const FRESH_FOR: SignedDuration = SignedDuration::from_hours(24 * 365 * 10);

/// The channels that the settings name; cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    tenant: TenantId,
    sources: Sources,
    clients: Arc<Vec<Client>>,
}

type Client = (&'static ChannelKind, Box<dyn AlertChannel>);

impl Dispatcher {
    /// The channels that the settings name.
    #[must_use]
    pub fn new(loaded: &Loaded, tenant: TenantId, sources: &Sources) -> Self {
        // One try each: whether there is another one is decided anew, on what is true then.
        let policy = Policy { tries: 1, ..policy(loaded) };
        let client = |kind: &&'static ChannelKind| -> Option<Client> {
            let made = (kind.client)(&loaded.config, policy, breaker_listener(sources))?;
            let client = made.ok()?;
            wrong_settings(loaded, &format!("{}.", kind.system)).is_none().then_some((*kind, client))
        };
        let clients: Vec<Client> = CHANNELS.iter().filter_map(client).collect();
        for (kind, _) in clients.iter().filter(|(kind, _)| !kind.is_polled) {
            sources.declare(kind.system, SourceState::Waiting, "nothing sent yet", FRESH_FOR);
        }
        Self { tenant, sources: sources.clone(), clients: Arc::new(clients) }
    }

    /// Whether a channel is set up.
    #[must_use]
    pub fn has(&self, channel: Channel) -> bool {
        self.client(channel).is_some_and(|(_, client)| client.serves(channel))
    }

    fn client(&self, channel: Channel) -> Option<&Client> {
        self.clients.iter().find(|(kind, _)| kind.channels.contains(&channel))
    }

    /// Sends a message, once.
    pub async fn send(&self, sending: &OutgoingMessage, number: Option<&Phone>) -> Report {
        let outbound = Outbound { sending, key: self.key(sending), number };
        let sent = match self.client(sending.channel) {
            Some((kind, client)) => client.send(&outbound).await.map(|sent| (kind, client, sent)),
            None => None,
        };
        match sent {
            None => Report::unsent("the channel is not set up any more", None),
            Some((kind, _, Ok(id))) => {
                self.answered(kind.system);
                Report::Ended(Outcome::Accepted { id })
            }
            Some((kind, client, Err(error))) => {
                self.failed(kind.system, &error);
                client.after(&error)
            }
        }
    }

    /// The same for every try of one round on one channel, and no other: also of another installation.
    fn key(&self, sending: &OutgoingMessage) -> String {
        let parts = [
            self.tenant.as_str(),
            &sending.id.to_string(),
            &sending.raised_at.as_microsecond().to_string(),
            &sending.telling.to_string(),
            sending.channel.word(),
        ];
        EventId::derive("telling", &parts).to_string()
    }

    fn answered(&self, system: &'static str) {
        if self.sources.state(system) != Some(SourceState::Ok) {
            self.sources.succeeded(system, "it took a message", Timestamp::now(), None);
        }
    }

    fn failed(&self, system: &'static str, error: &OutsideError) {
        if error.is_refused_key() || error.is_failure_of_the_system() {
            self.sources.failed(system, state_after(error), &error.to_string(), None);
        }
    }

    /// Looks for a message whose outcome is not known.
    pub async fn look_for(&self, lost: &Lost<'_>) -> LookupResult {
        match self.client(lost.channel) {
            Some((_, client)) => client.look_for(lost).await,
            None if lost.channel.needs_consent() => LookupResult::Unknown,
            None => LookupResult::NotThere,
        }
    }

    /// What became of a message that was taken; none where that is not settled, or cannot be told.
    pub async fn delivery(&self, channel: Channel, id: &str) -> Option<Delivery> {
        self.client(channel)?.1.delivery(id).await
    }
}
