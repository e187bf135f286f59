//! The outside systems, one file each, and [`resilience`], through which all of them are called.

pub mod anthropic;
pub mod beeminder;
pub mod claude_code;
pub mod console;
pub mod credit;
pub mod deepseek;
pub mod email;
pub mod moonshot;
pub mod ntfy;
pub mod obsidian;
pub mod official;
pub mod openai;
pub mod openrouter;
pub mod otlp;
pub mod pages;
pub mod resilience;
pub mod twilio;
pub mod webhook;
