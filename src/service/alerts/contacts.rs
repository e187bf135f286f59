//! Maps contact references to telephone numbers. The numbers are in a file that only its owner may read.
//! The log, which is never rewritten, has the references alone: deleting the file deletes the numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Phone;
use crate::config::forms::is_e164;
use crate::domain::code::{Code, Coded};
use crate::domain::consent::{By, ConsentCommand, takes_in};
use crate::event::envelope::hex;
use crate::files::own;

/// Maximum size of the file in bytes; a person's contacts are far fewer.
const FILE_MAX: u64 = 4 << 20;
/// File name in the data directory.
const FILE: &str = "contacts.json";

/// Why a number cannot be stored or found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactsError {
    /// Not a telephone number.
    #[error("'{0}' is not a telephone number; write it as +15558675310: '+', the country and the number")]
    Form(String),
    /// No number was given, and none is configured.
    #[error("name a number, or set twilio.to_number")]
    NoNumber,
    /// The file cannot be used.
    #[error("{path}: {reason}; check its owner and mode, or remove it and grant consent again")]
    File { path: String, reason: String },
}

impl Coded for ContactsError {
    fn code(&self) -> Code {
        match self {
            Self::Form(_) | Self::NoNumber => Code::Refused,
            Self::File { .. } => Code::Internal,
        }
    }
}

/// Numbers by reference; cheap to clone. The file is read once: no other process writes it while this
/// one runs.
#[derive(Debug, Clone)]
pub struct Contacts {
    path: PathBuf,
    known: Arc<Mutex<Option<Numbers>>>,
}

type Numbers = BTreeMap<String, Phone>;

impl Contacts {
    /// The contacts of a data directory.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { path: data_dir.join(FILE), known: Arc::default() }
    }

    /// All numbers. Blocks the first time.
    ///
    /// # Errors
    /// [`ContactsError::File`].
    pub fn all(&self) -> Result<Numbers, ContactsError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_once(&mut known).cloned()
    }

    fn read_once<'a>(&self, known: &'a mut Option<Numbers>) -> Result<&'a mut Numbers, ContactsError> {
        match known {
            Some(numbers) => Ok(numbers),
            None => Ok(known.insert(self.read()?)),
        }
    }

    fn read(&self) -> Result<Numbers, ContactsError> {
        match own::read(&self.path, FILE_MAX) {
            Ok(bytes) => {
                let stored: BTreeMap<String, String> =
                    serde_json::from_slice(&bytes).map_err(|_| self.failed("it is not what was written"))?;
                Ok(stored.into_iter().map(|(contact, number)| (contact, Phone::new(&number))).collect())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Numbers::new()),
            Err(error) => Err(self.failed(&error.to_string())),
        }
    }

    /// The reference of a known number. Blocks the first time.
    ///
    /// # Errors
    /// [`ContactsError::File`].
    pub fn find(&self, number: &Phone) -> Result<Option<String>, ContactsError> {
        Ok(self.all()?.into_iter().find(|(_, known)| known == number).map(|(contact, _)| contact))
    }

    /// The reference of the number that a decision is about. None if the number is unknown and the
    /// decision does not add it. Blocks.
    ///
    /// # Errors
    /// [`ContactsError`].
    pub fn of(
        &self,
        number: &Phone,
        command: ConsentCommand,
        by: By,
    ) -> Result<Option<String>, ContactsError> {
        if takes_in(command, by) { self.take_in(number).map(Some) } else { self.find(number) }
    }

    /// The reference of a number, which is stored if it is new. Blocks.
    ///
    /// # Errors
    /// [`ContactsError`].
    pub fn take_in(&self, number: &Phone) -> Result<String, ContactsError> {
        if !is_e164(number.expose()) {
            return Err(ContactsError::Form(number.masked()));
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let numbers = self.read_once(&mut known)?;
        if let Some((contact, _)) = numbers.iter().find(|(_, known)| *known == number) {
            return Ok(contact.clone());
        }
        let contact = format!("c-{}", hex(&rand::random::<[u8; 8]>()));
        let mut more = numbers.clone();
        more.insert(contact.clone(), number.clone());
        let stored: BTreeMap<&str, &str> =
            more.iter().map(|(contact, number)| (contact.as_str(), number.expose())).collect();
        let bytes = serde_json::to_vec_pretty(&stored).map_err(|error| self.failed(&error.to_string()))?;
        own::write(&self.path, &bytes).map_err(|error| self.failed(&error.to_string()))?;
        *numbers = more;
        Ok(contact)
    }

    fn failed(&self, reason: &str) -> ContactsError {
        ContactsError::File { path: self.path.display().to_string(), reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_number_is_kept_once_for_its_owner_alone_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let contacts = Contacts::new(dir.path());
        let (ada, bob) = (Phone::new("+15558675310"), Phone::new("+4915112345678"));
        assert_eq!(contacts.find(&ada), Ok(None));
        let first = contacts.take_in(&ada).unwrap();
        assert_eq!(contacts.take_in(&ada), Ok(first.clone()));
        assert_ne!(contacts.take_in(&bob).unwrap(), first);
        assert_eq!(Contacts::new(dir.path()).find(&ada), Ok(Some(first.clone())));
        assert!(!first.contains("5310"));
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let error = contacts.take_in(&Phone::new("0491701234567")).unwrap_err();
        assert!(error.to_string().contains("…67") && !error.to_string().contains("1701234"), "{error}");
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        let broken = Contacts::new(dir.path()).take_in(&ada);
        assert!(matches!(broken, Err(ContactsError::File { .. })));
    }
}
