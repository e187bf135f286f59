//! Access tokens: issuing, rotating and revoking them.

pub mod kept;
pub mod token;
