//! What several tests need.

#[path = "support/corpus.rs"]
pub mod corpus;
#[path = "support/outside.rs"]
pub mod outside;
#[path = "support/program.rs"]
pub mod program;
