//! Writes a run as a trace (`docs/trace.md`).

use crate::failure::Failure;
use consensus::hpaxos::trace::Action;
use node::trace::{Init, Line, Writer};
use simulation::oracle::Place;
use simulation::stage::Stage;
use std::path::Path;

/// Writes what happened in a network of this learner graph.
pub(super) fn write(
    path: &Path,
    stage: &Stage,
    graph_text: &str,
    actions: &[(Place, Action)],
) -> Result<(), Failure> {
    let init = |place| Line::Init(init(stage, place, graph_text));
    let step = |(place, action): &(Place, Action)| Line::Step {
        node: stage.name(*place),
        action: action.clone(),
    };
    let mut lines: Vec<Line> = (0..stage.places()).map(init).collect();
    lines.extend(actions.iter().map(step));
    let graph = stage.network().graph();
    let written = Writer::open(path).and_then(|mut writer| writer.append(&lines, graph));
    written.map_err(|e| Failure::could_not_run(format!("--trace: {e}")))
}

fn init(stage: &Stage, place: Place, graph_text: &str) -> Init {
    let graph = stage.network().graph();
    let name = |acc| graph.acceptor_name(acc).to_owned();
    Init {
        node: stage.name(place),
        network: stage.network().id().to_string(),
        graph: graph_text.to_owned(),
        acc: stage.acceptor(place).map(name),
        safe: Some(stage.safe().iter().map(name).collect()),
    }
}
