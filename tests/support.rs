//! What several tests need.

#[path = "support/corpus.rs"]
pub mod corpus;
#[path = "support/program.rs"]
pub mod program;
