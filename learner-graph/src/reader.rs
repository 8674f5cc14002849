//! What has been read of a file so far: problems, expressions, names and definitions.

use crate::expr::{Exprs, NodeId};
use crate::id::AcceptorId;
use crate::meant::meant;
use crate::problem::Problem;
use crate::quorums::Voters;
use crate::read::{MAX_NAME_BYTES, MAX_PROBLEMS};
use crate::tree::Tree;
use std::collections::HashMap;
use std::ops::Range;
use toml::Spanned;

/// An expression with the depth of its nesting.
pub(crate) type Deep = Option<(NodeId, usize)>;

/// What has been read so far.
pub(crate) struct Reader {
    /// What messages call an acceptor.
    pub(crate) voters: Voters,
    pub(crate) problems: Vec<Problem>,
    pub(crate) exprs: Exprs,
    pub(crate) acceptors: HashMap<String, AcceptorId>,
    definitions: HashMap<String, Definition>,
    order: Vec<String>,
}

struct Definition {
    at: Range<usize>,
    value: Spanned<Tree>,
    used: bool,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Unread,
    Reading,
    /// With its depth; without an expression if it is wrong, which has been reported then.
    Done(Deep),
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            voters: Voters::Acceptors,
            problems: Vec::new(),
            exprs: Exprs::new(),
            acceptors: HashMap::new(),
            definitions: HashMap::new(),
            order: Vec::new(),
        }
    }
}

impl Reader {
    pub(crate) fn error(
        &mut self,
        span: Option<Range<usize>>,
        what: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.problems.push(Problem::error(span, what, mend));
    }

    pub(crate) fn expected(&mut self, found: &Spanned<Tree>, what: &str, shape: &str) {
        let kind = found.as_ref().kind();
        let what = format!("{what} is {kind} and not {shape}");
        self.error(Some(found.span()), what, "");
    }

    /// What has been read, unless anything is wrong with it.
    pub(crate) fn finish(&mut self) -> Result<(), Vec<Problem>> {
        let total = self.problems.len();
        if total > MAX_PROBLEMS {
            self.problems.truncate(MAX_PROBLEMS);
            let more = format!("{} more problems are not shown", total - MAX_PROBLEMS);
            self.error(None, more, "");
        }
        match std::mem::take(&mut self.problems) {
            none if none.is_empty() => Ok(()),
            problems => Err(problems),
        }
    }

    /// Whether a name is well-formed; reported if not.
    pub(crate) fn name(&mut self, name: &str, span: Range<usize>, of: &str) -> bool {
        let fine = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let good = (1..=MAX_NAME_BYTES).contains(&name.len()) && name.chars().all(fine);
        if !good {
            let what = format!("{name:?} cannot be the name of a {of}")
                .replace("of a acceptor", "of an acceptor");
            let mend = format!("use 1 to {MAX_NAME_BYTES} of A-Z, a-z, 0-9, '_', '.' and '-'");
            self.error(Some(span), what, mend);
        }
        good
    }

    pub(crate) fn define(&mut self, name: &str, at: Range<usize>, value: &Spanned<Tree>) {
        let definition = Definition {
            at,
            value: value.clone(),
            used: false,
            state: State::Unread,
        };
        self.definitions.insert(name.to_owned(), definition);
        self.order.push(name.to_owned());
    }

    pub(crate) fn resolve_definitions(&mut self) {
        for name in self.order.clone() {
            self.definition(&name, 0);
        }
    }

    pub(crate) fn unused_definitions(&self) -> Vec<Problem> {
        let unused = self
            .order
            .iter()
            .filter(|name| !self.definitions[*name].used);
        unused
            .map(|name| {
                let what = format!("definition '{name}' is not used");
                let at = self.definitions[name].at.clone();
                Problem::warning(Some(at), what, "use it or remove it")
            })
            .collect()
    }

    /// Notes that a definition is used; false if there is none of this name.
    pub(crate) fn use_definition(&mut self, name: &str) -> bool {
        let definition = self.definitions.get_mut(name);
        definition
            .map(|definition| definition.used = true)
            .is_some()
    }

    /// The acceptor or definition that may have been meant, as words of a problem that is shown.
    pub(crate) fn near(&self, name: &str) -> String {
        if self.problems.len() >= MAX_PROBLEMS {
            return String::new();
        }
        let known = self.acceptors.keys().chain(self.definitions.keys());
        meant(name, known.map(String::as_str))
    }

    /// The expression of a definition, read when it is first asked for.
    pub(crate) fn definition(&mut self, name: &str, level: usize) -> Deep {
        let definition = self.definitions.get_mut(name)?;
        match definition.state {
            State::Done(known) => return known,
            State::Reading => {
                let what = format!("definition '{name}' is defined by itself");
                let at = Some(definition.at.clone());
                self.error(at, what, "break the circle");
                return None;
            }
            State::Unread => {}
        }
        definition.state = State::Reading;
        let value = definition.value.clone();
        let read = self.expression(&value, &format!("definition '{name}'"), level);
        if let Some(definition) = self.definitions.get_mut(name) {
            definition.state = State::Done(read);
        }
        read
    }
}
