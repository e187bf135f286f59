//! `mecris mcp`: the Model Context Protocol over standard input and output, for clients that start their servers.
//!
//! Each call asks the supervisor that runs at that moment; where none does, the log is opened for as long as the answer
//! takes, and only questions are answered: what is to be recorded needs the supervisor, which alone has actors that
//! decide. So a supervisor can come and go while a client stays.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::mcp::Mcp;
use crate::mcp::answers::Answers;
use crate::mcp::tools::{ask, is_question};
use crate::service::endpoints::Host;
use crate::service::endpoints::audit::GetHead;
use crate::telemetry;

use super::Common;
use super::backend::Backend;
use super::output::CliError;

/// How often a running supervisor is asked whether something has changed, while a client watches.
const LOOK: Duration = Duration::from_secs(2);
/// How often the log is opened for that, where no supervisor runs.
const LOOK_IN_LOG: Duration = Duration::from_mins(1);

/// Whoever is there.
#[derive(Clone)]
struct Elsewhere {
    common: Arc<Common>,
    /// The last position that was seen.
    position: Option<u64>,
}

/// Speaks until the input ends.
///
/// # Errors
/// [`CliError`]: the client does not speak the protocol.
pub fn mcp(common: &Common) -> Result<ExitCode, CliError> {
    // Standard output is the protocol's; log lines go to standard error.
    telemetry::init_lines(common.log_format, common.log_level.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| CliError::Remote(error.to_string()))?;
    let elsewhere = Elsewhere { common: Arc::new(common.clone()), position: None };
    let served = runtime.block_on(Mcp::new(elsewhere).serve_stdio());
    // A read of standard input cannot be cancelled, and nothing else is under way.
    runtime.shutdown_background();
    served.map_err(|reason| {
        CliError::Usage(format!("this is for MCP clients, which speak first ({reason}); see docs/mcp.md"))
    })?;
    Ok(ExitCode::SUCCESS)
}

impl Answers for Elsewhere {
    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        let (common, name) = (self.common.clone(), tool.to_owned());
        let asked = tokio::task::spawn_blocking(move || match Backend::current(&common)? {
            Backend::Running(remote) => remote.as_agent().tool(&name, &arguments).map(Found::Answered),
            Backend::Own(node) => Ok(Found::Log(Host::alone(node), name, arguments)),
        });
        let found = asked.await.map_err(|_| "this failed inside; `mecris doctor` may tell why".to_owned())?;
        match found.map_err(|error: CliError| error.to_string())? {
            Found::Answered(answer) => answer,
            Found::Log(host, name, arguments) if is_question(&name) => ask(host, &name, arguments).await,
            Found::Log(..) => {
                Err("Mecris is not running, so nothing is recorded; start it with `mecris run`".into())
            }
        }
    }

    async fn changed(&mut self) {
        loop {
            let common = self.common.clone();
            let head = tokio::task::spawn_blocking(move || match Backend::open(&common).ok()? {
                Backend::Running(remote) => remote.as_agent().call(&GetHead).ok(),
                Backend::Own(_) => None,
            });
            let position = head.await.ok().flatten().map(|head| head.position);
            tokio::time::sleep(if position.is_some() { LOOK } else { LOOK_IN_LOG }).await;
            if position.is_none() || self.position.replace(position.unwrap_or_default()) != position {
                return;
            }
        }
    }
}

enum Found {
    /// The supervisor's answer.
    Answered(Result<Value, String>),
    /// The log, which is open for as long as this lives.
    Log(Host, String, Value),
}
