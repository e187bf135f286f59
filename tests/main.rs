//! All black-box tests, linked once.

#[path = "http.rs"]
mod http;
#[path = "log.rs"]
mod log;
#[path = "program.rs"]
mod program;
#[path = "readme.rs"]
mod readme;
#[path = "rooms.rs"]
mod rooms;
mod support;
#[path = "telemetry.rs"]
mod telemetry;
#[path = "transcripts.rs"]
mod transcripts;
