//! What several tests need.

#[path = "support/claude_telemetry.rs"]
pub mod claude_telemetry;
#[path = "support/corpus.rs"]
pub mod corpus;
pub mod dice;
#[path = "support/outside.rs"]
#[allow(clippy::result_large_err)] // an answer is the natural error of a handler
pub mod outside;
pub mod plugins;
#[path = "support/program.rs"]
pub mod program;
pub mod unsteady;
pub mod vault;
