//! Reads a vault's own settings, in `.obsidian/`. What they mean is [`crate::domain::vault::plugins`]'s.

use std::io::ErrorKind;

use serde_json::Value;

use crate::domain::vault::VaultSettings;
use crate::domain::vault::plugins::found::{FOLDER, Files, Found};
use crate::files::beneath::{Astray, Root};

use super::Problem;

/// No file of settings is longer, in bytes.
const FILE_MAX: u64 = 4 * 1024 * 1024;

/// Reads them, and what is wrong with them.
pub(crate) fn read(inside: &Root) -> (VaultSettings, Vec<Problem>) {
    let (mut files, mut problems) = (Files::default(), Vec::new());
    for (name, found) in files.named() {
        let path = format!("{FOLDER}/{name}");
        *found = match read_json(inside, &path) {
            Ok(json) => json.map_or(Found::Missing, Found::Json),
            Err(reason) => {
                problems.push(Problem { path, reason, hides: false });
                Found::Broken
            }
        };
    }
    let (settings, doubts) = VaultSettings::of(&files);
    let broken: Vec<String> = problems.iter().map(|problem| problem.path.clone()).collect();
    for doubt in doubts {
        let path = format!("{FOLDER}/{}", doubt.file);
        // Of a file that cannot be read, that is said already.
        if !broken.contains(&path) {
            problems.push(Problem { path, reason: doubt.reason, hides: false });
        }
    }
    (settings, problems)
}

fn read_json(inside: &Root, path: &str) -> Result<Option<Value>, String> {
    let bytes = match inside.read(path, FILE_MAX) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(Astray::Outside) => {
            return Err("it leads out of the vault, so what it says is not in force; copy it into the vault"
                .to_owned());
        }
        Err(Astray::Nowhere) => return Err("it is a link that leads nowhere; remove it".to_owned()),
        Err(Astray::File(error)) if error.kind() == ErrorKind::FileTooLarge => {
            return Err("it is too long for settings; what it says is not in force".to_owned());
        }
        Err(Astray::File(error)) => {
            return Err(format!("it cannot be read ({error}); check its owner and mode"));
        }
    };
    // An empty file is what a full disk leaves behind; Obsidian takes it for none.
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|_| "it is no JSON, so what it says is not in force; have Obsidian write it anew".to_owned())
}
