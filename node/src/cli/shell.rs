//! What shells and `man` know of a command line: the same for every program of this workspace.

use super::{Exit, fail, print, print_bytes};
use clap::{Args, Command};
use clap_complete::Shell;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completions of a command line for a shell.
    #[must_use]
    pub fn run(&self, mut command: Command) -> ExitCode {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        print_bytes(&script);
        Exit::Done.into()
    }
}

/// The arguments of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// The directory that the pages go to, one for each command; it is made if it is missing
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl ManArgs {
    /// Writes the manual pages of a command line.
    #[must_use]
    pub fn run(&self, command: Command) -> ExitCode {
        let made = std::fs::create_dir_all(&self.out);
        let pages = made.and_then(|()| clap_mangen::generate_to(command, &self.out));
        let out = self.out.display();
        match pages {
            Ok(()) => {
                print(format!("the pages are in {out}; see man -l {out}/PAGE"));
                Exit::Done
            }
            Err(error) => fail(Exit::Failed, format!("{out}: {error}")),
        }
        .into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let args = ManArgs {
            out: dir.path().join("man").join("man1"),
        };
        let inner = Command::new("inner").about("does something");
        let _ = args.run(Command::new("outer").subcommand(inner));
        let page = std::fs::read_to_string(args.out.join("outer-inner.1")).unwrap();
        assert!(page.contains("does something"), "{page}");
        assert!(args.out.join("outer.1").exists());
    }
}
