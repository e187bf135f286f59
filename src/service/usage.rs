//! Usage of LLMs: read from transcripts, told by hand or by telemetry, priced, and recorded once.

pub mod actor;
pub mod importer;
pub mod manual;
pub mod prices;
pub mod projects;
pub mod reading;
pub mod recorder;
pub mod refused;
pub mod repricing;
pub mod telemetry;
pub mod telemetry_actor;
