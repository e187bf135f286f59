//! Who may ask: Host, Origin and the bearer token.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::peer::Peer;
use super::problem::Problem;

/// What requests are held against.
#[derive(Clone)]
pub struct Guard {
    /// The token's hash; hashes compare in constant time.
    token: blake3::Hash,
    hosts: Arc<[String]>,
}

impl Guard {
    /// Guards a server at `address` by a token.
    #[must_use]
    pub fn new(token: &str, address: SocketAddr) -> Self {
        let own = match address.ip() {
            ip if ip.is_ipv6() => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned(), own];
        Self { token: blake3::hash(token.as_bytes()), hosts: hosts.into() }
    }

    /// Whether a request has the token.
    #[must_use]
    pub fn admits(&self, headers: &HeaderMap) -> bool {
        let token = text(headers, header::AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        token.is_some_and(|token| blake3::hash(token.as_bytes()) == self.token)
    }

    fn knows_host(&self, authority: &str) -> bool {
        // A port follows the last colon, unless that colon is inside the brackets of an IPv6 address.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => authority,
        };
        self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Refuses requests that were meant for another host (DNS rebinding) or sent by another site's page.
pub async fn check_host_and_origin(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    // No page of a browser reaches the socket, and those who do call it by any name.
    if Peer::of(request.extensions()).is_some_and(Peer::is_own) {
        return next.run(request).await;
    }
    let host = text(request.headers(), header::HOST).or_else(|| request.uri().host());
    if !host.is_some_and(|host| guard.knows_host(host)) {
        return Problem::forbidden("the Host header names another host; ask for 127.0.0.1 or localhost")
            .into_response();
    }
    let foreign = text(request.headers(), header::ORIGIN)
        .is_some_and(|origin| !origin.strip_prefix("http://").is_some_and(|host| guard.knows_host(host)));
    if foreign {
        return Problem::forbidden("a page of another origin may not ask").into_response();
    }
    next.run(request).await
}

/// Refuses requests without the token.
pub async fn require_token(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    if Peer::of(request.extensions()).is_some_and(Peer::is_own) || guard.admits(request.headers()) {
        next.run(request).await
    } else {
        Problem::unauthorized().into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_machine_s_own_names_are_known() {
        let guard = Guard::new("secret", "192.168.1.5:7787".parse().unwrap());
        for host in ["127.0.0.1:7787", "localhost", "LOCALHOST:1", "[::1]:7787", "[::1]", "192.168.1.5:7787"]
        {
            assert!(guard.knows_host(host), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example:7787", "localhost.evil", "", ":7787", "192.168.1.6"]
        {
            assert!(!guard.knows_host(host), "{host}");
        }
    }
}
