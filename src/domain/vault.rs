//! An Obsidian vault: Markdown notes, their tasks, and daily and goal notes.
//!
//! This module only parses text; the location of the vault and its changes are handled elsewhere.

pub mod moment;
pub mod note;
pub mod periodic;
pub mod plugins;
mod recurrence;
pub mod task;
pub mod track;
pub mod write;
pub mod written;

pub use note::{Goals, Note};
pub use plugins::VaultSettings;
pub use task::{Priority, State, Task};
