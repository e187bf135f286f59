//! Asking a running supervisor.

use std::os::fd::OwnedFd;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::paths::{SOCKET_FILE, socket_in};
use crate::domain::access::Kind;
use crate::domain::code::Code;
use crate::domain::tenant::{self, TenantName};
use crate::service::endpoints::parts::Parts;
use crate::service::endpoints::{Endpoint, Method};
use crate::service::runtime::place::Place;

use super::output::CliError;
use super::server_file::End;
pub use super::server_file::{SERVER_FILE, ServerFile};

/// How long a command waits for the supervisor; replay and verify read the whole log.
const PATIENCE: Duration = Duration::from_mins(10);

/// What stands in place of an address for what goes by the socket.
const HERE: &str = "http://localhost";
/// See `http::guard`: a process of the owner's that acts for an agent says so.
pub(super) const AS: &str = "mecris-as";

/// The stateless version of the Model Context Protocol: a question of it needs no session.
const PROTOCOL: &str = "2026-07-28";

/// The JSON-RPC answer of a body: JSON, or the last message of an event stream.
fn message_of(body: &[u8]) -> Option<Value> {
    if let Ok(message) = serde_json::from_slice(body) {
        return Some(message);
    }
    let text = std::str::from_utf8(body).ok()?;
    let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
    data.filter_map(|data| serde_json::from_str::<Value>(data).ok())
        .rfind(|message| message.get("id").is_some())
}

/// What is read of an error's problem details (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    /// Which kind, where it says so.
    #[serde(rename = "type", default)]
    kind: String,
    detail: String,
}

/// A connection to a supervisor.
pub struct Remote {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    /// Where people and scripts reach it.
    url: String,
    /// Whose money and goals are asked for.
    tenant: TenantName,
    /// Whether an agent asks.
    agent: bool,
    /// The directory that the socket is reached by, where its path is too long.
    _open: Option<OwnedFd>,
}

impl Remote {
    /// The supervisor that holds a data directory at this moment. None where that is not certain at once: then the log
    /// is opened, which waits for whoever holds it to let go.
    #[must_use]
    pub fn running(place: &Place) -> Option<Self> {
        let server = ServerFile::read(&place.root)?;
        server.holds(&place.root).then(|| Self::connect(place, Some(server)).ok())?
    }

    /// The same, on behalf of an agent: it may do no more than one.
    #[must_use]
    pub fn as_agent(self) -> Self {
        Self { agent: true, ..self }
    }

    /// Finds the supervisor that holds a data directory.
    ///
    /// # Errors
    /// [`CliError::Remote`]: it is not up yet, or its files cannot be read.
    pub fn find(place: &Place) -> Result<Self, CliError> {
        Self::connect(place, ServerFile::read(&place.root))
    }

    fn connect(place: &Place, server: Option<ServerFile>) -> Result<Self, CliError> {
        let data_dir = &place.root;
        let starting = |what: &str| {
            CliError::Remote(format!(
                "another mecris holds {} but its {what} cannot be read; if it is starting, try again in a moment",
                data_dir.display()
            ))
        };
        let server = server.ok_or_else(|| starting(SERVER_FILE))?;
        let (socket, open) = socket_in(data_dir).map_err(|_| starting(SOCKET_FILE))?;
        // Nobody is asked, and nobody's answer shown, who has only taken the socket's place.
        if End::connect(&socket).is_ok_and(|end| !server.is(&end)) {
            let path = data_dir.join(SOCKET_FILE);
            return Err(CliError::Remote(format!(
                "what listens at {} is not the supervisor that {SERVER_FILE} names; end it, and start `mecris run` again",
                path.display()
            )));
        }
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .unix_socket(socket)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| CliError::Remote(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Remote(error.to_string()))?;
        let tenant = place.tenant.clone();
        Ok(Self { client, runtime, url: server.url, tenant, agent: false, _open: open })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Has a request answered.
    ///
    /// # Errors
    /// [`CliError::Told`]: what the supervisor says. [`CliError::Remote`]: it says nothing.
    pub fn call<E: Endpoint>(&self, request: &E) -> Result<E::Out, CliError> {
        serde_json::from_slice(&self.bytes(request)?).map_err(|error| {
            CliError::Remote(format!("the supervisor speaks another version of this program: {error}"))
        })
    }

    /// The same for an answer that is no JSON document.
    ///
    /// # Errors
    /// As [`Remote::call`].
    pub fn bytes<E: Endpoint>(&self, request: &E) -> Result<Vec<u8>, CliError> {
        let Parts { path, query, body } = Parts::of(request, E::PATH, E::HAS_BODY);
        let url = format!("{HERE}{path}");
        let sent = match E::METHOD {
            Method::Get => self.client.get(url),
            Method::Put => self.client.put(url),
            Method::Post => self.client.post(url),
            Method::Delete => self.client.delete(url),
        };
        self.fetch(match body {
            Some(body) => sent.json(&body),
            None if query.is_empty() => sent,
            None => sent.query(&query),
        })
    }

    /// Has a tool of the supervisor's MCP face answer.
    ///
    /// # Errors
    /// As [`Remote::call`]; the outer one is that nobody answers, the inner one the tool's own.
    pub fn tool(&self, name: &str, arguments: &Value) -> Result<Result<Value, String>, CliError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
            "name": name,
            "arguments": arguments,
            "_meta": {
                "io.modelcontextprotocol/protocolVersion": PROTOCOL,
                "io.modelcontextprotocol/clientInfo": { "name": "mecris", "version": env!("CARGO_PKG_VERSION") },
                "io.modelcontextprotocol/clientCapabilities": {},
            },
        } });
        let request = self.client.post(format!("{HERE}/mcp"));
        let request = request
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", PROTOCOL)
            .header("mcp-method", "tools/call")
            .header("mcp-name", name)
            .json(&body);
        let answer = self.fetch(request)?;
        let strange = || CliError::Remote("the supervisor speaks another version of this program".to_owned());
        let message = message_of(&answer).ok_or_else(strange)?;
        if let Some(error) = message["error"]["message"].as_str() {
            return Ok(Err(error.to_owned()));
        }
        let result = &message["result"];
        if result["isError"] == true {
            return Ok(Err(result["content"][0]["text"].as_str().unwrap_or_default().to_owned()));
        }
        result.get("structuredContent").cloned().map(Ok).ok_or_else(strange)
    }

    fn fetch(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, CliError> {
        let failed = |error: reqwest::Error| {
            let reason = error.without_url();
            CliError::Remote(format!("the supervisor at {} does not answer: {reason}", self.url))
        };
        self.runtime.block_on(async {
            let request = request.header(tenant::HEADER, self.tenant.as_str());
            let request = if self.agent { request.header(AS, Kind::Agent.word()) } else { request };
            let response = request.send().await.map_err(failed)?;
            let is_success = response.status().is_success();
            let bytes = response.bytes().await.map_err(failed)?;
            if is_success {
                return Ok(bytes.to_vec());
            }
            Err(match serde_json::from_slice::<Problem>(&bytes) {
                Ok(Problem { kind, detail }) => CliError::Told { code: Code::of_urn(&kind), detail },
                Err(_) => CliError::Remote(format!("{} is not a mecris supervisor", self.url)),
            })
        })
    }
}
