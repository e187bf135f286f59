//! TLS for those who come over the network: by files, or by a certificate of our own.
//!
//! A listener that other machines reach speaks TLS with them and with nobody plainly: whoever sends a token in plain is refused
//! before it is looked at. From this machine itself, over loopback, plain HTTP is answered there too, for nobody listens in
//! between, and the first byte says which of the two comes.

use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::config;
use crate::service::system::certificate::{CertificateError, certified, provider};

use super::peer::Peer;
use super::serve::stream::{Io, Protocol};

/// So many bytes of what came in plain are thrown away.
const UNREAD_MAX: u64 = 64 << 10;
/// The content type of a TLS record that holds a handshake: the first byte of every connection that speaks it (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// Who we are to those who come over the network. Cheap to clone; all clones change together.
#[derive(Debug, Clone)]
pub struct Identity(Arc<RwLock<Arc<CertifiedKey>>>);

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Identity {
    /// Reads what the settings name, or makes a certificate in the data directory where they name none. Blocks.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn load(settings: &config::Tls, data_dir: &Path) -> Result<Self, CertificateError> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(certified(settings, data_dir)?)))))
    }

    /// Reads it again: a certificate was renewed. Where something is wrong, it stays as it is. Blocks.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn reload(&self, settings: &config::Tls, data_dir: &Path) -> Result<(), CertificateError> {
        let read = Arc::new(certified(settings, data_dir)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// For a listener that speaks one protocol.
    ///
    /// # Errors
    /// [`CertificateError::Own`]: never with the versions of TLS that this is built with.
    pub fn speaking(&self, protocol: Protocol) -> Result<Tls, CertificateError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| CertificateError::Own(error.to_string()))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = match protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        Ok(Tls(TlsAcceptor::from(Arc::new(config))))
    }
}

/// How a listener speaks with those who come over the network.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// A connection over the network that does not speak TLS.
pub(super) struct InPlain(TcpStream);

impl InPlain {
    /// Says so, in the only words that whoever does so can read; what they sent is looked at by nobody.
    pub(super) async fn refuse(mut self) -> io::Result<()> {
        const BODY: &str = r#"{"type":"about:blank","title":"in-plain","status":421,"detail":"this address speaks TLS alone; ask by https"}"#;
        let answer = format!(
            "HTTP/1.1 421 Misdirected Request\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{BODY}",
            BODY.len()
        );
        self.0.write_all(answer.as_bytes()).await?;
        self.0.shutdown().await?;
        // Closed with words unread, the connection would be reset, and the answer with it.
        let mut unread = (&mut self.0).take(UNREAD_MAX);
        tokio::io::copy(&mut unread, &mut tokio::io::sink()).await.map(drop)
    }
}

impl Tls {
    /// Shakes hands. From this machine itself a connection may be plain.
    ///
    /// # Errors
    /// The other end has gone, or what it speaks is no TLS that we speak.
    pub(super) async fn open(&self, stream: TcpStream, peer: Peer) -> io::Result<Result<Io, InPlain>> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if first != [HANDSHAKE] {
            let is_near = peer.class() == "loopback";
            return Ok(if is_near { Ok(Box::new(stream)) } else { Err(InPlain(stream)) });
        }
        Ok(Ok(Box::new(self.0.accept(stream).await?)))
    }
}
