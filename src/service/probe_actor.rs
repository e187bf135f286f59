//! Holds a key against the system that it is for: now and then, at no cost, so that a key that was revoked is
//! told before it is needed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, Context};
use crate::config::Loaded;
use crate::integration::anthropic::{self, Anthropic};
use crate::integration::resilience::OutsideError;
use crate::integration::twilio::{self, Credentials, Twilio};

use super::pacemaker::{Beat, Pacemaker, breaker_listener, pause_after, policy, state_after, wrong_settings};
use super::settings::Settings;
use super::sources::{SourceState, Sources};

/// How often a key that is good is looked at.
const GOOD: Duration = Duration::from_hours(6);
/// How often a system that does not answer is asked.
const FAILING: Duration = Duration::from_mins(5);

/// Which system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Twilio's credentials.
    Twilio,
    /// Anthropic's ordinary key, or else its admin key.
    Anthropic,
}

enum Client {
    Twilio(Twilio),
    Key(Anthropic),
    AdminKey(Anthropic),
}

/// See the module.
pub struct ProbeActor {
    system: System,
    settings: Settings,
    sources: Sources,
    client: Option<Client>,
    pacemaker: Option<Pacemaker>,
}

impl System {
    fn name(self) -> &'static str {
        match self {
            Self::Twilio => twilio::SYSTEM,
            Self::Anthropic => anthropic::SYSTEM,
        }
    }

    fn how_to_configure(self) -> &'static str {
        match self {
            Self::Twilio => "set twilio.account_sid and twilio.auth_token, or an API key",
            Self::Anthropic => "set anthropic.api_key or anthropic.admin_key; transcripts need no key",
        }
    }

    /// The client that the settings name, if they name one.
    fn client(self, loaded: &Loaded, sources: &Sources) -> Option<Result<Client, OutsideError>> {
        let (config, policy, listener) = (&loaded.config, policy(loaded), breaker_listener(sources));
        match self {
            Self::Twilio => {
                let credentials = Credentials::of(&config.twilio)?;
                Some(Twilio::new(&config.twilio, credentials, policy, listener).map(Client::Twilio))
            }
            Self::Anthropic => {
                let settings = &config.anthropic;
                match (&settings.api_key, &settings.admin_key) {
                    (Some(key), _) => {
                        Some(Anthropic::with_key(settings, key, policy, listener).map(Client::Key))
                    }
                    (None, Some(key)) => {
                        Some(Anthropic::with_admin_key(settings, key, policy, listener).map(Client::AdminKey))
                    }
                    (None, None) => None,
                }
            }
        }
    }
}

impl Client {
    async fn verify(&self) -> Result<&'static str, OutsideError> {
        match self {
            Self::Twilio(client) => {
                let (account, _) = client.account().await?;
                Ok(if account.status == "active" {
                    "the account is active"
                } else {
                    "the account is not active"
                })
            }
            Self::Key(client) => client.models().await.map(|_| "the key is taken"),
            Self::AdminKey(client) => client.organization().await.map(|_| "the admin key is taken"),
        }
    }
}

impl ProbeActor {
    /// For one system.
    #[must_use]
    pub fn new(system: System, settings: Settings, sources: Sources) -> Self {
        Self { system, settings, sources, client: None, pacemaker: None }
    }

    fn renew(&mut self) {
        let loaded = self.settings.current();
        let fresh_for = SignedDuration::try_from(GOOD * 2).unwrap_or(SignedDuration::from_hours(12));
        let name = self.system.name();
        let declare = |state, reason: &str| self.sources.declare(name, state, reason, fresh_for);
        self.client = None;
        match self.system.client(&loaded, &self.sources) {
            None => declare(SourceState::NotConfigured, self.system.how_to_configure()),
            Some(Err(error)) => declare(SourceState::Failing, &error.to_string()),
            Some(Ok(client)) => {
                if let Some(reason) = wrong_settings(&loaded, &format!("{name}.")) {
                    return declare(SourceState::Unauthorized, &reason);
                }
                declare(SourceState::Waiting, "not asked yet");
                self.client = Some(client);
            }
        }
    }

    async fn look(&mut self) {
        let Some(pacemaker) = &self.pacemaker else { return };
        let Some(client) = &self.client else {
            pacemaker.rest();
            return;
        };
        let name = self.system.name();
        match client.verify().await {
            Ok(reason) => {
                let next = pacemaker.after(GOOD);
                self.sources.succeeded(name, reason, Timestamp::now(), Some(next));
            }
            Err(error) => {
                let next = pacemaker.after(pause_after(&error, FAILING));
                self.sources.failed(name, state_after(&error), &error.to_string(), Some(next));
            }
        }
    }
}

impl Behaviour for ProbeActor {
    type Message = Beat;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.pacemaker = Some(Pacemaker::start(context, &self.settings));
        Ok(())
    }

    async fn handle(&mut self, message: Beat, _: &Context<Self>) -> Result<(), ActorError> {
        if message == Beat::Renew {
            self.renew();
        }
        self.look().await;
        Ok(())
    }

    fn label(message: &Beat) -> &'static str {
        message.label()
    }

    fn redeliver(message: &Beat) -> Option<Beat> {
        Some(*message)
    }
}
