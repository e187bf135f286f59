//! The Obsidian vault: observing tasks, querying notes, and appending lines to daily notes.

pub mod actor;
pub mod aggregate;
pub mod error;
pub mod queries;
pub mod tasks;
pub mod undo;
