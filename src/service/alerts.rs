//! Alerting: the impure shells around [`crate::domain::alert`] and [`crate::domain::consent`].

pub mod actor;
pub mod alert;
pub mod client;
pub mod conditions;
pub mod consent;
pub mod contacts;
pub mod delivery;
pub mod requests;
pub mod twilio_actor;

pub use actor::{AlertActor, AlertMessage, OnAlert};
