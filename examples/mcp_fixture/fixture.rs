//! The tools, prompts and resources that the suite asks for by fixed names, as one handler.
//!
//! They are written as the JSON that goes over the wire, for that is what the suite looks at.

// Log messages go with the sessions of the older protocol, whose suite asks for them.
#![allow(deprecated)]

mod inputs;
mod texts;
mod tools;

use std::sync::Arc;

use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult, ErrorData,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerConfig, SetLevelRequestParams,
    SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use inputs::Seal;

/// A small red PNG, in base64.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

/// The SDK's type for what is written here as JSON.
fn typed<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the fixture's own JSON is of its type")
}

/// The same of an answer that needs nothing more. Clients of the older protocol are not sent that.
fn complete<T: DeserializeOwned>(mut value: Value) -> T {
    value["resultType"] = json!("complete");
    typed(value)
}

/// What has changed, for those who listen.
#[derive(Clone, Copy)]
enum Change {
    Tools,
    Prompts,
}

/// The handler.
#[derive(Clone)]
pub struct Fixture {
    changes: broadcast::Sender<Change>,
    seal: Arc<Seal>,
}

impl Default for Fixture {
    fn default() -> Self {
        Self { changes: broadcast::Sender::new(16), seal: Arc::default() }
    }
}

/// With what the protocol wants of an answer that may be kept.
fn kept(mut value: Value) -> Value {
    value["ttlMs"] = json!(60_000);
    value["cacheScope"] = json!("public");
    value
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = json!({
            "tools": { "listChanged": true },
            "prompts": { "listChanged": true },
            "resources": { "subscribe": true, "listChanged": true },
            "logging": {},
            "completions": {},
        });
        let mut info = ServerConfig::new(typed(capabilities));
        info.server_info = Implementation::new("mecris-fixture", env!("CARGO_PKG_VERSION"));
        info
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(complete(kept(json!({ "tools": tools::list() }))))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::list().into_iter().find(|tool| tool["name"] == name).map(typed)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if inputs::tools().any(|name| name == request.name) {
            return inputs::call(&self.seal, request, &context);
        }
        match &*request.name {
            "test_trigger_tool_change" => drop(self.changes.send(Change::Tools)),
            "test_trigger_prompt_change" => drop(self.changes.send(Change::Prompts)),
            _ => {}
        }
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        tools::call(&request.name, &arguments, &context)
            .await
            .map(|result| CallToolResponse::Complete(complete(result)))
    }

    async fn list_resources(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(complete(kept(texts::resources())))
    }

    async fn list_resource_templates(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(complete(kept(texts::templates())))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let Some(contents) = texts::read(&request.uri) else {
            return Err(ErrorData::resource_not_found(
                "no such resource",
                Some(json!({ "uri": request.uri })),
            ));
        };
        Ok(ReadResourceResponse::Complete(complete(kept(json!({ "contents": [contents] })))))
    }

    async fn subscribe(
        &self,
        _request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            let change = tokio::select! {
                change = changes.recv() => change,
                () = context.cancelled() => return Ok(()),
            };
            // What this client did not ask for is refused by the sink.
            let _ = match change {
                Ok(Change::Tools) => context.sink().notify_tool_list_changed().await,
                Ok(Change::Prompts) => context.sink().notify_prompt_list_changed().await,
                Err(_) => Ok(()),
            };
        }
    }

    async fn list_prompts(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Ok(complete(kept(texts::prompts())))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        if request.name == inputs::PROMPT {
            return Ok(inputs::prompt(request.input_responses.as_ref()));
        }
        let arguments = request.arguments.map(|arguments| json!(arguments)).unwrap_or_default();
        match texts::prompt(&request.name, &arguments) {
            Some(messages) => Ok(GetPromptResponse::Complete(complete(json!({ "messages": messages })))),
            None => Err(ErrorData::invalid_params("there is no prompt of this name", None)),
        }
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let mut words = vec!["paper", "party", "pasta"];
        words.retain(|word| word.starts_with(&request.argument.value));
        Ok(complete(json!({ "completion": { "values": words, "total": words.len(), "hasMore": false } })))
    }

    async fn set_level(
        &self,
        _request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }
}
