//! Requests that were refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::class::classes;
use crate::domain::access::refusals::{Refusals, Why};

/// Requests were refused within a minute or so. Nobody's address is told, and no token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessRefused {
    /// Without a token that is good.
    pub unauthorized: u64,
    /// With a token for other things, or from another site's page.
    pub forbidden: u64,
    /// Meant for another host.
    pub misdirected: u64,
    /// Too many at once.
    pub too_many: u64,
    /// Over the network, without TLS.
    pub in_plain: u64,
    /// How many of all these came over the network.
    pub from_network: u64,
}

classes! {
    AccessRefused { None: unauthorized, forbidden, misdirected, too_many, in_plain, from_network; }
}

impl From<Refusals> for AccessRefused {
    fn from(refusals: Refusals) -> Self {
        let of = |why: Why| refusals.counts[why as usize];
        Self {
            unauthorized: of(Why::Unauthorized),
            forbidden: of(Why::Forbidden),
            misdirected: of(Why::Misdirected),
            too_many: of(Why::TooMany),
            in_plain: of(Why::InPlain),
            from_network: refusals.from_network,
        }
    }
}

impl From<&AccessRefused> for Refusals {
    fn from(stored: &AccessRefused) -> Self {
        let counts = Why::ALL.map(|why| match why {
            Why::Unauthorized => stored.unauthorized,
            Why::Forbidden => stored.forbidden,
            Why::Misdirected => stored.misdirected,
            Why::TooMany => stored.too_many,
            Why::InPlain => stored.in_plain,
        });
        Self { counts, from_network: stored.from_network }
    }
}
