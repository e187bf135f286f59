//! LLM usage: read from transcripts, reported by hand or by telemetry, priced, and recorded once.

pub mod actor;
pub mod importer;
pub mod manual;
pub mod projects;
pub mod recorder;
pub mod refused;
pub mod report;
pub mod repricing;
pub mod telemetry;
pub mod telemetry_actor;
