//! What the protocol's own conformance suite is run against, see `tests/mcp_suite.sh` and docs/mcp.md.
//!
//! ```text
//! mcp_fixture                                     the suite's tools, prompts and resources, by Mecris's own plumbing
//! mcp_fixture --stdio                             the same over standard input and output
//! mcp_fixture --forward URL --token-file FILE     passes requests on with the token, which the suite does not send
//! mcp_fixture --bridge PROGRAM ARGUMENT...        passes requests on to a program over its standard input and output
//! ```
//!
//! All but `--stdio` listen on a free port of the loopback interface and print the URL.

mod bridge;
mod fixture;
mod forward;

use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use clap::Parser;
use mecris::http::guard::{Hosts, check_host_and_origin};
use rmcp::ServiceExt;
use tokio::net::TcpListener;

use fixture::Fixture;

/// How long a session of the fixture may say nothing.
const IDLE: Duration = Duration::from_mins(5);

/// A server for the conformance suite.
#[derive(Parser)]
struct Args {
    /// Serve the fixture over standard input and output.
    #[arg(long, conflicts_with_all = ["forward", "bridge"])]
    stdio: bool,
    /// Pass requests on to the server at this URL.
    #[arg(long, value_name = "URL", requires = "token_file", conflicts_with = "bridge")]
    forward: Option<String>,
    /// The bearer token that is added.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Pass requests on to this program, over its standard input and output.
    #[arg(long, num_args = 1.., allow_hyphen_values = true, value_name = "PROGRAM")]
    bridge: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args = Args::parse();
    let fixture = Fixture::default();
    if args.stdio {
        fixture.serve(rmcp::transport::io::stdio()).await?.waiting().await?;
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = if let (Some(url), Some(file)) = (args.forward, args.token_file) {
        // Not guarded here: Host and Origin arrive there as they were sent.
        forward::router(url, std::fs::read_to_string(file)?.trim())
    } else {
        let guarded = if args.bridge.is_empty() {
            mecris::mcp::mount(move || Ok(fixture.clone()), IDLE, std::future::pending())
        } else {
            bridge::router(args.bridge)
        };
        let hosts = Hosts::new(address, &[], false);
        Router::new().merge(guarded).layer(from_fn_with_state(hosts, check_host_and_origin))
    };
    println!("http://{address}/mcp");
    axum::serve(listener, router).await?;
    Ok(())
}
