//! `hpaxos decision verify`.

use super::compare::Seen;
use super::lines::{Line, Lines};
use super::uncertified;
use super::words::{Place, proved, proved_json};
use crate::Config;
use crate::cli::{Exit, complain, fail, print, printable};
use crate::decision::{Claim, MAX_LINE_BYTES, Proved};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The arguments of `hpaxos decision verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// The configuration of the network
    #[arg(long, env = "HPAXOS_CONFIG", value_name = "FILE")]
    config: PathBuf,
    /// Files with decisions, one per line; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Refuse the decisions of all other learners
    #[arg(long)]
    learner: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

impl VerifyArgs {
    pub(super) fn run(&self) -> Exit {
        let config = match Config::load(&self.config) {
            Ok(config) => config,
            Err(error) => {
                complain(error);
                return Exit::Failed;
            }
        };
        if let Some(why) = uncertified(config.mode.name()) {
            return fail(Exit::Bad, why);
        }
        if let Some(learner) = &self.learner
            && config.network.graph().learner(learner).is_none()
        {
            let why = format!("--learner: the configuration has no learner '{learner}'");
            return fail(Exit::Usage, why);
        }
        let mut verification = Verification {
            args: self,
            seen: Seen::new(&config),
            config: &config,
            verified: 0,
            refused: 0,
            unread: 0,
            disagreed: 0,
        };
        for file in &self.files {
            verification.file(file);
        }
        verification.finish()
    }
}

struct Verification<'a> {
    args: &'a VerifyArgs,
    config: &'a Config,
    seen: Seen,
    verified: u64,
    refused: u64,
    unread: u64,
    disagreed: u64,
}

impl Verification<'_> {
    fn file(&mut self, path: &Path) {
        let name: Rc<str> = path.display().to_string().into();
        if let Err(error) = self.lines(path, &name) {
            complain(format!("{name}: error: cannot be read: {error}"));
            self.unread += 1;
        }
    }

    fn lines(&mut self, path: &Path, name: &Rc<str>) -> std::io::Result<()> {
        let mut lines = Lines::open(path, MAX_LINE_BYTES)?;
        let mut place = Place {
            file: Rc::clone(name),
            line: 1,
        };
        while let Some(line) = lines.next()? {
            match self.verify(line) {
                Ok(decision) => self.show(&place, &decision),
                Err(why) => self.refuse(&place, &why),
            }
            place.line += 1;
        }
        if place.line == 1 {
            self.refuse(&place, "there is no decision in it");
        }
        Ok(())
    }

    fn verify(&self, line: Line) -> Result<Proved, String> {
        let line = line?;
        if line.is_empty() {
            return Err("the line is empty".into());
        }
        let claim = Claim::read(&line).map_err(|flaw| flaw.to_string())?;
        let learner = claim.learner().to_owned();
        let proved = claim.verify(self.config).map_err(|flaw| flaw.to_string())?;
        match &self.args.learner {
            Some(wanted) if *wanted != learner => Err(format!(
                "it is a decision of {learner}, and those of {wanted} are asked for"
            )),
            _ => Ok(proved),
        }
    }

    fn show(&mut self, place: &Place, decision: &Proved) {
        self.verified += 1;
        let graph = self.config.network.graph();
        if self.args.json {
            print(proved_json(place, self.config, decision));
        } else {
            print(proved(place, self.config, decision));
        }
        for disagreement in self.seen.add(place, decision) {
            self.disagreed += u64::from(disagreement.broken);
            if self.args.json {
                print(disagreement.json(graph));
            } else if disagreement.broken {
                complain(format!("error: {}", disagreement.words(graph)));
            } else {
                print(disagreement.words(graph));
            }
        }
    }

    fn refuse(&mut self, place: &Place, why: &str) {
        self.refused += 1;
        // It may repeat what is in the file.
        let why = printable(why);
        if self.args.json {
            let (file, line) = (&*place.file, place.line);
            print(
                json!({"event": "decision", "valid": false, "file": file, "line": line, "why": why}),
            );
        }
        complain(format!("{place}: error: {why}"));
    }

    /// Sums up. What is wrong weighs more than what could not be read.
    fn finish(&self) -> Exit {
        if self.args.json {
            print(self.summary_json());
        } else {
            print(self.summary());
        }
        if self.refused > 0 || self.disagreed > 0 {
            Exit::Bad
        } else if self.unread > 0 {
            Exit::Failed
        } else {
            Exit::Done
        }
    }

    fn summary(&self) -> String {
        let mut words = format!("verified: {}", self.verified);
        if self.refused > 0 {
            words.push_str(&format!(", refused: {}", self.refused));
        }
        if self.unread > 0 {
            words.push_str(&format!(", files not read: {}", self.unread));
        }
        let not_compared = self.seen.not_kept();
        if not_compared > 0 {
            words.push_str(&format!(
                "\nnot held against each other: {not_compared}, because there were too many decisions before \
                 them; to compare these as well, verify the decisions of fewer slots at a time"
            ));
        }
        words
    }

    fn summary_json(&self) -> Value {
        json!({
            "event": "summary", "verified": self.verified, "refused": self.refused,
            "unread": self.unread, "disagreements": self.disagreed,
            "not_compared": self.seen.not_kept(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::write;
    use crate::testing::{batch, certificate, config};
    use learner_graph::LearnerId;
    use std::fs;

    /// What is said after so many decisions of slots of their own if two are remembered, in words and as JSON.
    fn summaries(decisions: u64) -> (String, Value) {
        let config = config("");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("d.ndjson");
        let batch = batch(&[b"v"]);
        let line = |slot| {
            let certificate = certificate(&config, LearnerId(0), slot, &batch, &[1, 2]);
            write(&config.name, &config.network, &certificate, &batch) + "\n"
        };
        fs::write(&path, (0..decisions).map(line).collect::<String>()).unwrap();
        let args = VerifyArgs {
            config: PathBuf::new(),
            files: Vec::new(),
            learner: None,
            json: false,
        };
        let mut verification = Verification {
            args: &args,
            seen: Seen::at_most(2, &config),
            config: &config,
            verified: 0,
            refused: 0,
            unread: 0,
            disagreed: 0,
        };
        verification.file(&path);
        (verification.summary(), verification.summary_json())
    }

    #[test]
    fn the_summary_counts_files_that_are_not_there() {
        let config = config("");
        let args = VerifyArgs {
            config: PathBuf::new(),
            files: Vec::new(),
            learner: None,
            json: false,
        };
        let mut verification = Verification {
            args: &args,
            seen: Seen::new(&config),
            config: &config,
            verified: 0,
            refused: 0,
            unread: 0,
            disagreed: 0,
        };
        verification.file(Path::new("no/such/file.json"));
        assert_eq!(verification.summary(), "verified: 0, files not read: 1");
        assert_eq!(verification.summary_json()["unread"], 1);
        assert!(verification.finish() == Exit::Failed);
    }

    #[test]
    fn the_summary_says_how_many_were_not_held_against_each_other() {
        let (words, json) = summaries(2);
        assert_eq!(words, "verified: 2");
        assert_eq!(
            (&json["verified"], &json["not_compared"]),
            (&json!(2), &json!(0))
        );
        let (words, json) = summaries(5);
        assert!(words.starts_with("verified: 5\n"), "{words}");
        assert!(words.contains("not held against each other: 3,"), "{words}");
        assert_eq!(
            (&json["verified"], &json["not_compared"]),
            (&json!(5), &json!(3))
        );
    }
}
