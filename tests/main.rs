//! All black-box tests, linked once.

#[path = "log.rs"]
mod log;
mod support;
