//! The one write side. An aggregate is a stream of the log, the state folded from it, and the decision
//! on a command. [`repository`] loads, decides and appends; [`actor`] hosts an aggregate in the
//! supervision tree; [`caller`] carries the principal that a command is executed for.

pub mod actor;
pub mod caller;
pub mod repository;
