//! `testnet trace`: checks traces against the specification.
//!
//! ```text
//!   files ─► Source (one per file) ─► Merge: a line is taken as soon as it can have happened
//!                                        └─► Spec, invariants ─► Summary, or the first line refused
//! ```

mod merge;
mod show;
#[cfg(test)]
mod tests;

pub use merge::{Culprit, Merge, Taken, Trouble};
pub use show::Summary;

use crate::cli::TraceArgs;
use crate::failure::Failure;
use crate::show::complain;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;

/// How many lines are taken between two looks at the progress.
const STEP: u64 = 4096;

/// Checks traces as the arguments say and returns the exit code.
///
/// # Errors
/// If the arguments are wrong, a file cannot be read, or a line makes no sense.
pub fn trace(args: &TraceArgs) -> Result<u8, Failure> {
    let mut bytes = 0;
    let mut inputs = Vec::new();
    for path in &args.files {
        let (input, size) = open(path)?;
        bytes += size;
        inputs.push((path.display().to_string(), input));
    }
    let outcome = check(inputs, bytes, args);
    let mut out = io::stdout().lock();
    match outcome {
        Ok((summary, notes)) => {
            notes.iter().for_each(|note| complain(note));
            write_line(&mut out, &summary.show(args.json))?;
            Ok(0)
        }
        Err(Trouble::Refused(culprit)) => {
            write_line(&mut out, &show::refused(&culprit, args.json))?;
            Ok(1)
        }
        Err(Trouble::Failure(failure)) => Err(failure),
    }
}

fn open(path: &PathBuf) -> Result<(BufReader<File>, u64), Failure> {
    let failed = |e: io::Error| Failure::could_not_run(format!("'{}': {e}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let data = file.metadata().map_err(failed)?;
    if data.is_dir() {
        let path = path.display();
        let mend = format!("'{path}' is a directory: name the files in it, {path}/*.ndjson");
        return Err(Failure::usage(mend));
    }
    Ok((BufReader::new(file), data.len()))
}

fn check(
    inputs: Vec<(String, BufReader<File>)>,
    bytes: u64,
    args: &TraceArgs,
) -> Result<(Summary, Vec<String>), Trouble> {
    let mut merge = Merge::start(inputs, &args.faulty)?;
    // It is shown on a terminal only.
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent}% {msg}") {
        bar.set_style(style);
    }
    let mut summary = Summary::new(merge.spec().graph(), args.slot);
    while let Some(taken) = merge.next()? {
        let shown = summary.count(&taken);
        if let (Some(_), Some(action)) = (args.slot, shown) {
            let line = show::line(merge.spec(), &taken, &action, args.json);
            write_line(&mut io::stdout().lock(), &line)?;
        }
        if merge.taken() % STEP == 0 {
            bar.set_position(merge.bytes());
            bar.set_message(format!("{} lines", merge.taken()));
        }
    }
    merge.finish()?;
    bar.finish_and_clear();
    summary.decided(merge.spec());
    Ok((summary, merge.notes()))
}

fn write_line(out: &mut impl Write, line: &str) -> Result<(), Failure> {
    writeln!(out, "{line}").map_err(|_| Failure::Unread)
}
