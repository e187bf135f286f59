//! What providers have left of what was paid: balances, odometers read by hand, subscriptions' quotas, and the providers'
//! own pages read in a browser.

pub mod balance;
pub mod console;
pub mod console_actor;
pub mod odometer;
pub mod quota;
