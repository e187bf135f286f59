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
            ["mecris", "backup", "~/mecris-backup"] => {
                let target = home.dir.path().join("backup");
                assert_eq!(home.run(&["backup", target.to_str().unwrap()]).code, 0);
            }
            ["mecris", arguments @ ..] => {
                let said = home.run(arguments);
                assert_eq!(said.code, 0, "{command}: {said:?}");
            }
            ["curl", "-H", "\"Authorization:", "Bearer", "$(cat", token, url] => {
                assert_eq!(token.trim_end_matches(")\""), "~/.local/share/mecris/tenants/local/token");
                let path = url.strip_prefix("http://127.0.0.1:7787").unwrap();
                let running = home.start(&[]);
                assert_eq!(running.get(path).status, 200);
            }
            _ => panic!("nothing runs '{command}'"),
        }
        ran += 1;
    }
    assert!(ran >= 12, "the README's commands were not found");
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "docs/api.md",
        "docs/faults.md",
        "docs/figures.md",
        "docs/goals.md",
        "docs/json.md",
        "docs/log.md",
        "docs/rules.md",
        "docs/configuration.md",
        "docs/operating.md",
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

/// The example in docs/configuration.md is a configuration that shows every key with its default. Keys that
/// have no default stand in it as comments, which are then read as well.
#[test]
fn the_documented_configuration_is_one() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md")).unwrap();
    let example = text.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    let load = |text: &str| {
        fs::write(&path, text).unwrap();
        let inspection = mecris::config::inspect_with(Some(&path), &[]);
        assert_eq!(inspection.problems, [], "{text}");
        inspection.loaded
    };
    assert_eq!(load(example).config, mecris::config::Config::default(), "it shows the defaults");
    let printed = Home::new().run(&["config", "example"]);
    assert_eq!((printed.code, printed.out.trim_end()), (0, example.trim_end()));
    let schema = Home::new().json(&["config", "schema"]);
    assert_eq!(schema["title"], "Config");
    let is_setting = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
    let uncommented: Vec<&str> = example
        .lines()
        .map(|line| {
            let uncommented = line.strip_prefix("# ");
            uncommented.filter(|line| is_setting(line) || line.starts_with("[[")).unwrap_or(line)
        })
        .filter(|line| !line.contains("_file = "))
        .collect();
    let all = load(&uncommented.join("\n"));
    let shown = |key: &str| all.origins.contains_key(key) || example.contains(&format!("# {} = ", last(key)));
    for (key, _) in mecris::config::settings_of(&mecris::config::Config::default()) {
        assert!(shown(&key), "docs/configuration.md does not show {key}");
    }
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap()
}
