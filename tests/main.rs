//! All black-box tests, linked once.

#[path = "log.rs"]
mod log;
mod support;
#[path = "transcripts.rs"]
mod transcripts;
