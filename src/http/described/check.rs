//! Requests, held against the document: what it forbids is refused.
//!
//! A layer finds the operation that a request is for and refuses query parameters that it does not have; the extractors of
//! [`super::super::problem`] read what a handler wants (so that a type of ours says in its own words what is wrong) and hold
//! it against the operation's schemas then. Of JSON Schema so much is known here as the document uses; a test holds the
//! document against that, so that nothing in it is passed over.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::extract::{MatchedPath, Query, Request, State};
use axum::http::Uri;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::problem::Problem;
use super::rule::Rule;

/// The operations, by method and path. The document is made, and an operation's rules are, when somebody first asks for them: a
/// start waits for none of it.
pub struct Operations {
    document: LazyLock<Value, Box<dyn FnOnce() -> Value + Send>>,
    known: Mutex<HashMap<(String, String), Arc<Operation>>>,
}

/// What may be asked of an operation.
#[derive(Debug, Default)]
pub struct Operation {
    query: Vec<(String, Rule)>,
    path: Vec<(String, Rule)>,
    body: Option<Rule>,
}

impl Operations {
    /// The document's.
    #[must_use]
    pub fn of(document: impl FnOnce() -> Value + Send + 'static) -> Self {
        Self { document: LazyLock::new(Box::new(document)), known: Mutex::default() }
    }

    /// That of a method and a path, as the document writes them. `HEAD` is asked as `GET` is.
    #[must_use]
    pub fn named(&self, method: &str, path: &str) -> Option<Arc<Operation>> {
        let method = if method == "HEAD" { "GET" } else { method };
        let name = (method.to_owned(), path.to_owned());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(operation) = known.get(&name) {
            return Some(operation.clone());
        }
        let described = self.document["paths"].get(path)?.get(method.to_lowercase())?;
        let operation = Arc::new(Operation::of(&self.document, described));
        known.insert(name, operation.clone());
        Some(operation)
    }

    /// All that take a body.
    pub fn with_bodies(&self) -> impl Iterator<Item = Arc<Operation>> {
        let paths = self.document["paths"].as_object().into_iter().flatten();
        let names = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, _)| (method.to_uppercase(), path))
        });
        names
            .filter_map(|(method, path)| self.named(&method, path))
            .filter(|operation| operation.body.is_some())
    }
}

/// Finds the operation that a request is for, and refuses parameters that it does not have.
pub async fn note(State(operations): State<Arc<Operations>>, mut request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let found = path.and_then(|path| operations.named(request.method().as_str(), path.as_str()));
    if let Some(operation) = found {
        if let Err(problem) = operation.check_names(request.uri()) {
            return problem.into_response();
        }
        request.extensions_mut().insert(operation);
    }
    next.run(request).await
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    Query::<Vec<(String, String)>>::try_from_uri(uri).map(|Query(pairs)| pairs).map_err(Problem::from)
}

impl Operation {
    fn of(document: &Value, operation: &Value) -> Self {
        let all = || operation["parameters"].as_array().into_iter().flatten();
        let named = |place: &str| {
            let own = all().filter(|parameter| parameter["in"] == place);
            let rule = |parameter: &Value| {
                let text = parameter["description"].as_str().unwrap_or_default();
                Rule::of(document, &parameter["schema"]).told(text)
            };
            own.filter_map(|parameter| Some((parameter["name"].as_str()?.to_owned(), rule(parameter))))
                .collect()
        };
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        Self {
            query: named("query"),
            path: named("path"),
            body: body.is_object().then(|| Rule::of(document, body)),
        }
    }

    fn check_names(&self, uri: &Uri) -> Result<(), Problem> {
        if uri.query().is_none_or(str::is_empty) {
            return Ok(());
        }
        let is_unknown = |(name, _): &(String, String)| !self.query.iter().any(|(known, _)| known == name);
        if !pairs(uri)?.iter().any(is_unknown) {
            return Ok(());
        }
        let known: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        Err(Problem::bad_request(match known.as_slice() {
            [] => "there are no query parameters here; leave them out".to_owned(),
            known => format!("a query parameter is unknown here; there are {}", known.join(", ")),
        }))
    }

    /// Holds the query against its schemas.
    ///
    /// # Errors
    /// A parameter is not what the document allows.
    pub fn check_query(&self, uri: &Uri) -> Result<(), Problem> {
        if uri.query().is_none_or(str::is_empty) {
            return Ok(());
        }
        check_all(&self.query, pairs(uri)?.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// Holds the segments of the path against their schemas.
    ///
    /// # Errors
    /// A segment is not what the document allows.
    pub fn check_path<'a>(&self, segments: impl Iterator<Item = (&'a str, &'a str)>) -> Result<(), Problem> {
        check_all(&self.path, segments)
    }

    /// Holds a body of JSON against its schema.
    ///
    /// # Errors
    /// It is not what the document allows.
    pub fn check_body(&self, body: &[u8]) -> Result<(), Problem> {
        let Some(rule) = &self.body else { return Ok(()) };
        let value: Value =
            serde_json::from_slice(body).map_err(|error| Problem::bad_request(error.to_string()))?;
        rule.check("the body", &value).map_err(Problem::bad_request)
    }

    /// A body that the schema allows, with integers written as such: for readers that take no 1.0 for 1.
    #[must_use]
    pub fn plain(&self, body: &[u8]) -> Option<Value> {
        let rule = self.body.as_ref()?;
        let mut value = serde_json::from_slice(body).ok()?;
        rule.check("the body", &value).ok()?;
        rule.make_plain(&mut value);
        Some(value)
    }
}

fn check_all<'a>(
    rules: &[(String, Rule)],
    given: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<(), Problem> {
    for (name, value) in given {
        if let Some((_, rule)) = rules.iter().find(|(known, _)| known == name) {
            rule.check(name, &rule.typed(value)).map_err(Problem::bad_request)?;
        }
    }
    Ok(())
}
