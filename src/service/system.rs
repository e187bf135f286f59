//! The assembled system: the supervision tree, its clients, status, health, backups and certificate.

pub mod backups;
pub mod certificate;
pub mod clients;
pub mod demo;
pub mod health;
pub mod log_actor;
pub mod meters;
pub mod status;
pub mod tenant;
pub mod tenants;
pub mod tree;
