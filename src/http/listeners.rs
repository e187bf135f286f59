//! Where HTTP is served: the API's address, the data directory's socket, and the addresses for OTLP alone.
//!
//! Addresses on loopback are plain; all others speak TLS, unless the settings say that something in front of them does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::actor::Shutdown;
use crate::config::{self, Config};
use crate::service::runtime::node::StartError;
use crate::service::system::certificate::{CERTIFICATE_FILE, CertificateError};

use super::guard::Hosts;
use super::refusals::Refusals;
use super::serve::{Listener, Protocol, listen, serve};
use super::socket::Own;
use super::tenants::{Door, Tenants};
use super::tls::Identity;

/// Others would reach an address without encryption.
fn without_tls(address: SocketAddr, error: &CertificateError) -> StartError {
    StartError::Tls { address, reason: error.to_string() }
}

/// An address that is listened on.
struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    needs_tls: bool,
}

impl Bound {
    fn to(address: SocketAddr, tls: &config::Tls) -> Result<Self, StartError> {
        let listener =
            listen(address).map_err(|error| StartError::Listen { address, reason: error.to_string() })?;
        let address = listener.local_addr().unwrap_or(address);
        Ok(Self { listener, address, needs_tls: !address.ip().is_loopback() && !tls.plain })
    }

    fn with(self, identity: Option<&Identity>, protocol: Protocol) -> Result<Listener, StartError> {
        let address = self.address;
        let identity = identity.filter(|_| self.needs_tls);
        let tls = identity.map(|identity| identity.speaking(protocol)).transpose();
        Ok(Listener::Tcp(self.listener, tls.map_err(|error| without_tls(address, &error))?))
    }
}

/// The addresses of a supervisor, bound and not yet served.
pub struct Listeners {
    api: Bound,
    otlp: Option<Bound>,
    grpc: Option<Bound>,
    identity: Option<Identity>,
    settings: config::Tls,
    data_dir: PathBuf,
}

impl Listeners {
    /// Binds all that the settings name. The certificate comes later ([`Self::certify`]): it lies in the data directory, which
    /// is not opened where an address is taken.
    ///
    /// # Errors
    /// [`StartError::Listen`].
    pub fn bind(config: &Config, data_dir: &Path) -> Result<Self, StartError> {
        let telemetry = |address: Option<SocketAddr>| {
            address.filter(|_| config.otlp.enabled).map(|address| Bound::to(address, &config.tls)).transpose()
        };
        Ok(Self {
            api: Bound::to(config.listen, &config.tls)?,
            otlp: telemetry(config.otlp.listen)?,
            grpc: telemetry(config.otlp.grpc_listen)?,
            identity: None,
            settings: config.tls.clone(),
            data_dir: data_dir.to_owned(),
        })
    }

    fn all(&self) -> impl Iterator<Item = &Bound> {
        std::iter::once(&self.api).chain(&self.otlp).chain(&self.grpc)
    }

    /// Reads or makes the certificate, where an address needs one. Blocks. What is returned reads it again.
    ///
    /// # Errors
    /// [`StartError::Tls`].
    pub fn certify(&mut self) -> Result<Option<Certificate>, StartError> {
        let Some(address) = self.all().find(|bound| bound.needs_tls).map(|bound| bound.address) else {
            return Ok(None);
        };
        let identity =
            Identity::load(&self.settings, &self.data_dir).map_err(|error| without_tls(address, &error))?;
        self.identity = Some(identity.clone());
        Ok(Some(Certificate { identity, data_dir: self.data_dir.clone() }))
    }

    /// Where the API is, as people ask for it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.api.needs_tls { "https" } else { "http" };
        format!("{scheme}://{}", self.api.address)
    }

    /// How others call this machine.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        Hosts::new(self.api.address, &self.settings.names, self.api.needs_tls)
    }

    /// What a person should know of them: addresses beside the API's, and whom to trust.
    #[must_use]
    pub fn said(&self) -> Vec<String> {
        let of = |what: &str, bound: &Option<Bound>| {
            bound.as_ref().map(|bound| {
                let how = if bound.needs_tls { ", by TLS" } else { "" };
                format!("OTLP over {what} on {}{how}", bound.address)
            })
        };
        let mut said: Vec<String> =
            of("HTTP", &self.otlp).into_iter().chain(of("gRPC", &self.grpc)).collect();
        if self.identity.is_some() && self.settings.certificate.is_none() {
            let path = self.data_dir.join(CERTIFICATE_FILE);
            said.push(format!("The certificate that others trust: {}", path.display()));
        }
        said
    }

    /// Serves all of them until the end. Ends when what was open has ended its requests: what is open at the addresses for OTLP
    /// alone may be cut off, for an exporter that got no answer sends again.
    ///
    /// # Errors
    /// [`StartError::Tls`].
    pub fn serve(
        self,
        tenants: &Tenants,
        own: Own,
        refusals: &Refusals,
        shutdown: &Shutdown,
    ) -> Result<JoinSet<()>, StartError> {
        let identity = self.identity.as_ref();
        let api = tenants.router(Door::Api);
        let mut served = vec![
            (self.api.with(identity, Protocol::Http1)?, Protocol::Http1, api.clone()),
            (Listener::Own(own), Protocol::Http1, api),
        ];
        if let Some(bound) = self.otlp {
            let router = tenants.router(Door::Otlp);
            served.push((bound.with(identity, Protocol::Http1)?, Protocol::Http1, router));
        }
        if let Some(bound) = self.grpc {
            let router = tenants.router(Door::Grpc);
            served.push((bound.with(identity, Protocol::Http2)?, Protocol::Http2, router));
        }
        let mut tasks = JoinSet::new();
        for (listener, protocol, router) in served {
            let (ending, refusals) = (shutdown.clone(), refusals.clone());
            tasks.spawn(async move {
                serve(listener, protocol, router, refusals, async move { ending.requested().await }).await;
            });
        }
        Ok(tasks)
    }
}

/// The certificate of a running supervisor.
#[derive(Debug, Clone)]
pub struct Certificate {
    identity: Identity,
    data_dir: PathBuf,
}

impl Certificate {
    /// Reads it again: it was renewed, or is made anew where one of our own is near its end. Where something is wrong, it stays
    /// as it is. Blocks.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn reload(&self, settings: &config::Tls) -> Result<(), CertificateError> {
        self.identity.reload(settings, &self.data_dir)
    }
}
