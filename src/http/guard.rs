//! Who may ask: Host, Origin, the bearer token, and what its holder may do.
//!
//! A request has a principal, or is refused with 401; the principal has the scope that [`table`] asks for, or it is refused with
//! 403. Who it is goes with the request to whatever records something ([`caller`]).

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::domain::access::{Principal, Scope, table, token};
use crate::service::access::kept::KeptTokens;
use crate::service::aggregate::caller;

use super::peer::Peer;
use super::plain;
use super::problem::Problem;

/// Whose token has a hash: the tokens that were given out.
pub type Known = Arc<dyn Fn(&blake3::Hash) -> Option<Principal> + Send + Sync>;

/// What requests to a tenant are held against.
#[derive(Clone)]
pub struct Guard {
    /// The hashes of the two tokens in the tenant's directory; hashes compare in constant time.
    owner: blake3::Hash,
    agent: blake3::Hash,
    known: Known,
    hosts: Hosts,
}

/// A token as a request bears it.
#[derive(Debug)]
pub struct Token {
    hash: blake3::Hash,
    /// Whether it has the form and the checksum of those that are given out.
    is_whole: bool,
}

impl Token {
    /// The token of a request; none where it bears none.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let token = text(headers, header::AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())?;
        Some(Self { hash: blake3::hash(token.as_bytes()), is_whole: token::parse(token).is_ok() })
    }
}

/// How others call this machine; cheap to clone.
#[derive(Clone)]
pub struct Hosts {
    hosts: Arc<[String]>,
    by_tls: bool,
}

impl Hosts {
    /// Of a server at `address`, with the names by which others call this machine, and whether they ask by TLS.
    #[must_use]
    pub fn new(address: SocketAddr, names: &[String], by_tls: bool) -> Self {
        let bracketed = |ip: Ipv6Addr| format!("[{ip}]");
        let own = match address.ip() {
            IpAddr::V6(ip) => bracketed(ip),
            ip @ IpAddr::V4(_) => ip.to_string(),
        };
        let names = names.iter().map(|name| name.parse().map_or_else(|_| name.clone(), bracketed));
        let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned(), "[::1]".to_owned(), own];
        Self { hosts: hosts.into_iter().chain(names).collect(), by_tls }
    }

    /// Guards a tenant by the two tokens of its directory, and those that were given out.
    #[must_use]
    pub fn guard(&self, tokens: &KeptTokens, known: Known) -> Guard {
        Guard {
            owner: blake3::hash(tokens.owner.as_bytes()),
            agent: blake3::hash(tokens.agent.as_bytes()),
            known,
            hosts: self.clone(),
        }
    }

    fn knows(&self, authority: &str) -> bool {
        // A port follows the last colon, unless that colon is inside the brackets of an IPv6 address.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => host,
            _ => authority,
        };
        self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }

    /// Whether a page of this origin is one of ours.
    fn knows_origin(&self, origin: &str) -> bool {
        let by_tls = origin.strip_prefix("https://").filter(|_| self.by_tls);
        by_tls.or_else(|| origin.strip_prefix("http://")).is_some_and(|host| self.knows(host))
    }
}

impl Guard {
    /// The same, where other tokens were given out.
    #[must_use]
    pub fn knowing(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// How others call this machine.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        self.hosts.clone()
    }

    /// Whether a request bears a token, whosesoever.
    #[must_use]
    pub fn has_token(headers: &HeaderMap) -> bool {
        headers.contains_key(header::AUTHORIZATION)
    }

    /// Whose token it is.
    #[must_use]
    pub fn holder(&self, token: &Token) -> Option<Principal> {
        if token.hash == self.owner {
            return Some(Principal::owner());
        }
        if token.hash == self.agent {
            return Some(Principal::agent());
        }
        // A token that was given out has a checksum: what has none is not looked for.
        token.is_whole.then(|| (self.known)(&token.hash))?
    }

    /// Who sends a request: by its token, or by the socket's other end, which needs none.
    #[must_use]
    pub fn principal(&self, headers: &HeaderMap, extensions: &Extensions) -> Option<Principal> {
        if Self::has_token(headers) {
            return self.holder(&Token::of(headers)?);
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
pub async fn check_host_and_origin(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    // No page of a browser reaches the socket, and those who do call it by any name.
    if Peer::of(request.extensions()).is_some_and(Peer::is_own) {
        return next.run(request).await;
    }
    let host = text(request.headers(), header::HOST).or_else(|| request.uri().host());
    if !host.is_some_and(|host| hosts.knows(host)) {
        return Problem::forbidden(
            "the Host header names another host; ask for 127.0.0.1 or localhost, or set tls.names",
        )
        .into_response();
    }
    let foreign = text(request.headers(), header::ORIGIN).is_some_and(|origin| !hosts.knows_origin(origin));
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

    fn hosts(address: &str, names: &[&str], by_tls: bool) -> Hosts {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(address.parse().unwrap(), &names, by_tls)
    }

    #[test]
    fn names_that_others_use_are_known_where_they_are_set_and_https_where_it_is_spoken() {
        let plain = hosts("0.0.0.0:7787", &[], false);
        assert!(!plain.knows("mecris.example:7787") && !plain.knows_origin("https://localhost:7787"));
        let hosts = hosts("0.0.0.0:7787", &["mecris.example", "2001:db8::1"], true);
        for host in ["mecris.example:7787", "[2001:db8::1]:7787", "[2001:db8::1]", "localhost"] {
            assert!(hosts.knows(host), "{host}");
            assert!(hosts.knows_origin(&format!("https://{host}")), "{host}");
        }
        for origin in ["https://evil.example", "ftp://localhost", "localhost", "null", "https://"] {
            assert!(!hosts.knows_origin(origin), "{origin}");
        }
    }

    #[test]
    fn only_the_machine_s_own_names_are_known() {
        let hosts = hosts("192.168.1.5:7787", &[], false);
        for host in ["127.0.0.1:7787", "localhost", "LOCALHOST:1", "[::1]:7787", "[::1]", "192.168.1.5:7787"]
        {
            assert!(hosts.knows(host), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example:7787", "localhost.evil", "", ":7787", "192.168.1.6"]
        {
            assert!(!hosts.knows(host), "{host}");
        }
    }
}
