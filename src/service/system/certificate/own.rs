//! A self-signed certificate, to be copied to the clients of this machine.

use std::path::Path;

use jiff::civil::Date;
use jiff::{ToSpan, Zoned};
use rcgen::{CertificateParams, KeyPair};

use crate::files::own;

use super::{CertificateError, PEM_MAX};

/// The certificate's file in the data directory. It is not secret: copy it to every client.
pub const CERTIFICATE_FILE: &str = "tls-certificate.pem";
/// The key's file.
const KEY_FILE: &str = "tls-key.pem";
/// Validity in days: the maximum that Apple's systems accept for a certificate that a person trusts by hand
/// (<https://support.apple.com/en-us/103769>).
const DAYS: i64 = 825;
/// Days before the end at which a new one is made.
const DAYS_BEFORE: i64 = 60;
/// Names that are always included.
const ALWAYS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate and its key, in PEM.
pub(super) struct Own {
    pub(super) chain: String,
    pub(super) key: String,
}

/// Loads the certificate in the data directory. Makes a new one if there is none, the names differ, or it
/// expires soon. Blocks.
///
/// # Errors
/// [`CertificateError`].
pub(super) fn load_or_make(data_dir: &Path, names: &[String]) -> Result<Own, CertificateError> {
    let failed = |path: &Path, error: &std::io::Error| CertificateError::File {
        path: path.display().to_string(),
        reason: error.to_string(),
        mend: "remove it to have a new one made, or fix its owner and mode",
    };
    let (chain_path, key_path) = (data_dir.join(CERTIFICATE_FILE), data_dir.join(KEY_FILE));
    let today = Zoned::now().date();
    let read = own::read_text(&chain_path, PEM_MAX)
        .and_then(|chain| Ok((chain, own::read_text(&key_path, PEM_MAX)?)));
    match read {
        Ok((chain, key)) if is_good(&chain, names, today) => return Ok(Own { chain, key }),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(failed(&chain_path, &error));
        }
        _ => {}
    }
    let made = make(names, today).map_err(|error| CertificateError::Own(error.to_string()))?;
    // The key first: a certificate without its key would look complete.
    own::write(&key_path, made.key.as_bytes()).map_err(|error| failed(&key_path, &error))?;
    own::write(&chain_path, made.chain.as_bytes()).map_err(|error| failed(&chain_path, &error))?;
    Ok(made)
}

/// The comment before the certificate, for people and [`is_good`]. PEM readers skip it.
fn head(names: &[String], until: Date) -> String {
    format!("Mecris, signed by itself, until {until}, for: {}\n", names.join(" "))
}

fn is_good(chain: &str, names: &[String], today: Date) -> bool {
    let first = chain.lines().next().unwrap_or_default();
    let until = first.split_once("until ").and_then(|(_, rest)| rest.split(',').next()?.parse::<Date>().ok());
    until.is_some_and(|until| {
        let renewed_on = until.saturating_sub(DAYS_BEFORE.days());
        chain.starts_with(&head(names, until)) && today < renewed_on
    })
}

fn make(names: &[String], today: Date) -> Result<Own, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut all: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    all.extend(names.iter().filter(|name| !ALWAYS.contains(&name.as_str())).cloned());
    let mut params = CertificateParams::new(all)?;
    let (from, until) = (today.saturating_sub(1.day()), today.saturating_add((DAYS - 1).days()));
    params.distinguished_name.push(rcgen::DnType::CommonName, "Mecris");
    params.not_before = on(from);
    params.not_after = on(until);
    let certificate = params.self_signed(&key)?;
    Ok(Own { chain: head(names, until) + &certificate.pem(), key: key.serialize_pem() })
}

fn on(date: Date) -> time::OffsetDateTime {
    rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_made_once_and_anew_for_other_names_or_near_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let names = ["mecris.example".to_owned(), "192.0.2.7".to_owned()];
        let first = load_or_make(dir.path(), &names).unwrap();
        assert_eq!(load_or_make(dir.path(), &names).unwrap().chain, first.chain);
        assert_ne!(load_or_make(dir.path(), &names[..1]).unwrap().chain, first.chain);
        let today = Zoned::now().date();
        assert!(is_good(&first.chain, &names, today));
        assert!(is_good(&first.chain, &names, today.saturating_add((DAYS - DAYS_BEFORE - 2).days())));
        assert!(!is_good(&first.chain, &names, today.saturating_add((DAYS - DAYS_BEFORE).days())));
        for torn in ["", "until ", "until 2026-13-45, for: x"] {
            assert!(!is_good(torn, &names, today), "{torn}");
        }
    }

    #[test]
    fn a_key_without_its_certificate_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let first = load_or_make(dir.path(), &[]).unwrap();
        std::fs::remove_file(dir.path().join(CERTIFICATE_FILE)).unwrap();
        let second = load_or_make(dir.path(), &[]).unwrap();
        assert_ne!(first.key, second.key);
        std::fs::remove_file(dir.path().join(KEY_FILE)).unwrap();
        assert_ne!(load_or_make(dir.path(), &[]).unwrap().key, second.key);
    }

    #[test]
    fn what_is_no_name_is_refused_with_the_mend() {
        let dir = tempfile::tempdir().unwrap();
        let error = load_or_make(dir.path(), &["ä b".to_owned()]).err().unwrap();
        assert!(error.to_string().contains("tls.names"), "{error}");
    }
}
