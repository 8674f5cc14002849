//! The default graph, for any number of acceptors.

use crate::set::MAX_ACCEPTORS;
use std::fmt::Write;

/// The default graph with `n` acceptors as text: f = ⌊(n − 1) / 3⌋ of them may be Byzantine.
///
/// `alice` decides by any quorum of ⌊(n + f) / 2⌋ + 1 acceptors, `bob` by a quorum with `a1` in
/// it, `carol` by all; all agree with each other and themselves while any n − f are safe. `n` is
/// brought into the range that a graph can have, from 1 to
/// [`MAX_ACCEPTORS`](crate::MAX_ACCEPTORS).
pub fn builtin(n: usize) -> String {
    let n = n.clamp(1, MAX_ACCEPTORS);
    let faulty = (n - 1) / 3;
    let quorum = (n + faulty) / 2 + 1;
    let safe = n - faulty;
    let list = |from: usize| {
        let names: Vec<_> = (from..=n).map(|i| format!("\"a{i}\"")).collect();
        names.join(", ")
    };
    let all = list(1);
    let bob = match quorum {
        1 => String::from("\"a1\""),
        _ => {
            let others = quorum - 1;
            let rest = list(2);
            format!("{{ sets = [[\"a1\", {{ threshold = {others}, of = [{rest}] }}]] }}")
        }
    };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "acceptors = [{all}]\n\n\
         [learners]\n\
         alice = {{ threshold = {quorum}, of = [{all}] }}\n\
         bob = {bob}\n\
         carol = {{ threshold = {n}, of = [{all}] }}\n\n\
         [[safe]]\n\
         between = [\"alice\", \"bob\", \"carol\"]\n\
         when = {{ threshold = {safe}, of = [{all}] }}\n"
    );
    text
}
