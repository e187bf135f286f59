//! The Obsidian vault: tasks that are observed, questions about notes, and lines that are written into it.

pub mod actor;
pub mod aggregate;
pub mod error;
pub mod queries;
pub mod tasks;
