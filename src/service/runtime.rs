//! What every capability is built on: the open log with its directory, settings, views and their projection,
//! outside sources, incidents, and polling. This room does not know any capability.

pub mod client;
pub mod clock;
pub mod forms;
pub mod incidents;
pub mod last_look;
pub mod node;
pub mod place;
pub mod poller;
pub mod prices;
pub mod projection;
pub mod reading;
pub mod reads;
pub mod settings;
pub mod snapshots;
pub mod sources;
