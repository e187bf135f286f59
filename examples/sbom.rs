//! The bill of materials of the program: every crate that is in it or helps to build it, in CycloneDX 1.5.
//!
//! `cargo run --quiet --locked --example sbom > sbom.json`, for the machine it runs on; with a target's name after `--`, for that
//! target. The same sources give the same bytes: it holds no date and no random number. What is only for tests is not in it.
//! Source of the form: <https://cyclonedx.org/docs/1.5/json/>.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, ExitCode};

use serde_json::{Value, json};

/// What the document says that it is.
pub const SPECIFICATION: &str = "1.5";

/// A crate: its name and its version.
pub type Key = (String, String);

/// The bill, from what `cargo tree` says (see [`tree`]) and the checksums of `Cargo.lock`.
///
/// # Errors
/// The line that is not as cargo writes it.
pub fn bill(tree: &str, lock: &str) -> Result<Value, String> {
    let checksums = checksums(lock);
    let mut licenses: BTreeMap<Key, String> = BTreeMap::new();
    let mut below: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
    // The crates from the program down to the line that is read.
    let mut above: Vec<Key> = Vec::new();
    for line in tree.lines() {
        let (depth, key, license) = read(line).ok_or_else(|| format!("cargo tree says: {line}"))?;
        if depth > above.len() || (depth == 0) != licenses.is_empty() {
            return Err(format!("cargo tree says in this place: {line}"));
        }
        above.truncate(depth);
        if let Some(parent) = above.last() {
            below.entry(parent.clone()).or_default().insert(key.clone());
        }
        below.entry(key.clone()).or_default();
        licenses.insert(key.clone(), license);
        above.push(key);
    }
    let program = above.first().ok_or("cargo tree says nothing")?.clone();
    let reference = |(name, version): &Key| format!("pkg:cargo/{name}@{version}");
    let component = |key: &Key| {
        let mut component = json!({
            "type": if *key == program { "application" } else { "library" },
            "bom-ref": reference(key), "name": key.0, "version": key.1, "purl": reference(key),
        });
        if let Some(checksum) = checksums.get(key) {
            component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
        }
        if !licenses[key].is_empty() {
            // Crates of old write `MIT/Apache-2.0`, which is no expression of SPDX.
            component["licenses"] = json!([{ "expression": licenses[key].replace('/', " OR ") }]);
        }
        component
    };
    let leads = |(key, on): (&Key, &BTreeSet<Key>)| json!({ "ref": reference(key), "dependsOn": on.iter().map(reference).collect::<Vec<_>>() });
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": SPECIFICATION,
        "version": 1,
        "metadata": { "component": component(&program) },
        "components": licenses.keys().filter(|key| **key != program).map(component).collect::<Vec<_>>(),
        "dependencies": below.iter().map(leads).collect::<Vec<_>>(),
    }))
}

/// A line of `cargo tree`: how deep, what, and under which license. What was shown before ends with `(*)`.
fn read(line: &str) -> Option<(usize, Key, String)> {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (depth, rest) = line.split_at(digits);
    let (package, license) = rest.split_once('|')?;
    let mut words = package.split(' ');
    let key = (words.next()?.to_owned(), words.next()?.strip_prefix('v')?.to_owned());
    Some((depth.parse().ok()?, key, license.trim_end_matches(" (*)").to_owned()))
}

/// The checksums of a lock file, by name and version. What lies here has none.
#[must_use]
pub fn checksums(lock: &str) -> BTreeMap<Key, String> {
    let mut found = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|line| line.strip_suffix('"')).map(str::to_owned)
        };
        if let (Some(name), Some(version), Some(checksum)) =
            (value("name"), value("version"), value("checksum"))
        {
            found.insert((name, version), checksum);
        }
    }
    found
}

/// What is in the program for a target, or helps to build it; nothing that is for tests alone.
///
/// # Errors
/// What cargo said.
pub fn tree(target: &str) -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let said = Command::new(cargo)
        .args(["tree", "--locked", "--edges", "normal,build", "--target", target])
        .args(["--prefix", "depth", "--format", "{p}|{l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| error.to_string())?;
    if !said.status.success() {
        return Err(String::from_utf8_lossy(&said.stderr).into_owned());
    }
    String::from_utf8(said.stdout).map_err(|error| error.to_string())
}

/// The machine's own target.
///
/// # Errors
/// What rustc said.
pub fn host() -> Result<String, String> {
    let said = Command::new("rustc").arg("-vV").output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    said.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or("rustc names no host".to_owned())
}

#[allow(dead_code, reason = "the tests include this file for its functions")]
fn main() -> ExitCode {
    let target = std::env::args().nth(1).map_or_else(host, Ok);
    let made = target.and_then(|target| tree(&target)).and_then(|tree| {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
        bill(&tree, &std::fs::read_to_string(lock).map_err(|error| error.to_string())?)
    });
    match made {
        Ok(bill) => {
            println!("{bill:#}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("no bill of materials: {reason}");
            ExitCode::FAILURE
        }
    }
}
