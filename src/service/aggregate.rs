//! The one write side. An aggregate is a stream of the log, the state folded from it, and the decision on a command;
//! [`repository`] loads, decides and appends, [`actor`] hosts it in the supervision tree, [`caller`] says on whose behalf.

pub mod actor;
pub mod caller;
pub mod repository;
