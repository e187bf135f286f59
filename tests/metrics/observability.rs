//! The files of `observability/` and `docs/metrics.md`, held against what is exported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use regex::Regex;
use serde_json::Value;

use super::exposition::Exposition;
use super::root;

fn dashboards() -> Vec<(PathBuf, Value)> {
    let dir = root().join("observability/grafana/dashboards");
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, value)
    };
    found.into_iter().map(read).collect()
}

/// All panels, those in rows too.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let all = dashboard["panels"].as_array().unwrap();
    all.iter()
        .flat_map(|panel| std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten()))
        .collect()
}

pub fn rules() -> Vec<Value> {
    let text = std::fs::read_to_string(root().join("observability/rules/mecris.yaml")).unwrap();
    let rules: Value = serde_saphyr::from_str(&text).unwrap();
    let groups = rules["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

/// Every query of the dashboards, their variables, and the rules; with where it stands.
pub fn questions() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (path, dashboard) in dashboards() {
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        for panel in panels(&dashboard) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("{file}: {}", panel["title"]);
                found.push((place, target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    for rule in rules() {
        found.push((format!("rule {}", rule["alert"]), rule["expr"].as_str().unwrap().to_owned()));
    }
    assert!(found.len() >= 50, "{}", found.len());
    found
}

/// A panel's query as Grafana sends it.
pub fn asked(expr: &str) -> String {
    expr.replace("$__rate_interval", "1m").replace("$__range", "1h").replace("$__interval", "15s")
}

/// Metrics of a query, and the labels it names.
fn names(expr: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let expr = Regex::new(r#""[^"]*""#).unwrap().replace_all(expr, "\"\"").into_owned();
    let inner =
        Regex::new(r"\{([^}]*)\}|\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)").unwrap();
    let word = Regex::new(r"\b(?:mecris|http|process|gen_ai)_[a-z0-9_]+\b").unwrap();
    let words =
        |text: &str| word.find_iter(text).map(|found| found.as_str().to_owned()).collect::<BTreeSet<_>>();
    let labels = inner
        .captures_iter(&expr)
        .flat_map(|found| {
            found.iter().skip(1).flatten().flat_map(|part| words(part.as_str())).collect::<Vec<_>>()
        })
        .collect();
    (words(&inner.replace_all(&expr, "")), labels)
}

pub fn questions_name_what_is_exported(shown: &Exposition) {
    let (known, labels) = (shown.sample_names(), shown.label_names());
    for (place, expr) in questions() {
        let (metrics, of) = names(&expr);
        assert!(!metrics.is_empty() || expr.contains("up{"), "{place} asks for nothing: {expr}");
        for metric in metrics {
            assert!(known.contains(metric.as_str()), "{place} asks for {metric}, which is not exported");
        }
        for label in of {
            assert!(labels.contains(label.as_str()), "{place} asks by {label}, which no metric has");
        }
    }
}

/// A row of the table in `docs/metrics.md`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Row {
    kind: String,
    labels: BTreeSet<String>,
    help: String,
}

const TABLE: [&str; 2] = ["<!-- the table -->\n", "<!-- its end -->"];

fn documented(table: &str) -> BTreeMap<String, Row> {
    let bare = |cell: &str| cell.trim().trim_matches('`').to_owned();
    let row = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        let [name, kind, labels, help] = cells[..] else { panic!("{line}") };
        let labels = labels.split(',').map(bare).filter(|label| !label.is_empty()).collect();
        (bare(name), Row { kind: bare(kind), labels, help: help.trim().to_owned() })
    };
    table.lines().skip(2).map(row).collect()
}

/// The table of `docs/metrics.md` has what is exported, and nothing else. A label that is there only where something
/// failed need not be exported now.
pub fn names_are_documented(shown: &Exposition) {
    let path = root().join("docs/metrics.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(TABLE[0]).unwrap();
    let (table, tail) = rest.split_once(TABLE[1]).unwrap();
    let documented = documented(table);
    let exported = shown.families().filter(|name| *name != "target_info").map(|name| {
        let row = Row {
            kind: shown.kind(name).unwrap().to_owned(),
            labels: shown.family_labels(name),
            help: shown.help(name).to_owned(),
        };
        (name.to_owned(), row)
    });
    let mut exported: BTreeMap<String, Row> = exported.collect();
    for (name, row) in &mut exported {
        row.labels.extend(documented.get(name).into_iter().flat_map(|known| known.labels.clone()));
    }
    if std::env::var_os("MECRIS_BLESS").is_some() {
        let mut table = "| name | type | labels | what it says |\n|---|---|---|---|\n".to_owned();
        for (name, row) in &exported {
            let labels: Vec<String> = row.labels.iter().map(|label| format!("`{label}`")).collect();
            table += &format!("| `{name}` | {} | {} | {} |\n", row.kind, labels.join(", "), row.help);
        }
        std::fs::write(&path, format!("{head}{}{table}{}{tail}", TABLE[0], TABLE[1])).unwrap();
        return;
    }
    for (name, row) in &exported {
        assert_eq!(documented.get(name), Some(row), "docs/metrics.md about {name}");
    }
    let unknown: Vec<&String> = documented.keys().filter(|name| !exported.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "docs/metrics.md has {unknown:?}, which nothing exports");
}

#[test]
fn dashboards_are_whole_and_say_what_they_answer() {
    let shown = dashboards();
    let uids: BTreeSet<&str> =
        shown.iter().map(|(_, dashboard)| dashboard["uid"].as_str().unwrap()).collect();
    assert_eq!(uids, BTreeSet::from(["mecris-actors", "mecris-goals", "mecris-log", "mecris-money"]));
    for (path, dashboard) in &shown {
        let file = path.display();
        let (mut ids, mut taken) = (BTreeSet::new(), Vec::new());
        for panel in panels(dashboard) {
            let (title, id) = (panel["title"].as_str().unwrap(), panel["id"].as_u64().unwrap());
            assert!(ids.insert(id), "{file}: {title} has the id of another");
            let place = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(place[0] + place[2] <= 24, "{file}: {title} is beside the grid");
            let apart = |[x, y, w, h]: &[u64; 4]| {
                place[0] >= x + w
                    || *x >= place[0] + place[2]
                    || place[1] >= y + h
                    || *y >= place[1] + place[3]
            };
            assert!(taken.iter().all(apart), "{file}: {title} lies on another");
            taken.push(place);
            if panel["type"] == "row" || panel["type"] == "text" {
                continue;
            }
            assert!(
                panel["description"].as_str().is_some_and(|text| text.contains('?')),
                "{file}: {title} answers no question"
            );
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file}: {title}");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{file}: {title} has no unit");
        }
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        assert!(
            variables.iter().any(|one| one["name"] == "datasource" && one["type"] == "datasource"),
            "{file}"
        );
        let links: BTreeSet<&str> =
            dashboard["links"].as_array().unwrap().iter().filter_map(|link| link["url"].as_str()).collect();
        for other in uids.iter().filter(|uid| **uid != dashboard["uid"].as_str().unwrap()) {
            assert!(
                links.iter().any(|url| url.starts_with(&format!("/d/{other}"))),
                "{file} does not lead to {other}"
            );
        }
    }
}

#[test]
fn the_compose_file_is_whole() {
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(root().join("observability").join(name)).unwrap();
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let compose = read("compose.yaml");
    let services = compose["services"].as_object().unwrap();
    for name in ["collector", "jaeger", "prometheus", "grafana"] {
        let service = &services[name];
        let (_, tag) = service["image"].as_str().unwrap().rsplit_once(':').unwrap();
        assert!(tag.chars().any(|letter| letter.is_ascii_digit()), "{name}: {tag} is no version");
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{name}: {port} is open to others");
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let from = volume.as_str().unwrap().split(':').next().unwrap();
            if from.starts_with("./") {
                assert!(root().join("observability").join(from).exists(), "{name}: {from} is not there");
            }
        }
    }
    // Each pipeline of the collector has parts that are there.
    let collector = read("collector.yaml");
    for (name, pipeline) in collector["service"]["pipelines"].as_object().unwrap() {
        for part in ["receivers", "processors", "exporters"] {
            for one in pipeline[part].as_array().into_iter().flatten() {
                assert!(collector[part].get(one.as_str().unwrap()).is_some(), "{name}: {part} has no {one}");
            }
        }
    }
    let source = read("grafana/provisioning/datasources/datasources.yaml");
    let uids: Vec<&str> =
        source["datasources"].as_array().unwrap().iter().map(|one| one["uid"].as_str().unwrap()).collect();
    assert!(uids.contains(&"prometheus"), "{uids:?}");
    read("grafana/provisioning/dashboards/dashboards.yaml");
    read("prometheus-compose.yaml");
}
