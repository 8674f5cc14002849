//! Steps of the state machines, and what they ask for.

use super::node::Packet;
use super::oracle::{Oracle as _, Place, Verdict, Violation};
use super::protocols::Simulated;
use super::world::{Event, World, short};
use consensus::storage::Storage as _;
use consensus::{Input, Output, OutputOf, Record, waits};
use crypto::codec;

impl<P: Simulated> World<P> {
    pub(super) fn step(&mut self, place: Place) -> Verdict {
        let paused = self.weather.paused(place);
        let now = self.now;
        let node = &mut self.nodes[place];
        let first = node.life > 0 && node.timer.is_none() && node.inbox.is_empty();
        if paused || node.syncing.is_some() {
            return Ok(());
        }
        if !(first || node.is_due(now)) {
            // What this was planned for is done already, and the timer was left to it.
            if let Some(at) = node.timer {
                let due = node.clock.when(at).max(now);
                self.wake(place, due);
            }
            return Ok(());
        }
        let shows = node.clock.shows(now);
        node.timer = node.timer.filter(|t| *t > shows);
        let honest = self.stage.honest(place);
        let mut inputs = Vec::new();
        for arrival in std::mem::take(&mut node.inbox) {
            if let (Some((disk, visit)), true) = (arrival.visit, honest) {
                self.oracle.visited(place, disk, visit);
            }
            if honest {
                self.oracle.heard(place, &arrival.input)?;
            }
            inputs.push(arrival.input);
        }
        let Some(machine) = &mut self.nodes[place].machine else {
            return Ok(());
        };
        let outputs = machine.step(shows, inputs);
        self.tally.steps += 1;
        self.tally.mix(&(place as u64).to_le_bytes());
        self.tally.mix(&now.as_nanos().to_le_bytes());
        if honest {
            self.oracle.stepped(place, machine, &self.disks)?;
            durable_first::<P>(&outputs)?;
        }
        self.oracle.changed(&self.disks)?;
        self.store(place, outputs)
    }

    /// Appends what is to be stored. What was asked for before may happen at once, the rest once everything
    /// is durable, if it has to wait for that.
    pub(super) fn store(&mut self, place: Place, mut outputs: Vec<OutputOf<P>>) -> Verdict {
        let first = outputs
            .iter()
            .position(|o| matches!(o, Output::Persist(_)))
            .unwrap_or(outputs.len());
        let after = outputs.split_off(first);
        for output in &after {
            if let Output::Persist(record) = output {
                let bytes = codec::encode(record);
                self.tally.mix(&bytes);
                let stored = self.nodes[place].storage.append(&bytes);
                stored.map_err(|e| Violation::of("storage", e.to_string()))?;
            }
        }
        for output in outputs {
            self.execute(place, output)?;
        }
        if !waits(&after) {
            let (records, rest): (Vec<_>, Vec<_>) = after.into_iter().partition(is_record);
            for output in rest {
                self.execute(place, output)?;
            }
            self.nodes[place].unsynced.extend(records);
            self.between_steps(place)?;
        } else {
            let takes = self.chance.time(self.setting.sync);
            let node = &mut self.nodes[place];
            let mut all = std::mem::take(&mut node.unsynced);
            all.extend(after);
            node.syncing = Some(all);
            self.agenda
                .add(self.now + takes, Event::Synced(place, node.life));
        }
        Ok(())
    }

    pub(super) fn synced(&mut self, place: Place) -> Verdict {
        if self.weather.paused(place) {
            // The disk is done, and the process does not know yet.
            let (life, later) = (self.nodes[place].life, self.beat());
            self.agenda
                .add(self.now + later, Event::Synced(place, life));
            return Ok(());
        }
        let node = &mut self.nodes[place];
        if std::mem::take(&mut node.storage_fails) {
            // What is durable now nobody knows, so the node stops.
            return self.crash(place);
        }
        let synced = node.storage.sync();
        synced.map_err(|e| Violation::of("storage", e.to_string()))?;
        for output in node.syncing.take().unwrap_or_default() {
            self.execute(place, output)?;
        }
        for (asks, request, wanted) in std::mem::take(&mut self.nodes[place].asked) {
            self.answers(place, asks, &request, &wanted)?;
        }
        self.durable(place);
        self.wake(place, self.now);
        Ok(())
    }

    /// The oracle and the logs see what happens at a node that follows the protocol.
    pub(super) fn told(&mut self, place: Place, output: &OutputOf<P>) -> Verdict {
        if !self.stage.honest(place) {
            return Ok(());
        }
        self.oracle.told(place, output)?;
        self.evidence.told::<P>(&self.stage, place, output)?;
        if let Output::Decided(decision) = output {
            self.tally.mix(decision.value.as_bytes());
            self.tally.decisions += decision.learners.len() as u64;
            self.tally.slots = self.tally.slots.max(decision.slot.0 + 1);
            self.logs.delivered(place, decision)?;
        }
        Ok(())
    }

    pub(super) fn execute(&mut self, place: Place, output: OutputOf<P>) -> Verdict {
        self.told(place, &output)?;
        self.note(place, &output);
        match output {
            Output::Persist(_) | Output::Full(_) | Output::Decided(_) | Output::Fork(_) => {}
            Output::Evidence(..)
            | Output::Disconnected(..)
            | Output::Ballot { .. }
            | Output::GivenUp(_) => {}
            Output::Disk(operation) => {
                return self.operates(place, usize::from(operation.disk.0), operation.action);
            }
            Output::Send(message) => {
                let id = P::id(P::wire(&message));
                self.tally.mix(id.as_bytes());
                self.tally.thawed += u64::from(P::kind(&message) == "1b-page");
                self.said.insert(id, message.clone());
                self.gets(place, Input::Message(message.clone()));
                for to in (0..self.nodes.len()).filter(|to| *to != place) {
                    self.says(place, to, &message)?;
                }
            }
            Output::SendBatch(b) => {
                for to in (0..self.nodes.len()).filter(|to| *to != place) {
                    self.gives(place, to, b.clone());
                }
            }
            Output::SendValue(v) => self.gossip(place, &Packet::Value(v)),
            Output::SendEvidence(e) => self.gossip(place, &Packet::Evidence(e)),
            Output::Accepted(id) => {
                self.nodes[place].accepted.insert(id);
            }
            // With the next beat.
            Output::Fetch(_) => {}
            Output::SetTimer(at) => {
                let node = &mut self.nodes[place];
                node.timer = Some(at);
                let due = node.clock.when(at).max(self.now);
                self.wake(place, due);
            }
        }
        Ok(())
    }

    pub(super) fn note(&mut self, place: Place, output: &OutputOf<P>) {
        self.tell_history(|w| {
            let (name, network) = (w.stage.name(place), w.stage.network());
            match output {
                Output::Send(m) => format!("{name} sends {}", P::words(m, network)),
                Output::Decided(d) => {
                    let names: Vec<&str> = d.learners.iter().map(|l| w.stage.learner(l)).collect();
                    let (learners, value) = (names.join(", "), short(&d.value));
                    let (slot, ballot) = (d.slot, d.ballot);
                    format!("{name} delivers to {learners} slot {slot}: {value} of ballot {ballot}")
                }
                Output::Evidence(_, finding) => {
                    format!("{name} learns that {}", P::describe(finding, network).1)
                }
                Output::Disconnected(a, b) => {
                    let (a, b) = (w.stage.learner(*a), w.stage.learner(*b));
                    format!("{name} disconnects {a} and {b}")
                }
                Output::Fork(f) => {
                    format!(
                        "{name} sees a fork of {} in slot {}",
                        w.stage.learner(f.learner),
                        f.slot
                    )
                }
                _ => String::new(),
            }
        });
        if let Some(history) = &mut self.history {
            history.pop_if(|(_, line)| line.is_empty());
        }
    }
}

pub(super) fn is_record<M, W, E, F>(output: &Output<M, W, E, F>) -> bool {
    matches!(output, Output::Persist(_))
}

/// Rule 8: whatever was promised, proposed or voted is stored before it leaves.
fn durable_first<P: Simulated>(outputs: &[OutputOf<P>]) -> Verdict {
    let mut stored: Vec<&P::Wire> = Vec::new();
    for output in outputs {
        match output {
            Output::Persist(Record::Message(wire)) => stored.push(wire),
            Output::Send(m) if P::binds(m) && !stored.contains(&P::wire(m)) => {
                let what = format!("a {} is sent before it is stored", P::kind(m));
                return Err(Violation::of("rule 8: stored before it leaves", what));
            }
            _ => {}
        }
    }
    Ok(())
}
