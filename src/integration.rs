//! The outside world: one file for each system. Clients know neither actors nor views.

pub mod claude_code;
