//! WhatsApp's approved templates, by kind of alert: outside of the 24 hours after the person's last message WhatsApp takes
//! nothing else.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::alert::Kind;

/// The templates, each of which can be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<WhatsappTemplate>", into = "Vec<WhatsappTemplate>")]
pub struct WhatsappTemplates(Vec<WhatsappTemplate>);

impl JsonSchema for WhatsappTemplates {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "WhatsappTemplates".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<WhatsappTemplate>::json_schema(generator)
    }
}

/// A template that WhatsApp has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatsappTemplate {
    /// For which kind of alert, such as `goal`; for all that have none of their own where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// `HX` and 32 hexadecimal digits.
    pub content_sid: String,
    /// What stands for each of its variables; may hold `{text}`, `{kind}`, `{subject}` and `{severity}`. One of them holds
    /// `{text}`, so that the person reads what it is about and a lost message can be found again.
    #[serde(default = "text_alone")]
    pub variables: BTreeMap<String, String>,
}

fn text_alone() -> BTreeMap<String, String> {
    BTreeMap::from([("1".to_owned(), "{text}".to_owned())])
}

/// What may stand in a variable.
const PLACEHOLDERS: [&str; 4] = ["text", "kind", "subject", "severity"];
/// More variables than a template has are a mistake.
const VARIABLES_MAX: usize = 100;

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplatesError {
    /// The SID has another form.
    #[error(
        "template {0}: content_sid is HX and 32 hexadecimal digits; copy it from Twilio's Content Template Builder"
    )]
    Sid(usize),
    /// Two for one kind.
    #[error("template {0}: there is another one for this kind; keep one of them")]
    Duplicate(usize),
    /// No variable holds the text.
    #[error("template {0}: no variable holds {{text}}; write it like variables = {{ \"1\" = \"{{text}}\" }}")]
    NoText(usize),
    /// An unknown placeholder.
    #[error(
        "template {number}: there is no {{{name}}}; there are {{text}}, {{kind}}, {{subject}} and {{severity}}"
    )]
    Placeholder {
        /// Which, from 1.
        number: usize,
        /// What stands between the braces, at its length's beginning.
        name: String,
    },
    /// Too many variables.
    #[error("template {0}: it has more than {VARIABLES_MAX} variables")]
    TooMany(usize),
}

impl TryFrom<Vec<WhatsappTemplate>> for WhatsappTemplates {
    type Error = TemplatesError;

    fn try_from(templates: Vec<WhatsappTemplate>) -> Result<Self, TemplatesError> {
        let mut kinds = BTreeSet::new();
        for (number, template) in (1..).zip(&templates) {
            let digits = template.content_sid.strip_prefix("HX").unwrap_or_default();
            if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(TemplatesError::Sid(number));
            }
            if !kinds.insert(template.kind) {
                return Err(TemplatesError::Duplicate(number));
            }
            if template.variables.len() > VARIABLES_MAX {
                return Err(TemplatesError::TooMany(number));
            }
            for value in template.variables.values() {
                let mut names = value.split('{').skip(1).map(|rest| rest.split('}').next().unwrap_or(rest));
                if let Some(name) = names.find(|name| !PLACEHOLDERS.contains(name)) {
                    let name = name.chars().take(24).collect();
                    return Err(TemplatesError::Placeholder { number, name });
                }
            }
            if !template.variables.values().any(|value| value.contains("{text}")) {
                return Err(TemplatesError::NoText(number));
            }
        }
        Ok(Self(templates))
    }
}

impl From<WhatsappTemplates> for Vec<WhatsappTemplate> {
    fn from(templates: WhatsappTemplates) -> Self {
        templates.0
    }
}

impl WhatsappTemplates {
    /// The template for a kind of alert: its own, or that for all.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Option<&WhatsappTemplate> {
        let find = |kind| self.0.iter().find(|template| template.kind == kind);
        find(Some(kind)).or_else(|| find(None))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl WhatsappTemplate {
    /// The variables with these values, as the JSON object that Twilio wants. WhatsApp takes no line breaks and no tabs in
    /// them, and no more than four spaces on end. What is put in is not looked at again.
    #[must_use]
    pub fn filled(&self, values: &[(&str, &str); 4]) -> String {
        let fill = |pattern: &String| {
            let mut filled = String::new();
            for (number, part) in pattern.split('{').enumerate() {
                let placeholder = (number > 0).then(|| part.split_once('}')).flatten();
                let Some((name, rest)) = placeholder else {
                    filled += part;
                    continue;
                };
                filled += values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
                filled += rest;
            }
            filled.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let filled: serde_json::Map<String, serde_json::Value> =
            self.variables.iter().map(|(name, pattern)| (name.clone(), fill(pattern).into())).collect();
        serde_json::Value::Object(filled).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SID: &str = "HX00000000000000000000000000000001";

    fn template(kind: Option<Kind>, variables: &[(&str, &str)]) -> WhatsappTemplate {
        let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        WhatsappTemplate { kind, content_sid: SID.to_owned(), variables: variables.collect() }
    }

    #[test]
    fn a_kind_has_its_own_template_or_that_for_all() {
        let for_all = template(None, &[("1", "{text}")]);
        let of_goals = template(Some(Kind::Goal), &[("2", "{text}")]);
        let both = WhatsappTemplates::try_from(vec![for_all.clone(), of_goals.clone()]).unwrap();
        assert_eq!((both.of(Kind::Goal), both.of(Kind::Actor)), (Some(&of_goals), Some(&for_all)));
        let one = WhatsappTemplates::try_from(vec![of_goals]).unwrap();
        assert_eq!((one.of(Kind::Actor), one.is_empty()), (None, false));
    }

    #[test]
    fn variables_are_filled_once_and_on_one_line() {
        let template = template(None, &[("1", "{severity} {kind}"), ("2", "so: {text}"), ("3", "{subject}")]);
        let values = [
            ("text", "a {kind}\n\tb     c"),
            ("kind", "goal"),
            ("subject", "\"walk\""),
            ("severity", "info"),
        ];
        assert_eq!(template.filled(&values), r#"{"1":"info goal","2":"so: a {kind} b c","3":"\"walk\""}"#);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_mend() {
        let text = [("1", "{text}")];
        let short = WhatsappTemplate { content_sid: "HX1".into(), ..template(None, &text) };
        let many: Vec<(String, String)> =
            (0..101).map(|number| (number.to_string(), "{text}".to_owned())).collect();
        let many = WhatsappTemplate { variables: many.into_iter().collect(), ..template(None, &text) };
        for (templates, mend) in [
            (vec![short], "32 hexadecimal digits"),
            (vec![template(None, &text), template(None, &text)], "keep one"),
            (vec![template(None, &[("1", "hello")])], "{text}"),
            (vec![template(None, &[])], "{text}"),
            (vec![template(None, &[("1", "{text} {txet}")])], "there is no {txet}"),
            (vec![template(None, &[("1", "{text} {")])], "there is no {}"),
            (vec![many], "more than 100"),
        ] {
            let error = WhatsappTemplates::try_from(templates).unwrap_err().to_string();
            assert!(error.contains(mend), "{error}");
        }
    }
}
