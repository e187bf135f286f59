//! The state of things in few words: the narrator's context and what happened of late.

pub mod activity;
pub mod narrator;
pub mod shape;
