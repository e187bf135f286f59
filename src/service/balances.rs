//! Prepaid money and limits at providers: balances, odometers that are read by hand, subscription
//! quotas, and the providers' own pages read by a browser.

pub mod balance;
pub mod console;
pub mod console_actor;
pub mod odometer;
pub mod quota;
