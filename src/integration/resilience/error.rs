//! Why an outside system did not do what it was asked: one error for all of them, its variants by what the
//! caller can do. No text of an outside system's is in it, no address with a query, no secret, no number.

use std::time::Duration;

pub use crate::domain::alert::codes::Class;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutsideError {
    /// No connection: nothing was sent.
    #[error("{system} cannot be reached ({reason}); check the network and its api_base")]
    Unreachable {
        /// Which.
        system: &'static str,
        /// The kind of failure.
        reason: &'static str,
    },
    /// The connection ended, or the deadline passed, after the request may have been sent.
    #[error("{system} did not answer ({reason}); whether it did what it was asked is not known")]
    Unanswered {
        /// Which.
        system: &'static str,
        /// The kind of failure.
        reason: &'static str,
    },
    /// It refuses the key. Asking again does not help.
    #[error("{system} refuses the key ({}); {fix}", reply(system, *status))]
    Unauthorized {
        /// Which.
        system: &'static str,
        /// 401 or 403; a reply code of SMTP's for e-mail.
        status: u16,
        /// The mend.
        fix: &'static str,
    },
    /// Nothing is left of the money there.
    #[error("{system} says that no credit is left (HTTP {status}); add some on its billing page")]
    NoCredit {
        /// Which.
        system: &'static str,
        /// 400, 402 or 429.
        status: u16,
    },
    /// What was asked for is not there.
    #[error("{system} does not know what was asked for (HTTP 404)")]
    NotFound {
        /// Which.
        system: &'static str,
    },
    /// It asks to wait. Nothing was done.
    #[error("{system} asks to wait{}", after(*.retry_after))]
    RateLimited {
        /// Which.
        system: &'static str,
        /// For how long.
        retry_after: Option<Duration>,
    },
    /// It refuses this request.
    #[error("{system} refuses the request ({}{})", reply(system, *status), shown(*.code))]
    Rejected {
        /// Which.
        system: &'static str,
        /// Another 4xx; a reply code of SMTP's for e-mail.
        status: u16,
        /// Its own code, where its client knows how to read one.
        code: Option<u32>,
        /// The answer's body, for the client to read; never shown.
        body: Body,
    },
    /// It is in trouble itself.
    #[error("{system} is in trouble (HTTP {status}); it is asked again later")]
    Unavailable {
        /// Which.
        system: &'static str,
        /// 5xx.
        status: u16,
        /// When it says to come again.
        retry_after: Option<Duration>,
    },
    /// It answered what makes no sense.
    #[error("{system} answered what makes no sense ({what})")]
    Malformed {
        /// Which.
        system: &'static str,
        /// What is wrong with the answer.
        what: &'static str,
    },
    /// The answer is longer than any that is expected.
    #[error("{system} answered with more than {limit} bytes; the rest was not read")]
    TooLarge {
        /// Which.
        system: &'static str,
        /// The limit.
        limit: u64,
    },
    /// It sends elsewhere: to another host, too often, or for a write.
    #[error("{system} redirects where it is not followed; correct its api_base")]
    RedirectRefused {
        /// Which.
        system: &'static str,
    },
    /// Nothing was sent: it has failed too often just now.
    #[error("{system} has failed too often; it is left alone for {} s", .retry_in.as_secs())]
    BreakerOpen {
        /// Which.
        system: &'static str,
        /// Until the next trial.
        retry_in: Duration,
    },
    /// Nothing was sent: too much is asked of it by us.
    #[error("too much is asked of {system} at once; try again in a moment")]
    Busy {
        /// Which.
        system: &'static str,
    },
    /// Nothing was sent: the request cannot be made.
    #[error("a request to {system} cannot be made ({what})")]
    Invalid {
        /// Which.
        system: &'static str,
        /// What is wrong with it.
        what: &'static str,
    },
}

fn after(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(" for {} s", wait.as_secs()))
}

/// The one system here that does not speak HTTP.
pub(crate) const EMAIL: &str = "email";

fn reply(system: &str, status: u16) -> String {
    format!("{} {status}", if system == EMAIL { "SMTP" } else { "HTTP" })
}

fn shown(code: Option<u32>) -> String {
    code.map_or_else(String::new, |code| format!(", code {code}"))
}

/// An error's body, for the client that knows its shape. It is not shown: an outside system may put
/// anything into it, such as the text of a message or a number.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Body(pub Vec<u8>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes)", self.0.len())
    }
}

impl OutsideError {
    /// Whether sending again can help, as far as the error itself tells; codes of a system's own may say more.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            _ if self.may_have_been_sent() => Class::MaybeDelivered,
            Self::Unauthorized { .. }
            | Self::NoCredit { .. }
            | Self::NotFound { .. }
            | Self::Rejected { .. }
            | Self::RedirectRefused { .. }
            | Self::Invalid { .. } => Class::Permanent,
            _ => Class::Later,
        }
    }

    /// Whether the request may have been carried out all the same: a write must be looked for before it is
    /// sent again.
    #[must_use]
    pub fn may_have_been_sent(&self) -> bool {
        match self {
            // A proxy's 502 or 504 says nothing of what the system behind it did.
            Self::Unanswered { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Unavailable { .. } => true,
            Self::Unreachable { .. }
            | Self::Unauthorized { .. }
            | Self::NoCredit { .. }
            | Self::NotFound { .. }
            | Self::RateLimited { .. }
            | Self::Rejected { .. }
            | Self::RedirectRefused { .. }
            | Self::BreakerOpen { .. }
            | Self::Busy { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// Whether it tells of the system's health, so that the breaker counts it. A key that is refused or a
    /// request that makes no sense is answered by a system that is well.
    #[must_use]
    pub fn is_failure_of_the_system(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Unanswered { .. }
            | Self::Unavailable { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::RedirectRefused { .. } => true,
            Self::Unauthorized { .. }
            | Self::NoCredit { .. }
            | Self::NotFound { .. }
            | Self::RateLimited { .. }
            | Self::Rejected { .. }
            | Self::BreakerOpen { .. }
            | Self::Busy { .. }
            | Self::Invalid { .. } => false,
        }
    }

    /// Whether the person must do something before it can work.
    #[must_use]
    pub fn is_refused_key(&self) -> bool {
        matches!(self, Self::Unauthorized { .. })
    }

    /// How long it asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            Self::BreakerOpen { retry_in, .. } => Some(*retry_in),
            _ => None,
        }
    }

    /// The system's own code, where it refused with one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Rejected { code, .. } => *code,
            _ => None,
        }
    }

    /// The kind in one word, for `error.type` in spans and metrics.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::Unanswered { .. } => "unanswered",
            Self::Unauthorized { .. } => "unauthorized",
            Self::NoCredit { .. } => "no-credit",
            Self::NotFound { .. } => "not-found",
            Self::RateLimited { .. } => "rate-limited",
            Self::Rejected { .. } => "rejected",
            Self::Unavailable { .. } => "unavailable",
            Self::Malformed { .. } => "malformed",
            Self::TooLarge { .. } => "too-large",
            Self::RedirectRefused { .. } => "redirect-refused",
            Self::BreakerOpen { .. } => "breaker-open",
            Self::Busy { .. } => "busy",
            Self::Invalid { .. } => "invalid",
        }
    }
}
