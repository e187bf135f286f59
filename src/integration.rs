//! The outside systems, one file each, and [`resilience`], through which all of them are called.
//!
//! What there may be several of is listed here: the agents whose transcripts are read, the alert channels and the providers. A new one is a file of its own, a line
//! below, and its section of the settings.

pub mod anthropic;
pub mod beeminder;
pub mod channel;
pub mod claude_code;
pub mod console;
pub mod credit;
pub mod deepseek;
pub mod email;
pub mod finding;
pub mod moonshot;
pub mod ntfy;
pub mod obsidian;
pub mod official;
pub mod openai;
pub mod openrouter;
pub mod otlp;
pub mod pages;
pub mod resilience;
pub mod rows;
pub mod transcripts;
pub mod twilio;
pub mod webhook;

use channel::ChannelKind;
use official::ProviderKind;
use transcripts::TranscriptSource;

/// The agents whose transcripts are read.
pub const SOURCES: &[&dyn TranscriptSource] = &[&claude_code::ClaudeCode];

/// The systems that carry alerts to the person, in the order in which they are shown.
pub const CHANNELS: &[&ChannelKind] =
    &[&twilio::channel::CHANNEL, &email::CHANNEL, &ntfy::CHANNEL, &webhook::CHANNEL];

/// The providers with an official interface for what an account costs or has left.
pub const PROVIDERS: &[&ProviderKind] = &[
    &anthropic::PROVIDER,
    &openai::PROVIDER,
    &openrouter::PROVIDER,
    &deepseek::PROVIDER,
    &moonshot::PROVIDER,
];
