//! A request as it goes over HTTP: its method, and what of it stands in the path, the query and the body.

use serde::Serialize;
use serde_json::Value;

/// The methods that the API has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks, and changes nothing.
    Get,
    /// Sets; the same again changes nothing.
    Put,
    /// Does.
    Post,
    /// Removes.
    Delete,
}

impl Method {
    /// Its name in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// What of a request stands where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// In place of the path's braces.
    segment: String,
    /// The query's parameters that are there.
    pub query: Vec<(String, String)>,
    /// The body, where there is one.
    pub body: Option<Value>,
}

impl Parts {
    /// A value in the path.
    pub fn at(segment: impl ToString) -> Self {
        Self { segment: segment.to_string(), ..Self::default() }
    }

    /// The fields of a struct in the query; those that are absent are left out.
    pub fn query(fields: &impl Serialize) -> Self {
        let Ok(Value::Object(fields)) = serde_json::to_value(fields) else { return Self::default() };
        let text = |value: Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        let query = fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?)));
        Self { query: query.collect(), ..Self::default() }
    }

    /// A JSON body.
    pub fn body(body: &impl Serialize) -> Self {
        Self::default().with_body(body)
    }

    /// The same with a JSON body.
    #[must_use]
    pub fn with_body(self, body: &impl Serialize) -> Self {
        Self { body: serde_json::to_value(body).ok(), ..self }
    }

    /// An endpoint's path with the segment of this request in it.
    #[must_use]
    pub fn path(&self, template: &str) -> String {
        match (template.find('{'), template.find('}')) {
            (Some(start), Some(end)) if start < end => {
                format!("{}{}{}", &template[..start], encoded(&self.segment), &template[end + 1..])
            }
            _ => template.to_owned(),
        }
    }
}

/// A segment of a path (RFC 3986, section 2.3: what is not unreserved is encoded).
fn encoded(segment: &str) -> String {
    let mut text = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text += &format!("%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_stays_one_and_what_is_absent_is_not_asked() {
        let path = |segment: &str| Parts::at(segment).path("/api/v1/goals/{slug}/close");
        assert_eq!(path("letter"), "/api/v1/goals/letter/close");
        assert_eq!(path("a/../b?c"), "/api/v1/goals/a%2F..%2Fb%3Fc/close");
        assert_eq!(Parts::default().path("/api/v1/goals"), "/api/v1/goals");
        let parts = Parts::query(&serde_json::json!({"all": true, "by": "day", "since": null, "limit": 3}));
        let text = |(name, value): &(String, String)| format!("{name}={value}");
        let mut asked: Vec<_> = parts.query.iter().map(text).collect();
        asked.sort();
        assert_eq!(asked, ["all=true", "by=day", "limit=3"]);
    }
}
