//! The providers whose official interfaces are read, and the clients that the settings name.

use crate::config::Config;
use crate::integration::official::ProviderClient;
use crate::integration::resilience::{OnBreaker, OutsideError, Policy};
use crate::integration::{anthropic, deepseek, moonshot, openai, openrouter};

/// A provider with an official interface for what an account costs or has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Anthropic: reports for an admin key, and whether an ordinary key is good.
    Anthropic,
    /// OpenAI: reports for an admin key.
    OpenAi,
    /// OpenRouter: credits.
    OpenRouter,
    /// DeepSeek: the balance.
    DeepSeek,
    /// Moonshot: the balance.
    Moonshot,
}

/// A client, or why it cannot be made.
pub type Made = Result<Box<dyn ProviderClient>, OutsideError>;

impl Provider {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Anthropic, Self::OpenAi, Self::OpenRouter, Self::DeepSeek, Self::Moonshot];

    /// Its name: of the source, of the provider in usage, and of its table in the settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => anthropic::SYSTEM,
            Self::OpenAi => openai::SYSTEM,
            Self::OpenRouter => openrouter::SYSTEM,
            Self::DeepSeek => deepseek::SYSTEM,
            Self::Moonshot => moonshot::SYSTEM,
        }
    }

    /// What switches it on.
    #[must_use]
    pub fn how_to_configure(self) -> &'static str {
        match self {
            Self::Anthropic => "set anthropic.api_key or anthropic.admin_key; transcripts need no key",
            Self::OpenAi => "set openai.admin_key; an owner of the organisation makes one",
            Self::OpenRouter => "set openrouter.api_key to a management key",
            Self::DeepSeek => "set deepseek.api_key",
            Self::Moonshot => "set moonshot.api_key",
        }
    }

    /// The client that the settings name, if they name one.
    #[must_use]
    pub fn client(self, config: &Config, policy: Policy, on_breaker: &OnBreaker) -> Option<Made> {
        fn boxed<T: ProviderClient + 'static>(made: Result<T, OutsideError>) -> Made {
            made.map(|client| Box::new(client) as Box<dyn ProviderClient>)
        }
        let listener = on_breaker.clone();
        match self {
            Self::Anthropic => anthropic::Account::of(&config.anthropic, policy, on_breaker).map(boxed),
            Self::OpenAi => {
                let (settings, key) = (&config.openai, config.openai.admin_key.as_ref()?);
                Some(boxed(openai::OpenAi::new(settings, key, policy, listener)))
            }
            Self::OpenRouter => {
                let (settings, key) = (&config.openrouter, config.openrouter.api_key.as_ref()?);
                Some(boxed(openrouter::OpenRouter::new(settings, key, policy, listener)))
            }
            Self::DeepSeek => {
                let (settings, key) = (&config.deepseek, config.deepseek.api_key.as_ref()?);
                Some(boxed(deepseek::DeepSeek::new(settings, key, policy, listener)))
            }
            Self::Moonshot => {
                let (settings, key) = (&config.moonshot, config.moonshot.api_key.as_ref()?);
                Some(boxed(moonshot::Moonshot::new(settings, key, policy, listener)))
            }
        }
    }
}
