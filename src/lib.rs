//! Mecris: accountability for what LLMs cost and for the goals that were promised.
//!
//! Three nouns carry everything: an **event** is something that happened, appended once to the
//! [`log`] and never rewritten; a **view** is a fold over events, which may be deleted at any time;
//! an **actor** is a supervised shell around pure rules, which turns the outside world into events.

#![forbid(unsafe_code)]

pub mod actor;
pub mod cli;
pub mod config;
pub mod domain;
pub mod event;
pub mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod http;
pub mod integration;
pub mod log;
pub mod mcp;
pub mod service;
pub mod telemetry;
pub mod view;
