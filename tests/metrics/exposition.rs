//! Prometheus' text format, read as strictly as it is written.

use std::collections::{BTreeMap, BTreeSet};

pub type Labels = BTreeMap<String, String>;

/// What was scraped.
#[derive(Debug, Default)]
pub struct Exposition {
    kinds: BTreeMap<String, String>,
    helps: BTreeMap<String, String>,
    samples: Vec<(String, Labels, f64)>,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        let mut shown = Self::default();
        let mut seen = BTreeSet::new();
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(
                    shown.kinds.insert(name.to_owned(), kind.to_owned()).is_none(),
                    "{name} stands twice"
                );
            } else if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                shown.helps.insert(name.to_owned(), help.to_owned());
            } else if !line.starts_with('#') {
                assert!(seen.insert(line.rsplit_once(' ').unwrap().0), "twice: {line}");
                shown.samples.push(sample(line));
            }
        }
        shown
    }

    /// All samples of a name.
    pub fn of(&self, name: &str) -> Vec<(&Labels, f64)> {
        let own = self.samples.iter().filter(|(own, ..)| own == name);
        own.map(|(_, labels, value)| (labels, *value)).collect()
    }

    pub fn sum(&self, name: &str) -> f64 {
        self.of(name).iter().map(|(_, value)| value).sum()
    }

    /// The first value with these labels.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let has =
            |own: &Labels| labels.iter().all(|(key, value)| own.get(*key).is_some_and(|own| own == value));
        self.of(name).into_iter().find(|(own, _)| has(own)).map(|(_, value)| value)
    }

    pub fn labels(&self, name: &str) -> &Labels {
        self.of(name).first().unwrap_or_else(|| panic!("{name} is not there")).0
    }

    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.kinds.keys().map(String::as_str)
    }

    pub fn kind(&self, family: &str) -> Option<&str> {
        self.kinds.get(family).map(String::as_str)
    }

    pub fn help(&self, family: &str) -> &str {
        &self.helps[family]
    }

    /// The labels of a family, but for `le`.
    pub fn family_labels(&self, family: &str) -> BTreeSet<String> {
        let is_own = |name: &str| match name.strip_prefix(family) {
            Some(rest) => ["", "_sum"].contains(&rest),
            None => false,
        };
        let own = self.samples.iter().filter(|(name, ..)| is_own(name));
        own.flat_map(|(_, labels, _)| labels.keys().cloned()).collect()
    }

    /// The names of all labels.
    pub fn label_names(&self) -> BTreeSet<&str> {
        self.samples.iter().flat_map(|(_, labels, _)| labels.keys()).map(String::as_str).collect()
    }

    pub fn label_values(&self) -> BTreeSet<&str> {
        self.samples.iter().flat_map(|(_, labels, _)| labels.values()).map(String::as_str).collect()
    }

    /// How many series each family has; the buckets of a histogram count once.
    pub fn counts(&self) -> BTreeMap<&str, usize> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, ..) in self.samples.iter().filter(|(name, ..)| !name.ends_with("_bucket")) {
            *counts.entry(name).or_default() += 1;
        }
        counts
    }

    /// Every name that can be asked for.
    pub fn sample_names(&self) -> BTreeSet<&str> {
        self.samples.iter().map(|(name, ..)| name.as_str()).collect()
    }
}

fn sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let value = match value {
        "+Inf" => f64::INFINITY,
        value => value.parse().unwrap_or_else(|_| panic!("{line}")),
    };
    let Some((name, labels)) = series.split_once('{') else {
        return (series.to_owned(), Labels::new(), value);
    };
    let mut found = Labels::new();
    let mut rest = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
        let (mut text, mut letters) = (String::new(), after.char_indices());
        let end = loop {
            match letters.next().unwrap_or_else(|| panic!("{line}")) {
                (at, '"') => break at,
                (_, '\\') => match letters.next().unwrap().1 {
                    'n' => text.push('\n'),
                    other => text.push(other),
                },
                (_, other) => text.push(other),
            }
        };
        found.insert(key.to_owned(), text);
        rest = after[end + 1..].trim_start_matches(',');
    }
    (name.to_owned(), found, value)
}

/// As Prometheus' rules for OpenTelemetry have it, without the suffix of counters.
pub fn prometheus_name(name: &str, unit: &str) -> String {
    let name = name.replace(['.', '-'], "_");
    match unit {
        "s" => format!("{name}_seconds"),
        "By" => format!("{name}_bytes"),
        "1" => format!("{name}_ratio"),
        _ => name,
    }
}
