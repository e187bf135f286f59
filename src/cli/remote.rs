//! Asking a running supervisor.

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::output::CliError;

/// How long a command waits for the supervisor; replay and verify read the whole log.
const PATIENCE: Duration = Duration::from_mins(10);

/// Where a supervisor that holds the data directory listens; the file `server.json` in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    /// `http://127.0.0.1:7787`
    pub url: String,
    /// Its process id.
    pub pid: u32,
}

/// What is read of an error's problem details (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    detail: String,
}

/// The name of [`ServerFile`] in the data directory.
pub const SERVER_FILE: &str = "server.json";
/// The name of the token's file in the data directory.
pub const TOKEN_FILE: &str = "token";

/// A connection to a supervisor.
pub struct Remote {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    url: String,
    token: String,
}

impl Remote {
    /// Finds the supervisor that holds a data directory.
    ///
    /// # Errors
    /// [`CliError::Remote`]: it is not up yet, or its files cannot be read.
    pub fn find(data_dir: &Path) -> Result<Self, CliError> {
        let starting = |what: &str| {
            CliError::Remote(format!(
                "another mecris holds {} but its {what} cannot be read; if it is starting, try again in a moment",
                data_dir.display()
            ))
        };
        let server =
            std::fs::read_to_string(data_dir.join(SERVER_FILE)).map_err(|_| starting(SERVER_FILE))?;
        let server: ServerFile = serde_json::from_str(&server).map_err(|_| starting(SERVER_FILE))?;
        let token = std::fs::read_to_string(data_dir.join(TOKEN_FILE)).map_err(|_| starting(TOKEN_FILE))?;
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| CliError::Remote(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Remote(error.to_string()))?;
        Ok(Self { client, runtime, url: server.url, token: token.trim().to_owned() })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks.
    ///
    /// # Errors
    /// [`CliError::Remote`], with the supervisor's own words where it had any.
    pub fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, CliError> {
        self.send(self.client.get(format!("{}{path}", self.url)).query(query))
    }

    /// Commands, with a JSON body.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.send(self.client.put(format!("{}{path}", self.url)).json(body))
    }

    /// Commands, without a body.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.send(self.client.post(format!("{}{path}", self.url)))
    }

    /// Commands, with a JSON body.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn post_body<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, CliError> {
        self.send(self.client.post(format!("{}{path}", self.url)).json(body))
    }

    /// Asks for text.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn text(&self, path: &str, query: &[(&str, String)]) -> Result<Vec<u8>, CliError> {
        self.fetch(self.client.get(format!("{}{path}", self.url)).query(query))
    }

    /// Removes.
    ///
    /// # Errors
    /// As [`Remote::get`].
    pub fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.send(self.client.delete(format!("{}{path}", self.url)))
    }

    fn send<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, CliError> {
        serde_json::from_slice(&self.fetch(request)?).map_err(|error| {
            CliError::Remote(format!("the supervisor speaks another version of this program: {error}"))
        })
    }

    fn fetch(&self, request: reqwest::RequestBuilder) -> Result<Vec<u8>, CliError> {
        let failed = |error: reqwest::Error| {
            let reason = error.without_url();
            CliError::Remote(format!("the supervisor at {} does not answer: {reason}", self.url))
        };
        self.runtime.block_on(async {
            let response = request.bearer_auth(&self.token).send().await.map_err(failed)?;
            let is_success = response.status().is_success();
            let bytes = response.bytes().await.map_err(failed)?;
            if is_success {
                return Ok(bytes.to_vec());
            }
            Err(match serde_json::from_slice::<Problem>(&bytes) {
                Ok(problem) => CliError::Remote(problem.detail),
                Err(_) => CliError::Remote(format!("{} is not a mecris supervisor", self.url)),
            })
        })
    }
}
