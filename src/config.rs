//! Configuration: defaults, one TOML file, the environment and the command line, in that order.
//!
//! Nothing needs to be configured. Every key can also be set as `MECRIS_<KEY>`, with two
//! underscores where the file has a table: `MECRIS_TRANSCRIPTS__POLL_SECONDS`; the outside systems'
//! keys under their usual names as well ([`keys::usual_names`]). A secret may stand in a file of its
//! own: `token_file` for `token`.
//!
//! Another tenant than `local` has a file of its own and nothing from the environment ([`Source::Tenant`]).
//!
//! [`inspect`] looks at every key by itself and tells of all that is wrong, as `mecris doctor` does;
//! [`load`] is for a program that is to start: it takes the first of those as an error.

pub mod forms;
pub mod layers;
pub mod paths;
pub mod prices;
pub mod private;
pub mod secret;
pub mod settings;
pub mod zone;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use layers::Entry;
pub use private::{EmailAddress, Login, PrivateUrl};
pub use secret::{BaseUrl, Phone, Secret};
pub use settings::*;
use zone::ZoneError;

use crate::domain::code::{Code, Coded};
use crate::domain::tenant::TenantName;

/// Where settings are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The person's file, which they may have named, and the environment: the settings of the program and of tenant `local`.
    Person(Option<PathBuf>),
    /// The file of another tenant, which need not be there. The environment is the person's; keys of the whole program have no
    /// place in it.
    Tenant(PathBuf),
}

impl Source {
    /// The settings of a tenant, where `named` is the file that the person named.
    #[must_use]
    pub fn of(named: Option<&Path>, data_dir: &Path, tenant: &TenantName) -> Self {
        if tenant.is_local() {
            Self::Person(named.map(Path::to_owned))
        } else {
            Self::Tenant(paths::tenant_dir(data_dir, tenant).join(paths::TENANT_SETTINGS))
        }
    }
}

/// Keys that are the whole program's: no tenant but `local` sets them.
const PROGRAM_KEYS: [&str; 6] =
    ["listen", "tls.", "telemetry.", "otlp.listen", "otlp.grpc_listen", "tenants."];

fn is_of_program(key: &str) -> bool {
    PROGRAM_KEYS
        .iter()
        .any(|known| key == known.trim_end_matches('.') || known.ends_with('.') && key.starts_with(known))
}

/// Where a setting's value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In the configuration file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// In the environment.
    Variable {
        /// The variable.
        name: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable { name } => f.write_str(name),
        }
    }
}

/// Why the configuration cannot be used. Each message is one line with the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there, or may not be read.
    #[error(
        "cannot read the configuration {path}: {reason}; name another with --config, or remove the option"
    )]
    Unreadable {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// A file or a variable says something that is not a setting.
    #[error("{origin}: {detail}; {fix}")]
    Broken {
        /// The file or variable.
        origin: String,
        /// What is wrong.
        detail: String,
        /// The mend.
        fix: String,
    },
    /// A time zone does not exist.
    #[error("{origin}: {error}")]
    Zone {
        /// Where it is named.
        origin: String,
        /// Which, and the nearest ones.
        error: ZoneError,
    },
    /// There is no home directory to put data in.
    #[error("neither HOME nor XDG_DATA_HOME is set; name the data directory with --data-dir")]
    NoHome,
    /// The price file is not one.
    #[error(
        "cannot use the price file {path}: {reason}; compare it with `mecris prices --json`, or remove it"
    )]
    Prices {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

impl Coded for ConfigError {
    fn code(&self) -> Code {
        Code::Settings
    }
}

/// The settings, and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// The time zone that `time_zone` names, or the system's.
    pub zone: TimeZone,
    /// Where each key's value stands; those that are not here have their default.
    pub origins: BTreeMap<String, Origin>,
}

impl Loaded {
    /// Where a key's value stands.
    #[must_use]
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }
}

/// The settings as far as they can be used, and all that is wrong with them.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What can be used; a key that is wrong has its default.
    pub loaded: Loaded,
    /// What is wrong: the key, where there is one, and the error.
    pub problems: Vec<(String, ConfigError)>,
}

/// Loads the settings. `named` is the file that the person named; without it the usual one is read if it is there.
///
/// # Errors
/// [`ConfigError`] names the file or variable, what is wrong with it, and the mend.
pub fn load(named: Option<&Path>) -> Result<Loaded, ConfigError> {
    load_from(&Source::Person(named.map(Path::to_owned)))
}

/// Loads settings from where they are.
///
/// # Errors
/// As [`load`].
pub fn load_from(source: &Source) -> Result<Loaded, ConfigError> {
    let Inspection { loaded, problems } = inspect_source(source);
    match problems.into_iter().next() {
        Some((_, problem)) => Err(problem),
        None => Ok(loaded),
    }
}

/// Looks at every setting by itself. `named` as for [`load`].
#[must_use]
pub fn inspect(named: Option<&Path>) -> Inspection {
    inspect_with(named, &layers::environment())
}

/// The same, with these environment variables in place of the process's own.
#[must_use]
pub fn inspect_with(named: Option<&Path>, variables: &[(String, String)]) -> Inspection {
    let usual = paths::config_dir().map(|dir| dir.join("config.toml"));
    let file = match (named, usual) {
        (Some(path), _) => Some(path.to_owned()),
        (None, Some(path)) if path.exists() => Some(path),
        (None, _) => None,
    };
    settle(Settled::default(), file, layers::of_environment(variables))
}

/// Looks at every setting of a source by itself.
#[must_use]
pub fn inspect_source(source: &Source) -> Inspection {
    match source {
        Source::Person(named) => inspect(named.as_deref()),
        Source::Tenant(path) => {
            let file = path.exists().then(|| path.clone());
            settle(Settled::of_tenant(), file, Vec::new())
        }
    }
}

/// Takes the entries of a file, and over them those of the environment.
fn settle(mut settled: Settled, file: Option<PathBuf>, environment: Vec<Entry>) -> Inspection {
    let mut problems = Vec::new();
    let in_file = file.as_deref().map_or(Ok(Vec::new()), layers::of_file).unwrap_or_else(|error| {
        problems.push((String::new(), error));
        Vec::new()
    });
    for entry in in_file.into_iter().chain(environment) {
        let key = entry.key.clone();
        if let Err(problem) = settled.take(entry) {
            problems.push((key, problem));
        }
    }
    problems.extend(settled.read_secret_files());
    let Settled { values, origins, .. } = settled;
    // Every value was tried alone, and no two keys depend on each other here.
    let config: Config = serde_json::from_value(values).unwrap_or_default();
    let zone = match &config.time_zone {
        Some(name) => zone::named(name),
        None => zone::of_system(),
    };
    let zone = zone.unwrap_or_else(|error| {
        // A wrong `time_zone` is not among the values any more: this is the variable.
        problems
            .push(("time_zone".to_owned(), ConfigError::Zone { origin: zone::VARIABLE.to_owned(), error }));
        TimeZone::UTC
    });
    let loaded = Loaded { config, file, zone, origins };
    Inspection { loaded, problems }
}

/// The values taken so far.
struct Settled {
    defaults: Map<String, Value>,
    values: Value,
    origins: BTreeMap<String, Origin>,
    /// Whether keys of the whole program may stand here.
    of_program: bool,
}

impl Default for Settled {
    fn default() -> Self {
        Self::from_defaults(&Config::default(), true)
    }
}

impl Settled {
    fn from_defaults(config: &Config, of_program: bool) -> Self {
        let values = serde_json::to_value(config).unwrap_or_default();
        let defaults = settings_of(config).into_iter().collect();
        Self { defaults, values, origins: BTreeMap::new(), of_program }
    }

    /// A tenant reads no transcripts unless its file says which: those of this machine are the person's.
    fn of_tenant() -> Self {
        let mut config = Config::default();
        config.transcripts.enabled = false;
        Self::from_defaults(&config, false)
    }
}

/// Every key with its value, in the order of the documentation; secrets are hidden.
#[must_use]
pub fn settings_of(config: &Config) -> Vec<(String, Value)> {
    let values = serde_json::to_value(config).unwrap_or_default();
    let mut settings = Vec::new();
    layers::flatten("", values.as_object().cloned().unwrap_or_default(), &mut |key, value| {
        settings.push((key, value));
    });
    settings
}

impl Settled {
    fn take(&mut self, entry: Entry) -> Result<(), ConfigError> {
        let Entry { key, value, origin } = entry;
        let broken =
            |detail: String, fix: String| ConfigError::Broken { origin: origin.to_string(), detail, fix };
        let is_table = |name: &str| self.defaults.keys().any(|known| known.starts_with(&format!("{name}.")));
        if value.as_object().is_some_and(Map::is_empty) && is_table(&key) {
            return Ok(());
        }
        let Some(default) = self.defaults.get(&key) else {
            return Err(broken(format!("unknown key '{key}'"), nearest(&key, self.defaults.keys())));
        };
        if !self.of_program && is_of_program(&key) {
            let fix = "set it in the configuration of the program, and remove it here".to_owned();
            return Err(broken(format!("'{key}' belongs to the whole program, not to a tenant"), fix));
        }
        let mut reason = String::new();
        let readings = match origin {
            Origin::Variable { .. } => layers::readings(&value, default),
            _ => vec![value],
        };
        for reading in readings {
            match try_alone(&key, &reading) {
                Ok(()) => {
                    layers::put(&mut self.values, &key, reading);
                    self.origins.insert(key, origin);
                    return Ok(());
                }
                Err(Wrong::Value(why)) => reason = why,
                Err(Wrong::Zone(error)) => {
                    return Err(ConfigError::Zone { origin: format!("{origin}: '{key}'"), error });
                }
            }
        }
        Err(broken(format!("'{key}': {reason}"), mend(&key)))
    }

    /// Puts what `…_file` names into the key that it stands for, where that key's own value is not from
    /// a stronger layer.
    fn read_secret_files(&mut self) -> Vec<(String, ConfigError)> {
        let mut problems = Vec::new();
        let files: Vec<String> = self.origins.keys().filter(|key| key.ends_with("_file")).cloned().collect();
        for key in files {
            let secret = key.trim_end_matches("_file").to_owned();
            let Some(origin) = self.origins.get(&key).cloned() else { continue };
            let broken = |detail: String, fix: String| {
                (key.clone(), ConfigError::Broken { origin: origin.to_string(), detail, fix })
            };
            match self.origins.get(&secret) {
                Some(own) if strength(own) == strength(&origin) => {
                    let fix = format!("keep '{key}' and remove '{secret}'");
                    problems.push(broken(format!("'{secret}' and '{key}' are both set"), fix));
                    continue;
                }
                Some(own) if strength(own) > strength(&origin) => continue,
                _ => {}
            }
            let path = self.values.pointer(&format!("/{}", key.replace('.', "/")));
            let path = PathBuf::from(path.and_then(Value::as_str).unwrap_or_default());
            match layers::secret_file(&path) {
                Ok(text) => {
                    layers::put(&mut self.values, &secret, Value::String(text));
                    self.origins.insert(secret, origin);
                }
                Err(reason) => problems.push(broken(
                    format!("'{key}': {}: {reason}", path.display()),
                    "write the secret alone into that file, readable by you, or name another".into(),
                )),
            }
        }
        problems
    }
}

fn strength(origin: &Origin) -> u8 {
    match origin {
        Origin::Default => 0,
        Origin::File { .. } => 1,
        Origin::Variable { .. } => 2,
    }
}

/// Why a value cannot be used.
enum Wrong {
    /// In words.
    Value(String),
    /// It names no time zone.
    Zone(ZoneError),
}

/// Whether a key may have a value, whatever the others have.
fn try_alone(key: &str, value: &Value) -> Result<(), Wrong> {
    let mut alone = Value::Object(Map::new());
    layers::put(&mut alone, key, value.clone());
    let config: Config = serde_json::from_value(alone).map_err(|error| Wrong::Value(error.to_string()))?;
    match config.time_zone.as_deref().map(zone::named) {
        Some(Err(error)) => Err(Wrong::Zone(error)),
        _ => Ok(()),
    }
}

fn mend(key: &str) -> String {
    match key {
        "week_starts" => "or leave it out for monday".into(),
        "listen" => "use an address and a port, such as 127.0.0.1:7787".into(),
        "reminders" => "`mecris config example` shows one".into(),
        "reminder_tiers.budget" => "use one of those that `mecris budget list` names".into(),
        key if key.ends_with("_usd") => "write the amount in quotes, such as \"0.50\"".into(),
        "email.tls" => "use \"implicit\", \"starttls\" or \"none\"".into(),
        "telemetry.endpoint" => "use an address such as http://127.0.0.1:4317, or remove the key".into(),
        "telemetry.protocol" => "use \"grpc\" or \"http/protobuf\"".into(),
        key if key.ends_with("api_base") || key.ends_with("url") => {
            "use an address such as https://example.com/, or remove the key".into()
        }
        _ => "mend the value, or remove the key".into(),
    }
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness =
        |key: &str| strsim::jaro_winkler(key, name).max(strsim::jaro_winkler(&last(key), &last(name)) * 0.99);
    known
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .map_or_else(|| "remove it".to_owned(), |nearest| format!("did you mean '{nearest}'?"))
}

#[cfg(test)]
mod tests;
