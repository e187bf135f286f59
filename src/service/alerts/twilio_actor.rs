//! Checks the credentials against Twilio from time to time, at no cost, so that revoked credentials are
//! reported before they are needed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::actor::{ActorError, Behaviour, Context};
use crate::integration::resilience::OutsideError;
use crate::integration::twilio::{self, Credentials, Twilio};
use crate::service::runtime::poller::{
    PollScheduler, Tick, breaker_listener, pause_after, policy, state_after, wrong_settings,
};
use crate::service::runtime::settings::Settings;
use crate::service::runtime::sources::{SourceState, Sources};

/// Interval while the credentials are valid.
const GOOD: Duration = Duration::from_hours(6);
/// Interval while Twilio does not answer.
const FAILING: Duration = Duration::from_mins(5);

/// See the module.
pub struct ProbeActor {
    settings: Settings,
    sources: Sources,
    client: Option<Twilio>,
    scheduler: Option<PollScheduler>,
}

async fn verify(client: &Twilio) -> Result<&'static str, OutsideError> {
    let (account, _) = client.account().await?;
    Ok(if account.status == "active" { "the account is active" } else { "the account is not active" })
}

impl ProbeActor {
    /// Checks the credentials in the settings.
    #[must_use]
    pub fn new(settings: Settings, sources: Sources) -> Self {
        Self { settings, sources, client: None, scheduler: None }
    }

    fn renew(&mut self) {
        let loaded = self.settings.current();
        let fresh_for = SignedDuration::try_from(GOOD * 2).unwrap_or(SignedDuration::from_hours(12));
        let declare = |state, reason: &str| self.sources.declare(twilio::SYSTEM, state, reason, fresh_for);
        self.client = None;
        let Some(credentials) = Credentials::of(&loaded.config.twilio) else {
            let reason = "set twilio.account_sid and twilio.auth_token, or an API key";
            return declare(SourceState::NotConfigured, reason);
        };
        let listener = breaker_listener(&self.sources);
        match Twilio::new(&loaded.config.twilio, credentials, policy(&loaded), listener) {
            Err(error) => declare(SourceState::Failing, &error.to_string()),
            Ok(client) => {
                if let Some(reason) = wrong_settings(&loaded, "twilio.") {
                    return declare(SourceState::Unauthorized, &reason);
                }
                declare(SourceState::Waiting, "not asked yet");
                self.client = Some(client);
            }
        }
    }

    async fn look(&mut self) {
        let Some(scheduler) = &self.scheduler else { return };
        let Some(client) = &self.client else {
            scheduler.rest();
            return;
        };
        match verify(client).await {
            Ok(reason) => {
                let next = scheduler.after(GOOD);
                self.sources.succeeded(twilio::SYSTEM, reason, Timestamp::now(), Some(next));
            }
            Err(error) => {
                let next = scheduler.after(pause_after(&error, FAILING));
                self.sources.failed(twilio::SYSTEM, state_after(&error), &error.to_string(), Some(next));
            }
        }
    }
}

impl Behaviour for ProbeActor {
    type Message = Tick;

    async fn started(&mut self, context: &Context<Self>) -> Result<(), ActorError> {
        self.renew();
        self.scheduler = Some(PollScheduler::start(context, &self.settings));
        Ok(())
    }

    async fn handle(&mut self, message: Tick, _: &Context<Self>) -> Result<(), ActorError> {
        if message == Tick::Renew {
            self.renew();
        }
        self.look().await;
        Ok(())
    }

    fn label(message: &Tick) -> &'static str {
        message.label()
    }

    fn redeliver(message: &Tick) -> Option<Tick> {
        Some(*message)
    }
}
