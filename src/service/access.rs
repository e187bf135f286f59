//! Access tokens: issuing, rotating and revoking them.

pub mod token;
