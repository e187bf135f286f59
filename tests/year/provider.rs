//! Those who carry messages: they take, refuse and lose them, answer late or never, and deliver or not.

use jiff::{SignedDuration, Timestamp};
use mecris::domain::alert::step::{OutgoingMessage, digest};
use mecris::domain::alert::{AlertId, Channel, Delivery};
use rand::Rng;
use rand::rngs::SmallRng;

/// A message that was taken.
pub struct Message {
    pub channel: Channel,
    pub alert: AlertId,
    pub telling: usize,
    pub at: Timestamp,
    pub sid: String,
    digest: [u8; 8],
    contact: Option<String>,
    /// What becomes of it, and when.
    pub fate: Option<(Timestamp, Delivery)>,
}

/// What the sender hears.
#[derive(Clone)]
pub enum Answer {
    Accepted(String),
    Unsent,
    Refused,
    /// Nothing: it may have been taken.
    Lost,
}

/// What comes of looking for a message.
pub enum LookupResult {
    Found(String),
    NotThere,
    /// It cannot be told now.
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    Clear,
    /// Everything is turned away.
    Busy,
    /// No answer arrives, and nothing can be looked up.
    Dark,
}

pub struct Provider {
    pub taken: Vec<Message>,
    pub weather: Weather,
}

impl Provider {
    pub fn new() -> Self {
        Self { taken: Vec::new(), weather: Weather::Clear }
    }

    pub fn send(
        &mut self,
        random: &mut SmallRng,
        sending: &OutgoingMessage,
        now: Timestamp,
    ) -> (Answer, SignedDuration) {
        let delay = SignedDuration::from_millis(random.random_range(50..9_000));
        let (busy, lost, refused) = match self.weather {
            Weather::Clear => (0.04, 0.05, 0.03),
            Weather::Busy => (1.0, 0.0, 0.0),
            Weather::Dark => (0.0, 1.0, 0.0),
        };
        if random.random_bool(busy) {
            return (Answer::Unsent, delay);
        }
        if random.random_bool(refused) {
            return (Answer::Refused, delay);
        }
        if !random.random_bool(lost) {
            return (Answer::Accepted(self.take(random, sending, now)), delay);
        }
        if random.random_bool(0.5) {
            self.take(random, sending, now);
        }
        // Those that know a key are told the same again.
        (if sending.channel.needs_consent() { Answer::Lost } else { Answer::Unsent }, delay)
    }

    fn take(&mut self, random: &mut SmallRng, sending: &OutgoingMessage, now: Timestamp) -> String {
        let of_this_round = |message: &&Message| {
            (message.alert, message.telling, message.channel)
                == (sending.id, sending.telling, sending.channel)
        };
        if !sending.channel.needs_consent()
            && let Some(known) = self.taken.iter().rev().take(200).find(of_this_round)
        {
            return known.sid.clone();
        }
        let sid = format!("SM{}", self.taken.len());
        let after = SignedDuration::from_secs(random.random_range(1..1_800));
        let fate = match random.random_range(0..20) {
            _ if !sending.channel.needs_consent() => None,
            0..15 => Some(Delivery::Delivered),
            15..17 => Some(Delivery::Undelivered { code: Some(30003), may_retry: true }),
            17 => Some(Delivery::Undelivered { code: Some(30005), may_retry: false }),
            _ => None,
        };
        self.taken.push(Message {
            channel: sending.channel,
            alert: sending.id,
            telling: sending.telling,
            at: now,
            sid: sid.clone(),
            digest: digest(&sending.text),
            contact: sending.contact.clone(),
            fate: fate.map(|fate| (now + after, fate)),
        });
        sid
    }

    /// The message of this digest to this contact.
    pub fn look_for(
        &self,
        channel: Channel,
        contact: Option<&String>,
        sent: [u8; 8],
        since: Timestamp,
    ) -> LookupResult {
        let is_it = |message: &&Message| {
            (message.channel, message.contact.as_ref(), message.digest) == (channel, contact, sent)
                && message.at >= since
        };
        if self.weather != Weather::Clear {
            return LookupResult::Unknown;
        }
        let found = self.taken.iter().rev().find(is_it);
        found.map_or(LookupResult::NotThere, |message| LookupResult::Found(message.sid.clone()))
    }

    pub fn fate(&self, sid: &str) -> Option<(Timestamp, Delivery)> {
        self.taken.iter().rev().find(|message| message.sid == sid)?.fate.clone()
    }
}
