//! Goals: Beeminder's, which are polled; local ones, which are decided here; and the datapoints written for
//! both.

pub mod beeminder;
pub mod beeminder_actor;
pub mod client;
pub mod datapoint_actor;
pub mod datapoints;
pub mod days;
pub mod local;
pub mod requests;
