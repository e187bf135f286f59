//! The house: a room may use only rooms above it in this list.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "rooms/graph.rs"]
mod graph;

/// From the ground up. The last three are the faces, which do not know each other.
const ROOMS: [&str; 9] = ["domain", "event", "log", "view", "actor", "integration", "service", "http", "mcp"];
/// What lies below every room that writes files. It knows nothing of what is in them.
const GROUND: &str = "files";
/// Rooms that any but the pure ones may use.
const COMMON: [&str; 2] = ["config", "telemetry"];

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The room that a source file is in.
fn room(path: &Path) -> String {
    let first = path.strip_prefix(root()).unwrap().components().next().unwrap();
    first.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// (file, room that it uses), for every `crate::…` in the code.
fn arrows() -> Vec<(PathBuf, String)> {
    let mut arrows = Vec::new();
    for path in sources(&root()) {
        for line in
            fs::read_to_string(&path).unwrap().lines().filter(|line| !line.trim_start().starts_with("//"))
        {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
                if name != room(&path) {
                    arrows.push((path.clone(), name));
                }
            }
        }
    }
    assert!(arrows.len() > 100, "the arrows were not found");
    arrows
}

#[test]
fn no_arrow_points_upwards() {
    for (path, used) in arrows() {
        let from = room(&path);
        let place = |name: &str| ROOMS.iter().position(|room| *room == name);
        let allowed = match (place(&from), place(&used)) {
            // The command line is where the program is put together: `run` and `mcp` start the other faces.
            _ if from == "cli" && path.ends_with("cli/run.rs") => true,
            // The fuzzer's ways in: they lead everywhere, and no room may use them.
            _ if from == "fuzzing" => true,
            _ if from == "cli" => used != "http" && (used != "mcp" || path.ends_with("cli/mcp.rs")),
            _ if from == GROUND => false,
            // Pure rooms and the kit of actors have no files.
            _ if used == GROUND => {
                COMMON.contains(&from.as_str()) || from == "log" || place(&from) >= place("integration")
            }
            _ if COMMON.contains(&from.as_str()) => ["domain", "event", "config"].contains(&used.as_str()),
            _ if COMMON.contains(&used.as_str()) => place(&from) >= place("integration"),
            // The faces stand side by side.
            (Some(_), Some(_)) if from == "mcp" && used == "http" => false,
            (Some(from), Some(used)) => used < from,
            _ => false,
        };
        assert!(allowed, "{} may not use crate::{used}", path.display());
    }
}

/// The rooms of the services, from the ground up; those of one line know nothing of each other.
const CAPABILITIES: [&[&str]; 8] = [
    &["aggregate"],
    &["runtime"],
    &["access", "alerts", "balances", "goals", "vault"],
    &["usage", "providers", "budgets"],
    &["audit"],
    &["briefing"],
    &["system"],
    &["doctor", "endpoints", "metrics"],
];

#[test]
fn no_capability_uses_one_beside_or_above_it() {
    let graph = graph::read(&root(), &sources(&root()));
    let room = |module: &str| {
        module.strip_prefix("service::").map(|rest| rest.split("::").next().unwrap().to_owned())
    };
    let place = |room: &str| {
        CAPABILITIES
            .iter()
            .position(|line| line.contains(&room))
            .unwrap_or_else(|| panic!("{room} has no place"))
    };
    let mut upward = BTreeSet::new();
    for (module, used) in &graph {
        let Some(from) = room(module) else { continue };
        for other in used {
            match room(other) {
                Some(to) if to != from && place(&to) >= place(&from) => {
                    upward.insert(format!("{module} uses {other}"));
                }
                None if other == "service" => {
                    upward.insert(format!("{module} uses {other}"));
                }
                _ => {}
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let graph = graph::read(&root(), &sources(&root()));
    assert!(graph.len() > 300, "the files were not found: {}", graph.len());
    let own: BTreeSet<String> = ["actor::behaviour", "actor::cell"].map(str::to_owned).into();
    let circles: Vec<_> = graph::circles(&graph).into_iter().filter(|circle| *circle != own).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn the_actor_room_could_be_a_crate_of_its_own() {
    let used: Vec<_> = arrows().into_iter().filter(|(path, _)| room(path) == "actor").collect();
    assert!(used.is_empty(), "{used:?}");
}

#[test]
fn the_domain_asks_no_clock_and_does_no_io() {
    for path in sources(&root().join("domain")) {
        let text = fs::read_to_string(&path).unwrap();
        for word in ["::now()", "std::fs", "std::net", "std::env", "async ", "tokio"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}

#[test]
fn no_file_has_grown_past_reading() {
    for path in sources(&root()) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines: it is two files", path.display());
    }
}

/// What writes files goes through one room: a mode, a link or an owner that one place forgets is how others get in.
#[test]
fn files_are_made_in_one_room() {
    const WAYS: [&str; 11] = [
        "File::create",
        ".write(true)",
        ".append(true)",
        ".create(true)",
        ".create_new(true)",
        "fs::write(",
        "fs::create_dir",
        "fs::copy(",
        "fs::hard_link",
        "fs::set_permissions",
        "DirBuilder",
    ];
    let is_test =
        |path: &Path| path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests");
    for path in sources(&root()).into_iter().filter(|path| room(path) != GROUND && !is_test(path)) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for way in WAYS {
            assert!(!code.contains(way), "{} has {way}: use crate::files", path.display());
        }
    }
}

/// The lines of a file that are code, up to its tests.
fn code(path: &Path) -> String {
    graph::code(&fs::read_to_string(path).unwrap())
}

/// A log on another medium is made in `log/`, and told of where the program is put together: whoever names the log that
/// there is now would have to be changed with it.
#[test]
fn one_place_knows_which_log_there_is() {
    const PLACE: &str = "service/runtime/node.rs";
    const NAMES: [&str; 3] = ["SledLog", "MemoryLog", "Location::new("];
    // What works on the files of a log that is not open: the log's own location asks for it.
    const FILES: [&str; 6] =
        ["verify::verify", "repair::", "restore::", "backup::backup", "open_read_only", "log::journal"];
    let mut places = Vec::new();
    let is_product =
        |path: &PathBuf| !["log", "fuzzing"].contains(&&*room(path)) && !path.ends_with("tests.rs");
    for path in sources(&root()).into_iter().filter(is_product) {
        let code = code(&path);
        for name in NAMES.iter().chain(&FILES).filter(|name| code.contains(*name)) {
            assert!(*name == "Location::new(" && path.ends_with(PLACE), "{} names {name}", path.display());
            places.push(path.clone());
        }
    }
    assert_eq!(places.len(), 1, "{places:?}");
}

/// No log calls back: it may hold a lock or a connection while it reads.
#[test]
fn a_log_answers_in_pages() {
    // The implementations answer in pages; what visits them is written once, over pages.
    for path in sources(&root().join("log")) {
        let code = code(&path);
        let implements = code.contains("impl EventLog for");
        assert!(!implements || !code.contains("Visit<"), "{} calls back by itself", path.display());
    }
}
