//! HInv2: simple relations between the variables.

use super::state::{Blk, State};
use crate::oracle::{Verdict, Violation};
use consensus::Ballot;

fn refuse(what: String) -> Verdict {
    Err(Violation::of("HInv2", what))
}

/// HInv2.
///
/// # Errors
/// If it does not hold.
pub fn check(state: &State<'_>) -> Verdict {
    for p in state.procs() {
        blocks(state, p)?;
        reads(state, p)?;
        phases(state, p)?;
    }
    chosen(state)
}

fn in_or_0(state: &State<'_>, p: usize, b: Ballot) -> bool {
    b == Ballot::NONE || state.owns(p, b)
}

/// The first conjunct: `\A bk \in blocksOf(p)`.
fn blocks(state: &State<'_>, p: usize) -> Verdict {
    for bk in state.blocks_of(p) {
        let why = if !in_or_0(state, p, bk.mbal) || !in_or_0(state, p, bk.bal) {
            "is in another one's ballot"
        } else if (bk.bal == Ballot::NONE) != bk.inp.is_none() {
            "has a bal without inp, or the other way round"
        } else if bk.mbal < bk.bal {
            "has mbal < bal"
        } else if bk.inp.is_some_and(|v| !state.all_input.contains(&v)) {
            "has an input that nobody submitted"
        } else {
            continue;
        };
        return refuse(format!("a block of processor {p} {why}: {bk:?}"));
    }
    Ok(())
}

/// The second: what disksWritten and blocksRead say. `d \in disksWritten[p]` is what `disk[d][p] = dblock[p]` says.
fn reads(state: &State<'_>, p: usize) -> Verdict {
    for d in state.disks().filter(|_| state.busy(p)) {
        let written = state.disk[d][p] == state.dblock[p];
        if !state.read[p][d].is_empty() && !written {
            return refuse(format!(
                "processor {p} has read disk {d}, which it has not written"
            ));
        }
        if state.has_read(p, d, p) {
            return refuse(format!("processor {p} has read its own block on disk {d}"));
        }
    }
    Ok(())
}

/// The third: what each phase means.
fn phases(state: &State<'_>, p: usize) -> Verdict {
    let (b, phase) = (state.dblock[p], state.phase[p]);
    let mut read = state.read[p].iter().flatten();
    let why = if phase == 0 && (b != Blk::default() || read.next().is_some()) {
        "is in phase 0 with a block, or with something read"
    } else if phase != 0 && !(state.owns(p, b.mbal) && in_or_0(state, p, b.bal)) {
        "is in another one's ballot"
    } else if phase != 0 && read.any(|(_, br)| br.mbal >= b.mbal) {
        "goes on in its ballot and has read a larger mbal"
    } else if phase >= 2 && b.bal != b.mbal {
        "is in phase 2 with bal # mbal"
    } else if state.output[p] != if phase == 3 { b.inp } else { None } {
        "has another output than its phase and inp say"
    } else {
        return Ok(());
    };
    refuse(format!("processor {p} {why}: {b:?}, phase {phase}"))
}

/// The last two: what is chosen was somebody's input, and nobody has an output before.
fn chosen(state: &State<'_>) -> Verdict {
    if state.chosen.is_some_and(|v| !state.all_input.contains(&v)) {
        return refuse("what is chosen was nobody's input".into());
    }
    if state.chosen.is_none() && state.output.iter().any(Option::is_some) {
        return refuse("there is an output, and nothing is chosen".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Fixture, blk, v};
    use super::*;

    fn found(fixture: &Fixture, spoil: impl Fn(&mut State<'_>), why: &str) {
        let mut state = fixture.committing();
        assert_eq!(check(&state), Ok(()));
        spoil(&mut state);
        let violation = check(&state).expect_err(why);
        assert_eq!(violation.invariant, "HInv2");
        assert!(violation.what.contains(why), "{violation}");
    }

    #[test]
    fn each_conjunct_is_missed_when_it_does_not_hold() {
        let f = Fixture::new();
        found(
            &f,
            |s| s.disk[2][0] = blk(2, 0, None),
            "another one's ballot",
        );
        found(&f, |s| s.disk[2][0] = blk(257, 1, None), "without inp");
        found(&f, |s| s.disk[2][0] = blk(1, 257, Some("v")), "mbal < bal");
        found(
            &f,
            |s| s.disk[2][0] = blk(257, 1, Some("x")),
            "nobody submitted",
        );
        found(&f, |s| s.disk[0][0] = blk(1, 0, None), "has not written");
        found(
            &f,
            |s| s.read[0][0].push((0, blk(1, 0, None))),
            "its own block",
        );
        found(
            &f,
            |s| s.dblock[1] = blk(2, 0, None),
            "phase 0 with a block",
        );
        found(
            &f,
            |s| s.read[1][0].push((0, blk(1, 0, None))),
            "something read",
        );
        found(
            &f,
            |s| (s.phase[1], s.dblock[1]) = (1, Blk::default()),
            "another one's",
        );
        found(&f, |s| s.read[0][0][0].1 = blk(258, 0, None), "larger mbal");
        found(&f, |s| s.phase[0] = 3, "another output");
        found(&f, |s| s.output[0] = Some(v("v")), "another output");
        found(&f, |s| s.chosen = Some(v("x")), "nobody's input");
        let committed = |s: &mut State<'_>| (s.phase[0], s.output[0]) = (3, Some(v("v")));
        found(&f, committed, "nothing is chosen");
        let behind = |s: &mut State<'_>| {
            (s.dblock[0], s.read[0]) = (blk(257, 1, Some("v")), vec![Vec::new(); 3]);
        };
        found(&f, behind, "bal # mbal");
    }
}
