//! Error codes: the table behind the API's problem documents, the command line's exit codes, the API's
//! description and `docs/problems.md`.
//!
//! Each capability's error implements [`Coded`]; no layer above lists the errors of those below. A name in
//! this table is stable, because clients compare it. A new kind of error is a new row, and a row never
//! changes its meaning.

use std::fmt;

/// Prefix of a code's name in a problem document's `type` (RFC 9457, section 3.1.1).
pub const URN: &str = "urn:mecris:problem:";

/// The exit code for a mistake in the command.
pub const EXIT_MISTAKE: u8 = 2;
/// The exit code of every other failure.
pub const EXIT_FAILURE: u8 = 1;

/// An error that has a code.
pub trait Coded: std::error::Error {
    fn code(&self) -> Code;
}

/// Cannot occur.
impl Coded for std::convert::Infallible {
    fn code(&self) -> Code {
        match *self {}
    }
}

macro_rules! codes {
    ($($code:ident, $name:literal, $status:literal, $exit:expr, $retry:expr, $says:literal;)*) => {
        /// The kind of an error.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $says] $code,)*
        }

        impl Code {
            /// All codes, in table order.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The name: the last part of a problem document's `type`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$code => $name),* }
            }

            /// The HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$code => $status),* }
            }

            /// The exit code.
            #[must_use]
            pub const fn exit(self) -> u8 {
                match self { $(Self::$code => $exit),* }
            }

            /// Seconds after which a retry may succeed, if any.
            #[must_use]
            pub const fn retry_after(self) -> Option<u64> {
                match self { $(Self::$code => $retry),* }
            }

            /// The meaning, in one line.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$code => $says),* }
            }
        }
    };
}

codes! {
    BadRequest, "bad-request", 400, EXIT_MISTAKE, None,
        "The request is not of the form that the API's description gives.";
    Unauthorized, "unauthorized", 401, EXIT_FAILURE, None,
        "There is no token, or it is not valid.";
    OutOfScope, "out-of-scope", 403, EXIT_FAILURE, None,
        "The token is good, and is for other things.";
    Forbidden, "forbidden", 403, EXIT_FAILURE, None,
        "The caller must not do this, or the request comes from a forbidden origin.";
    NotFound, "not-found", 404, EXIT_FAILURE, None,
        "There is nothing at this address.";
    ActorUnknown, "actor-unknown", 404, EXIT_MISTAKE, None,
        "There is no actor of this path.";
    AlertUnknown, "alert-unknown", 404, EXIT_MISTAKE, None,
        "There is no alert of this number.";
    AliasUnknown, "alias-unknown", 404, EXIT_MISTAKE, None,
        "The directory has no alias.";
    BudgetUnknown, "budget-unknown", 404, EXIT_MISTAKE, None,
        "There is no budget of this name.";
    FeedUnknown, "feed-unknown", 404, EXIT_MISTAKE, None,
        "Nothing feeds this goal.";
    GoalUnknown, "goal-unknown", 404, EXIT_MISTAKE, None,
        "There is no goal of this name, or no keeper for it.";
    LimitRequestUnknown, "limit-request-unknown", 404, EXIT_MISTAKE, None,
        "There is no limit request of this number.";
    OdometerUnknown, "odometer-unknown", 404, EXIT_MISTAKE, None,
        "There is no odometer of this provider.";
    TenantUnknown, "tenant-unknown", 404, EXIT_MISTAKE, None,
        "There is no tenant of this name.";
    TokenUnknown, "token-unknown", 404, EXIT_MISTAKE, None,
        "There is no valid token of this id.";
    VirtualBudgetUnknown, "virtual-budget-unknown", 404, EXIT_MISTAKE, None,
        "There is no virtual budget.";
    MethodNotAllowed, "method-not-allowed", 405, EXIT_FAILURE, None,
        "The address has other methods; `Allow` names them.";
    AliasConflict, "alias-conflict", 409, EXIT_MISTAKE, None,
        "The names would go round, or there are too many.";
    Conflict, "conflict", 409, EXIT_FAILURE, None,
        "Another change came between, each time that it was tried.";
    ConsoleOff, "console-off", 409, EXIT_MISTAKE, None,
        "Reading providers' pages is switched off.";
    DayUnknown, "day-unknown", 409, EXIT_FAILURE, None,
        "The goal's present day is not known, and the request names none; nothing was written.";
    LimitRequestSettled, "limit-request-settled", 409, EXIT_MISTAKE, None,
        "The request for more stands otherwise: it is answered, taken back or over.";
    NotConfigured, "not-configured", 409, EXIT_FAILURE, None,
        "What this needs is not set up.";
    NoteNotWritten, "note-not-written", 409, EXIT_FAILURE, None,
        "The note is another than it was, or cannot be written to; nothing was written.";
    PageNotRead, "page-not-read", 409, EXIT_FAILURE, None,
        "The provider's page gave no balance that may be believed.";
    Settings, "settings", 409, EXIT_MISTAKE, None,
        "Something is wrong with the settings or the price file; nothing changed.";
    TenantTaken, "tenant-taken", 409, EXIT_MISTAKE, None,
        "There is a tenant of this name already, or it cannot be removed.";
    TooLarge, "too-large", 413, EXIT_MISTAKE, None,
        "The body is longer than a request may be.";
    UnsupportedMediaType, "unsupported-media-type", 415, EXIT_FAILURE, None,
        "The body is not JSON by its Content-Type.";
    Refused, "refused", 422, EXIT_MISTAKE, None,
        "The request is of the form that is described, and is refused for what it means.";
    DatapointNotTaken, "not-taken", 422, EXIT_FAILURE, None,
        "Beeminder refuses the datapoint; it is not sent again.";
    EventRefused, "event-refused", 422, EXIT_FAILURE, None,
        "The log refuses the event, or what lies where it is to be written.";
    TooMany, "too-many", 429, EXIT_MISTAKE, None,
        "Too much was asked for in all; in a moment it is still too much.";
    Busy, "busy", 429, EXIT_FAILURE, Some(1),
        "Too much is asked at once.";
    CutShort, "cut-short", 500, EXIT_FAILURE, None,
        "The work was cut short by a defect or by the program's end; whether it was done is not known.";
    Internal, "internal", 500, EXIT_FAILURE, None,
        "Something failed inside; `detail` or the supervisor's log has the cause.";
    LogDamaged, "log-damaged", 500, EXIT_FAILURE, None,
        "The log is damaged; `detail` names the position and the fix.";
    UnknownOutcome, "unknown-outcome", 500, EXIT_FAILURE, None,
        "Whether this was done is not known; look before asking again.";
    Unavailable, "unavailable", 503, EXIT_FAILURE, Some(5),
        "A part that this needs does not answer, or the log takes no events.";
}

impl Code {
    /// The `type` of a problem document.
    #[must_use]
    pub fn urn(self) -> String {
        format!("{URN}{}", self.name())
    }

    /// The code of a problem document's `type`. None if this program does not know it.
    #[must_use]
    pub fn of_urn(urn: &str) -> Option<Self> {
        let name = urn.strip_prefix(URN)?;
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_code_has_a_name_of_its_own_that_leads_back_to_it() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len(), "two codes share a name");
        for &code in Code::ALL {
            let is_plain = |c: char| c.is_ascii_lowercase() || c == '-';
            assert!(code.name().chars().all(is_plain), "{code} is no part of a URN");
            assert_eq!(Code::of_urn(&code.urn()), Some(code));
        }
        for strange in ["urn:mecris:problem:", "urn:mecris:problem:x", "busy", "about:blank", ""] {
            assert_eq!(Code::of_urn(strange), None, "{strange}");
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_statuses_and_each_row_makes_sense() {
        assert!(Code::ALL.is_sorted_by_key(|code| code.status()));
        for &code in Code::ALL {
            assert!((400..600).contains(&code.status()), "{code}");
            assert!(code.says().ends_with('.') && !code.says().contains('\n'), "{code}");
            // A mistake does not disappear by waiting; a temporary failure is not a mistake.
            assert!(code.exit() == EXIT_FAILURE || code.retry_after().is_none(), "{code}");
            assert!(code.exit() == EXIT_FAILURE || code.status() < 500, "{code}");
        }
    }
}
