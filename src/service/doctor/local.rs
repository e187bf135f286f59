//! Checks that need this machine alone.

use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::{Config, ConfigError, Inspection, Origin, keys, prices};
use crate::domain::calendar::zone_name;
use crate::integration::transcripts::Found;
use crate::log::disk::{Disk, RealDisk};
use crate::log::{Inspected, LogError, barrier};
use crate::service::runtime::node::log_location;
use crate::service::runtime::place::Place;
use crate::service::usage::importer;

use super::{Check, addresses, console};

/// Checks the settings, the directories, the log and the programs. Blocks.
#[must_use]
pub fn checks(inspection: &Inspection, place: Result<Place, ConfigError>) -> Vec<Check> {
    let config = &inspection.loaded.config;
    let mut checks = settings(inspection);
    checks.extend(complete(config));
    checks.extend(private_files(inspection));
    // A wrong value has already been reported.
    if !inspection.problems.iter().any(|(key, _)| key == "time_zone") {
        checks.push(time_zone(inspection));
    }
    checks.push(user());
    checks.extend(console::checks(config, place.as_ref().ok().map(|place| place.dir.as_path())));
    match place {
        Ok(place) => {
            let dir = &place.root;
            checks.push(directory(dir));
            checks.push(disk(&place.dir, config));
            let log = log(&place, config);
            let is_running = log.detail.starts_with(RUNNING);
            checks.push(log);
            checks.extend(addresses::checks(config, dir, is_running));
        }
        Err(error) => {
            checks.push(Check::problem("data directory", error.to_string(), "name one with --data-dir"));
        }
    }
    checks.push(transcripts(config));
    checks.push(price_file(config));
    // A wrong value has already been reported.
    if !inspection.problems.iter().any(|(key, _)| key == "reminders") {
        checks.push(reminders(config));
    }
    checks.push(vault(config));
    checks
}

/// How the log's check begins if a supervisor holds the log.
const RUNNING: &str = "a supervisor";

fn settings(inspection: &Inspection) -> Vec<Check> {
    let mut checks: Vec<Check> = inspection
        .problems
        .iter()
        .map(|(key, error)| {
            let name = if key.is_empty() { "configuration" } else { key };
            match error {
                ConfigError::Broken { origin, detail, fix } => {
                    Check::problem(name, format!("{origin}: {detail}"), fix)
                }
                ConfigError::Zone { .. } => {
                    Check::problem(name, error.to_string(), "set time_zone to such a name")
                }
                other => Check::problem(name, other.to_string(), "fix or remove the file"),
            }
        })
        .collect();
    let loaded = &inspection.loaded;
    checks.extend(keys::wrong_forms(&loaded.config).into_iter().map(|wrong| {
        let origin = loaded.origin(wrong.key);
        Check::problem(wrong.key, format!("{origin}: {}", wrong.detail), wrong.fix)
    }));
    if checks.is_empty() {
        let set = loaded.origins.len();
        let detail = match &loaded.file {
            Some(file) => format!("{set} settings in {} and the environment", file.display()),
            None => format!("no file, {set} settings in the environment"),
        };
        checks.push(Check::ok("configuration", detail));
    }
    checks
}

/// Settings that need each other.
fn complete(config: &Config) -> Vec<Check> {
    let of = |(key, there)| Check::problem(key, there, format!("set {key} too"));
    let mut checks: Vec<Check> = keys::missing(config).into_iter().map(of).collect();
    let tiers = &config.reminder_tiers;
    if tiers.template_above_usd > tiers.full_above_usd {
        checks.push(Check::problem(
            "reminder_tiers.template_above_usd",
            "it is above reminder_tiers.full_above_usd, so that no reminder says its message alone",
            "let it be the lower of the two",
        ));
    }
    checks
}

fn reminders(config: &Config) -> Check {
    match config.reminders.rules.len() {
        0 => Check::skipped("reminders", "none is set"),
        count => Check::ok("reminders", format!("{count} set")),
    }
}

/// Secret files that others may read.
fn private_files(inspection: &Inspection) -> Vec<Check> {
    let loaded = &inspection.loaded;
    let mut files: Vec<PathBuf> = Vec::new();
    for key in keys::all().filter(|key| key.is_secret() && key.is_set(&loaded.config)) {
        if let Origin::File { path, .. } = loaded.origin(key.name) {
            files.push(path);
        }
    }
    let named = crate::config::settings_of(&loaded.config);
    let secret_files = named.iter().filter(|(key, _)| key.ends_with("_file"));
    files.extend(secret_files.filter_map(|(_, value)| value.as_str()).map(PathBuf::from));
    files.sort();
    files.dedup();
    let open = files.into_iter().filter_map(|path| {
        let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        let detail = format!("it holds a secret, and its mode is {mode:04o}: others may read it");
        let fix = format!("chmod 600 {}", path.display());
        (mode & 0o077 != 0).then(|| Check::warning(path.display().to_string(), detail, fix))
    });
    open.collect()
}

fn time_zone(inspection: &Inspection) -> Check {
    let zone = &inspection.loaded.zone;
    if zone.is_unknown() {
        return Check::warning(
            "time_zone",
            "the system does not say in which time zone it is; days are UTC's",
            "set time_zone, such as time_zone = \"Europe/Berlin\"",
        );
    }
    let (name, is_set) = (zone_name(zone), inspection.loaded.config.time_zone.is_some());
    Check::ok("time_zone", if is_set { name } else { format!("{name}, the system's") })
}

fn user() -> Check {
    const NAME: &str = "user";
    let user = rustix::process::geteuid();
    if user.is_root() {
        Check::warning(
            NAME,
            "this runs as root: who gets in has the machine, and what is made here is closed to everybody else",
            "run it as a user of its own: User= in the unit, USER in the container",
        )
    } else {
        Check::ok(NAME, format!("uid {}", user.as_raw()))
    }
}

fn directory(dir: &Path) -> Check {
    const NAME: &str = "data directory";
    let shown = dir.display();
    let metadata = match std::fs::metadata(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = dir.ancestors().find(|parent| parent.is_dir());
            return match parent {
                Some(parent) if is_writable(parent) => {
                    Check::ok(NAME, format!("{shown} is made at the first start"))
                }
                _ => Check::problem(
                    NAME,
                    format!("{shown} is not there and cannot be made"),
                    "name another with --data-dir, or give yourself the directory above it",
                ),
            };
        }
        Err(error) => return Check::problem(NAME, format!("{shown}: {error}"), "fix its owner and mode"),
        Ok(metadata) => metadata,
    };
    let mode = metadata.permissions().mode() & 0o777;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if !metadata.is_dir() {
        Check::problem(NAME, format!("{shown} is not a directory"), "name another with --data-dir")
    } else if owner != user {
        let detail = format!("{shown} belongs to user {owner}, and this runs as user {user}");
        Check::problem(NAME, detail, "run it as its owner, or name another with --data-dir")
    } else if !is_writable(dir) {
        Check::problem(NAME, format!("{shown} cannot be written to"), format!("chown or chmod {shown}"))
    } else if mode & 0o077 != 0 {
        let detail = format!("{shown} has mode {mode:04o}: others may look into it");
        Check::warning(NAME, detail, format!("chmod 700 {shown}"))
    } else {
        Check::ok(NAME, format!("{shown}, mode {mode:04o}"))
    }
}

fn is_writable(dir: &Path) -> bool {
    use rustix::fs::{Access, access};
    access(dir, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

fn disk(dir: &Path, config: &Config) -> Check {
    const NAME: &str = "disk";
    const MIB: u64 = 1024 * 1024;
    let Some(place) = dir.ancestors().find(|place| place.is_dir()) else {
        return Check::skipped(NAME, "there is no directory to look at");
    };
    let free = match RealDisk.free_bytes(place) {
        Ok(bytes) => bytes / MIB,
        Err(error) => return Check::problem(NAME, format!("{}: {error}", place.display()), "mend the mount"),
    };
    let reserve = config.log.reserve_mib;
    if free < reserve {
        let detail = format!("{free} MiB are free, and the log keeps {reserve}: it takes no events");
        Check::problem(NAME, detail, "free some space, or lower log.reserve_mib")
    } else if free < reserve.saturating_mul(4) {
        let detail = format!("{free} MiB are free; below {reserve} the log takes no events");
        Check::warning(NAME, detail, "free some space")
    } else {
        Check::ok(NAME, format!("{free} MiB free"))
    }
}

/// The name of the log's check.
pub const LOG: &str = "log";
/// What it says of a log that does not exist yet.
pub const EMPTY: &str = "empty: nothing has been recorded yet";

fn log(place: &Place, config: &Config) -> Check {
    const NAME: &str = LOG;
    // Before there were tenants it lay in the data directory itself, from where the next start moves it.
    let before = Place { dir: place.root.clone(), ..place.clone() };
    let is_moved = place.exists() || !place.tenant.is_local() || barrier::stands_in(&place.root);
    let location = log_location(if is_moved { place } else { &before }, config);
    if !location.is_used() {
        return Check::ok(NAME, EMPTY);
    }
    match location.inspect() {
        Ok(Inspected { head, damage: None }) => {
            Check::ok(NAME, format!("{} events; `mecris verify` reads them all", head.position))
        }
        Ok(Inspected { damage: Some(error), .. }) => {
            Check::problem(NAME, error.to_string(), "mecris verify, then mecris repair")
        }
        Err(LogError::Locked { .. }) => Check::ok(NAME, format!("{RUNNING} holds it")),
        Err(error) => Check::problem(NAME, error.to_string(), "mecris verify, then mecris repair"),
    }
}

fn transcripts(config: &Config) -> Check {
    const NAME: &str = "transcripts";
    if !config.transcripts.enabled {
        return Check::skipped(NAME, "switched off by transcripts.enabled = false");
    }
    let (mut found, mut absent) = (Found::default(), Vec::new());
    let mut places = Vec::new();
    for (source, roots) in importer::places(config, &[]) {
        let of_source = source.find(&roots);
        let roots = roots.iter().map(|root| root.display().to_string()).collect::<Vec<_>>().join(", ");
        if of_source.roots.is_empty() {
            let (what, fix) = source.trace();
            absent.push((format!("there is no {what} in {roots}"), fix));
        }
        places.push(roots);
        found.join(of_source);
    }
    match (found.problems.first(), found.roots.is_empty()) {
        (Some(problem), _) => {
            Check::problem(NAME, format!("{} cannot be read", problem.path.display()), problem.reason.clone())
        }
        (None, true) => {
            let (absent, fixes): (Vec<_>, Vec<_>) = absent.into_iter().unzip();
            Check::warning(NAME, format!("none: {}", absent.join("; ")), fixes.join("; "))
        }
        (None, false) => Check::ok(NAME, format!("{} files in {}", found.files.len(), places.join(", "))),
    }
}

fn price_file(config: &Config) -> Check {
    match prices::price_table(config.prices.as_deref()) {
        Ok(table) => Check::ok("prices", format!("{} models, {}", table.models.len(), table.version)),
        Err(error) => Check::problem("prices", error.to_string(), "fix or remove the price file"),
    }
}

fn vault(config: &Config) -> Check {
    const NAME: &str = "vault.path";
    let Some(path) = &config.vault.path else {
        return Check::skipped(NAME, "no Obsidian vault is named");
    };
    match std::fs::read_dir(path) {
        Err(error) => Check::problem(NAME, format!("{}: {error}", path.display()), "name the vault's folder"),
        Ok(_) if !path.join(".obsidian").is_dir() => Check::warning(
            NAME,
            format!("{} has no .obsidian in it", path.display()),
            "name the folder that Obsidian opened as a vault",
        ),
        Ok(_) => Check::ok(NAME, path.display().to_string()),
    }
}
