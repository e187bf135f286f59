//! Who may ask: Host, Origin, the bearer token, and what its holder may do.
//!
//! A request has a principal, or is refused with 401; the principal has the scope that [`table`] asks for, or it is refused with
//! 403. Who it is goes with the request to whatever records something ([`caller`]).

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::domain::access::{Principal, Scope, table, token};
use crate::service::aggregate::caller;

use super::peer::Peer;
use super::plain;
use super::problem::Problem;

/// Whose token has a hash: the tokens that were given out.
pub type Known = Arc<dyn Fn(&blake3::Hash) -> Option<Principal> + Send + Sync>;

/// What requests are held against.
#[derive(Clone)]
pub struct Guard {
    /// The hashes of the two tokens in the data directory; hashes compare in constant time.
    owner: blake3::Hash,
    agent: Option<blake3::Hash>,
    known: Option<Known>,
    hosts: Arc<[String]>,
    by_tls: bool,
}

impl Guard {
    /// Guards a server at `address` by the owner's token.
    #[must_use]
    pub fn new(token: &str, address: SocketAddr) -> Self {
        let own = match address.ip() {
            ip if ip.is_ipv6() => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned(), own];
        Self {
            owner: blake3::hash(token.as_bytes()),
            agent: None,
            known: None,
            hosts: hosts.into(),
            by_tls: false,
        }
    }

    /// The same, with the agents' token of the data directory, and those that were given out.
    #[must_use]
    pub fn with(self, agent: &str, known: Known) -> Self {
        Self { agent: Some(blake3::hash(agent.as_bytes())), known: Some(known), ..self }
    }

    /// The same, with the names by which others call this machine, and whether they ask by TLS.
    #[must_use]
    pub fn known_as(self, names: &[String], by_tls: bool) -> Self {
        let names = names.iter().map(|name| match name.parse::<std::net::Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => name.clone(),
        });
        Self { hosts: self.hosts.iter().cloned().chain(names).collect(), by_tls, ..self }
    }

    /// Whether a page of this origin is one of ours.
    fn knows_origin(&self, origin: &str) -> bool {
        let by_tls = origin.strip_prefix("https://").filter(|_| self.by_tls);
        by_tls.or_else(|| origin.strip_prefix("http://")).is_some_and(|host| self.knows_host(host))
    }

    /// Whose token a request bears.
    fn bearer(&self, headers: &HeaderMap) -> Option<Principal> {
        let token = text(headers, header::AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())?;
        let hash = blake3::hash(token.as_bytes());
        if hash == self.owner {
            return Some(Principal::owner());
        }
        if self.agent.is_some_and(|agent| hash == agent) {
            return Some(Principal::agent());
        }
        // A token that was given out has a checksum: what has none is not looked for.
        token::parse(token).ok()?;
        self.known.as_ref()?(&hash)
    }

    /// Who sends a request: by its token, or by the socket's other end, which needs none.
    #[must_use]
    pub fn principal(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<Principal> {
        if headers.contains_key(header::AUTHORIZATION) {
            return self.bearer(headers);
        }
        let is_own = Peer::of(extensions).is_some_and(Peer::is_own);
        // Whoever could be the owner may say that they act for an agent, and then are no more than one; whatever they say
        // exactly, it lowers.
        is_own.then(|| if headers.contains_key(AS) { Principal::agent() } else { Principal::owner() })
    }

    /// Whoever sends a request, if they may do what needs a scope.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn may(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
        scope: Scope,
    ) -> Result<Principal, Refused> {
        let principal = self.principal(headers, extensions).ok_or(Refused::Unknown)?;
        if principal.may(scope) { Ok(principal) } else { Err(Refused::Scope(scope)) }
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

/// Says that a process of the owner's acts for them: `mecris-as: agent`.
pub const AS: header::HeaderName = header::HeaderName::from_static("mecris-as");

/// Why somebody is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Without a token that is good.
    Unknown,
    /// Their token is for other things.
    Scope(Scope),
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
        return Problem::forbidden(
            "the Host header names another host; ask for 127.0.0.1 or localhost, or set tls.names",
        )
        .into_response();
    }
    let foreign = text(request.headers(), header::ORIGIN).is_some_and(|origin| !guard.knows_origin(origin));
    if foreign {
        return Problem::forbidden("a page of another origin may not ask").into_response();
    }
    next.run(request).await
}

/// Refuses requests of those who may not ask for what their route is; the others go on as their principal's.
pub async fn require_scope(State(guard): State<Guard>, mut request: Request, next: Next) -> Response {
    let Some(principal) = guard.principal(request.headers(), request.extensions()) else {
        return Problem::unauthorized().into_response();
    };
    // What has no route is answered 404, and what has it under another method 405, by those who know.
    if let Some(route) = request.extensions().get::<MatchedPath>() {
        // A route without a row is nobody's but the owner's.
        let needed = table::endpoint(request.method().as_str(), route.as_str()).unwrap_or(Scope::Own);
        if !principal.may(needed) {
            return Problem::out_of_scope(principal.kind, needed).into_response();
        }
    }
    request.extensions_mut().insert(principal.clone());
    // Whoever comes by the socket could be the owner, from whom nothing is kept: `mecris gate` hands the person's part of an
    // answer to the person.
    let is_own = Peer::of(request.extensions()).is_some_and(Peer::is_own);
    let answer = caller::on_behalf(principal.clone(), next.run(request)).await;
    if is_own { answer } else { plain::told_to(Some(&principal), answer).await }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_others_use_are_known_where_they_are_set_and_https_where_it_is_spoken() {
        let guard = Guard::new("secret", "0.0.0.0:7787".parse().unwrap());
        assert!(!guard.knows_host("mecris.example:7787") && !guard.knows_origin("https://localhost:7787"));
        let guard = guard.known_as(&["mecris.example".to_owned(), "2001:db8::1".to_owned()], true);
        for host in ["mecris.example:7787", "[2001:db8::1]:7787", "[2001:db8::1]", "localhost"] {
            assert!(guard.knows_host(host), "{host}");
            assert!(guard.knows_origin(&format!("https://{host}")), "{host}");
        }
        for origin in ["https://evil.example", "ftp://localhost", "localhost", "null", "https://"] {
            assert!(!guard.knows_origin(origin), "{origin}");
        }
    }

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
