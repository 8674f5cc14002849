//! A whole network in one thread, on made-up time.
//!
//! ```text
//!   agenda ──► event ──► node: inbox ─► step ─► outputs ─► storage ─► weather ─► agenda
//!                                          │                   │
//!                                          └──► oracle ◄───────┘
//! ```

use super::adversary::{Aside, Said};
use super::agenda::Agenda;
use super::chance::Chance;
use super::clock::Clock;
use super::disks::{Disk, Drive};
use super::faults::Fault;
use super::invariants::evidence::Evidence;
use super::invariants::log::Logs;
use super::node::{Arrival, Node, Packet};
use super::oracle::{Oracle as _, Place, Verdict, Violation};
use super::protocols::Simulated;
use super::setting::Setting;
use super::stage::Stage;
use super::tally::Tally;
use super::weather::Weather;
use consensus::storage::Storage as _;
use consensus::{Batch, ClientValue, Input, Output, OutputOf, Record, RecordOf, Time};
use crypto::{Digest, codec};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Something that is going to happen.
enum Event<P: Simulated> {
    Arrives(Place, Place, Box<Packet<P>>),
    /// A step, if there is something to do.
    Wakes(Place, u64),
    Synced(Place, u64),
    /// Who is up says so, asks for what it lacks, and lies.
    Beats(Place, u64),
    Disk(Place, usize, u64),
    Submits(usize),
    Begins(usize),
    Ends(usize),
}

/// A simulated network.
pub struct World<P: Simulated> {
    /// Who takes part.
    pub stage: Arc<Stage>,
    /// The time.
    pub now: Time,
    /// How it is between the nodes.
    pub weather: Weather,
    /// Counts.
    pub tally: Tally,
    /// What learners delivered.
    pub logs: Logs,
    /// What evidence was seen.
    pub evidence: Evidence,
    /// What happened, in lines, if somebody wants to know.
    pub history: Option<Vec<(Time, String)>>,
    pub(super) setting: Setting,
    pub(super) nodes: Vec<Node<P>>,
    pub(super) disks: Vec<Disk>,
    pub(super) oracle: P::Oracle,
    pub(super) chance: Chance,
    agenda: Agenda<Event<P>>,
    /// Everything that was ever signed, by its id: nobody has to verify it again.
    said: BTreeMap<Digest, P::Message>,
    /// Which faults are at work, by their place in the setting, in the order of `weather.faults`.
    at_work: Vec<usize>,
}

impl<P: Simulated> World<P> {
    /// A network whose nodes start now.
    ///
    /// # Errors
    /// If something does not even hold in the beginning.
    pub fn new(stage: Stage, setting: Setting) -> Result<Self, Violation> {
        let mut stage = stage;
        let limits = &mut stage.config.limits;
        limits.patience_ms = millis(setting.patience);
        limits.grace_ms = millis(setting.grace);
        limits.window = setting.window;
        let stage = Arc::new(stage);
        let n_disks = match &stage.config.disks {
            Some(_) => stage.network().graph().n_acceptors(),
            None => 0,
        };
        let node = |place: Place| {
            let clock = setting.clocks.get(place).copied().unwrap_or(Clock::TRUE);
            Node::new(clock, n_disks, P::liar(&stage, place, setting.seed))
        };
        let mut world = World {
            now: Time::ZERO,
            weather: Weather {
                links: setting.links,
                faults: Vec::new(),
            },
            tally: Tally::default(),
            logs: Logs::new(&stage),
            evidence: Evidence::new(&stage),
            history: None,
            nodes: (0..stage.places()).map(node).collect(),
            disks: (0..n_disks).map(|_| Disk::default()).collect(),
            oracle: P::oracle(&stage),
            chance: Chance::new(setting.seed, 2),
            agenda: Agenda::new(),
            said: BTreeMap::new(),
            at_work: Vec::new(),
            stage,
            setting,
        };
        for place in 0..world.nodes.len() {
            world.start(place)?;
        }
        for (i, (at, ..)) in world.setting.values.iter().enumerate() {
            world.agenda.add(*at, Event::Submits(i));
        }
        for (i, planned) in world.setting.faults.iter().enumerate() {
            world.agenda.add(planned.at, Event::Begins(i));
            let end = planned.at.saturating_add(planned.lasts);
            world.agenda.add(end, Event::Ends(i));
        }
        Ok(world)
    }

    /// Lets everything happen up to this time.
    ///
    /// # Errors
    /// What does not hold.
    pub fn run_to(&mut self, end: Time) -> Verdict {
        while self.advance(end)? {}
        Ok(())
    }

    /// Lets the next thing happen, or up to this time nothing. False if it was nothing.
    ///
    /// # Errors
    /// What does not hold.
    pub fn advance(&mut self, end: Time) -> Result<bool, Violation> {
        let next = self.agenda.next(end);
        let at = next.as_ref().map_or(end, |(at, _)| *at);
        self.now = at;
        self.tally.time = at;
        match next {
            Some((_, event)) => self.happens(event).map(|()| true),
            None => Ok(false),
        }
    }

    fn happens(&mut self, event: Event<P>) -> Verdict {
        match event {
            Event::Arrives(from, to, packet) => self.arrives(from, to, *packet),
            Event::Wakes(place, life) if self.alive(place, life) => {
                self.nodes[place].wake = None;
                self.step(place)
            }
            Event::Synced(place, life) if self.alive(place, life) => self.synced(place),
            Event::Beats(place, life) if self.alive(place, life) => self.beats(place),
            Event::Disk(place, disk, life) if self.alive(place, life) => self.disk(place, disk),
            Event::Submits(i) => {
                let (_, place, value) = self.setting.values[i].clone();
                self.submit(place, value);
                Ok(())
            }
            Event::Begins(i) => self.begins(i),
            Event::Ends(i) => self.ends(i),
            _ => Ok(()),
        }
    }

    fn alive(&self, place: Place, life: u64) -> bool {
        let node = &self.nodes[place];
        node.machine.is_some() && node.life == life
    }

    /// The patience of acceptors and processors at first.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.setting.patience
    }

    /// Whether a node is up.
    #[must_use]
    pub fn is_up(&self, place: Place) -> bool {
        self.nodes[place].machine.is_some()
    }

    /// The state machine of a node that is up.
    #[must_use]
    pub fn machine(&self, place: Place) -> Option<&P> {
        self.nodes[place].machine.as_ref()
    }

    /// The values that clients were told to be kept, by nodes that follow the protocol.
    pub fn accepted(&self) -> impl Iterator<Item = Digest> {
        let honest = self.nodes.iter().enumerate();
        let honest = honest.filter(|(place, _)| self.stage.honest(*place));
        honest.flat_map(|(_, node)| node.accepted.iter().copied())
    }

    /// A client submits a value to a node. A node that is down answers nothing.
    pub fn submit(&mut self, place: Place, value: ClientValue) {
        if self.is_up(place) {
            self.tell_history(|w| format!("{} is given a value", w.stage.name(place)));
            self.oracle.submitted(&value);
            self.gets(place, Input::Submit(value));
        }
    }

    fn gets(&mut self, place: Place, input: Input<P::Message, P::Evidence>) {
        self.nodes[place].inbox.push(Arrival { input, visit: None });
        let soon = self.chance.time((Duration::ZERO, Duration::from_millis(1)));
        self.wake(place, self.now + soon);
    }

    /// Plans a step at this time, unless one is planned before.
    pub(super) fn wake(&mut self, place: Place, at: Time) {
        let node = &mut self.nodes[place];
        if node.machine.is_some() && node.wake.is_none_or(|planned| planned > at) {
            node.wake = Some(at);
            self.agenda.add(at, Event::Wakes(place, node.life));
        }
    }

    /// Where every node stands, for the history.
    pub fn picture(&mut self) {
        for place in 0..self.nodes.len() {
            self.tell_history(|w| {
                let node = &w.nodes[place];
                let at = match node.status() {
                    Some(status) => format!(
                        "{status:?}; {} waiting, {} fetching, timer {:?}, shows {:?}, wake {:?}, syncing {}",
                        node.inbox.len(), node.fetching.len(), node.timer, node.clock.shows(w.now), node.wake, node.syncing.is_some()
                    ),
                    None => "down".to_owned(),
                };
                format!("{}: {at}", w.stage.name(place))
            });
        }
    }

    /// Adds a line to the history.
    pub(super) fn tell_history(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.history.is_some() {
            let line = (self.now, line(self));
            self.history.get_or_insert_default().push(line);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Life and death of nodes.
impl<P: Simulated> World<P> {
    /// A node starts, with what its storage has kept.
    ///
    /// # Errors
    /// What does not hold.
    pub fn start(&mut self, place: Place) -> Verdict {
        if self.is_up(place) {
            return Ok(());
        }
        let honest = self.stage.honest(place);
        self.logs.restarts(place);
        if honest {
            self.oracle.started(place)?;
        }
        let mut machine = P::machine(&self.stage, place);
        let stored = self.nodes[place].storage.durable().to_vec();
        for bytes in &stored {
            let record = codec::decode::<RecordOf<P>>(bytes, codec::LARGEST)
                .map_err(|e| Violation::of("storage", format!("a record cannot be read: {e}")))?;
            if honest {
                self.oracle.restored(place, &record)?;
            }
            for output in machine.restore(record) {
                self.told(place, &output)?;
            }
        }
        let node = &mut self.nodes[place];
        node.life += 1;
        node.machine = Some(machine);
        let life = node.life;
        if !stored.is_empty() {
            self.tell_history(|w| {
                format!(
                    "{} starts again with {} records",
                    w.stage.name(place),
                    stored.len()
                )
            });
        }
        let beat = self.beat();
        let first = self.chance.time((Duration::ZERO, beat));
        self.agenda.add(self.now + first, Event::Beats(place, life));
        for disk in 0..self.disks.len() {
            self.plan_disk(place, disk);
        }
        self.step(place)
    }

    /// A node dies. Of what it was storing some prefix is kept, and of what it was doing on its disks some
    /// was done.
    ///
    /// # Errors
    /// What does not hold.
    pub fn crash(&mut self, place: Place) -> Verdict {
        if !self.is_up(place) {
            return Ok(());
        }
        self.tell_history(|w| format!("{} dies", w.stage.name(place)));
        for disk in 0..self.disks.len() {
            self.interrupted(place, disk)?;
            self.nodes[place].drives[disk] = Drive::Closed;
        }
        let outputs = self.nodes[place].syncing.take().unwrap_or_default();
        let persisted = |o: &OutputOf<P>| matches!(o, Output::Persist(_));
        let records = outputs.iter().filter(|o| persisted(o)).count();
        let kept = self.chance.place(records + 1);
        if records > kept {
            self.tally.fault("records torn off");
        }
        self.nodes[place].storage.crash(kept);
        // What comes before the last record that is kept led to it.
        let mut left = kept;
        for output in &outputs {
            if left == 0 {
                break;
            }
            left -= usize::from(persisted(output));
            if !matches!(output, Output::Decided(_)) {
                self.told(place, output)?;
            }
        }
        self.nodes[place].forget();
        if self.stage.honest(place) {
            self.oracle.died(place);
        }
        self.oracle.changed(&self.disks)
    }

    pub(super) fn begins(&mut self, i: usize) -> Verdict {
        let fault = self.setting.faults[i].fault.clone();
        self.tally.fault(fault.kind());
        self.tell_history(|_| format!("FAULT: {fault}"));
        if let Fault::DiskLost { disk } = fault {
            for place in 0..self.nodes.len() {
                self.interrupted(place, disk)?;
            }
        }
        self.at_work.push(i);
        self.weather.faults.push(fault.clone());
        match fault {
            Fault::Crash { node } => self.crash(node),
            Fault::StorageFails { node } => {
                self.nodes[node].storage_fails = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn ends(&mut self, i: usize) -> Verdict {
        let Some(at) = self.at_work.iter().position(|j| *j == i) else {
            return Ok(());
        };
        self.at_work.remove(at);
        let fault = self.weather.faults.remove(at);
        self.tell_history(|_| format!("it is over that {fault}"));
        match fault {
            Fault::Crash { node } | Fault::StorageFails { node } => {
                let down = |f: &Fault| matches!(f, Fault::Crash { node: n } | Fault::StorageFails { node: n } if *n == node);
                if self.weather.faults.iter().any(down) {
                    return Ok(());
                }
                self.nodes[node].storage_fails = false;
                self.start(node)
            }
            Fault::Pause { node } => {
                self.wake(node, self.now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// All faults end, but for nodes that never come back; messages are lost no more.
    ///
    /// # Errors
    /// What does not hold.
    pub fn heal(&mut self) -> Verdict {
        self.tell_history(|_| "everything heals".to_owned());
        self.weather.links.loss = 0;
        for i in self.at_work.clone() {
            let planned = &self.setting.faults[i];
            let for_ever = planned.lasts == Duration::MAX;
            if !for_ever {
                self.ends(i)?;
            }
        }
        Ok(())
    }
}

/// Steps, and what they ask for.
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
    /// is durable.
    fn store(&mut self, place: Place, mut outputs: Vec<OutputOf<P>>) -> Verdict {
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
        if !after.is_empty() {
            let takes = self.chance.time(self.setting.sync);
            let node = &mut self.nodes[place];
            node.syncing = Some(after);
            self.agenda
                .add(self.now + takes, Event::Synced(place, node.life));
        }
        Ok(())
    }

    fn synced(&mut self, place: Place) -> Verdict {
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
        self.wake(place, self.now);
        Ok(())
    }

    /// The oracle and the logs see what happens at a node that follows the protocol.
    fn told(&mut self, place: Place, output: &OutputOf<P>) -> Verdict {
        if !self.stage.honest(place) {
            return Ok(());
        }
        self.oracle.told(place, output)?;
        self.evidence.told::<P>(&self.stage, place, output)?;
        if let Output::Decided(decision) = output {
            self.tally.decisions += 1;
            self.tally.slots = self.tally.slots.max(decision.slot.0 + 1);
            self.logs.delivered(place, decision)?;
        }
        Ok(())
    }

    fn execute(&mut self, place: Place, output: OutputOf<P>) -> Verdict {
        self.told(place, &output)?;
        self.note(place, &output);
        match output {
            Output::Persist(_) | Output::Full(_) | Output::Decided(_) | Output::Fork(_) => {}
            Output::Evidence(..) | Output::Disconnected(..) => {}
            Output::Ballot { ballot, .. } => self.tally.ballots = self.tally.ballots.max(ballot.0),
            Output::Disk(operation) => {
                return self.operates(place, usize::from(operation.disk.0), operation.action);
            }
            Output::Send(message) => {
                self.remember(&message);
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
            Output::Fetch(digest) => {
                self.nodes[place].fetching.insert(digest);
            }
            Output::SetTimer(at) => {
                let node = &mut self.nodes[place];
                node.timer = Some(at);
                let due = node.clock.when(at).max(self.now);
                self.wake(place, due);
            }
        }
        Ok(())
    }

    fn note(&mut self, place: Place, output: &OutputOf<P>) {
        self.tell_history(|w| {
            let (name, network) = (w.stage.name(place), w.stage.network());
            match output {
                Output::Send(m) => format!("{name} sends {}", P::words(m, network)),
                Output::Decided(d) => {
                    let (learner, value) = (w.stage.learner(d.learner), short(&d.value));
                    let (slot, ballot) = (d.slot, d.ballot);
                    format!("{name} delivers to {learner} slot {slot}: {value} of ballot {ballot}")
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

/// Messages.
impl<P: Simulated> World<P> {
    fn remember(&mut self, message: &P::Message) {
        self.said.insert(P::id(P::wire(message)), message.clone());
    }

    /// A message of a node's own leaves for another node, or what the node says instead.
    fn says(&mut self, from: Place, to: Place, message: &P::Message) -> Verdict {
        let Some(liar) = &mut self.nodes[from].liar else {
            self.sends(from, to, Packet::Message(message.clone()));
            return Ok(());
        };
        if !liar.knows(to) {
            return Ok(());
        }
        let mut aside = Aside::new(&mut self.chance, &mut self.tally);
        for said in liar.says(to, message, &mut aside) {
            self.lies(from, to, said)?;
        }
        Ok(())
    }

    /// Something leaves a node that does not follow the protocol.
    fn lies(&mut self, from: Place, to: Place, said: Said<P::Message>) -> Verdict {
        let packet = match said {
            Said::Message(message) => {
                self.remember(&message);
                self.oracle.lied(from, &message)?;
                Packet::Message(message)
            }
            Said::Batch(batch) => Packet::Batch(batch),
        };
        self.sends(from, to, packet);
        Ok(())
    }

    /// Whether the node is a liar that has nothing to do with the other one.
    fn ignores(&self, place: Place, other: Place) -> bool {
        let liar = self.nodes[place].liar.as_ref();
        liar.is_some_and(|liar| !liar.knows(other))
    }

    /// The bytes of a batch leave, unless a liar keeps them.
    fn gives(&mut self, from: Place, to: Place, batch: Batch) {
        if let Some(liar) = &mut self.nodes[from].liar {
            let mut aside = Aside::new(&mut self.chance, &mut self.tally);
            if !liar.knows(to) || !liar.gives(to, &batch.digest(), &mut aside) {
                return;
            }
        }
        self.sends(from, to, Packet::Batch(batch));
    }

    fn gossip(&mut self, from: Place, packet: &Packet<P>) {
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            self.sends(from, to, packet.clone());
        }
    }

    fn sends(&mut self, from: Place, to: Place, packet: Packet<P>) {
        if self.ignores(from, to) {
            return;
        }
        let arrivals = self.weather.arrivals(from, to, &mut self.chance);
        match arrivals.len() {
            0 => self.tally.fault("message lost"),
            1 => {}
            _ => self.tally.fault("message twice"),
        }
        for after in arrivals {
            let event = Event::Arrives(from, to, Box::new(packet.clone()));
            self.agenda.add(self.now + after, event);
        }
    }

    fn arrives(&mut self, from: Place, to: Place, packet: Packet<P>) -> Verdict {
        if !self.is_up(to) || self.ignores(to, from) {
            return Ok(());
        }
        self.tally.messages += 1;
        if let Some(member) = self.stage.member(from) {
            self.gets(to, Input::Alive(member));
        }
        match packet {
            Packet::Ping => {}
            Packet::Message(message) => {
                if let Some(liar) = &mut self.nodes[to].liar {
                    liar.hears(&message);
                }
                self.gets(to, Input::Message(message));
            }
            Packet::Batch(batch) => {
                self.nodes[to].fetching.remove(&batch.digest());
                self.gets(to, Input::Batch(batch));
            }
            Packet::Value(value) => self.gets(to, Input::Value(value)),
            Packet::Evidence(evidence) => self.gets(to, Input::Evidence(evidence)),
            Packet::Ask(request, wanted) => return self.answers(to, from, &request, &wanted),
        }
        Ok(())
    }

    fn answers(
        &mut self,
        place: Place,
        asks: Place,
        request: &consensus::SyncRequest,
        wanted: &[Digest],
    ) -> Verdict {
        if self.weather.paused(place) {
            return Ok(());
        }
        let Some(machine) = &self.nodes[place].machine else {
            return Ok(());
        };
        let answer = machine.answer(request, 1 << 20);
        let batches: Vec<_> = wanted.iter().filter_map(|d| machine.batch(d)).collect();
        for wire in answer.messages {
            // Some are made for the answer, and some were stored and never left.
            let message = match self.said.get(&P::id(&wire)) {
                Some(message) => message.clone(),
                None => P::open(wire, self.stage.network()).map_err(|refusal| {
                    Violation::of("sync", format!("what is handed out is refused: {refusal}"))
                })?,
            };
            self.says(place, asks, &message)?;
        }
        for evidence in answer.evidence {
            self.sends(place, asks, Packet::Evidence(evidence));
        }
        for batch in batches {
            self.gives(place, asks, Batch::clone(&batch));
        }
        Ok(())
    }

    fn beat(&self) -> Duration {
        self.setting.patience / 8
    }

    fn beats(&mut self, place: Place) -> Verdict {
        let (beat, life) = (self.beat(), self.nodes[place].life);
        self.agenda.add(self.now + beat, Event::Beats(place, life));
        if self.weather.paused(place) {
            return Ok(());
        }
        self.gossip(place, &Packet::Ping);
        let asked = self.chance.place(self.nodes.len());
        if let Some(machine) = self.nodes[place]
            .machine
            .as_ref()
            .filter(|_| asked != place)
        {
            let wanted = self.nodes[place].fetching.iter().copied().collect();
            let ask = Packet::Ask(machine.sync_request(), wanted);
            self.sends(place, asked, ask);
        }
        if let Some(liar) = &mut self.nodes[place].liar {
            let mut aside = Aside::new(&mut self.chance, &mut self.tally);
            for (to, said) in liar.volunteers(&mut aside) {
                self.lies(place, to, said)?;
            }
        }
        Ok(())
    }

    pub(super) fn plan_disk(&mut self, place: Place, disk: usize) {
        let takes = self.chance.time(self.setting.disk);
        let slow = self.weather.disk(disk).unwrap_or(1);
        let life = self.nodes[place].life;
        self.agenda
            .add(self.now + takes * slow, Event::Disk(place, disk, life));
    }

    /// Looks at a disk again later, when it may have come back.
    pub(super) fn plan_disk_later(&mut self, place: Place, disk: usize) {
        let life = self.nodes[place].life;
        let later = self.setting.patience / 8;
        self.agenda
            .add(self.now + later, Event::Disk(place, disk, life));
    }
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

/// The beginning of a digest, enough to tell values apart.
pub(super) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(6).collect()
}
