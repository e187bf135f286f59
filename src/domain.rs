//! The domain: vocabulary and rules. Everything here is a pure function of state, command and time: no I/O,
//! no clock, no actor, no foreign serialization format.
//!
//! `missing_docs` is off here: a field has a comment where its name leaves something open (a unit, a format, an edge
//! case).

#![allow(missing_docs)]

pub mod access;
pub mod affording;
pub mod alert;
pub mod allowance;
pub mod balance;
pub mod budget;
pub mod calendar;
pub mod clock;
pub mod code;
pub mod consent;
pub mod console;
pub mod cost;
pub mod currency;
pub mod datapoint;
pub mod decimal;
pub mod depth;

pub mod feed;
pub mod forecast;
pub mod gate;
pub mod goal;
pub mod goal_day;
pub mod lacking;
pub mod limit_request;
pub mod local_goal;
pub mod local_goals;
pub mod lookback;
pub mod money;
pub mod naming;
pub mod narrator;
pub mod nearest;
pub mod odometer;
pub mod pricing;
pub mod project;
pub mod quota;
pub mod reconcile;
pub mod reminder;
pub mod report;
pub mod shown;
pub mod slug;
pub mod sms;
pub mod spread;
pub mod telemetry_usage;
pub mod template;
pub mod tenant;
pub mod tokens;
pub mod told;
pub mod usage;
pub mod vault;
pub mod window;
pub(crate) mod words;
