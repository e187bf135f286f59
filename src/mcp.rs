//! The MCP face: the tools that an assistant asks, over streamable HTTP at `/mcp`.
//!
//! Served by the official SDK in every protocol version it knows: 2026-07-28, which is stateless, and the
//! older ones with their sessions. The router that this is mounted in checks the token, Host and Origin.

pub mod args;
pub mod schema;
pub mod tools;

use std::sync::Arc;

use axum::Router;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, Implementation,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use crate::service::Supervised;

/// What a client is told of this server at the start.
const INSTRUCTIONS: &str = "Mecris knows what LLMs cost, how the budgets and balances stand and which goals are \
    about to derail. Amounts are exact decimal strings in USD. Ask get_budget_status and get_beeminder_status at \
    the start of a session, can_afford before something costly. Look at the age of a number before relying on it.";

/// The server that speaks to one client.
#[derive(Clone)]
pub struct Mcp {
    system: Arc<Supervised>,
    tools: Arc<Vec<Tool>>,
}

impl Mcp {
    /// Answers from this system.
    #[must_use]
    pub fn new(system: Arc<Supervised>) -> Self {
        Self { system, tools: Arc::new(tools::list()) }
    }
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_instructions(INSTRUCTIONS);
        info.server_info = Implementation::new("mecris", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if self.get_tool(&request.name).is_none() {
            let fix = "there is no tool of this name; tools/list names those there are";
            return Err(ErrorData::invalid_params(fix, None));
        }
        let arguments = serde_json::Value::Object(request.arguments.unwrap_or_default());
        let result = match tools::call(&self.system, &request.name, arguments).await {
            Ok(value) => CallToolResult::structured(value),
            Err(text) => CallToolResult::error(vec![ContentBlock::text(text)]),
        };
        Ok(result.into())
    }
}

/// The route `/mcp`. Its streams end when `ended` does.
pub fn router(system: Arc<Supervised>, ended: impl Future<Output = ()> + Send + 'static) -> Router {
    let mcp = Mcp::new(system);
    let config = StreamableHttpServerConfig::default()
        // Both are checked before a request gets here, by the rules of the whole server.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let streams = config.cancellation_token.clone();
    tokio::spawn(async move {
        ended.await;
        streams.cancel();
    });
    let service =
        StreamableHttpService::new(move || Ok(mcp.clone()), Arc::new(LocalSessionManager::default()), config);
    Router::new().route_service("/mcp", service)
}
