//! Why a command did not do what it was asked to, and the exit code that says so.

use std::process::ExitCode;

/// A failure with its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Exit code 1: the thing asked about is bad. One message per problem.
    #[error("{}", .0.join("\n"))]
    Bad(Vec<String>),
    /// Exit code 2: wrong usage.
    #[error("{0}")]
    Usage(String),
    /// Exit code 3: it could not run.
    #[error("{0}")]
    CouldNotRun(String),
    /// Exit code 3: standard output is closed. Whoever did that need not be told.
    #[error("nobody reads the output")]
    Unread,
}

impl Failure {
    /// It could not run, with the reason.
    pub fn could_not_run(reason: impl Into<String>) -> Self {
        Failure::CouldNotRun(reason.into())
    }

    /// Wrong usage, with the reason.
    pub fn usage(reason: impl Into<String>) -> Self {
        Failure::Usage(reason.into())
    }

    /// The exit code.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Failure::Bad(_) => 1,
            Failure::Usage(_) => 2,
            Failure::CouldNotRun(_) | Failure::Unread => 3,
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        ExitCode::from(failure.code())
    }
}
