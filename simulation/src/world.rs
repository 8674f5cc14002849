//! A whole network in one thread, on made-up time.
//!
//! ```text
//!   agenda ──► event ──► node: inbox ─► step ─► outputs ─► storage ─► weather ─► agenda
//!                                          │                   │
//!                                          └──► oracle ◄───────┘
//! ```

use super::agenda::Agenda;
use super::chance::Chance;
use super::clock::Clock;
use super::disks::Disk;
use super::invariants::evidence::Evidence;
use super::invariants::log::Logs;
use super::node::{Arrival, Node, Packet};
use super::oracle::{Oracle as _, Place, Verdict, Violation};
use super::protocols::Simulated;
use super::setting::Setting;
use super::stage::Stage;
use super::tally::Tally;
use super::weather::Weather;
use consensus::{ClientValue, Input, Time};
use crypto::Digest;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Something that is going to happen.
pub(super) enum Event<P: Simulated> {
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
    /// What nodes do with what they have stored.
    pub(super) keeping: Chance,
    pub(super) agenda: Agenda<Event<P>>,
    /// Everything that was ever signed, by its id: nobody has to verify it again.
    pub(super) said: BTreeMap<Digest, P::Message>,
    /// Which faults are at work, by their place in the setting, in the order of `weather.faults`.
    pub(super) at_work: Vec<usize>,
}

impl<P: Simulated> World<P> {
    /// A network whose nodes start now.
    ///
    /// # Errors
    /// If something does not even hold in the beginning.
    pub fn new(stage: Stage, setting: Setting) -> Result<Self, Violation> {
        let stage = Arc::new(stage);
        let n_disks = stage.disks();
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
            keeping: Chance::new(setting.seed, 5),
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

    /// The values that clients were told to be kept, by nodes that follow the protocol and are up: whoever
    /// never comes back may take along what it alone had.
    pub fn accepted(&self) -> impl Iterator<Item = Digest> {
        let honest = self.nodes.iter().enumerate();
        let honest = honest.filter(|(place, _)| self.stage.honest(*place) && self.is_up(*place));
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

    pub(super) fn gets(&mut self, place: Place, input: Input<P::Message, P::Evidence>) {
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
                        "{status:?}; {} waiting, {} wanted, timer {:?}, shows {:?}, wake {:?}, syncing {}",
                        node.inbox.len(), node.machine.iter().flat_map(P::wanted).count(), node.timer, node.clock.shows(w.now), node.wake, node.syncing.is_some()
                    ),
                    None => "down".to_owned(),
                };
                format!("{}: {at}", w.stage.name(place))
            });
        }
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

    /// Adds a line to the history.
    pub(super) fn tell_history(&mut self, line: impl FnOnce(&Self) -> String) {
        if self.history.is_some() {
            let line = (self.now, line(self));
            self.history.get_or_insert_default().push(line);
        }
    }
}

/// The beginning of a digest, enough to tell values apart.
pub(super) fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(6).collect()
}
