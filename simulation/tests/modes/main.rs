//! Simulated networks that a test directs, and runs of many seeds, in all modes. At every step the
//! invariants of the mode are checked; whatever does not hold is an error here.

mod byzantine;
mod disk_paxos;
mod hpaxos;
mod paxos;
mod seeds;
mod support;
