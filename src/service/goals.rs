//! Goals: Beeminder's, followed; local ones, decided here; and the datapoints that are written.

pub mod beeminder;
pub mod beeminder_actor;
pub mod client;
pub mod datapoint_actor;
pub mod datapoints;
pub mod local;
pub mod requests;
