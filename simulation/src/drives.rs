//! Disks as processors use them, in simulated time.

use super::disks::{Drive, Running, Whole};
use super::node::Arrival;
use super::oracle::{Oracle as _, Place, Verdict, Violation};
use super::protocols::Simulated;
use super::world::World;
use consensus::Input;
use consensus::disk_paxos::{Action, Event, Report};
use learner_graph::AcceptorId;

impl<P: Simulated> World<P> {
    /// A processor begins an operation.
    pub(super) fn operates(&mut self, place: Place, disk: usize, action: Action) -> Verdict {
        let whole = match &action {
            Action::Write { block, .. } => self.oracle.writes(place, block)?,
            _ => Whole::default(),
        };
        if !matches!(self.nodes[place].drives[disk], Drive::Idle) {
            let what = format!(
                "{} begins {action:?} while another is going on",
                self.stage.name(place)
            );
            return Err(Violation::of(
                "one operation at a time on an open disk",
                what,
            ));
        }
        let running = Running::new(action, whole, &mut self.chance);
        self.nodes[place].drives[disk] = Drive::Busy(Box::new(running));
        self.plan_disk(place, disk);
        Ok(())
    }

    /// The next atomic action of a processor on a disk.
    pub(super) fn disk(&mut self, place: Place, disk: usize) -> Verdict {
        if self.weather.disk(disk).is_none() || self.weather.paused(place) {
            self.plan_disk_later(place, disk);
            return Ok(());
        }
        let Some(me) = self.stage.node(place).processor else {
            return Ok(());
        };
        let lost = self.weather.lost(disk);
        let drive = &mut self.nodes[place].drives[disk];
        let (report, visit) = match drive {
            Drive::Idle => return Ok(()),
            Drive::Closed if lost => {
                self.plan_disk_later(place, disk);
                return Ok(());
            }
            Drive::Closed => {
                *drive = Drive::Idle;
                (self.disks[disk].open(me), None)
            }
            Drive::Busy(_) if lost => {
                *drive = Drive::Closed;
                self.plan_disk_later(place, disk);
                (Report::Failed("gone".into()), None)
            }
            Drive::Busy(running) => {
                self.tally.disk_actions += 1;
                let report = running.act(me, &mut self.disks[disk])?;
                let visit = running.visit();
                match report {
                    None => {
                        self.oracle.changed(&self.disks)?;
                        self.plan_disk(place, disk);
                        return Ok(());
                    }
                    Some(report) => {
                        *drive = Drive::Idle;
                        (report, visit)
                    }
                }
            }
        };
        let event = Event {
            disk: AcceptorId(u16::try_from(disk).unwrap_or(u16::MAX)),
            report,
        };
        self.nodes[place].inbox.push(Arrival {
            input: Input::Disk(event),
            visit: visit.map(|v| (disk, v)),
        });
        self.step(place)
    }

    /// An operation that is cut off has had some of its effect, and nobody hears of it.
    pub(super) fn interrupted(&mut self, place: Place, disk: usize) -> Verdict {
        let Some(me) = self.stage.node(place).processor else {
            return Ok(());
        };
        let more = self.chance.below(4);
        if self.weather.lost(disk) || self.weather.disk(disk).is_none() {
            return Ok(());
        }
        let Drive::Busy(running) = &mut self.nodes[place].drives[disk] else {
            return Ok(());
        };
        for _ in 0..more {
            if running.act(me, &mut self.disks[disk])?.is_some() {
                break;
            }
            self.tally.disk_actions += 1;
        }
        self.oracle.changed(&self.disks)
    }
}
