//! Where the answers come from: the running system, or, for the transport over standard input, whoever is there.

use std::sync::Arc;

use serde_json::Value;

use crate::service::endpoints::Host;
use crate::service::system::tree::Supervised;

use super::tools::{ask, is_question, order};

/// What this face asks.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Answers a tool that is in the list. An error is a sentence that says what to do.
    fn call(&self, tool: &str, arguments: Value) -> impl Future<Output = Result<Value, String>> + Send;

    /// Returns when something may have changed; never, where nobody can tell.
    fn changed(&mut self) -> impl Future<Output = ()> + Send;
}

/// The running system, in this process.
#[derive(Clone)]
pub struct Here {
    system: Arc<Supervised>,
    projected: tokio::sync::watch::Receiver<crate::event::Position>,
}

impl Here {
    /// Asks this system.
    #[must_use]
    pub fn new(system: Arc<Supervised>) -> Self {
        let projected = system.projected.clone();
        Self { system, projected }
    }
}

impl Answers for Here {
    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, String> {
        let host = Host::Tree(self.system.clone());
        if is_question(tool) { ask(host, tool, arguments).await } else { order(&host, tool, arguments).await }
    }

    async fn changed(&mut self) {
        if self.projected.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
