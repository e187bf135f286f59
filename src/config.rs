//! Configuration: defaults, one TOML file, the environment and the command line, in that order.
//!
//! Nothing needs to be configured. Every key can also be set as `MECRIS_<KEY>`, with two
//! underscores where the file has a table: `MECRIS_TRANSCRIPTS__POLL_SECONDS`.

pub mod paths;
pub mod prices;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// IANA name of the time zone that days are reckoned in; the system's where absent.
    pub time_zone: Option<String>,
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// A price file that overrides the bundled table, model by model.
    pub prices: Option<PathBuf>,
    /// See [`Transcripts`].
    pub transcripts: Transcripts,
    /// See [`Log`].
    pub log: Log,
}

/// Where usage is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transcripts {
    /// Whether Claude Code's transcripts are read.
    pub enabled: bool,
    /// Claude configuration directories; where empty, `$CLAUDE_CONFIG_DIR`, `~/.claude` and `~/.config/claude`.
    pub roots: Vec<PathBuf>,
    /// How often they are looked at where the system does not tell of changes, in seconds; at least 1.
    pub poll_seconds: u64,
}

/// The event log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Events are refused when less of the disk is free, in MiB.
    pub reserve_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            time_zone: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 7787)),
            prices: None,
            transcripts: Transcripts::default(),
            log: Log::default(),
        }
    }
}

impl Default for Transcripts {
    fn default() -> Self {
        Self { enabled: true, roots: Vec::new(), poll_seconds: 5 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { reserve_mib: 64 }
    }
}

/// Why the configuration cannot be used. Each message is one line with the mend.
#[derive(Debug, thiserror::Error)]
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

/// The settings, and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file, if there was one.
    pub file: Option<PathBuf>,
    /// The time zone that `time_zone` names, or the system's.
    pub zone: TimeZone,
}

/// Loads the settings. `named` is the file that the person named; without it the usual one is read if it is there.
///
/// # Errors
/// [`ConfigError`] names the file or variable, what is wrong with it, and the mend.
pub fn load(named: Option<&Path>) -> Result<Loaded, ConfigError> {
    let usual = paths::config_dir().map(|dir| dir.join("config.toml"));
    let file = match (named, usual) {
        (Some(path), _) => Some(path.to_owned()),
        (None, Some(path)) if path.exists() => Some(path),
        (None, _) => None,
    };
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(path) = &file {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        // The file stands alone first, so that an error in it is not blamed on the environment.
        let alone = Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(&text));
        alone.extract::<Config>().map_err(|error| broken(path.display().to_string(), error))?;
        figment = figment.merge(Toml::string(&text));
    }
    let known = ["time_zone", "listen", "prices", "transcripts", "log"];
    let environment = Env::prefixed("MECRIS_").split("__").filter(move |key| {
        known.iter().any(|name| key == *name || key.as_str().to_lowercase().starts_with(&format!("{name}.")))
    });
    let config: Config = figment
        .merge(environment)
        .extract()
        .map_err(|error| broken("a MECRIS_ environment variable".to_owned(), error))?;
    let zone = time_zone(config.time_zone.as_deref(), file.as_deref())?;
    Ok(Loaded { config, file, zone })
}

fn time_zone(name: Option<&str>, file: Option<&Path>) -> Result<TimeZone, ConfigError> {
    let Some(name) = name else { return Ok(TimeZone::system()) };
    TimeZone::get(name).map_err(|_| ConfigError::Broken {
        origin: file.map_or_else(|| "MECRIS_TIME_ZONE".to_owned(), |path| path.display().to_string()),
        detail: format!("'{name}' is not a time zone"),
        fix: "use an IANA name such as Europe/Berlin, or leave time_zone out for the system's".to_owned(),
    })
}

fn broken(origin: String, error: figment::Error) -> ConfigError {
    let Some(first) = error.into_iter().next() else {
        return ConfigError::Broken { origin, detail: "not readable".into(), fix: "remove it".into() };
    };
    let key = first.path.join(".");
    let (detail, fix) = match &first.kind {
        Kind::UnknownField(name, known) => {
            let nearest = known
                .iter()
                .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
            let fix = nearest
                .map_or_else(|| "remove it".to_owned(), |nearest| format!("did you mean '{nearest}'?"));
            (format!("unknown key '{}'", name.as_str()), fix)
        }
        Kind::Message(message) if key.is_empty() => {
            (one_line(message), "mend the file, or remove it".to_owned())
        }
        other => (
            format!("'{key}': {}", one_line(&other.to_string())),
            "mend the value, or remove the key".to_owned(),
        ),
    };
    ConfigError::Broken { origin, detail, fix }
}

/// TOML's errors draw a picture over several lines; the first names line and column, the last the cause.
fn one_line(message: &str) -> String {
    let mut lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default().to_owned();
    match lines.next_back() {
        Some(last) if !last.contains('|') => format!("{first}: {last}"),
        _ => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str) -> Result<Loaded, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        load(Some(&path)).map_err(|error| {
            let message = error.to_string();
            assert!(message.starts_with(&path.display().to_string()), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
            message
        })
    }

    #[test]
    fn a_broken_file_gives_one_line_with_the_mend() {
        let cases = [
            ("lisen = \"127.0.0.1:1\"", "did you mean 'listen'?"),
            ("[transcripts]\npol_seconds = 3", "did you mean 'poll_seconds'?"),
            ("listen = \"nowhere\"", "'listen'"),
            ("time_zone = \"Mars/Olympus\"", "'Mars/Olympus' is not a time zone; use an IANA name"),
            ("listen = ", "mend the file"),
            ("[log]\nreserve_mib = -1", "'log.reserve_mib'"),
        ];
        for (text, expected) in cases {
            let message = load_text(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn what_is_absent_has_its_default() {
        let loaded = load_text("[log]\nreserve_mib = 1").unwrap();
        assert_eq!(loaded.config.log.reserve_mib, 1);
        assert_eq!(loaded.config.listen, Config::default().listen);
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let error = load(Some(Path::new("/nowhere/config.toml"))).unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    }
}
