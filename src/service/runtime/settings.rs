//! The settings of a running system: what can change while it runs, does; what cannot is told.

use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::config::keys;
use crate::config::prices::price_table;
use crate::config::{Config, ConfigError, Loaded, Source, Tls, load_from, settings_of};
use crate::domain::pricing::PriceTable;
use crate::service::runtime::prices::Prices;

use super::clock::Clock;

/// The key of the price file.
pub(in crate::service) const PRICES: &str = "prices";

/// A key whose value is another than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChangedSetting {
    /// The key.
    #[schema(example = "beeminder.poll_seconds")]
    pub key: String,
    /// Whether it is in force now; otherwise after a restart.
    pub applied: bool,
}

/// What reading the settings again found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Reloaded {
    /// By key.
    pub changed: Vec<ChangedSetting>,
}

/// The settings in force; cheap to clone.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where they are read from.
    source: Source,
    /// As the layers had them at the last reading.
    as_read: Arc<std::sync::Mutex<Config>>,
    /// As they are in force.
    current: watch::Sender<Arc<Loaded>>,
    /// By which they are worked.
    clock: Clock,
}

impl Settings {
    /// In force are `loaded`, which the command line may have changed; `as_read` is what the layers said.
    #[must_use]
    pub fn new(source: Source, as_read: Config, loaded: Loaded) -> Self {
        Self {
            source,
            as_read: Arc::new(std::sync::Mutex::new(as_read)),
            current: watch::Sender::new(Arc::new(loaded)),
            clock: Clock::default(),
        }
    }

    /// The same, worked by another's clock: there is one for the whole program.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The clock of those that work by them.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Reads all layers.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(named: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_from(Source::Person(named.map(Path::to_owned)))
    }

    /// Reads all layers of a source.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load_from(source: Source) -> Result<Self, ConfigError> {
        let loaded = load_from(&source)?;
        Ok(Self::new(source, loaded.config.clone(), loaded))
    }

    /// The settings in force.
    #[must_use]
    pub fn current(&self) -> Arc<Loaded> {
        self.current.borrow().clone()
    }

    /// For those that work by them.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Arc<Loaded>> {
        self.current.subscribe()
    }

    /// The price table as the price file has it now, which the setting as it is written now names. Nothing changes by it.
    /// Blocks.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn prices_as_written(&self) -> Result<PriceTable, ConfigError> {
        price_table(load_from(&self.source)?.config.prices.as_deref())
    }

    /// Reads all layers again, and the price file with them. Blocks. Where something is wrong, nothing changes.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn reload(&self, prices: &Prices) -> Result<Reloaded, ConfigError> {
        let read = load_from(&self.source)?;
        let table = price_table(read.config.prices.as_deref())?;
        let mut as_read = self.as_read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut changed: Vec<ChangedSetting> = changed_keys(&as_read, &read.config)
            .into_iter()
            .map(|key| ChangedSetting { applied: can_change(&key), key })
            .collect();
        *as_read = read.config.clone();
        if changed.iter().any(|change| change.applied) {
            self.current.send_modify(|current| *current = Arc::new(in_force(current, read)));
        }
        // The same file may say something else.
        if prices.replace(table) && changed.iter().all(|change| change.key != PRICES) {
            changed.push(ChangedSetting { key: PRICES.to_owned(), applied: true });
        }
        Ok(Reloaded { changed })
    }
}

/// Whether a key can change while the system runs. The others are bound to what was opened at the start.
fn can_change(key: &str) -> bool {
    let is_bound = ["transcripts.", "otlp.", "telemetry.", "log.", "tenants."]
        .iter()
        .any(|table| key.starts_with(table));
    !["listen", "tls.names", "tls.plain"].contains(&key) && !is_bound
}

/// What was read, with what cannot change as it is in force.
fn in_force(current: &Loaded, read: Loaded) -> Loaded {
    let before = &current.config;
    let config = Config {
        listen: before.listen,
        tls: Tls { names: before.tls.names.clone(), plain: before.tls.plain, ..read.config.tls },
        transcripts: before.transcripts.clone(),
        otlp: before.otlp.clone(),
        telemetry: before.telemetry.clone(),
        log: before.log.clone(),
        tenants: before.tenants.clone(),
        ..read.config
    };
    Loaded { config, ..read }
}

fn changed_keys(before: &Config, after: &Config) -> Vec<String> {
    let (old, new) = (settings_of(before), settings_of(after));
    // What is shown hidden, or in part, does not tell two values apart.
    let is_other_secret = |name: &str| keys::all().any(|key| key.name == name && key.differs(before, after));
    let both = old.into_iter().zip(new);
    both.filter(|((key, old), (_, new))| old != new || is_other_secret(key))
        .map(|((key, _), _)| key)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn every_change_is_found_and_what_cannot_change_stays() {
        let before = Config::default();
        let mut after = before.clone();
        after.listen = "127.0.0.1:1".parse().unwrap();
        after.beeminder.token = Some(Secret::new("one"));
        after.log.reserve_mib = 1;
        after.time_zone = Some("Europe/Berlin".into());
        let keys = changed_keys(&before, &after);
        assert_eq!(keys, ["time_zone", "listen", "log.reserve_mib", "beeminder.token"]);
        assert_eq!(keys.iter().filter(|key| can_change(key)).count(), 2);
        let mut other_secret = after.clone();
        other_secret.beeminder.token = Some(Secret::new("two"));
        assert_eq!(changed_keys(&after, &other_secret), ["beeminder.token"]);
        assert_eq!(changed_keys(&after, &after), [""; 0]);
        let mut reminded = after.clone();
        let rule = serde_json::json!([{ "name": "a", "from": "09:00", "until": "10:00", "message": "b" }]);
        reminded.reminders = serde_json::from_value(rule).unwrap();
        assert_eq!(changed_keys(&after, &reminded), ["reminders"]);
        assert!(can_change("reminders") && can_change("reminder_tiers.budget"));

        let loaded = |config: Config| Loaded {
            config,
            file: None,
            zone: jiff::tz::TimeZone::UTC,
            origins: std::collections::BTreeMap::default(),
        };
        let now = in_force(&loaded(before.clone()), loaded(after.clone())).config;
        assert_eq!((now.listen, now.log), (before.listen, before.log));
        assert_eq!((now.time_zone, now.beeminder), (after.time_zone, after.beeminder));
    }
}
