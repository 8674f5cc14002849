//! Who decides by which quorums: the learner graph, or the quorums that all learners share.

use super::Mode;
use super::file::File;
use learner_graph::{
    GraphSection, LearnerGraph, MAX_LEARNERS, Problem, QuorumSection, Quorums, Tree, Voters,
};
use std::ops::Range;
use toml::Spanned;

/// Trust in a network.
pub(super) struct Trust {
    /// The network's graph.
    pub(super) graph: LearnerGraph,
    /// The quorums that it was made of, where nobody lies.
    pub(super) quorums: Option<Quorums>,
}

/// How a learner graph is made, checked or not.
pub(super) type Build = fn(&GraphSection) -> Result<(LearnerGraph, Vec<Problem>), Vec<Problem>>;

/// Reads the part of a file that is about trust, as its mode has it.
pub(super) fn read(
    file: &File,
    mode: Mode,
    build: Build,
    problems: &mut Vec<Problem>,
) -> Option<Trust> {
    strange_fields(file, mode, problems);
    let read = match mode {
        Mode::Hpaxos => build(&file.graph()).map(|(graph, warnings)| {
            let quorums = None;
            (Trust { graph, quorums }, warnings)
        }),
        Mode::Paxos | Mode::DiskPaxos => shared(file, mode, problems),
    };
    match read {
        Ok((trust, warnings)) => {
            problems.extend(warnings);
            Some(trust)
        }
        Err(more) => {
            problems.extend(more);
            None
        }
    }
}

fn shared(
    file: &File,
    mode: Mode,
    problems: &mut Vec<Problem>,
) -> Result<(Trust, Vec<Problem>), Vec<Problem>> {
    let entry = file.quorums.as_ref().map(Spanned::get_ref);
    let section = if mode == Mode::DiskPaxos {
        let names = (!file.disks.is_empty()).then(|| Tree::names(file.disks.keys().cloned()));
        QuorumSection {
            voters: Voters::Disks,
            names: names.map(|names| Spanned::new(0..0, names)),
            define: file.define.clone(),
            read: entry.and_then(|e| e.disks.clone()),
            write: None,
        }
    } else {
        let read = entry.and_then(|e| e.read.clone());
        let write = entry.and_then(|e| e.write.clone());
        if let Some(one) = read.as_ref().xor(write.as_ref()) {
            let (has, lacks) = match read {
                Some(_) => ("read", "write"),
                None => ("write", "read"),
            };
            problems.push(Problem::error(
                Some(one.span()),
                format!("there are {has} quorums and no {lacks} quorums"),
                format!("add {lacks} = EXPRESSION, or remove both for majorities"),
            ));
        }
        QuorumSection {
            voters: Voters::Acceptors,
            names: file.acceptors.clone(),
            define: file.define.clone(),
            read,
            write,
        }
    };
    let (quorums, warnings) = section.build()?;
    let learners = file.nodes.keys().map(|name| name.get_ref().clone());
    let graph = quorums.network(learners.collect()).ok_or_else(|| {
        let (what, mode) = (format!("there are {} nodes", file.nodes.len()), mode.name());
        let mend = format!("in mode {mode} a network has at most {MAX_LEARNERS}");
        vec![Problem::error(None, what, mend)]
    })?;
    let quorums = Some(quorums);
    Ok((Trust { graph, quorums }, warnings))
}

/// Fields that mean nothing in the file's mode.
fn strange_fields(file: &File, mode: Mode, problems: &mut Vec<Problem>) {
    let mut strange = |span: Option<Range<usize>>, field: &str, mend: &str| {
        if span.is_some() {
            let what = format!("mode {} has no {field}", mode.name());
            problems.push(Problem::error(span, what, mend));
        }
    };
    let quorums = file.quorums.as_ref().map(Spanned::get_ref);
    let (read, write) = (
        quorums.and_then(|q| q.read.as_ref()),
        quorums.and_then(|q| q.write.as_ref()),
    );
    let by_disk = quorums.and_then(|q| q.disks.as_ref()).map(Spanned::span);
    if mode == Mode::Hpaxos {
        let mend = "give each learner its quorums under [learners], or choose mode = \"paxos\"";
        strange(file.quorums.as_ref().map(Spanned::span), "[quorums]", mend);
    } else {
        let mend =
            "remove it: every node is the learner of its own name, and all have the same quorums";
        strange(
            file.learners.as_ref().map(Spanned::span),
            "[learners]",
            mend,
        );
        let mend = "remove it: this mode stands crashes, and nobody who lies";
        strange(file.safe.as_ref().map(Spanned::span), "[[safe]]", mend);
        let mend = "remove it: groups are for the analysis of learner graphs";
        strange(file.groups.as_ref().map(Spanned::span), "[groups]", mend);
    }
    if mode == Mode::Paxos {
        strange(
            by_disk,
            "quorums of disks",
            "write read = … and write = … instead",
        );
    }
    if mode == Mode::DiskPaxos {
        let mend = "remove it: disks take the place of acceptors";
        strange(
            file.acceptors.as_ref().map(Spanned::span),
            "acceptors",
            mend,
        );
        let mend = "write disks = … instead: both phases have the same quorums";
        strange(read.map(Spanned::span), "read quorums", mend);
        strange(write.map(Spanned::span), "write quorums", mend);
    } else {
        let mend = "remove them, or choose mode = \"disk-paxos\"";
        strange(file.disks.keys().next().map(Spanned::span), "[disks]", mend);
    }
}
