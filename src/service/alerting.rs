//! Telling the person: the shells around [`crate::domain::alert`] and [`crate::domain::consent`].

pub mod actor;
pub mod alert_log;
pub mod commands;
pub mod consent_log;
pub mod contacts;
pub mod courier;
pub mod shown;
pub mod situation;

pub use actor::{AlertActor, AlertMessage, OnAlert};
