//! The disks of Disk Paxos.

mod config;

pub use config::{DiskConfig, DisksConfig, Location, System};
