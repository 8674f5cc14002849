//! Tests of disks.
