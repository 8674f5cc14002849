//! What a soak finds, in words and for a program. No I/O.

use serde::Serialize;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An acknowledged value is missing at the end.
    Lost,
    /// A log has a value twice.
    Duplicate,
    /// A value was decided before one that had been decided when it was submitted, or the earlier one is
    /// lost.
    Reordered,
    /// Two logs that must agree have different decisions in one slot.
    Diverged,
    /// A node tells of a slot otherwise than it has before.
    Changed,
    /// A log leaves slots out.
    Skipped,
    /// A log has a value that no client has submitted.
    Foreign,
    /// A value was not decided in time although all nodes live.
    Stuck,
    /// A node ended by itself.
    Exited,
    /// A node did not come back in time, or not where it was.
    NotBack,
}

/// Something that must not happen, and where it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind.
    pub kind: Kind,
    /// The node that tells it, or that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The learner whose log it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learner: Option<String>,
    /// The slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// All of it in words.
    pub words: String,
}
