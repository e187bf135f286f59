//! Input that is made to do harm: nested, long, wide or odd. Nothing of it ends the process, and what is good beside it counts.

#[path = "hostile/nested.rs"]
mod nested;
#[path = "hostile/shown.rs"]
mod shown;
#[path = "hostile/slow.rs"]
mod slow;
