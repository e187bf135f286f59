//! Passes requests over HTTP on to a program that speaks over its standard input and output, in both eras: each session
//! has a program of its own, and all stateless requests share one.
//!
//! It does what a transport must to carry messages; what the protocol wants of headers beside it is not checked here.

mod child;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::unfold;
use serde_json::{Value, json};

use child::{Answers, Child};

const SESSION: &str = "mcp-session-id";
const STATELESS: &str = "2026-07-28";

struct Bridge {
    program: Vec<String>,
    sessions: Mutex<BTreeMap<String, Arc<Child>>>,
    stateless: Mutex<Option<Arc<Child>>>,
}

/// Passes on to this program, which is started with its arguments.
pub fn router(program: Vec<String>) -> Router {
    let bridge = Bridge { program, sessions: Mutex::default(), stateless: Mutex::default() };
    Router::new().route("/mcp", get(unasked).post(pass_on).delete(end)).with_state(Arc::new(bridge))
}

/// Why a request is not passed on: the HTTP status, the protocol's code, and a sentence.
struct Refused(StatusCode, i64, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Self(status, code, message) = self;
        let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": code, "message": message } });
        (status, axum::Json(error)).into_response()
    }
}

fn failed(error: impl std::fmt::Display) -> Refused {
    Refused(StatusCode::BAD_GATEWAY, -32603, error.to_string())
}

fn refused(status: StatusCode, code: i64, message: &str) -> Refused {
    Refused(status, code, message.to_owned())
}

impl Bridge {
    fn start(&self) -> std::io::Result<Arc<Child>> {
        Child::start(&self.program)
    }

    fn session(&self, headers: &HeaderMap) -> Option<Arc<Child>> {
        let id = headers.get(SESSION)?.to_str().ok()?;
        self.sessions.lock().unwrap().get(id).cloned()
    }

    /// The one that all stateless requests share; another one, where that has ended.
    fn stateless(&self) -> std::io::Result<Arc<Child>> {
        let mut held = self.stateless.lock().unwrap();
        if let Some(child) = held.as_ref().filter(|child| !child.has_ended()) {
            return Ok(child.clone());
        }
        Ok(held.insert(self.start()?).clone())
    }

    /// Whom a message is for, and the id of a session that it opens.
    fn whom(&self, headers: &HeaderMap, message: &Value) -> Result<(Arc<Child>, Option<String>), Refused> {
        if headers.contains_key(SESSION) {
            let gone = || refused(StatusCode::NOT_FOUND, -32600, "there is no such session");
            return self.session(headers).map(|child| (child, None)).ok_or_else(gone);
        }
        let version = headers.get("mcp-protocol-version").and_then(|version| version.to_str().ok());
        let named = message["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
        if named.is_some() || version.is_some_and(|version| version >= STATELESS) {
            if named.is_some() && version != named {
                let why = "the header MCP-Protocol-Version and the message name different versions";
                return Err(refused(StatusCode::BAD_REQUEST, -32020, why));
            }
            return self.stateless().map(|child| (child, None)).map_err(failed);
        }
        if message["method"] == "initialize" {
            let child = self.start().map_err(failed)?;
            let id = format!("{:032x}", rand::random::<u128>());
            self.sessions.lock().unwrap().insert(id.clone(), child.clone());
            return Ok((child, Some(id)));
        }
        Err(refused(StatusCode::BAD_REQUEST, -32600, "the header Mcp-Session-Id is missing"))
    }
}

/// The status that the stateless protocol wants beside an error.
fn status(message: &Value, stateless: bool) -> StatusCode {
    match message["error"]["code"].as_i64() {
        Some(-32601) if stateless => StatusCode::NOT_FOUND,
        Some(-32600 | -32602 | -32099..=-32000) if stateless => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// Each message an event.
fn events(first: Option<Value>, answers: Answers) -> Response {
    let stream = unfold((first, answers), |(first, mut answers)| async move {
        let message = match first {
            Some(message) => message,
            None => answers.next().await?,
        };
        Some((
            Ok::<_, Infallible>(Bytes::from(format!("event: message\ndata: {message}\n\n"))),
            (None, answers),
        ))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(stream)).into_response()
}

async fn pass_on(State(bridge): State<Arc<Bridge>>, headers: HeaderMap, body: Bytes) -> Response {
    let Ok(message) = serde_json::from_slice::<Value>(&body) else {
        return refused(StatusCode::BAD_REQUEST, -32700, "this is not JSON").into_response();
    };
    let (child, opened) = match bridge.whom(&headers, &message) {
        Ok(found) => found,
        Err(refused) => return refused.into_response(),
    };
    if message["id"].is_null() || message["method"].is_null() {
        child.tell(message);
        return StatusCode::ACCEPTED.into_response();
    }
    let stateless = opened.is_none() && !headers.contains_key(SESSION);
    let mut answers = child.ask(message, stateless);
    let Some(first) = answers.next().await else {
        return failed("the program has ended").into_response();
    };
    let mut response = if first["method"].is_null() {
        (status(&first, stateless), axum::Json(first)).into_response()
    } else {
        events(Some(first), answers)
    };
    if let Some(id) = opened.and_then(|id| id.parse().ok()) {
        response.headers_mut().insert(SESSION, id);
    }
    response
}

/// What a program says of its own accord.
async fn unasked(State(bridge): State<Arc<Bridge>>, headers: HeaderMap) -> Response {
    if !headers.contains_key(SESSION) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    match bridge.session(&headers) {
        Some(child) => events(None, child.unasked()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn end(State(bridge): State<Arc<Bridge>>, headers: HeaderMap) -> StatusCode {
    let id = headers.get(SESSION).and_then(|id| id.to_str().ok()).unwrap_or_default();
    match bridge.sessions.lock().unwrap().remove(id) {
        Some(_) => StatusCode::NO_CONTENT,
        None if id.is_empty() => StatusCode::METHOD_NOT_ALLOWED,
        None => StatusCode::NOT_FOUND,
    }
}
