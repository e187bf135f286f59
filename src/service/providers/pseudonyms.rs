//! Names of people that only their owner can undo: the same person has the same one for as long as the data directory's secret
//! is there, and nobody without it can tell whose it is, not even with a list of everybody who it could be.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::event::envelope::hex;
use crate::files::own;

/// The file with the secret, in the data directory. Backups do not have it.
pub const SECRET_FILE: &str = "secret";
/// How long the secret is, in bytes.
const SECRET_BYTES: usize = 32;
/// What the key is for that is made of the secret: another use of it makes another key, and other digests.
const USE: &str = "mecris 2026-11-29 pseudonyms of people";

/// The secret cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {reason}; check its owner and mode, or remove it: everybody has another pseudonym then")]
pub struct SecretError {
    /// Which file.
    pub path: String,
    /// What is wrong.
    pub reason: String,
}

/// What makes pseudonyms.
pub struct Pseudonyms([u8; SECRET_BYTES]);

impl Pseudonyms {
    /// Those of a data directory; its secret is made the first time. Blocks.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn of(data_dir: &Path) -> Result<Self, SecretError> {
        // Two that ask at once for the first time get the same. Another process does not hold the directory meanwhile.
        static MAKING: Mutex<()> = Mutex::new(());
        let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let path = data_dir.join(SECRET_FILE);
        let failed = |reason: String| SecretError { path: path.display().to_string(), reason };
        let secret: [u8; SECRET_BYTES] = match own::read(&path, SECRET_BYTES as u64 + 1) {
            Ok(bytes) => {
                bytes.try_into().map_err(|_| failed(format!("it does not hold {SECRET_BYTES} bytes")))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secret: [u8; SECRET_BYTES] = rand::random();
                own::write(&path, &secret).map_err(|error| failed(error.to_string()))?;
                secret
            }
            Err(error) => return Err(failed(error.to_string())),
        };
        Ok(Self(blake3::derive_key(USE, &secret)))
    }

    /// A person's, by their address, which is the same however it is written.
    #[must_use]
    pub fn person(&self, address: &str) -> String {
        self.digest('m', &address.trim().to_lowercase())
    }

    /// A key's, by its name: people call keys after people.
    #[must_use]
    pub fn key(&self, name: &str) -> String {
        self.digest('k', name)
    }

    fn digest(&self, kind: char, name: &str) -> String {
        let digest = blake3::keyed_hash(&self.0, format!("{kind}{name}").as_bytes());
        format!("{kind}-{}", hex(&digest.as_bytes()[..8]))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_same_person_has_the_same_pseudonym_and_another_directory_another() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let of = |dir: &tempfile::TempDir| Pseudonyms::of(dir.path()).unwrap();
        let ada = of(&here).person("ada@example.com");
        assert_eq!(of(&here).person(" Ada@Example.com"), ada);
        assert!(ada.starts_with("m-") && ada.len() == 18 && !ada.contains("ada"), "{ada}");
        assert_ne!(of(&here).person("bob@example.com"), ada);
        assert_ne!(of(&there).person("ada@example.com"), ada);
        assert_ne!(of(&here).key("ada@example.com")[2..], ada[2..], "a key of that name is not the person");
        // Without the secret, who knows every address knows nothing: it is no digest of the address alone.
        for guess in ["ada@example.com", "mada@example.com"] {
            assert!(!blake3::hash(guess.as_bytes()).to_hex().starts_with(&ada[2..]));
        }
        let path = here.path().join(SECRET_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::remove_file(&path).unwrap();
        assert_ne!(of(&here).person("ada@example.com"), ada, "the secret is gone, and with it the way back");
        for spoiled in [vec![], vec![0; 31], vec![0; 33]] {
            std::fs::write(&path, spoiled).unwrap();
            assert!(Pseudonyms::of(here.path()).is_err());
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(there.path().join(SECRET_FILE), &path).unwrap();
        assert!(Pseudonyms::of(here.path()).is_err(), "another's secret was taken by a link");
    }
}
