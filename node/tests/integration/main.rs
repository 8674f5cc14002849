//! Tests of whole nodes, of the command line and of configuration files. One binary: linking libp2p
//! takes a while.

mod asking;
mod command_line;
mod config;
mod decisions;
mod disks;
mod fixture;
mod graph_files;
mod graphs;
mod long_logs;
mod networks;
mod paxos;
mod starting;
mod storage;
mod telemetry;
