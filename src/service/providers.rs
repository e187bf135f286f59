//! The providers' official interfaces: their reports, balances and people, and how they are held against our own sums.

pub mod actor;
pub mod ingest;
pub mod people;
pub mod pseudonyms;
pub mod reconcile;
pub mod reports;
pub mod summary;
