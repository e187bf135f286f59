//! What the program is made of, and how that is held against what is known of it: the bill of materials, the copy of the
//! advisories, and that what builds and checks it is named exactly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

#[allow(dead_code)]
#[path = "../examples/sbom.rs"]
mod sbom;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names and versions of the lock file, each with those that it leads to.
fn locked() -> BTreeMap<(String, String), Vec<String>> {
    let mut found = BTreeMap::new();
    for package in text("Cargo.lock").split("[[package]]").skip(1) {
        let value = |key: &str| -> String {
            let line = package.lines().find(|line| line.starts_with(key)).unwrap();
            line.split('"').nth(1).unwrap().to_owned()
        };
        let below = package.split("dependencies = [").nth(1).unwrap_or("");
        let below = below.lines().filter_map(|line| line.trim().strip_prefix('"')?.split('"').next());
        found.insert((value("name = "), value("version = ")), below.map(str::to_owned).collect());
    }
    found
}

#[test]
fn the_bill_of_materials_is_what_the_lock_file_says() {
    let tree = sbom::tree(&sbom::host().unwrap()).unwrap();
    let bill = sbom::bill(&tree, &text("Cargo.lock")).unwrap();
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(bill["metadata"]["component"]["name"], "mecris");
    let locked = locked();
    let sums = sbom::checksums(&text("Cargo.lock"));
    assert_eq!(sums.len(), locked.len() - 1, "all have a checksum but the program itself");
    let mut there: BTreeSet<(String, String)> = BTreeSet::new();
    let mut references: BTreeSet<&str> =
        BTreeSet::from([bill["metadata"]["component"]["bom-ref"].as_str().unwrap()]);
    for component in bill["components"].as_array().unwrap() {
        let part =
            |key: &str| component[key].as_str().unwrap_or_else(|| panic!("no {key}: {component}")).to_owned();
        let key = (part("name"), part("version"));
        assert_eq!(component["type"], "library");
        assert_eq!(part("purl"), format!("pkg:cargo/{}@{}", key.0, key.1));
        assert_eq!(
            component["hashes"][0]["content"].as_str(),
            sums.get(&key).map(String::as_str),
            "{component}"
        );
        let license = component["licenses"][0]["expression"].as_str();
        assert!(license.is_some_and(|license| !license.contains('/')), "{component}");
        assert!(references.insert(component["bom-ref"].as_str().unwrap()), "{component} is there twice");
        assert!(there.insert(key));
    }
    assert!(there.iter().all(|key| locked.contains_key(key)), "something is in it that is not locked");
    assert!(there.len() > 200, "{} crates", there.len());
    // All that the program names, and nothing that only its tests do.
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let named = |section: &str| -> BTreeSet<String> {
        manifest[section].as_table().unwrap().keys().cloned().collect()
    };
    let names: BTreeSet<String> = there.iter().map(|(name, _)| name.clone()).collect();
    assert!(named("dependencies").is_subset(&names), "{:?}", named("dependencies").difference(&names));
    for tool in ["criterion", "proptest", "insta", "fake-opentelemetry-collector"] {
        assert!(
            named("dev-dependencies").contains(tool) && !names.contains(tool),
            "{tool} is for tests alone"
        );
    }
    // Whatever leads on is there too, and leads where the lock file does.
    for dependency in bill["dependencies"].as_array().unwrap() {
        let from = dependency["ref"].as_str().unwrap();
        assert!(references.contains(from), "{from}");
        let (name, version) = from.strip_prefix("pkg:cargo/").unwrap().split_once('@').unwrap();
        let allowed = &locked[&(name.to_owned(), version.to_owned())];
        for on in dependency["dependsOn"].as_array().unwrap() {
            let on = on.as_str().unwrap();
            assert!(references.contains(on), "{from} leads to {on}, which is not there");
            let (name, version) = on.strip_prefix("pkg:cargo/").unwrap().split_once('@').unwrap();
            let written = [name.to_owned(), format!("{name} {version}")];
            assert!(
                allowed.iter().any(|allowed| written.contains(allowed)),
                "{from} leads to {on}, and the lock file does not"
            );
        }
    }
    assert_eq!(bill["dependencies"].as_array().unwrap().len(), references.len());
    assert_eq!(
        sbom::bill(&tree, &text("Cargo.lock")).unwrap().to_string(),
        bill.to_string(),
        "the same, each time"
    );
    // It says what is wrong, and makes no half of a bill.
    for spoiled in [
        "",
        "x",
        "0mecris v0.1.0",
        "1mecris v0.1.0|MIT",
        "0mecris v0.1.0|MIT\n2a v1.0.0|MIT",
        "0a v1|MIT\n0b v1|MIT",
        "0mecris 1|MIT",
    ] {
        assert!(sbom::bill(spoiled, "").is_err(), "{spoiled}");
    }
}

fn git(dir: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
    let done = Command::new("git").args(identity).args(arguments).current_dir(dir).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

/// A copy of the script, in a repository of its own, with a lock file that names these crates.
fn updated(home: &Path, locked: &[&str], database: &Path) -> (PathBuf, std::process::Output) {
    let copy = home.join("data/advisories");
    std::fs::create_dir_all(&copy).unwrap();
    std::fs::copy(root().join("data/advisories/update"), copy.join("update")).unwrap();
    let lock: String = locked
        .iter()
        .map(|name| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n\n"))
        .collect();
    std::fs::write(home.join("Cargo.lock"), lock).unwrap();
    let said = Command::new(copy.join("update")).arg(database).output().unwrap();
    (copy, said)
}

#[test]
fn an_update_keeps_what_a_build_can_meet_and_says_of_when_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (database, home) = (dir.path().join("database"), dir.path().join("home"));
    for (name, advisory) in
        [("used", "RUSTSEC-2026-0001"), ("used", "RUSTSEC-2026-0002"), ("unused", "RUSTSEC-2026-0003")]
    {
        let crate_dir = database.join("crates").join(name);
        std::fs::create_dir_all(&crate_dir).unwrap();
        std::fs::write(crate_dir.join(format!("{advisory}.md")), advisory).unwrap();
    }
    git(&database, &["init", "--quiet"]);
    git(&database, &["add", "--all"]);
    git(&database, &["commit", "--quiet", "--message", "x", "--date", "2026-08-21T00:00:00Z"]);
    let (copy, said) = updated(&home, &["used", "harmless"], &database);
    assert!(said.status.success(), "{said:?}");
    assert!(
        String::from_utf8_lossy(&said.stdout).starts_with("2 advisories of 1 crates, as of 20"),
        "{said:?}"
    );
    let kept = |path: &str| std::fs::read_to_string(copy.join(path)).unwrap_or_default();
    assert_eq!(kept("crates/used/RUSTSEC-2026-0002.md"), "RUSTSEC-2026-0002");
    assert!(!copy.join("crates/unused").exists(), "no build of ours meets it");
    assert_eq!(kept("covered"), "harmless\nused\n", "a crate without advisories was looked for too");
    assert!(
        kept("snapshot").contains("date = 20") && kept("snapshot").contains("commit = "),
        "{}",
        kept("snapshot")
    );
    // What is withdrawn there, or used here no more, goes.
    std::fs::remove_file(database.join("crates/used/RUSTSEC-2026-0001.md")).unwrap();
    git(&database, &["commit", "--quiet", "--all", "--message", "y"]);
    let (_, said) = updated(&home, &["used", "unused"], &database);
    assert!(said.status.success(), "{said:?}");
    assert!(!copy.join("crates/used/RUSTSEC-2026-0001.md").exists() && copy.join("crates/unused").exists());
    // A database that is not there changes nothing.
    let before = kept("snapshot");
    let (_, said) = updated(&home, &["used"], &dir.path().join("nowhere"));
    assert!(!said.status.success() && !said.stderr.is_empty(), "{said:?}");
    assert_eq!((kept("snapshot"), copy.join("crates/unused").exists()), (before, true));
}

/// A name that moves is a program that somebody else chooses.
#[test]
fn what_builds_and_checks_the_program_is_named_exactly() {
    for line in text("deploy/Containerfile").lines().filter(|line| line.starts_with("FROM ")) {
        let image = line.split(' ').nth(1).unwrap();
        let tag = image
            .split('@')
            .next()
            .unwrap()
            .rsplit_once(':')
            .unwrap_or_else(|| panic!("{image} has no tag"))
            .1;
        let digest = image.split_once("@sha256:").map(|(_, digest)| digest.len());
        // Debian's releases are points of one number, such as 12.15.
        let whole = if image.contains("/debian:") { 2 } else { 3 };
        let is_whole =
            tag.split('-').next().unwrap().split('.').filter(|part| part.parse::<u32>().is_ok()).count()
                == whole;
        assert!(is_whole && digest.is_none_or(|length| length == 64), "{image} moves");
    }
    let ci = text(".ci/run");
    for line in ci.lines().filter(|line| line.contains("cargo install")) {
        assert!(line.contains("--locked") && line.contains("--version"), "{line}");
    }
    assert!(ci.contains("data/advisories/check"), "the advisories are looked at");
    for line in text("tests/mcp_suite.sh")
        .lines()
        .filter(|line| line.contains("npm install") && !line.contains("apt-get"))
    {
        assert!(line.contains("\"$1@$2\""), "{line}");
    }
    let deny: toml::Table = text("deny.toml").parse().unwrap();
    let targets: Vec<&str> =
        deny["graph"]["targets"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    for target in [
        "x86_64-unknown-linux-gnu",
        "aarch64-unknown-linux-gnu",
        "x86_64-apple-darwin",
        "aarch64-apple-darwin",
    ] {
        assert!(targets.contains(&target), "{target} is not looked at");
    }
    for known in deny["advisories"]["ignore"].as_array().unwrap() {
        assert!(
            known["reason"].as_str().is_some_and(|reason| reason.len() > 10),
            "{known} is ignored without a reason"
        );
    }
}
