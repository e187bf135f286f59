//! The price table: the bundled snapshot, and a person's file over it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::domain::pricing::{ModelPrices, PriceTable};
use crate::event::envelope::hex;
use crate::files::text;

use super::ConfigError;

const BUNDLED: &str = include_str!("../../data/prices.json");

#[derive(Deserialize)]
struct PriceFile {
    #[serde(default)]
    snapshot: Option<String>,
    models: BTreeMap<String, ModelPrices>,
}

/// The bundled table, with the models of `overriding` in place of its own.
///
/// # Errors
/// [`ConfigError::Prices`] names the file and the line.
pub fn price_table(overriding: Option<&Path>) -> Result<PriceTable, ConfigError> {
    let bundled = parse("the bundled table", BUNDLED)?;
    let mut table = PriceTable { version: bundled.snapshot.unwrap_or_default(), models: bundled.models };
    if let Some(path) = overriding {
        let name = path.display().to_string();
        let text = text::read(path)
            .map_err(|error| ConfigError::Prices { path: name.clone(), reason: error.to_string() })?;
        table.models.extend(parse(&name, &text)?.models);
        let hash = blake3::hash(text.as_bytes());
        table.version = format!("{}+{}", table.version, hex(&hash.as_bytes()[..4]));
    }
    Ok(table)
}

fn parse(path: &str, text: &str) -> Result<PriceFile, ConfigError> {
    let refuse = |reason: String| ConfigError::Prices { path: path.to_owned(), reason };
    let file: PriceFile = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
    for (model, prices) in &file.models {
        let ascending =
            prices.tiers.windows(2).all(|pair| pair[0].above_prompt_tokens < pair[1].above_prompt_tokens);
        if prices.tiers.is_empty() || !ascending {
            return Err(refuse(format!("the tiers of {model} are missing or not in ascending order")));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_table_is_whole() {
        let table = price_table(None).unwrap();
        assert!(table.models.len() > 300);
        assert_eq!(table.models["anthropic/claude-opus-5"].tiers[0].rates.output.to_string(), "25");
    }

    #[test]
    fn a_person_s_file_replaces_models_and_changes_the_version() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prices.json");
        let text = r#"{"models": {"anthropic/claude-opus-5": {"tiers": [{"above_prompt_tokens": 0, "input": "1", "output": "2"}]}}}"#;
        std::fs::write(&path, text).unwrap();
        let (bundled, table) = (price_table(None).unwrap(), price_table(Some(&path)).unwrap());
        assert_eq!(table.models["anthropic/claude-opus-5"].tiers[0].rates.output.to_string(), "2");
        assert_eq!(table.models.len(), bundled.models.len());
        assert!(table.version.starts_with(&format!("{}+", bundled.version)), "{}", table.version);
    }

    #[test]
    fn a_file_that_is_no_price_table_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("prices.json");
        for text in [
            "",
            "{}",
            r#"{"models": {"a/b": {"tiers": []}}}"#,
            r#"{"models": {"a/b": {"tiers": [{"above_prompt_tokens": 0, "input": "-1", "output": "2"}]}}}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            let message = price_table(Some(&path)).unwrap_err().to_string();
            assert!(message.contains("prices.json"), "{message}");
        }
    }
}
