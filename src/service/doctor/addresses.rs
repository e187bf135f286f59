//! The listen addresses and their certificates.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use jiff::{Timestamp, ToSpan};

use crate::config::Config;
use crate::service::system::certificate;

use super::Check;

/// A certificate that expires within this time is reported, in hours.
const SOON: i64 = 14 * 24;

/// Checks the API's address, the OTLP addresses if set, and the certificate if one is needed.
pub fn checks(config: &Config, data_dir: &Path, is_running: bool) -> Vec<Check> {
    let otlp = &config.otlp;
    let addresses = [
        ("listen", Some(config.listen)),
        ("otlp.listen", otlp.listen.filter(|_| otlp.enabled)),
        ("otlp.grpc_listen", otlp.grpc_listen.filter(|_| otlp.enabled)),
    ];
    let addresses = addresses.into_iter().filter_map(|(name, address)| Some((name, address?)));
    let mut checks: Vec<Check> =
        addresses.clone().map(|(name, address)| listen(name, address, config, is_running)).collect();
    if addresses.clone().any(|(_, address)| !address.ip().is_loopback()) && !config.tls.plain {
        checks.push(tls(config, data_dir));
    }
    checks
}

fn listen(name: &'static str, address: SocketAddr, config: &Config, is_running: bool) -> Check {
    match TcpListener::bind(address) {
        Ok(_) if address.ip().is_loopback() => Check::ok(name, format!("{address} is free")),
        Ok(_) if config.tls.plain => {
            let detail = format!("{address} can be reached from other machines, without encryption");
            Check::warning(name, detail, "take tls.plain out, unless a proxy in front speaks TLS")
        }
        Ok(_) => Check::ok(name, format!("{address} is free, and speaks TLS with other machines")),
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_running => {
            Check::ok(name, format!("{address}, where the supervisor listens"))
        }
        Err(error) => Check::problem(
            name,
            format!("{address}: {error}"),
            format!("choose another with {name}; `ss -ltnp` shows who has it"),
        ),
    }
}

fn tls(config: &Config, data_dir: &Path) -> Check {
    const NAME: &str = "tls";
    let settings = &config.tls;
    if settings.certificate.is_none() && settings.key.is_none() {
        let path = data_dir.join(certificate::CERTIFICATE_FILE);
        return Check::ok(NAME, format!("a certificate of our own; others trust it by {}", path.display()));
    }
    let certified = match certificate::certified(settings, data_dir) {
        Ok(certified) => certified,
        Err(error) => {
            return Check::problem(NAME, error.to_string(), "until then nothing is served off loopback");
        }
    };
    let (now, renew) = (Timestamp::now(), "renew it; it is read again by itself");
    if certificate::is_over(&certified, now) {
        Check::problem(NAME, "the certificate is over", renew)
    } else if certificate::is_over(&certified, now.saturating_add(SOON.hours()).unwrap_or(Timestamp::MAX)) {
        Check::warning(NAME, "the certificate is over within two weeks", renew)
    } else {
        Check::ok(NAME, "the certificate of tls.certificate")
    }
}
