//! Text templates with placeholders, such as `{goal}: {limsum}, {time_left} left`.
//!
//! A template is parsed once, with the settings, so that a mistyped placeholder is reported then and not in a
//! message at night. `{{` and `}}` are literal braces. Inserted values are never parsed: a goal's own text
//! may contain braces.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::shown;

/// The text for a missing value.
pub const NOT_KNOWN: &str = "not known";

/// Maximum length: no channel accepts more.
const LENGTH_MAX: usize = 1600;

macro_rules! placeholders {
    ($($(#[doc = $doc:literal])+ $variant:ident => $name:literal,)+) => {
        /// A placeholder.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Placeholder {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Placeholder {
            /// All placeholders, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name between the braces.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

placeholders! {
    /// The reminder's name.
    Name => "name",
    /// The civil day that the reminder is for.
    Day => "day",
    /// The goal's slug.
    Goal => "goal",
    /// The goal's title; its slug if it has none.
    Title => "title",
    /// What must be done to stay safe, in Beeminder's words.
    Limsum => "limsum",
    /// What must be done today, in Beeminder's words.
    Baremin => "baremin",
    /// Time until the goal derails.
    TimeLeft => "time_left",
    /// When the goal derails, in the person's time zone.
    Deadline => "deadline",
    /// Whole safe days.
    SafeDays => "safe_days",
    /// The amount at stake, in USD.
    Pledge => "pledge",
    /// The name of the budget that decides the detail.
    Budget => "budget",
    /// What is left of it, in USD.
    Remaining => "remaining",
    /// The goal that derails first.
    MostUrgent => "most_urgent",
    /// Number of goals that derail at their next deadline.
    Emergencies => "emergencies",
}

impl Placeholder {
    /// Whether it is about the template's own goal.
    #[must_use]
    pub fn is_of_a_goal(self) -> bool {
        match self {
            Self::Goal
            | Self::Title
            | Self::Limsum
            | Self::Baremin
            | Self::TimeLeft
            | Self::Deadline
            | Self::SafeDays
            | Self::Pledge => true,
            Self::Name
            | Self::Day
            | Self::Budget
            | Self::Remaining
            | Self::MostUrgent
            | Self::Emergencies => false,
        }
    }
}

/// With its braces.
impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.name())
    }
}

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An unknown placeholder.
    #[error("there is no placeholder {{{0}}}; there are {known}", known = known())]
    Unknown(String),
    /// A `{` without its `}`.
    #[error("a '{{' without its '}}'; write '{{{{' for a brace")]
    Unclosed,
    /// A `}` without its `{`.
    #[error("a '}}' without its '{{'; write '}}}}' for a brace")]
    Unopened,
    /// Nothing but spaces.
    #[error("it is empty; write what is to be said")]
    Empty,
    /// Longer than the maximum.
    #[error("it has {0} characters; use at most 1600")]
    TooLong(usize),
}

fn known() -> String {
    Placeholder::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Fact(Placeholder),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

impl Template {
    /// The text it was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Its placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = Placeholder> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Fact(placeholder) => Some(*placeholder),
        })
    }

    /// Renders the text with these values.
    #[must_use]
    pub fn render(&self, facts: &Facts) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Fact(placeholder) => facts.get(*placeholder).unwrap_or(NOT_KNOWN),
        });
        parts.collect()
    }
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(source: &str) -> Result<Self, TemplateError> {
        let length = source.chars().count();
        if length > LENGTH_MAX {
            return Err(TemplateError::TooLong(length));
        }
        if source.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), source);
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some((brace, after)) = escaped(rest) {
                text.push(brace);
                rest = after;
                continue;
            }
            let inner = rest.strip_prefix('{').ok_or(TemplateError::Unopened)?;
            let (name, after) = inner.split_once('}').ok_or(TemplateError::Unclosed)?;
            if name.contains('{') {
                return Err(TemplateError::Unclosed);
            }
            let placeholder = Placeholder::ALL.iter().find(|known| known.name() == name);
            let placeholder = *placeholder.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Fact(placeholder));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { source: source.to_owned(), parts })
    }
}

/// The brace that a doubled one stands for, and the rest of the text.
fn escaped(rest: &str) -> Option<(char, &str)> {
    let open = rest.strip_prefix("{{").map(|after| ('{', after));
    open.or_else(|| rest.strip_prefix("}}").map(|after| ('}', after)))
}

/// Values of the placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<Placeholder, String>);

impl Facts {
    /// Adds a value; an empty one counts as unknown. It is reduced to one line of visible characters: values
    /// come from outside, and the text goes to a telephone, an email or a desktop.
    #[must_use]
    pub fn with(mut self, placeholder: Placeholder, fact: impl Into<String>) -> Self {
        let fact = fact.into();
        self.0.insert(placeholder, shown::seen(&fact).replace(['\n', '\t'], " "));
        self
    }

    /// Adds a value that may be unknown.
    #[must_use]
    pub fn maybe(self, placeholder: Placeholder, fact: Option<impl Into<String>>) -> Self {
        match fact {
            Some(fact) => self.with(placeholder, fact),
            None => self,
        }
    }

    #[must_use]
    pub fn get(&self, placeholder: Placeholder) -> Option<&str> {
        self.0.get(&placeholder).map(|fact| fact.trim()).filter(|fact| !fact.is_empty())
    }
}

#[cfg(test)]
mod tests;
