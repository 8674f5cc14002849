//! The disks of Disk Paxos, as the engine sees them.
//!
//! ```text
//!   step ──Output::Disk──► Disks::submit ──► a thread per disk
//!    ▲                                            │
//!    └──Input::Disk◄──Event::Disk◄──EngineHandle::send
//! ```

use consensus::disk_paxos::Operation;

/// Where operations go. What comes of them is sent to the engine with
/// [`EngineHandle::send`](super::EngineHandle::send): it waits for room, so that nothing is lost.
///
/// Dropped when the engine ends, after its queue: a thread that waits for room is told then.
pub(crate) trait Disks: Send {
    /// Begins an operation; must not wait. The protocol has one at a time in progress on a disk.
    fn submit(&mut self, operation: Operation);
}
