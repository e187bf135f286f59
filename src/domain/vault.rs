//! An Obsidian vault: notes of Markdown, their tasks, and the days and goals that some of them are for.
//!
//! What is read here is text and nothing else; where it lies and when it changes is another room's matter.

pub mod moment;
pub mod note;
pub mod periodic;
pub mod task;
pub mod track;
pub mod write;

pub use note::{Goals, Note};
pub use task::{Priority, State, Task};
