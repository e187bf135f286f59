//! The outside systems, one file each, and [`resilience`], through which all of them are called.

pub mod anthropic;
pub mod beeminder;
pub mod claude_code;
pub mod console;
pub mod email;
pub mod ntfy;
pub mod resilience;
pub mod twilio;
pub mod webhook;
