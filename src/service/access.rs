//! Who may do what: the tokens, and the one way to issue and revoke them.

pub mod kept;
pub mod token;
