//! Which protocol a network runs.

/// The protocols that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Heterogeneous Paxos.
    Hpaxos,
    /// Classic Paxos.
    Paxos,
    /// Disk Paxos.
    DiskPaxos,
}

impl Mode {
    /// All modes there are.
    pub const ALL: [Mode; 3] = [Mode::Hpaxos, Mode::Paxos, Mode::DiskPaxos];

    /// The name in configurations, and in the id of a [`Network`](crate::Network).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Mode::Hpaxos => "hpaxos",
            Mode::Paxos => "paxos",
            Mode::DiskPaxos => "disk-paxos",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Mode> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}
