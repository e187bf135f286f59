//! A provider's own billing page, read in a real browser where no API tells the balance.
//!
//! ```text
//! recipe (data) ─▶ browser (its own process group, profile of ours) ─▶ page ─▶ looks, every 150 ms ─▶ Seen | ConsoleError
//!                                                                       └▶ JSON responses of the recipe's urls
//! ```
//!
//! Off until it is switched on: a provider's terms may forbid automated access. Nothing here passes a challenge,
//! pretends to be another browser, or types a password: the person logs in, once, in a window of their own, or brings
//! the cookies of a browser in which they did.
//!
//! Driven by the Chrome DevTools Protocol over a pipe (`cdp`): no port is opened that another user could reach.

pub mod browser;
pub(crate) mod cdp;
pub mod cookies;
mod group;
mod look;
mod mask;
pub mod profile;
pub mod read;
pub mod recipe;
mod responses;

use crate::domain::console::Implausible;

pub use browser::Limits;
pub use profile::Profile;
pub use read::{Seen, read};
pub use recipe::{Recipe, RecipeError};

/// Why a page gave no balance. Each is a state of its own, with its mend; none is a balance of zero.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConsoleError {
    /// There is no browser.
    #[error(
        "no Chromium or Chrome was found; install one (apt-get install chromium) or name it in console.browser"
    )]
    NoBrowser,
    /// Root would start it.
    #[error(
        "a browser that root starts has no sandbox against the pages it shows, so it is not started; run mecris as an ordinary user, or take the risk: console.as_root = true"
    )]
    AsRoot,
    /// The browser did not start, went away, or said what makes no sense.
    #[error("the browser {what}; try `{program} --headless --version`, and look into {log}")]
    Browser {
        /// What happened.
        what: String,
        /// The program.
        program: String,
        /// Where what it said last stands.
        log: String,
    },
    /// Another program uses the profile.
    #[error("the browser's profile is in use by another mecris; try again in a minute")]
    Busy,
    /// Nobody is logged in.
    #[error("nobody is logged in at {provider} any more; log in again: mecris login {provider}")]
    LoggedOut {
        /// At which provider.
        provider: String,
    },
    /// A page that wants to know whether a person is there.
    #[error(
        "{provider} shows a challenge page, which a program must not pass; log in again: mecris login {provider}"
    )]
    Challenge {
        /// Which provider.
        provider: String,
    },
    /// The page's own JSON is an error.
    #[error("{provider} answers its own page with an error; look at the page in your own browser")]
    Refused {
        /// Which provider.
        provider: String,
    },
    /// The page is there, and what the recipe names is not.
    #[error(
        "the page does not show what the recipe names ({missing}); it may have changed: see docs/console.md, \"A changed page\""
    )]
    Changed {
        /// The ways that led to nothing, with why.
        missing: String,
    },
    /// The page did not come.
    #[error("the page was not there after {seconds} s; the next look may find it")]
    Slow {
        /// How long was waited.
        seconds: u64,
    },
    /// The system refused the connection, or it broke off.
    #[error("the page cannot be reached; the next look may reach it")]
    Unreachable,
    /// Another currency.
    #[error(
        "the page is in another currency than USD, and nothing is converted; keep it by hand: mecris balance set"
    )]
    Currency,
    /// An old figure.
    #[error("the page shows a figure of {as_of}, which is too old")]
    Outdated {
        /// Of when it is.
        as_of: String,
    },
    /// An amount that is not believed.
    #[error(transparent)]
    Implausible(#[from] Implausible),
    /// The browser took too much memory.
    #[error("the browser took more than {mib} MiB; raise console.memory_mib if the page needs that")]
    Memory {
        /// The limit.
        mib: u64,
    },
    /// The file system.
    #[error("{what}: {detail}; mend its permissions")]
    Files {
        /// Which file.
        what: String,
        /// What the system said.
        detail: String,
    },
}

impl ConsoleError {
    /// Whether only a person can mend it, by logging in.
    #[must_use]
    pub fn needs_login(&self) -> bool {
        matches!(self, Self::LoggedOut { .. } | Self::Challenge { .. })
    }

    /// One word, for spans and screenshots' names.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NoBrowser => "no-browser",
            Self::AsRoot => "as-root",
            Self::Browser { .. } => "browser",
            Self::Busy => "busy",
            Self::LoggedOut { .. } => "logged-out",
            Self::Challenge { .. } => "challenge",
            Self::Refused { .. } => "refused",
            Self::Changed { .. } => "changed",
            Self::Slow { .. } => "slow",
            Self::Unreachable => "unreachable",
            Self::Currency => "currency",
            Self::Outdated { .. } => "outdated",
            Self::Implausible(_) => "implausible",
            Self::Memory { .. } => "memory",
            Self::Files { .. } => "files",
        }
    }

    fn files(path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::Files { what: path.display().to_string(), detail: error.to_string() }
    }
}
