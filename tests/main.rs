//! All black-box tests, linked once.

#[path = "log_contract.rs"]
mod log_contract;
