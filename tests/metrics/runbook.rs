//! The runbook: every alert rule and every state that something is wrong in has its chapter.

use std::collections::BTreeSet;

use mecris::actor::State;
use mecris::domain::alert::Kind;
use mecris::service::runtime::sources::SourceState;

use regex::Regex;

use crate::support::program::Home;

use super::{observability, root};

fn text() -> String {
    std::fs::read_to_string(root().join("docs/runbook.md")).unwrap()
}

/// As GitHub makes anchors of headings.
fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .collect::<String>();
    kept.replace(' ', "-")
}

fn headings() -> Vec<String> {
    text()
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_owned())
        .collect()
}

#[test]
fn every_rule_leads_to_its_chapter_and_every_chapter_of_a_rule_to_a_rule() {
    let anchors: BTreeSet<String> = headings().iter().map(|heading| anchor(heading)).collect();
    let mut ruled = BTreeSet::new();
    for rule in observability::rules() {
        let name = rule["alert"].as_str().unwrap();
        let url =
            rule["annotations"]["runbook_url"].as_str().unwrap_or_else(|| panic!("{name} leads nowhere"));
        let (file, target) = url.split_once('#').unwrap();
        assert_eq!(file, "docs/runbook.md", "{name}");
        assert!(anchors.contains(target), "{name}: the runbook has no #{target}");
        assert_eq!(target, anchor(name), "{name} leads to another's chapter");
        for part in ["summary", "description"] {
            assert!(rule["annotations"][part].is_string(), "{name} has no {part}");
        }
        assert!(
            ["info", "warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()),
            "{name}"
        );
        ruled.insert(name.to_owned());
    }
    for heading in headings().iter().filter(|heading| heading.starts_with("Mecris") && !heading.contains(' '))
    {
        assert!(ruled.contains(heading), "there is no rule {heading}");
    }
}

#[test]
fn every_rule_was_seen_to_fire() {
    let tests = std::fs::read_to_string(root().join("observability/rules/mecris_test.yaml")).unwrap();
    for rule in observability::rules() {
        let name = rule["alert"].as_str().unwrap();
        let fired = format!("alertname=\"{name}\"");
        let told = format!("alertname: {name}\n        exp_alerts:\n");
        assert!(tests.contains(&fired) || tests.contains(&told), "nothing shows that {name} fires");
    }
}

#[test]
fn its_commands_are_there() {
    let help = Home::new().run(&["--help"]).out;
    let known: BTreeSet<&str> =
        help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let command = Regex::new(r"mecris ([a-z][a-z-]+)").unwrap();
    let text = text();
    let code = Regex::new(r"`[^`]+`|(?m)^    .+$").unwrap();
    let mut found = 0;
    for part in code
        .find_iter(&text)
        .map(|part| part.as_str())
        .filter(|part| !part.contains("systemctl") && !part.contains("journalctl"))
    {
        for word in command.captures_iter(part).map(|found| found.extract::<1>().1[0].to_owned()) {
            assert!(known.contains(word.as_str()), "there is no `mecris {word}`: {part}");
            found += 1;
        }
    }
    assert!(found >= 30, "{found}");
}

#[test]
fn every_chapter_says_what_it_means_how_to_look_and_what_to_do() {
    let text = text();
    let chapters: Vec<&str> = text.split("\n### ").skip(1).collect();
    assert!(chapters.len() >= 25, "{}", chapters.len());
    for chapter in chapters {
        let heading = chapter.lines().next().unwrap();
        for part in ["**Means.**", "**Look.**", "**Do.**"] {
            assert!(chapter.contains(part), "{heading} lacks {part}");
        }
    }
}

#[test]
fn every_state_of_the_code_has_its_words() {
    let headings = headings();
    let has = |heading: &str| {
        assert!(headings.iter().any(|own| own == heading), "the runbook has no chapter '{heading}'");
    };
    for state in SourceState::ALL.into_iter().filter(|state| *state != SourceState::Ok) {
        has(&format!("A source is {}", state.name()));
    }
    for state in [State::Waiting, State::Starting, State::BackingOff, State::Stopped] {
        let name = serde_json::to_value(state).unwrap();
        has(&format!("An actor is {}", name.as_str().unwrap()));
    }
    for kind in Kind::ALL {
        has(&format!("An alert: {}", kind.word()));
    }
    for verdict in ["warning", "problem", "skipped"] {
        has(&format!("`mecris doctor` says {verdict}"));
    }
    for change in ["restarted", "escalated", "ended", "cut-off", "set-aside", "repaired"] {
        has(&format!("An incident: {change}"));
    }
}
