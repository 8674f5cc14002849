//! Whether a fault is one that a network can have at all: the same for scenarios, the page and requests.

use super::{Fault, LONGEST_DELAY_MS, Names};
use crate::launch::layout::{Layout, Victim};
use crate::plan::behaviour;
use node::config::Mode;
use std::collections::BTreeSet;

impl Fault {
    /// Checks what is named, and that something is changed by it. Whether it makes sense as things stand is known when
    /// its time comes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, layout: &Layout) -> Result<(), String> {
        match self {
            Fault::Kill(all) | Fault::Start(all) => {
                let victims = victims(layout, all)?;
                victims
                    .into_iter()
                    .try_for_each(|(_, victim)| victim.map(drop))
            }
            Fault::Pause(all) | Fault::Resume(all) => {
                let named = victims(layout, all)?;
                named
                    .into_iter()
                    .try_for_each(|(name, victim)| match victim? {
                        Victim::Disk(_) => {
                            Err(format!("{name} is a disk, which cannot be paused; kill it"))
                        }
                        Victim::Node(_) => Ok(()),
                    })
            }
            Fault::Partition(groups) => partition(layout, groups),
            Fault::Delay(delay) => {
                if delay.ms > LONGEST_DELAY_MS {
                    let ms = delay.ms;
                    return Err(format!("{ms} ms are too many: at most {LONGEST_DELAY_MS}"));
                }
                let named = delay.named();
                if let [a, b] = named[..]
                    && a == b
                {
                    return Err(format!("{a} has no link with itself"));
                }
                named
                    .into_iter()
                    .try_for_each(|name| place(layout, name).map(drop))
            }
            Fault::Heal(_) => Ok(()),
            Fault::Byzantine(_) if layout.mode != Mode::Hpaxos => {
                let mode = layout.mode.name();
                Err(format!(
                    "mode {mode} stands crashes, and nobody who misbehaves"
                ))
            }
            Fault::Byzantine(who) => {
                let node = place(layout, &who.node)?;
                behaviour(&who.how)?;
                match layout
                    .nodes
                    .get(node)
                    .and_then(|node| node.acceptor.as_ref())
                {
                    Some(_) => Ok(()),
                    None => Err(format!(
                        "{} plays no acceptor, and only acceptors can misbehave",
                        who.node
                    )),
                }
            }
        }
    }
}

fn place(layout: &Layout, name: &str) -> Result<usize, String> {
    layout.place(name).map_err(|e| e.to_string())
}

type Named<'a> = (&'a String, Result<Victim, String>);

/// Somebody, and nobody twice.
fn victims<'a>(layout: &Layout, all: &'a Names) -> Result<Vec<Named<'a>>, String> {
    if all.0.is_empty() {
        return Err("nobody is named".to_owned());
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = all.0.iter().find(|name| !seen.insert(*name)) {
        return Err(format!("{twice} is named twice"));
    }
    let victim = |name: &'a String| (name, layout.victim(name).map_err(|e| e.to_string()));
    Ok(all.0.iter().map(victim).collect())
}

/// There are nodes in two parts at least, those that are in no group being a part together.
fn partition(layout: &Layout, groups: &[Vec<String>]) -> Result<(), String> {
    if groups.iter().all(Vec::is_empty) {
        return Err("nobody is named; heal all links, if that is what is meant".to_owned());
    }
    let mut seen = BTreeSet::new();
    for name in groups.iter().flatten() {
        if !seen.insert(place(layout, name)?) {
            return Err(format!("{name} cannot be in two groups"));
        }
    }
    let rest = usize::from(seen.len() < layout.nodes.len());
    let parts = groups.iter().filter(|group| !group.is_empty()).count() + rest;
    if parts < 2 {
        return Err(
            "all nodes are in one part, so that nothing would be cut; leave some out, or heal all links"
                .to_owned(),
        );
    }
    Ok(())
}
