//! A request as it goes over HTTP: its method, and what of it stands in the path, the query and the body.

use serde::Serialize;
use serde_json::{Map, Value};

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// The path, with the request's own segment in it.
    pub path: String,
    /// The query's parameters that are there.
    pub query: Vec<(String, String)>,
    /// The body, where there is one.
    pub body: Option<Value>,
}

impl Parts {
    /// Of a request: the field that `path` names in braces stands there, the others are the body, or else the query.
    pub fn of(request: &impl Serialize, path: &str, has_body: bool) -> Self {
        let mut fields = serde_json::to_value(request).unwrap_or_default();
        let path = match path.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?))) {
            Some((head, (name, rest))) => {
                let segment = fields.as_object_mut().and_then(|fields| text(fields.remove(name)?));
                format!("{head}{}{rest}", encoded(&segment.unwrap_or_default()))
            }
            None => path.to_owned(),
        };
        if has_body {
            return Self { path, query: Vec::new(), body: Some(fields).filter(|fields| !fields.is_null()) };
        }
        let fields = if let Value::Object(fields) = fields { fields } else { Map::new() };
        let query = fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?)));
        Self { path, query: query.collect(), body: None }
    }
}

/// A value of a query or a path; none where it is absent.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
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
    use serde_json::json;

    #[test]
    fn a_field_stands_in_the_path_and_the_others_in_the_body_or_in_the_query() {
        let path = "/api/v1/goals/{slug}/close";
        let close = Parts::of(&json!({"slug": "letter", "end": "done"}), path, true);
        assert_eq!(close.path, "/api/v1/goals/letter/close");
        assert_eq!((close.query, close.body), (vec![], Some(json!({"end": "done"}))));
        let strange = Parts::of(&json!({"slug": "a/../b?c"}), path, false);
        assert_eq!((strange.path.as_str(), strange.query), ("/api/v1/goals/a%2F..%2Fb%3Fc/close", vec![]));
        let asked = json!({"all": true, "by": "day", "since": null, "limit": 3});
        let Parts { path, mut query, body } = Parts::of(&asked, "/api/v1/goals", false);
        query.sort();
        let text: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            (path.as_str(), text.join("&").as_str(), body),
            ("/api/v1/goals", "all=true&by=day&limit=3", None)
        );
        assert_eq!(Parts::of(&(), "/api/v1/reload", true).body, None);
    }
}
