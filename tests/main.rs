//! All black-box tests, linked once.

#[path = "disk_errors.rs"]
mod disk_errors;
#[path = "fault_disk.rs"]
mod fault_disk;
#[path = "http.rs"]
mod http;
#[path = "log.rs"]
mod log;
#[path = "log_contract.rs"]
mod log_contract;
#[path = "power_cut.rs"]
mod power_cut;
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
