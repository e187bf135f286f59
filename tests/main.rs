//! All black-box tests, linked once.

// Style beyond clippy's own default is for the program; what is wrong is still an error here.
#![allow(clippy::pedantic)]

#[path = "access.rs"]
mod access;
#[path = "actors.rs"]
mod actors;
#[path = "affording.rs"]
mod affording;
#[path = "agent_limits.rs"]
mod agent_limits;
#[path = "aggregates.rs"]
mod aggregates;
#[path = "alert_channels.rs"]
mod alert_channels;
#[path = "alerts.rs"]
mod alerts;
#[path = "backups.rs"]
mod backups;
#[path = "balance.rs"]
mod balance;
#[path = "../fuzz/bodies.rs"]
mod bodies;
#[path = "calendars.rs"]
mod calendars;
#[path = "channels.rs"]
mod channels;
#[path = "clocks.rs"]
mod clocks;
#[path = "commands.rs"]
mod commands;
#[path = "console.rs"]
mod console;
#[path = "degradation.rs"]
mod degradation;
#[path = "described.rs"]
mod described;
#[path = "differential.rs"]
mod differential;
#[path = "disk_errors.rs"]
mod disk_errors;
#[path = "doctor.rs"]
mod doctor;
#[path = "durability.rs"]
mod durability;
#[path = "fault_disk.rs"]
mod fault_disk;
#[path = "feeds.rs"]
mod feeds;
#[path = "files.rs"]
mod files;
#[path = "forecast.rs"]
mod forecast;
#[path = "full_disk.rs"]
mod full_disk;
#[path = "fuzz_smoke.rs"]
mod fuzz_smoke;
#[path = "gate.rs"]
mod gate;
#[path = "goal_days.rs"]
mod goal_days;
#[path = "goals.rs"]
mod goals;
#[path = "hostile.rs"]
mod hostile;
#[path = "../fuzz/hostile.rs"]
mod hostility;
#[path = "http.rs"]
mod http;
#[path = "lacking.rs"]
mod lacking;
#[path = "limits.rs"]
mod limits;
#[path = "log_contract.rs"]
mod log_contract;
#[path = "mcp.rs"]
mod mcp;
#[path = "metrics.rs"]
mod metrics;
#[path = "model.rs"]
mod model;
#[path = "narrator.rs"]
mod narrator;
#[path = "odd_files.rs"]
mod odd_files;
#[path = "odometer.rs"]
mod odometer;
#[path = "otlp.rs"]
mod otlp;
#[path = "outbox.rs"]
mod outbox;
#[path = "outside.rs"]
mod outside;
#[path = "overload.rs"]
mod overload;
#[path = "plausible.rs"]
mod plausible;
#[path = "positions.rs"]
mod positions;
#[path = "power_cut.rs"]
mod power_cut;
#[path = "program.rs"]
mod program;
#[path = "providers.rs"]
mod providers;
#[path = "quota.rs"]
mod quota;
#[path = "readme.rs"]
mod readme;
#[path = "reconcile.rs"]
mod reconcile;
#[path = "reports.rs"]
mod reports;
#[path = "rooms.rs"]
mod rooms;
#[path = "rot.rs"]
mod rot;
#[path = "rows.rs"]
mod rows;
#[path = "service_manager.rs"]
mod service_manager;
#[path = "snapshots.rs"]
mod snapshots;
#[path = "soak.rs"]
mod soak;
#[path = "stopping.rs"]
mod stopping;
#[path = "storm.rs"]
mod storm;
#[path = "supply_chain.rs"]
mod supply_chain;
mod support;
#[path = "telemetry.rs"]
mod telemetry;
#[path = "tenants.rs"]
mod tenants;
#[path = "tls.rs"]
mod tls;
#[path = "told.rs"]
mod told;
#[path = "transcripts.rs"]
mod transcripts;
#[path = "undelivered.rs"]
mod undelivered;
mod unsteady;
#[path = "usage_cases.rs"]
mod usage_cases;
#[path = "vault.rs"]
mod vault;
mod vault_plugins;
#[path = "way_in.rs"]
mod way_in;
#[path = "ways_out.rs"]
mod ways_out;
#[path = "year.rs"]
mod year;
