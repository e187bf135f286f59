//! The formats of texts that come from outside, as the API's description states them. Each pattern is defined
//! here once.
//!
//! A format is part of the API's description, and what the description forbids is refused before a handler
//! runs (`http/described.rs`). What a format allows is then parsed; the tests below compare format and
//! parser. The parser alone checks what a pattern cannot express, such as a day that its month does not have
//! or an unknown time zone.
//!
//! Patterns use the subset of regular expressions that ECMA 262, Python and the `regex` crate read alike:
//! characters are listed one by one, and there is no lookahead.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::calendar::{PeriodKind, WeekStart};
use crate::domain::local_goal::{End, Priority};
use crate::domain::vault::periodic::Period as NoteKind;

#[cfg(test)]
mod tests;

/// A format, as JSON Schema describes it.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Its name among the description's components.
    pub name: &'static str,
    /// A description for people.
    pub text: &'static str,
    /// A regular expression; empty if there is none.
    pub pattern: &'static str,
    /// The only allowed words; empty if there are others.
    pub words: &'static [&'static str],
    /// Minimum and maximum length in characters.
    pub length: (usize, usize),
    /// An example; empty if giving one would do harm.
    pub example: &'static str,
}

impl Form {
    const fn new(name: &'static str, text: &'static str) -> Self {
        Self { name, text, pattern: "", words: &[], length: (1, 1_024), example: "" }
    }

    const fn like(self, pattern: &'static str, length: (usize, usize), example: &'static str) -> Self {
        Self { pattern, length, example, ..self }
    }

    const fn of(self, words: &'static [&'static str]) -> Self {
        Self { words, ..self }
    }

    /// The schema in the API's description.
    #[must_use]
    pub fn schema(&self) -> RefOr<Schema> {
        let object = ObjectBuilder::new().schema_type(Type::String).description(Some(self.text));
        let object = if self.words.is_empty() {
            let pattern = (!self.pattern.is_empty()).then_some(self.pattern);
            object.pattern(pattern).min_length(Some(self.length.0)).max_length(Some(self.length.1))
        } else {
            object.enum_values(Some(self.words.iter().copied()))
        };
        let example = (!self.example.is_empty()).then_some(self.example);
        object.examples(example).into()
    }
}

/// Defines a type for each format, for `value_type`, and the list of all.
macro_rules! forms {
    ($($name:ident: $form:expr;)*) => {
        $(
            #[doc = concat!("See [`ALL`]: the form `", stringify!($name), "`.")]
            #[derive(Debug)]
            pub struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    $form.schema()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )*

        /// All formats.
        pub const ALL: &[Form] = &[$($form),*];
    };
}

/// One line with visible text: no control characters, and more than spaces.
const LINE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*\
    [^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]\
    [^\\u0000-\\u001f\\u007f-\\u009f]*$";
/// One line, possibly empty.
const LINE_OR_NONE: &str = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$";
/// Text of any number of lines with something visible in it.
const WORDS: &str =
    "[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
/// A word without spaces.
const WORD: &str =
    "^[^\\u0000-\\u0020\\u007f-\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+$";

forms! {
    UsedName: Form::new("UsedName", "A name of usage: one line of at most 1024 bytes.").like(LINE_OR_NONE, (0, 1_024), "claude-sonnet-4-5");
    Usd: Form::new("Usd", "An amount in USD: a decimal number without a sign, with at most 12 decimals.")
        .like("^([0-9]{1,9}(\\.[0-9]{0,12})?|\\.[0-9]{1,12})$", (1, 22), "50");
    UsdText: Form::new("UsdText", "An amount in USD as providers show it: `13.92`, `$13.92` or `13.92 USD`, with at most 12 decimals.")
        .like("^((\\$ ?|USD ?)?([0-9]{1,9}(\\.[0-9]{0,12})?|\\.[0-9]{1,12})|([0-9]{1,9}(\\.[0-9]{0,12})?|\\.[0-9]{1,12}) ?(USD|\\$))$", (1, 27), "13.92");
    BudgetName: Form::new("BudgetName", "A budget's name: 1 to 64 of a-z, 0-9, '-', '_' and '.', and not only points.")
        .like("^\\.*[a-z0-9_-][a-z0-9._-]*$", (1, 64), "main");
    GoalSlug: Form::new("GoalSlug", "A goal's slug: 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.', and not only points.")
        .like("^\\.*[A-Za-z0-9_-][A-Za-z0-9._-]*$", (1, 64), "taxes");
    RequestId: Form::new("RequestId", "An idempotency key: 1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.'.")
        .like("^[A-Za-z0-9._-]+$", (1, 64), "");
    ProviderName: Form::new("ProviderName", "A provider, as usage names it: 1 to 40 of a-z, 0-9, '-', '_' and '.', and not only points.")
        .like("^\\.*[a-z0-9_-][a-z0-9._-]*$", (1, 40), "anthropic");
    Month: Form::new("Month", "A month, `YYYY-MM`.").like("^[0-9]{4}-(0[1-9]|1[0-2])$", (7, 7), "2026-10");
    DaysText: Form::new("DaysText", "Days: `2026-11-23`, `today`, `yesterday`, `7d` (so many, today the last of them; `w`, `m` and `y` too), `this-week`, `last-month`, `2026-11`, `2026-W48` (ISO 8601) or `2026`.").like(
        "^(today|yesterday|(this|last)-(week|month|year)|[1-9][0-9]{0,3}[dwmy]|[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?|-W(0[1-9]|[1-4][0-9]|5[0-3]))?)$",
        (2, 10),
        "7d"
    );
    ZoneName: Form::new("ZoneName", "A time zone by its name in the IANA's list, such as Europe/Berlin.")
        .like("^[A-Za-z0-9_+/-]+$", (1, 64), "Europe/Berlin");
    LimitName: Form::new("LimitName", "A limit: `session`, `day`, `virtual` or `budget:NAME`.")
        .like("^(session|day|virtual|budget:[a-z0-9._-]{1,64})$", (1, 71), "day");
    Reason: Form::new("Reason", "Why, in one line of 1 to 200 bytes.").like(LINE, (1, 200), "two tests still fail");
    Note: Form::new("Note", "What there is to say, in one line of at most 200 bytes.").like(LINE_OR_NONE, (0, 200), "");
    TokenName: Form::new("TokenName", "What its owner calls a token, in one line of at most 64 bytes.")
        .like(LINE_OR_NONE, (0, 64), "laptop");
    TokenKind: Form::new("TokenKind", "What a token is for.").of(&["agent", "ingest", "auditor", "member"]);
    TenantName: Form::new("TenantName", "A tenant's name.")
        .like("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", (1, 40), "acme");
    TokenId: Form::new("TokenId", "A token's id, as it is listed.").like("^[a-z0-9-]+$", (1, 64), "ing-3f9c01d2");
    PhoneNumber: Form::new("PhoneNumber", "A telephone number in E.164 form.")
        .like("^\\+[1-9][0-9]{7,14}$", (9, 16), "+15558675310");
    PeriodName: Form::new("PeriodName", "A budget's period.")
        .of(&PeriodKind::WORDS);
    WeekDay: Form::new("WeekDay", "A day of the week.")
        .of(&WeekStart::WORDS);
    YearDay: Form::new("YearDay", "A day of the year, `MM-DD`.").like(
        "^((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))$",
        (5, 5),
        "04-01"
    );
    GoalPriority: Form::new("GoalPriority", "How much a goal matters.").of(&Priority::WORDS);
    GoalEnd: Form::new("GoalEnd", "How a goal ends.").of(&End::WORDS);
    GoalTitle: Form::new("GoalTitle", "A goal's name for people: 1 to 200 characters.").like(WORDS, (1, 200), "File the taxes");
    PointValue: Form::new("PointValue", "A decimal number of at most 15 digits.")
        .like("^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)$", (1, 17), "1.5");
    NotePeriod: Form::new("NotePeriod", "What a note of the vault is of.")
        .of(&NoteKind::WORDS);
    DueBy: Form::new("DueBy", "`overdue`, `today`, `tomorrow`, `week` (the next seven days) or a day, `YYYY-MM-DD`.").like(
        "^(overdue|today|tomorrow|week|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$",
        (4, 10),
        "today"
    );
    ReplayEnd: Form::new("ReplayEnd", "A position, or an instant (RFC 3339) since 1970.").like(
        "^([0-9]{1,19}|(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))$",
        (1, 35),
        "2026-11-23T12:00:00Z"
    );
    BlockHash: Form::new("BlockHash", "A head's hash: 64 hexadecimal digits, as `mecris head` prints them.")
        .like("^[0-9a-fA-F]{64}$", (64, 64), "");
    Directory: Form::new("Directory", "A directory, or what it is to be called: one line of 1 to 400 bytes.")
        .like(LINE, (1, 400), "/w/alpha");
    ToldName: Form::new("ToldName", "A name: one line of 1 to 200 bytes.").like(LINE, (1, 200), "claude-sonnet-4-5");
    ToldProject: Form::new("ToldProject", "A project's directory: one line of at most 200 bytes.")
        .like(LINE_OR_NONE, (0, 200), "/w/alpha");
    SessionName: Form::new("SessionName", "A session's name: a word of 1 to 128 bytes.").like(WORD, (1, 128), "s-1");
    ProjectPath: Form::new("ProjectPath", "A directory: a path from the root, of at most 1024 bytes.")
        .like("^/[^\\u0000-\\u001f\\u007f-\\u009f]*$", (1, 1_024), "/home/ada/engine");
    Summary: Form::new("Summary", "What is to be written in one line; at most 1000 characters.")
        .like(WORDS, (1, 1_000), "mended the parser, two tests to go");
    BackupDir: Form::new("BackupDir", "A path below `backup.root`, relative to it or absolute.").like(
        "^/?[^/\\u0000-\\u001f\\u007f-\\u009f]{1,63}(/[^/\\u0000-\\u001f\\u007f-\\u009f]{1,63}){0,15}$",
        (1, 1_024),
        "nightly"
    );
}
