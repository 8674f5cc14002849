//! The consensus protocols as pure state machines: no network, no clock, no files.
