//! A question to an outside system, and its answer.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;

use crate::domain::depth;

use super::OutsideError;

/// Whether a request may be sent again when it is not known what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Reading, or a write that carries the system's own idempotency key.
    Safe,
    /// Sending it twice would do it twice.
    Never,
}

/// How a request proves who sends it. Where the secret goes is the outside system's own convention.
#[derive(Debug, Clone)]
pub enum Auth {
    /// HTTP's basic authentication.
    Basic(String, SecretString),
    /// A header.
    Header(&'static str, SecretString),
    /// `Authorization: Bearer`.
    Bearer(SecretString),
    /// A field of the query where there is no form, of the form where there is one.
    Field(&'static str, SecretString),
}

/// A question. `template` is the path with `{}` for each segment, which is all that spans show of it.
#[derive(Clone)]
pub struct Ask {
    pub(super) method: Method,
    pub(super) template: &'static str,
    pub(super) repeat: Repeat,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
    form: Option<Vec<(&'static str, String)>>,
    /// A body that is no form, and its type.
    body: Option<(&'static str, Vec<u8>)>,
    headers: Vec<(&'static str, String)>,
    /// A path that the outside system itself named, in place of the template's.
    path: Option<String>,
}

impl std::fmt::Debug for Ask {
    /// What is in it is not shown: a number, a text or a name may be.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ask({} {})", self.method, self.template)
    }
}

impl Ask {
    /// Reads.
    #[must_use]
    pub fn get(template: &'static str, segments: &[&str]) -> Self {
        Self::new(Method::GET, template, segments, Repeat::Safe)
    }

    /// Writes.
    #[must_use]
    pub fn post(template: &'static str, segments: &[&str], repeat: Repeat) -> Self {
        Self::new(Method::POST, template, segments, repeat)
    }

    /// Replaces.
    #[must_use]
    pub fn put(template: &'static str, segments: &[&str]) -> Self {
        Self::new(Method::PUT, template, segments, Repeat::Safe)
    }

    /// Deletes; doing it twice is doing it once.
    #[must_use]
    pub fn delete(template: &'static str, segments: &[&str]) -> Self {
        Self::new(Method::DELETE, template, segments, Repeat::Safe)
    }

    fn new(method: Method, template: &'static str, segments: &[&str], repeat: Repeat) -> Self {
        Self {
            method,
            template,
            repeat,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
            form: None,
            body: None,
            headers: Vec::new(),
            path: None,
        }
    }

    /// Adds a field to the query.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a field to the form, which is the body.
    #[must_use]
    pub fn form(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.form.get_or_insert_default().push((name, value.into()));
        self
    }

    /// Sets a body of JSON, as it is: what was signed is what is sent.
    #[must_use]
    pub fn json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(("application/json", body.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Asks for a path (with its query) that the outside system named, on the same host. An empty one is the
    /// base itself, to the letter.
    #[must_use]
    pub fn at_path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// The address; with a secret in it only where the system wants it there, so it is never shown.
    pub(super) fn url(&self, base: &Url, auth: Option<&Auth>) -> Option<Url> {
        let mut url = base.clone();
        if let Some(path) = &self.path {
            let joined = base.join(path).ok()?;
            if joined.origin() != base.origin() {
                return None;
            }
            url = joined;
        } else {
            let mut segments = self.segments.iter();
            let mut parts = url.path_segments_mut().ok()?;
            parts.pop_if_empty();
            for part in self.template.split('/').filter(|part| !part.is_empty()) {
                match part.strip_prefix("{}") {
                    // One segment is one segment: what is in it is escaped.
                    Some(rest) => {
                        let segment = segments.next()?;
                        // These would lead to another path.
                        if matches!(segment.as_str(), "" | "." | "..") {
                            return None;
                        }
                        parts.push(&format!("{segment}{rest}"))
                    }
                    None => parts.push(part),
                };
            }
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        if let (Some(Auth::Field(name, secret)), None) = (auth, &self.form) {
            url.query_pairs_mut().append_pair(name, secret.expose_secret());
        }
        Some(url)
    }

    /// The request without its address.
    pub(super) fn dress(
        &self,
        mut request: reqwest::RequestBuilder,
        auth: Option<&Auth>,
    ) -> reqwest::RequestBuilder {
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut form = self.form.clone();
        match auth {
            Some(Auth::Basic(user, secret)) => {
                request = request.basic_auth(user, Some(secret.expose_secret()));
            }
            Some(Auth::Bearer(secret)) => request = request.bearer_auth(secret.expose_secret()),
            Some(Auth::Header(name, secret)) => {
                request = match reqwest::header::HeaderValue::from_str(secret.expose_secret()) {
                    Ok(mut value) => {
                        value.set_sensitive(true);
                        request.header(*name, value)
                    }
                    // The builder refuses it too, and says so when it is sent.
                    Err(_) => request.header(*name, secret.expose_secret()),
                };
            }
            Some(Auth::Field(name, secret)) => {
                if let Some(form) = &mut form {
                    form.push((name, secret.expose_secret().to_owned()));
                }
            }
            None => {}
        }
        match (form, &self.body) {
            (Some(form), _) => request.form(&form),
            (None, Some((kind, body))) => {
                request.header(reqwest::header::CONTENT_TYPE, *kind).body(body.clone())
            }
            (None, None) => request,
        }
    }
}

/// An answer: of status 2xx, and whole.
#[derive(Debug, Clone)]
pub struct Answer {
    pub(super) system: &'static str,
    /// 200 to 299.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, at most as long as the policy allows.
    pub body: Vec<u8>,
    /// When it had come.
    pub at: Timestamp,
}

impl Answer {
    /// An answer with status 200 and no headers.
    pub(crate) fn of_body(system: &'static str, body: &[u8], at: Timestamp) -> Self {
        Self { system, status: 200, headers: HeaderMap::new(), body: body.to_vec(), at }
    }

    /// Reads the body as JSON.
    ///
    /// # Errors
    /// [`OutsideError::Malformed`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, OutsideError> {
        let malformed = |what| OutsideError::Malformed { system: self.system, what };
        if self.body.is_empty() {
            return Err(malformed("an empty body"));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            malformed(match error.classify() {
                serde_json::error::Category::Eof => "JSON that ends too soon",
                serde_json::error::Category::Data => "JSON of another shape",
                _ => "a body that is not JSON",
            })
        })
    }

    /// The body as far down as it is read.
    ///
    /// # Errors
    /// [`OutsideError::Malformed`]: it is empty, or nested too deep.
    pub(in crate::integration) fn shallow(&self) -> Result<Cow<'_, [u8]>, OutsideError> {
        let malformed = |what| OutsideError::Malformed { system: self.system, what };
        if self.body.is_empty() {
            return Err(malformed("an empty body"));
        }
        depth::shallow(&self.body).map_err(|_| malformed("JSON that is nested deeper than 128 levels"))
    }

    /// Whose it is.
    pub(in crate::integration) fn system(&self) -> &'static str {
        self.system
    }

    /// How far its clock is ahead of ours, by its `Date` header, in whole seconds.
    #[must_use]
    pub fn clock_ahead(&self) -> Option<i64> {
        let date = self.headers.get(reqwest::header::DATE)?.to_str().ok()?;
        let theirs = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        Some(theirs.as_second() - self.at.as_second())
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(reqwest::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::from_secs(u64::try_from(at.as_second() - now.as_second()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(ask: &Ask, auth: Option<&Auth>) -> Option<String> {
        ask.url(&Url::parse("https://example.com/api/v1/").unwrap(), auth).map(|url| url.to_string())
    }

    #[test]
    fn a_segment_stays_one_and_secrets_go_where_the_system_wants_them() {
        let ask = Ask::get("users/{}/goals/{}.json", &["me", "a/b?c"]).query("count", "1");
        let token = Auth::Field("auth_token", SecretString::from("s3cret"));
        let expected = "https://example.com/api/v1/users/me/goals/a%2Fb%3Fc.json?count=1";
        assert_eq!(url(&ask, None).unwrap(), expected);
        assert_eq!(url(&ask, Some(&token)).unwrap(), format!("{expected}&auth_token=s3cret"));
        let write = Ask::post("users/{}/goals.json", &["me"], Repeat::Never).form("value", "1");
        assert_eq!(url(&write, Some(&token)).unwrap(), "https://example.com/api/v1/users/me/goals.json");
        assert!(!format!("{ask:?} {token:?}").contains("s3cret"));
        assert_eq!(format!("{write:?}"), "Ask(POST users/{}/goals.json)");
    }

    #[test]
    fn a_segment_leads_to_no_other_path() {
        for segment in ["", ".", ".."] {
            assert_eq!(url(&Ask::get("users/{}/goals/{}", &["me", segment]), None), None, "{segment}");
        }
        assert!(url(&Ask::get("users/{}.json", &["a..b"]), None).unwrap().ends_with("/users/a..b.json"));
    }

    #[test]
    fn a_path_that_was_named_stays_on_the_host() {
        let at = |path: &str| url(&Ask::get("next", &[]).at_path(path), None);
        assert_eq!(at("/2010/next?page=1").unwrap(), "https://example.com/2010/next?page=1");
        assert_eq!(at("https://evil.example/next"), None);
        assert_eq!(at("//evil.example/next"), None);
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", text.parse().unwrap());
            retry_after(&headers, now)
        };
        assert_eq!(read("7"), Some(Duration::from_secs(7)));
        assert_eq!(read("Mon, 23 Nov 2026 10:00:05 GMT"), Some(Duration::from_secs(5)));
        assert_eq!(read("Mon, 23 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}
