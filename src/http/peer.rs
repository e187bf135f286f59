//! Who is at the other end of a connection.
//!
//! The accept loop puts a [`Peer`] into the extensions of every request.

use std::net::{IpAddr, SocketAddr};

use axum::http::Extensions;

/// The other end of a connection, as the kernel tells it and not as the request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Somebody at an address.
    Tcp(SocketAddr),
    /// A process of this machine, by the data directory's socket.
    Unix {
        /// Whose process it is (`SO_PEERCRED`). Only our own and root's get this far.
        uid: u32,
    },
}

impl Peer {
    /// Who sent a request with these extensions; none where another loop than ours serves, as in a test.
    #[must_use]
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().copied()
    }

    /// Whether it is a process of our own user or of root, by the socket: the owner, without a token.
    #[must_use]
    pub fn is_own(self) -> bool {
        matches!(self, Self::Unix { uid } if uid == rustix::process::geteuid().as_raw() || uid == 0)
    }

    /// Of what class it is: what may be told of it in logs, metrics and events.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Unix { .. } => "socket",
            Self::Tcp(address) if address.ip().to_canonical().is_loopback() => "loopback",
            Self::Tcp(_) => "network",
        }
    }

    /// Whom connections are counted for: an address, and of IPv6 the network of 64 bits, which one person has whole.
    /// Nobody in particular where all share an address (loopback) or are known (the socket).
    #[must_use]
    pub fn counted(self) -> Option<IpAddr> {
        let Self::Tcp(address) = self else { return None };
        match address.ip().to_canonical() {
            ip @ (IpAddr::V4(_) | IpAddr::V6(_)) if ip.is_loopback() => None,
            IpAddr::V6(ip) => Some(IpAddr::V6((ip.to_bits() & (u128::MAX << 64)).into())),
            ip @ IpAddr::V4(_) => Some(ip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_for_who_can_be_told_apart() {
        let of = |text: &str| Peer::Tcp(text.parse().unwrap()).counted();
        assert_eq!(of("127.0.0.1:1"), None);
        assert_eq!(of("[::1]:1"), None);
        assert_eq!(of("[::ffff:127.0.0.1]:1"), None);
        assert_eq!(of("192.0.2.7:1"), of("[::ffff:192.0.2.7]:2"));
        assert_ne!(of("192.0.2.7:1"), of("192.0.2.8:1"));
        assert_eq!(of("[2001:db8::1]:1"), of("[2001:db8::ffff:2]:2"));
        assert_ne!(of("[2001:db8::1]:1"), of("[2001:db8:0:1::1]:1"));
        assert_eq!(Peer::Unix { uid: 0 }.counted(), None);
    }

    #[test]
    fn only_our_own_processes_and_roots_are_our_own() {
        let own = rustix::process::geteuid().as_raw();
        assert!(Peer::Unix { uid: own }.is_own());
        assert!(Peer::Unix { uid: 0 }.is_own());
        assert!(!Peer::Unix { uid: own + 1 }.is_own());
        assert!(!Peer::Tcp("127.0.0.1:1".parse().unwrap()).is_own());
    }
}
