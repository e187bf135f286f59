//! What can be set. Every key has a default; `docs/configuration.md` shows them all.

mod alerts;
mod anthropic;
mod backup;
mod beeminder;
mod deepseek;
mod email;
mod gate;
pub mod keys;
mod mcp;
mod moonshot;
mod ntfy;
mod openai;
mod openrouter;
mod otlp;
mod people;
mod providers;
mod reminders;
mod telemetry;
mod templates;
mod tenants;
mod tls;
mod twilio;
mod vault;
mod webhook;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use alerts::{Alerts, QuietHours, RungSetting};
pub use anthropic::Anthropic;
pub use backup::Backup;
pub use beeminder::Beeminder;
pub use deepseek::DeepSeek;
pub use email::{Email, EmailTls};
pub use gate::Gate;
pub use mcp::Mcp;
pub use moonshot::Moonshot;
pub use ntfy::Ntfy;
pub use openai::OpenAi;
pub use openrouter::OpenRouter;
pub use otlp::Otlp;
pub use people::People;
pub use providers::Providers;
pub use reminders::{ReminderError, ReminderErrors, ReminderTiers, Reminders};
pub use telemetry::{OtlpProtocol, Percent, Telemetry};
pub use templates::{WhatsappTemplate, WhatsappTemplates};
pub use tenants::Tenants;
pub use tls::Tls;
pub use twilio::Twilio;
pub use vault::Vault;
pub use webhook::Webhook;

use crate::domain::calendar::WeekStart;

use super::secret::BaseUrl;

/// The sections that say more of their keys than the types do, in the order in which a person is told of them.
const SECTIONS: &[keys::Section] = &[
    telemetry::SECTION,
    beeminder::SECTION,
    twilio::SECTION,
    ntfy::SECTION,
    webhook::SECTION,
    email::SECTION,
    anthropic::SECTION,
    openai::SECTION,
    openrouter::SECTION,
    deepseek::SECTION,
    moonshot::SECTION,
];

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// IANA name of the time zone that days are reckoned in; the system's where absent.
    pub time_zone: Option<String>,
    /// What weeks begin with, in reports and in budgets that are set from now on.
    pub week_starts: WeekStart,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// See [`Tls`].
    pub tls: Tls,
    /// A price file that overrides the bundled table, model by model.
    pub prices: Option<PathBuf>,
    /// See [`Transcripts`].
    pub transcripts: Transcripts,
    /// See [`Otlp`].
    pub otlp: Otlp,
    /// See [`Telemetry`].
    pub telemetry: Telemetry,
    /// See [`Log`].
    pub log: Log,
    /// See [`Backup`].
    pub backup: Backup,
    /// See [`Outside`].
    pub outside: Outside,
    /// See [`Alerts`].
    pub alerts: Alerts,
    /// See [`Gate`].
    pub gate: Gate,
    /// See [`Mcp`].
    pub mcp: Mcp,
    /// See [`Tenants`].
    pub tenants: Tenants,
    /// See [`People`].
    pub people: People,
    /// See [`Beeminder`].
    pub beeminder: Beeminder,
    /// See [`Twilio`].
    pub twilio: Twilio,
    /// See [`Ntfy`].
    pub ntfy: Ntfy,
    /// See [`Webhook`].
    pub webhook: Webhook,
    /// See [`Email`].
    pub email: Email,
    /// See [`Providers`].
    pub providers: Providers,
    /// See [`Anthropic`].
    pub anthropic: Anthropic,
    /// See [`OpenAi`].
    pub openai: OpenAi,
    /// See [`OpenRouter`].
    pub openrouter: OpenRouter,
    /// See [`DeepSeek`].
    pub deepseek: DeepSeek,
    /// See [`Moonshot`].
    pub moonshot: Moonshot,
    /// See [`Vault`].
    pub vault: Vault,
    /// See [`Console`].
    pub console: Console,
    /// See [`ReminderTiers`].
    pub reminder_tiers: ReminderTiers,
    /// See [`Reminders`].
    pub reminders: Reminders,
}

/// Where usage is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transcripts {
    /// Whether Claude Code's transcripts are read.
    pub enabled: bool,
    /// Claude configuration directories; where empty, `$CLAUDE_CONFIG_DIR`, `~/.claude` and `~/.config/claude`.
    pub roots: Vec<PathBuf>,
    /// How often they are looked at where the system does not tell of changes, in seconds; at least 1.
    pub poll_seconds: NonZeroU64,
}

/// The event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Events are refused when less of the disk is free, in MiB.
    pub reserve_mib: u64,
}

/// All outside systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outside {
    /// How long one try of a request may take, in seconds; a request may take three times as long in all.
    pub timeout_seconds: NonZeroU64,
}

/// The providers' own billing pages, read by a browser. A provider's terms may forbid that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Console {
    /// Whether pages are read at all.
    pub enabled: bool,
    /// Whose pages, by the names of their recipes.
    pub providers: Vec<String>,
    /// A directory with recipes of one's own, `PROVIDER.toml`, which replace those that come with the program.
    pub recipes: Option<PathBuf>,
    /// How often a page is read, in hours; at least 1.
    pub every_hours: NonZeroU64,
    /// The browser's program; where absent, Chromium or Chrome is looked for.
    pub browser: Option<PathBuf>,
    /// Whether root may start the browser. It then has no sandbox: a page that finds a flaw in it is root.
    pub as_root: bool,
    /// What all processes of the browser may hold in memory, in MiB.
    pub memory_mib: NonZeroU64,
    /// How long a page is looked at, in seconds.
    pub page_seconds: NonZeroU64,
}

const fn seconds(count: u64) -> NonZeroU64 {
    match NonZeroU64::new(count) {
        Some(seconds) => seconds,
        None => NonZeroU64::MIN,
    }
}

fn address(text: &str) -> BaseUrl {
    BaseUrl::parse(text).unwrap_or_else(|reason| unreachable!("{text}: {reason}"))
}

impl Default for Config {
    fn default() -> Self {
        Self {
            time_zone: None,
            week_starts: WeekStart::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 7787)),
            tls: Tls::default(),
            prices: None,
            transcripts: Transcripts::default(),
            otlp: Otlp::default(),
            telemetry: Telemetry::default(),
            log: Log::default(),
            backup: Backup::default(),
            outside: Outside::default(),
            alerts: Alerts::default(),
            gate: Gate::default(),
            mcp: Mcp::default(),
            tenants: Tenants::default(),
            people: People::default(),
            beeminder: Beeminder::default(),
            twilio: Twilio::default(),
            ntfy: Ntfy::default(),
            webhook: Webhook::default(),
            email: Email::default(),
            providers: Providers::default(),
            anthropic: Anthropic::default(),
            openai: OpenAi::default(),
            openrouter: OpenRouter::default(),
            deepseek: DeepSeek::default(),
            moonshot: Moonshot::default(),
            vault: Vault::default(),
            console: Console::default(),
            reminder_tiers: ReminderTiers::default(),
            reminders: Reminders::default(),
        }
    }
}

impl Default for Console {
    fn default() -> Self {
        Self {
            enabled: false,
            providers: vec!["anthropic".to_owned()],
            recipes: None,
            every_hours: seconds(6),
            browser: None,
            as_root: false,
            memory_mib: seconds(2048),
            page_seconds: seconds(20),
        }
    }
}

impl Default for Transcripts {
    fn default() -> Self {
        Self { enabled: true, roots: Vec::new(), poll_seconds: seconds(5) }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { reserve_mib: 64 }
    }
}

impl Default for Outside {
    fn default() -> Self {
        Self { timeout_seconds: seconds(20) }
    }
}
