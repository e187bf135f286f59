//! The price table: the bundled snapshot, and a person's file over it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::domain::pricing::PriceTable;
use crate::domain::pricing::list::ModelPrices;
use crate::event::envelope::hex;
use crate::files::text;

use super::ConfigError;

const BUNDLED: &str = include_str!("../../data/prices.json");

/// How the unit of a price file begins: there is no other.
const UNIT: &str = "USD per million tokens";

/// A file with more models or aliases is none of a person's.
const MODELS_MAX: usize = 100_000;

#[derive(Deserialize)]
struct PriceFile {
    #[serde(default)]
    snapshot: Option<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    models: BTreeMap<String, ModelPrices>,
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

/// The bundled table, with the models of `overriding` in place of its own.
///
/// # Errors
/// [`ConfigError::Prices`] names the file and what is wrong with it.
pub fn price_table(overriding: Option<&Path>) -> Result<PriceTable, ConfigError> {
    let bundled = parse("the bundled table", BUNDLED)?;
    let mut table = PriceTable {
        version: bundled.snapshot.unwrap_or_default(),
        models: bundled.models,
        aliases: bundled.aliases,
    };
    if let Some(path) = overriding {
        let name = path.display().to_string();
        let refuse = |reason: String| ConfigError::Prices { path: name.clone(), reason };
        let text = text::read(path).map_err(|error| refuse(error.to_string()))?;
        let own = parse(&name, &text)?;
        table.models.extend(own.models);
        table.aliases.extend(own.aliases);
        table.aliases = settled(&table).map_err(refuse)?;
        let hash = blake3::hash(text.as_bytes());
        table.version = format!("{}+{}", table.version, hex(&hash.as_bytes()[..4]));
    }
    Ok(table)
}

/// The aliases, each with the model that is meant in the end.
fn settled(table: &PriceTable) -> Result<BTreeMap<String, String>, String> {
    let aliases = &table.aliases;
    let mut settled = BTreeMap::new();
    for (alias, first) in aliases {
        let mut meant = first;
        // As many steps as there are aliases: more can only go round.
        let mut steps = 0;
        while let Some(next) = aliases.get(meant) {
            steps += 1;
            if steps > aliases.len() || next == alias {
                return Err(format!(
                    "the alias '{alias}' leads back to itself; let it lead to a model of the table"
                ));
            }
            meant = next;
        }
        if !table.models.contains_key(meant) {
            return Err(format!("the alias '{alias}' leads to '{meant}', which the table does not have"));
        }
        settled.insert(alias.clone(), meant.clone());
    }
    Ok(settled)
}

fn parse(path: &str, text: &str) -> Result<PriceFile, ConfigError> {
    let refuse = |reason: String| ConfigError::Prices { path: path.to_owned(), reason };
    let file: PriceFile = serde_json::from_str(text).map_err(|error| refuse(error.to_string()))?;
    if let Some(unit) = file.unit.as_deref().filter(|unit| !unit.starts_with(UNIT)) {
        return Err(refuse(format!("the unit '{unit}' is not known; write prices as '{UNIT}'")));
    }
    if file.models.is_empty() && file.aliases.is_empty() {
        return Err(refuse("it has neither models nor aliases".to_owned()));
    }
    if file.models.len() > MODELS_MAX || file.aliases.len() > MODELS_MAX {
        return Err(refuse(format!("it has more than {MODELS_MAX} models or aliases")));
    }
    for (model, prices) in &file.models {
        if !model.contains('/') {
            return Err(refuse(format!("'{model}' does not name its provider; write PROVIDER/MODEL")));
        }
        prices.check().map_err(|error| refuse(format!("{model}: {error}")))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
