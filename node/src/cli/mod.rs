//! The commands of `hpaxos` beside `node`.
//!
//! Data goes to standard output, with `--json` one object per line; errors go to standard error.

mod client;
mod decision;
mod disk;
mod evidence;
mod graph;
mod keygen;
mod progress;
mod ready;
mod shell;
mod storage;
mod submit;
mod watch;

pub use decision::DecisionCommand;
pub use disk::DiskCommand;
pub use evidence::EvidenceCommand;
pub use graph::GraphCommand;
pub use keygen::KeygenArgs;
pub use ready::ReadyArgs;
pub use shell::{CompletionsArgs, ManArgs};
pub use storage::StorageCommand;
pub use submit::SubmitArgs;
pub use watch::WatchArgs;

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;

/// How a command ends, as the shell sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done.
    Done,
    /// The thing asked about is bad.
    Bad,
    /// The command line makes no sense.
    Usage,
    /// It could not run.
    Failed,
}

impl Exit {
    /// The number of it.
    fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Bad => 1,
            Exit::Usage => 2,
            Exit::Failed => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Says why a command ends badly.
fn fail(exit: Exit, why: impl std::fmt::Display) -> Exit {
    complain(format!("error: {why}"));
    exit
}

/// Writes to standard error. Nobody has to read it.
pub(crate) fn complain(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Writes a line to standard output, as [`print_bytes`] does.
fn print(text: impl std::fmt::Display) {
    print_bytes(format!("{text}\n").as_bytes());
}

/// Writes to standard output. Whoever reads it may have seen enough; if it cannot be written for another reason, the
/// program ends, for a command is not done whose results nobody gets.
fn print_bytes(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    if let Err(error) = written.or_else(unless_seen_enough) {
        let exit = fail(
            Exit::Failed,
            format!("cannot write to standard output: {error}"),
        );
        std::process::exit(i32::from(exit.code()));
    }
}

/// Whoever reads standard output may have seen enough, which is no error.
fn unless_seen_enough(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

/// Words with something in them that others have written: short, and without what could disturb a
/// terminal.
fn printable(text: &str) -> String {
    const SHOWN_CHARS: usize = 1000;
    let mut printable = String::new();
    for c in text.chars().take(SHOWN_CHARS) {
        match c {
            '"' | '\'' | '\\' => printable.push(c),
            c => printable.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(SHOWN_CHARS).is_some() {
        printable.push('…');
    }
    printable
}

/// Reads a file, or standard input for `-`, up to a limit.
fn read_bytes(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let bound = limit as u64 + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(bound).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(path)?
            .take(bound)
            .read_to_end(&mut bytes)?;
    }
    if bytes.len() > limit {
        return Err(io::Error::other(format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Reads the text of a file, or standard input for `-`, up to a limit.
fn read_text(path: &Path, limit: usize) -> io::Result<String> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_are_short_and_harmless() {
        assert_eq!(printable("it's \"grüß\" \\"), "it's \"grüß\" \\");
        let disturbing = "\u{1b}[2J\r\n\u{202e}";
        assert_eq!(printable(disturbing), "\\u{1b}[2J\\r\\n\\u{202e}");
        let long = printable(&"ü".repeat(2000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (1001, true));
    }
}
