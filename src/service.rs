//! The actors of this system, and the tree that supervises them.

pub mod budget_book;
pub mod queries;
pub mod recorder;
