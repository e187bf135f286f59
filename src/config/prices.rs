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

/// An alias leads over no more others to its model.
const ALIAS_STEPS_MAX: usize = 16;

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
    let table = PriceTable {
        version: bundled.snapshot.unwrap_or_default(),
        models: bundled.models,
        aliases: bundled.aliases,
    };
    let Some(path) = overriding else { return Ok(table) };
    let name = path.display().to_string();
    match text::read(path) {
        Ok(text) => overridden(table, &name, &text),
        Err(error) => Err(ConfigError::Prices { path: name, reason: error.to_string() }),
    }
}

/// A table with the models and aliases of a file over its own.
pub(crate) fn overridden(mut table: PriceTable, name: &str, text: &str) -> Result<PriceTable, ConfigError> {
    let own = parse(name, text)?;
    table.models.extend(own.models);
    table.aliases.extend(own.aliases);
    let refuse = |reason: String| ConfigError::Prices { path: name.to_owned(), reason };
    table.aliases = settled(&table).map_err(refuse)?;
    let hash = blake3::hash(text.as_bytes());
    table.version = format!("{}+{}", table.version, hex(&hash.as_bytes()[..4]));
    Ok(table)
}

/// The aliases, each with the model that is meant in the end.
fn settled(table: &PriceTable) -> Result<BTreeMap<String, String>, String> {
    let aliases = &table.aliases;
    let mut settled = BTreeMap::new();
    for (alias, first) in aliases {
        let mut meant = first;
        let mut steps = 0;
        while let Some(next) = aliases.get(meant) {
            steps += 1;
            if next == alias || next == meant {
                return Err(format!(
                    "the alias '{alias}' leads back to itself; let it lead to a model of the table"
                ));
            }
            // Others may go round behind it; and a long way for each of many would take for ever.
            if steps > ALIAS_STEPS_MAX {
                return Err(format!(
                    "the alias '{alias}' leads over more than {ALIAS_STEPS_MAX} others; let it lead to a model of the table"
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
