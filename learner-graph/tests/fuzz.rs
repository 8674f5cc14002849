//! Fuzzing the text of a graph: raw, and as somebody who knows the language would write it.
//!
//! `cargo test` replays the corpus and adds random inputs; docs/fuzzing.md tells how to run for long.

use learner_graph::{Problem, Severity, check, explain, parse_graph, parse_unchecked};
use std::path::Path;

/// Any bytes that are text.
#[test]
fn any_text() {
    bolero::check!()
        .with_iterations(3000)
        .with_max_len(2048)
        .for_each(|bytes: &[u8]| read(&String::from_utf8_lossy(bytes)));
}

/// Texts of the right shape: the bytes choose names, expressions and what is wrong with them.
#[test]
fn graphs() {
    bolero::check!()
        .with_iterations(1500)
        .with_max_len(160)
        .for_each(|bytes: &[u8]| read(&Writer::new(bytes).graph()));
}

/// What holds of every text.
fn read(text: &str) {
    let (parsed, unchecked) = (parse_graph(text), parse_unchecked(text));
    for problems in [parsed.as_ref().err(), unchecked.as_ref().err()] {
        let problems = problems.into_iter().flatten();
        problems.for_each(|p| placed(p, text));
    }
    if let Err(problems) = &parsed {
        let errors = problems.iter().any(|p| p.severity == Severity::Error);
        assert!(errors, "refused without an error: {problems:?}");
    }
    let Ok(graph) = unchecked else {
        assert!(parsed.is_err(), "the checks find more, not less");
        return;
    };
    let again = parse_unchecked(&rewritten(&graph.canonical())).expect("a canonical graph");
    assert_eq!(again.canonical(), graph.canonical(), "another graph");
    if let Ok((graph, warnings)) = parsed {
        warnings.iter().for_each(|p| placed(p, text));
        assert!(warnings.iter().all(|p| p.severity == Severity::Warning));
        let report = explain(&graph, warnings, Some(graph.acceptors()));
        assert!(!report.to_string().is_empty());
        assert!(check("graph.toml", text, None).is_ok());
    }
}

/// A problem says something, and points into the text.
fn placed(problem: &Problem, text: &str) {
    assert!(!problem.what.is_empty());
    assert_eq!(problem.to_string().lines().count(), 1, "{problem}");
    let Some(span) = &problem.span else { return };
    assert!(span.start <= span.end && span.end <= text.len(), "{span:?}");
    let at = problem.at.expect("a place with a span");
    let lines = text.matches('\n').count() + 1;
    assert!((1..=lines).contains(&at.line), "{at:?}");
    let line = text.split('\n').nth(at.line - 1).unwrap_or_default();
    assert!(
        (1..=line.chars().count() + 1).contains(&at.column),
        "{at:?}"
    );
}

/// A canonical text as a file: its expressions are written `n(member,weight*member)`.
fn rewritten(canonical: &str) -> String {
    let (mut learners, mut safe, mut acceptors) = (String::new(), String::new(), String::new());
    for line in canonical.lines() {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let quoted = |names: &mut dyn Iterator<Item = &str>| {
            let names: Vec<String> = names.map(|n| format!("{n:?}")).collect();
            format!("[{}]", names.join(", "))
        };
        match words[..] {
            ["learner", name, expr] if line != "learner graph 1" => {
                learners += &format!("{name:?} = {}\n", expression(expr));
            }
            ["safe", names, expr] => {
                let between = quoted(&mut names.split(','));
                let when = expression(expr);
                safe += &format!("[[safe]]\nbetween = {between}\nwhen = {when}\n");
            }
            ["acceptors", ..] => {
                acceptors = quoted(&mut line.split(' ').skip(1));
            }
            _ => {}
        }
    }
    format!("acceptors = {acceptors}\n[learners]\n{learners}{safe}")
}

fn expression(text: &str) -> String {
    let Some((need, members)) = text.split_once('(') else {
        return format!("{text:?}");
    };
    let members = members.strip_suffix(')').expect("a closed threshold");
    let members: Vec<String> = split(members).into_iter().map(member).collect();
    format!("{{ threshold = {need}, of = [{}] }}", members.join(", "))
}

fn member(text: &str) -> String {
    match text.split_once('*') {
        Some((weight, of)) if weight.bytes().all(|b| b.is_ascii_digit()) => {
            format!("{{ weight = {weight}, of = {} }}", expression(of))
        }
        _ => expression(text),
    }
}

/// The parts between commas that stand in no parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Writes a graph; each choice takes the next byte of the input.
struct Writer<'a> {
    input: &'a [u8],
    acceptors: usize,
    defined: usize,
}

impl<'a> Writer<'a> {
    fn new(input: &'a [u8]) -> Self {
        Writer {
            input,
            acceptors: 0,
            defined: 0,
        }
    }

    fn below(&mut self, n: usize) -> usize {
        let Some((first, rest)) = self.input.split_first() else {
            return 0;
        };
        self.input = rest;
        usize::from(*first) % n
    }

    fn graph(mut self) -> String {
        self.acceptors = 1 + self.below(6);
        self.defined = self.below(4);
        let n = self.acceptors;
        let acceptors: Vec<String> = (0..n).map(|i| format!("\"a{i}\"")).collect();
        let mut text = format!("acceptors = [{}]\n", acceptors.join(", "));
        let defined = self.defined;
        if defined > 0 {
            text += "[define]\n";
        }
        for i in 0..defined {
            // Mostly of those before it.
            self.defined = i;
            text += &format!("d{i} = {}\n", self.expression(0));
        }
        self.defined = defined;
        text += "[learners]\n";
        let learners = 1 + self.below(4);
        for i in 0..learners {
            text += &format!("l{i} = {}\n", self.expression(0));
        }
        for _ in 0..self.below(4) {
            let first = self.below(learners);
            let some = first..(first + 1 + self.below(learners)).min(learners);
            let mut between: Vec<String> = some.map(|i| format!("\"l{i}\"")).collect();
            if self.rarely() {
                between.push("\"l4\"".to_owned());
            }
            let when = self.expression(0);
            text += &format!(
                "[[safe]]\nbetween = [{}]\nwhen = {when}\n",
                between.join(", ")
            );
        }
        text
    }

    /// A mistake.
    fn rarely(&mut self) -> bool {
        self.below(64) == 63
    }

    fn expression(&mut self, depth: usize) -> String {
        if self.rarely() {
            let odd = [
                "3",
                "{}",
                "[]",
                "\"\"",
                "2020-01-01",
                "\"a6\"",
                "{ of = [] }",
                "\"d3\"",
            ];
            return odd[self.below(8)].to_owned();
        }
        match self.below(if depth > 2 { 6 } else { 12 }) {
            0..5 => self.acceptor(),
            5 if self.defined > 0 => format!("\"d{}\"", self.below(self.defined)),
            5 => self.acceptor(),
            6..10 => {
                let (members, weight) = self.members(depth);
                let need = match self.rarely() {
                    true => self.odd_number(),
                    false => (1 + self.below(weight)).to_string(),
                };
                format!("{{ threshold = {need}, of = [{members}] }}")
            }
            _ => {
                let sets: Vec<String> = (0..1 + self.below(3))
                    .map(|_| format!("[{}]", self.some_acceptors().join(", ")))
                    .collect();
                format!("{{ sets = [{}] }}", sets.join(", "))
            }
        }
    }

    fn acceptor(&mut self) -> String {
        format!("\"a{}\"", self.below(self.acceptors))
    }

    /// Each at most once.
    fn some_acceptors(&mut self) -> Vec<String> {
        let first = self.below(self.acceptors);
        let some = 0..1 + self.below(self.acceptors);
        some.map(|i| format!("\"a{}\"", (first + i) % self.acceptors))
            .collect()
    }

    /// Members of a threshold, and what they weigh.
    fn members(&mut self, depth: usize) -> (String, usize) {
        let mut members = self.some_acceptors();
        let mut weight = members.len();
        for _ in 0..self.below(3) {
            let of = self.expression(depth + 1);
            let heavy = 1 + self.below(3);
            weight += heavy;
            let written = match self.rarely() {
                true => self.odd_number(),
                false => heavy.to_string(),
            };
            members.push(format!("{{ weight = {written}, of = {of} }}"));
        }
        (members.join(", "), weight)
    }

    fn odd_number(&mut self) -> String {
        ["0", "-1", "9223372036854775807", "1000000", "65536"][self.below(5)].to_owned()
    }
}

/// Graphs without mistakes in their shape are written often enough that the checks are reached.
#[test]
fn graphs_are_written() {
    let (mut built, mut valid, mut state) = (0, 0, 1u32);
    for _ in 0..1000 {
        let mut byte = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let bytes: Vec<u8> = (0..160).map(&mut byte).collect();
        let text = Writer::new(&bytes).graph();
        built += usize::from(parse_unchecked(&text).is_ok());
        valid += usize::from(parse_graph(&text).is_ok());
    }
    assert!(built >= 50 && valid >= 10, "{built} built, {valid} valid");
}

/// Copies the graphs of this repository into the corpus: `cargo test -p learner-graph --test fuzz --
/// --ignored`.
#[test]
#[ignore = "writes files"]
fn write_corpus() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus = here.join("tests/__fuzz__/any_text/corpus");
    std::fs::create_dir_all(&corpus).expect("a directory");
    for entry in std::fs::read_dir(here.join("../examples")).expect("examples") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        std::fs::copy(&path, corpus.join(name)).expect("a copy");
    }
    for folder in std::fs::read_dir(here.join("tests/transcripts")).expect("transcripts") {
        let path = folder.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a transcript");
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let graphs = text.split("\n\n").filter(|part| part.contains("acceptors"));
        for (i, graph) in graphs.enumerate() {
            let (_, graph) = graph.split_once('\n').unwrap_or_default();
            let graph = graph.split("\n----").next().unwrap_or_default();
            std::fs::write(corpus.join(format!("{name}-{i:02}")), graph).expect("a file");
        }
    }
}
