//! The graph as TOML text: which top-level fields there are, and from text to graph.

use crate::checks::Checks;
use crate::effort::Effort;
use crate::graph::LearnerGraph;
use crate::meant::{near, tip};
use crate::problem::{Problem, Severity};
use crate::read::{self, Read};
use crate::tree::Tree;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, de};
use std::fmt;
use toml::Spanned;

/// The top-level fields that make up a graph: those of [`GraphSection`].
pub const GRAPH_FIELDS: [&str; 5] = ["acceptors", "define", "learners", "safe", "groups"];

/// The top-level fields that a node's configuration file may have next to a graph;
/// [`parse_graph`] skips them.
pub const CONFIG_FIELDS: [&str; 4] = ["mode", "network", "nodes", "limits"];

/// The longest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// The graph's part of a configuration file, not yet checked.
///
/// A larger configuration repeats these fields in a struct of its own (flattening would
/// lose the places in the text) and moves them in here to [`build`](Self::build) the graph.
#[derive(Clone, Default, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GraphSection {
    /// `acceptors = ["a1", …]`: their names, in the order that numbers them.
    pub acceptors: Option<Spanned<Tree>>,
    /// `[define]`: named expressions.
    pub define: Option<Spanned<Tree>>,
    /// `[learners]`: TrustLive, one expression per learner.
    pub learners: Option<Spanned<Tree>>,
    /// `[[safe]]`: TrustSafe, `between` learners `when` an expression holds of the safe acceptors.
    pub safe: Option<Spanned<Tree>>,
    /// `[groups.KIND]`: which acceptors fail together, by what they share; for analyses only.
    pub groups: Option<Spanned<Tree>>,
}

impl GraphSection {
    /// Builds the graph and checks it: its shape, `LearnerGraphAssumption`'s validity, and
    /// whether it is uniform.
    ///
    /// Returns the graph with warnings, or every problem found, warnings included. The problems
    /// carry byte spans; [`Problem::located`] turns them into lines and columns.
    pub fn build(&self) -> Result<(LearnerGraph, Vec<Problem>), Vec<Problem>> {
        let read = read::graph(self)?;
        let mut problems = read.warnings.clone();
        problems.extend(found_in(&read));
        finish(read.graph, problems)
    }

    /// Builds the graph without asking whether it is valid, and without warnings: for tests and
    /// for analysing graphs that a network must not run on.
    pub fn build_unchecked(&self) -> Result<LearnerGraph, Vec<Problem>> {
        read::graph(self).map(|read| read.graph)
    }
}

/// What the checks say in as many steps as a node takes.
fn found_in(read: &Read) -> Vec<Problem> {
    let mut checks = Checks::default();
    checks.ask(&read.graph, 1, &Effort::steps(0), &mut |_, _, _| {});
    checks.problems(read)
}

fn finish(
    graph: LearnerGraph,
    problems: Vec<Problem>,
) -> Result<(LearnerGraph, Vec<Problem>), Vec<Problem>> {
    match has_errors(&problems) {
        true => Err(problems),
        false => Ok((graph, problems)),
    }
}

/// Whether a file with these problems is refused.
pub(crate) fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|p| p.severity == Severity::Error)
}

/// Reads a graph from TOML text, which may be a node's whole configuration file: fields in
/// [`CONFIG_FIELDS`] are skipped, other unknown ones are errors.
///
/// Returns the graph with warnings, or every problem found, with lines and columns. A text that
/// is not TOML has one problem.
pub fn parse_graph(text: &str) -> Result<(LearnerGraph, Vec<Problem>), Vec<Problem>> {
    let (read, mut problems) = read_text(text)?;
    problems.extend(found_in(&read));
    finish(read.graph, ordered(problems, text))
}

/// Reads a graph as [`parse_graph`] does, but accepts one that is not valid and says nothing
/// about uniformity.
pub fn parse_unchecked(text: &str) -> Result<LearnerGraph, Vec<Problem>> {
    let (read, mut problems) = read_text(text)?;
    problems.retain(|p| p.severity == Severity::Error);
    finish(read.graph, ordered(problems, text)).map(|(graph, _)| graph)
}

/// Reads a graph that is not checked yet, with what is to be said of its file in any case, which may be errors.
pub(crate) fn read_text(text: &str) -> Result<(Read, Vec<Problem>), Vec<Problem>> {
    let (section, mut problems) = parse_section(text)?;
    match read::graph(&section) {
        Ok(mut read) => {
            problems.append(&mut read.warnings);
            read.graph = read.graph.with_lines_of(text);
            Ok((read, problems))
        }
        Err(more) => {
            // A table whose name is wrong is there.
            let said = |p: &Problem| {
                let there = |known: &Problem| known.field == p.field;
                p.field.is_some() && problems.iter().any(there)
            };
            let more: Vec<Problem> = more.into_iter().filter(|p| !said(p)).collect();
            problems.extend(more);
            Err(ordered(problems, text))
        }
    }
}

/// With lines and columns, in the order of the text; what is about no place in it comes last.
pub(crate) fn ordered(problems: Vec<Problem>, text: &str) -> Vec<Problem> {
    let mut problems: Vec<_> = problems.into_iter().map(|p| p.located(text)).collect();
    let place = |p: &Problem| p.span.as_ref().map_or(usize::MAX, |span| span.start);
    problems.sort_by_key(place);
    problems
}

fn parse_section(text: &str) -> Result<(GraphSection, Vec<Problem>), Vec<Problem>> {
    if text.len() > MAX_FILE_BYTES {
        return Err(vec![Problem::error(
            None,
            format!("the file has {} bytes", text.len()),
            format!("at most {MAX_FILE_BYTES} are read: use [define] for what is repeated"),
        )]);
    }
    let file: File = toml::from_str(text).map_err(|error| vec![no_toml(&error, text)])?;
    let unknown = file.unknown.into_iter().map(|key| {
        let name = key.as_ref();
        let near = near(name, GRAPH_FIELDS);
        let what = format!("unknown field '{name}'{}", tip(near));
        let mend = format!("a graph has {}", GRAPH_FIELDS.join(", "));
        Problem::error(Some(key.span()), what, mend).about(near)
    });
    Ok((file.graph, unknown.collect()))
}

/// Why a text cannot be read, with line and column: in the words of the parser, where these say enough.
pub fn no_toml(error: &toml::de::Error, text: &str) -> Problem {
    let span = error.span();
    let there = span.clone().and_then(|span| text.get(span));
    let what = match (error.message(), there) {
        // The parser presents dates as tables with a key that is no affair of the reader's.
        (date, _) if date.contains("$__toml_private_datetime") => {
            String::from("a date has no meaning here")
        }
        ("duplicate key", Some(key)) => format!("duplicate key '{}'", key.trim()),
        (message, _) => message.replace('\n', ", "),
    };
    let begins = text.trim_start();
    let first = begins.lines().find(|line| !line.starts_with('#'));
    let is_yaml = |line: &str| {
        let key = line.split_once(':').map(|(key, _)| key);
        line == "---" || key.is_some_and(|key| key.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    let other = match begins.starts_with('{') {
        true => Some("JSON"),
        false => first.filter(|line| is_yaml(line)).map(|_| "YAML"),
    };
    let mend = other.map_or(String::new(), |other| {
        format!(
            "this seems to be {other}, and a graph is written in TOML: acceptors = [\"a1\", \"a2\"]"
        )
    });
    Problem::error(span, what, mend).located(text)
}

/// A file's top level: the graph, and the fields that nobody knows.
struct File {
    graph: GraphSection,
    unknown: Vec<Spanned<String>>,
}

impl<'de> Deserialize<'de> for File {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FileVisitor)
    }
}

struct FileVisitor;

impl<'de> Visitor<'de> for FileVisitor {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a graph file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<File, A::Error> {
        let mut graph = GraphSection::default();
        let mut unknown = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let slot = match key.as_ref().as_str() {
                "acceptors" => &mut graph.acceptors,
                "define" => &mut graph.define,
                "learners" => &mut graph.learners,
                "safe" => &mut graph.safe,
                "groups" => &mut graph.groups,
                other => {
                    map.next_value::<IgnoredAny>()?;
                    if !CONFIG_FIELDS.contains(&other) {
                        unknown.push(key);
                    }
                    continue;
                }
            };
            if slot.replace(map.next_value()?).is_some() {
                return Err(de::Error::custom("a field appears twice"));
            }
        }
        Ok(File { graph, unknown })
    }
}
