//! Every command in the README runs, as it stands there.

use std::fs;

use crate::support::corpus::{self, Plan};
use crate::support::program::Home;

/// The lines of the README's shell blocks, without their comments.
fn commands() -> Vec<String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let blocks = text.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned());
    blocks
        .flat_map(|block| {
            block.lines().map(|line| line.split(" #").next().unwrap().trim().to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_readme_s_commands_do_what_they_say() {
    let home = Home::new();
    corpus::write(&home.claude(), Plan { bytes: 200_000, files: 2, days: 2, seed: 61 });
    let mut ran = 0;
    for command in commands() {
        let words: Vec<&str> = command.split(' ').filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["cargo", "run", "--release", "--", "run"] => assert_eq!(home.start(&[]).stop(), 0),
            // This test is run by it.
            ["tests/run"] => assert!(fs::metadata(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/run")).is_ok()),
            ["mecris", arguments @ ..] => {
                let said = home.run(arguments);
                assert_eq!(said.code, 0, "{command}: {said:?}");
            }
            ["curl", "-H", "\"Authorization:", "Bearer", "$(cat", token, url] => {
                assert_eq!(token.trim_end_matches(")\""), "~/.local/share/mecris/token");
                let path = url.strip_prefix("http://127.0.0.1:7787").unwrap();
                let running = home.start(&[]);
                assert_eq!(running.get(path).status, 200);
            }
            _ => panic!("nothing runs '{command}'"),
        }
        ran += 1;
    }
    assert!(ran >= 8, "the README's commands were not found");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/json.md",
        "docs/rules.md",
        "docs/configuration.md",
    ] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let is_outside = target.starts_with("http");
            assert!(
                is_outside || root.join(name).parent().unwrap().join(target).exists(),
                "{name}: {target}"
            );
        }
    }
    assert!(fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap().lines().count() < 200);
}

/// The example in docs/configuration.md is a configuration, with every key in it.
#[test]
fn the_documented_configuration_is_one() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    fs::write(&path, example).unwrap();
    let loaded = mecris::config::load(Some(&path)).unwrap();
    let set = |mut config: mecris::config::Config| {
        // What the example sets for the sake of showing it.
        (config.time_zone, config.prices) = (None, None);
        config
    };
    assert!(loaded.config.time_zone.is_some() && loaded.config.prices.is_some());
    assert_eq!(set(loaded.config), mecris::config::Config::default(), "it shows the defaults");
    let keys = serde_json::to_value(mecris::config::Config::default()).unwrap();
    for (key, value) in keys.as_object().unwrap() {
        assert!(example.contains(key.as_str()), "{key}");
        for inner in value.as_object().into_iter().flat_map(|table| table.keys()) {
            assert!(example.contains(inner.as_str()), "{key}.{inner}");
        }
    }
}
