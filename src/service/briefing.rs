//! Summaries: the narrator's context, and a day's activity.

pub mod activity;
pub mod narrator;
pub mod shape;
