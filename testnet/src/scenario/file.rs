//! Scenario files: TOML in, a [`Scenario`] out, with every name in it checked.

use super::{Action, Expected, Scenario, Step};
use crate::cli::NetworkArgs;
use crate::failure::Failure;
use crate::fault::{Fault, Names};
use crate::launch::layout::Layout;
use crate::show::words;
use crate::topology::topology;
use crate::values::Value;
use node::MAX_VALUE_BYTES;
use node::config::Mode;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Spanned, Table};

mod action;

use action::action;

/// How long a step may take if it does not say so.
const WITHIN: f64 = 30.0;
/// How long nothing may be decided where waiting is expected, if it is not said.
const WHILE: f64 = 2.0;
/// The longest of both.
const LONGEST: f64 = 3600.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    #[serde(default)]
    lesson: String,
    mode: Option<String>,
    graph: Option<PathBuf>,
    nodes: Option<usize>,
    disks: Option<usize>,
    patience_ms: Option<u64>,
    step: Vec<Spanned<Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submit {
    submit: Names,
    to: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    expect: Expectations,
}

/// What must become true.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectations {
    decided: Option<Names>,
    waits: Option<Names>,
    values: Option<Names>,
    at: Option<Names>,
    #[serde(default)]
    agree: Vec<(String, String)>,
    #[serde(default)]
    differ: Vec<(String, String)>,
    #[serde(default)]
    disconnected: Vec<(String, String)>,
    caught: Option<Names>,
    evidence: Option<String>,
    ballot: Option<u64>,
    within: Option<f64>,
    #[serde(rename = "for")]
    long: Option<f64>,
}

/// Reads a scenario. The graph's path is from where the file is.
///
/// # Errors
/// If it cannot be read, or makes no sense: what, and in which line.
pub fn read(path: &Path) -> Result<Scenario, Failure> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| Failure::could_not_run(format!("scenario '{name}': {e}")))?;
    let bad = |why: String| Failure::Bad(vec![format!("{name}: {why}")]);
    let file: File = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
    let mode = match &file.mode {
        None => Mode::Hpaxos,
        Some(name) => Mode::named(name).ok_or_else(|| {
            let all: Vec<_> = Mode::ALL.iter().map(|mode| mode.name()).collect();
            bad(format!(
                "there is no mode '{name}': write {}",
                all.join(", ")
            ))
        })?,
    };
    let near = |graph: &PathBuf| path.parent().unwrap_or(Path::new("")).join(graph);
    let network = NetworkArgs {
        mode,
        graph: file.graph.as_ref().map(near),
        nodes: file.nodes,
        disks: file.disks,
    };
    let topology = topology(&network).map_err(|failure| match failure {
        Failure::Usage(why) => bad(why),
        other => other,
    });
    let (mut layout, expect, warnings) = topology?;
    layout.patience_ms = file.patience_ms;
    if file
        .patience_ms
        .is_some_and(|ms| !(100..=3_600_000).contains(&ms))
    {
        return Err(bad("patience_ms is 100 to 3600000".to_owned()));
    }
    let mut reader = Reader {
        layout: &layout,
        learners: names(expect.graph()),
        values: Vec::new(),
        by_text: HashMap::new(),
    };
    let mut steps = Vec::new();
    for table in &file.step {
        let line = text[..table.span().start].matches('\n').count() + 1;
        let step = reader.step(table.get_ref().clone());
        steps.push(
            step.map_err(|why| bad(format!("step {}, line {line}: {why}", steps.len() + 1)))?,
        );
    }
    let values = reader.values;
    Ok(Scenario {
        title: file.title,
        lesson: file.lesson.trim().to_owned(),
        layout,
        expect,
        warnings,
        values,
        steps,
    })
}

fn names(graph: &learner_graph::LearnerGraph) -> Vec<String> {
    graph.learner_names(&graph.learners())
}

struct Reader<'a> {
    layout: &'a Layout,
    learners: Vec<String>,
    values: Vec<Value>,
    by_text: HashMap<String, usize>,
}

impl Reader<'_> {
    fn step(&mut self, table: Table) -> Result<Step, String> {
        match action(&table)? {
            "submit" => return self.submit(convert(table)?),
            "expect" => return self.expect(convert::<Expect>(table)?.expect),
            _ => {}
        }
        let fault: Fault = convert(table)?;
        fault.check(self.layout)?;
        Ok(Step {
            words: fault.to_string(),
            action: Action::Fault(fault),
            within: Duration::from_secs_f64(WITHIN),
        })
    }

    fn submit(&mut self, submit: Submit) -> Result<Step, String> {
        let to = submit.to.as_ref();
        let to = to.map(|name| self.layout.place(name).map_err(|e| e.to_string()));
        let to = to.transpose()?;
        let first = self.values.len();
        for text in &submit.submit.0 {
            if text.is_empty() || text.len() > MAX_VALUE_BYTES {
                return Err(format!("a value has 1 to {MAX_VALUE_BYTES} bytes"));
            }
            let at = self.values.len();
            if self.by_text.insert(text.clone(), at).is_some() {
                return Err(format!(
                    "'{text}' is submitted twice; expectations could not tell which"
                ));
            }
            self.values.push(Value {
                key: format!("value-{}", at + 1),
                bytes: text.clone().into_bytes(),
            });
        }
        let quoted: Vec<String> = submit
            .submit
            .0
            .iter()
            .map(|text| words::value(text.as_bytes(), 30))
            .collect();
        let what = match quoted.len() {
            0 => return Err("no value is named".to_owned()),
            1..=3 => words::list(&quoted),
            n => words::count(n, "value"),
        };
        let whom = submit
            .to
            .map_or(String::new(), |name| format!(" to {name}"));
        Ok(Step {
            words: format!("submit {what}{whom}"),
            action: Action::Submit {
                values: first..self.values.len(),
                to,
            },
            within: Duration::from_secs_f64(WITHIN),
        })
    }

    fn expect(&self, e: Expectations) -> Result<Step, String> {
        let (decided, waits) = (self.learners(&e.decided)?, self.learners(&e.waits)?);
        let values = match &e.values {
            None => (0..self.values.len()).collect(),
            Some(values) => values
                .0
                .iter()
                .map(|v| self.value(v))
                .collect::<Result<Vec<_>, _>>()?,
        };
        let at = e.at.as_ref().map(|names| {
            let places = names.0.iter().map(|name| self.layout.place(name));
            places
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| e.to_string())
        });
        let caught = e.caught.map_or(Vec::new(), |names| names.0);
        let known = |name: &String| {
            self.layout
                .nodes
                .iter()
                .any(|n| n.acceptor.as_ref() == Some(name))
        };
        if let Some(name) = caught.iter().find(|name| !known(name)) {
            return Err(format!("there is no acceptor '{name}'"));
        }
        let expected = Expected {
            decided,
            waits,
            values,
            at: at.transpose()?,
            agree: self.pairs(&e.agree)?,
            differ: self.pairs(&e.differ)?,
            disconnected: self.pairs(&e.disconnected)?,
            caught,
            evidence: e.evidence,
            ballot: e.ballot,
            long: seconds("for", e.long, WHILE)?,
        };
        if expected.says_nothing() {
            return Err(
                "it expects nothing; write decided, waits, agree, differ, disconnected, caught, evidence or ballot"
                    .to_owned(),
            );
        }
        if !(expected.decided.is_empty() && expected.waits.is_empty()) && expected.values.is_empty()
        {
            return Err("no value has been submitted by then".to_owned());
        }
        Ok(Step {
            words: format!("expect {}", expected.words(&self.learners)),
            action: Action::Expect(expected),
            within: seconds("within", e.within, WITHIN)?,
        })
    }

    fn learner(&self, name: &String) -> Result<usize, String> {
        let found = self.learners.iter().position(|learner| learner == name);
        found.ok_or_else(|| {
            let all = words::list(&self.learners);
            format!("there is no learner '{name}'; the learners are {all}")
        })
    }

    fn learners(&self, names: &Option<Names>) -> Result<Vec<usize>, String> {
        let names = names.iter().flat_map(|names| &names.0);
        names.map(|name| self.learner(name)).collect()
    }

    fn pairs(&self, pairs: &[(String, String)]) -> Result<Vec<(usize, usize)>, String> {
        let pair = |(a, b): &(String, String)| {
            let (a, b) = (self.learner(a)?, self.learner(b)?);
            Ok((a.min(b), a.max(b)))
        };
        pairs.iter().map(pair).collect()
    }

    fn value(&self, text: &String) -> Result<usize, String> {
        let found = self.by_text.get(text).copied();
        found.ok_or_else(|| format!("'{text}' has not been submitted by then"))
    }
}

/// A table as what it is to be. The message of an error names the field.
fn convert<T: for<'de> Deserialize<'de>>(table: Table) -> Result<T, String> {
    T::deserialize(toml::Value::Table(table)).map_err(|e| {
        let text = e.to_string();
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        lines.join(" ")
    })
}

fn seconds(name: &str, given: Option<f64>, otherwise: f64) -> Result<Duration, String> {
    match given.unwrap_or(otherwise) {
        seconds if (0.0..=LONGEST).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("{name} is 0 to {LONGEST} seconds")),
    }
}

#[cfg(test)]
mod tests;
