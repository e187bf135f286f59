//! The vocabulary and the rules. Everything here is a pure function of state, command and time:
//! no I/O, no clock, no actor, no serialisation format of others.

pub mod affording;
pub mod alert;
pub mod allowance;
pub mod balance;
pub mod budget;
pub mod calendar;
pub mod consent;
pub mod console;
pub mod cost;
pub mod currency;
pub mod datapoint;
pub mod decimal;
pub mod desk;
pub mod feed;
pub mod forecast;
pub mod gate;
pub mod goal;
pub mod local_goal;
pub mod lookback;
pub mod money;
pub mod odometer;
pub mod pricing;
pub mod quota;
pub mod reconcile;
pub mod reminder;
pub mod report;
pub mod slug;
pub mod sms;
pub mod spread;
pub mod template;
pub mod tokens;
pub mod told;
pub mod usage;
pub mod vault;
pub mod window;
