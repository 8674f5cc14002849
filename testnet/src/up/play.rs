//! The steps of a scenario, one after the other.

use super::run::Run;
use crate::launch::nodes::Stands;
use crate::scenario::{Action, Stand, Step};
use crate::show::StepLine;
use std::io;
use std::time::Duration;

/// Where a scenario stands.
#[derive(Debug)]
pub(super) struct Script {
    steps: Vec<Step>,
    /// The steps that have succeeded.
    pub(super) done: usize,
    /// Since when the next one is under way.
    begun: Option<Duration>,
    /// It has failed, and nothing more is done.
    pub(super) failed: bool,
    /// A node that ended by itself, which none may.
    pub(super) crashed: Option<String>,
}

impl Script {
    pub(super) fn new(steps: Vec<Step>) -> Script {
        Script {
            steps,
            done: 0,
            begun: None,
            failed: false,
            crashed: None,
        }
    }

    /// How many steps there are.
    pub(super) fn of(&self) -> usize {
        self.steps.len()
    }
}

impl Run<'_> {
    /// Goes on with the scenario as far as it goes now; true if it is over.
    pub(super) fn play(&mut self) -> io::Result<bool> {
        while let Some((step, begun, first)) = self.next_step() {
            let elapsed = self.start.elapsed().saturating_sub(begun);
            if first && let Err(why) = self.begin(&step)? {
                self.step_is_over(&step, Err(why), elapsed)?;
                continue;
            }
            let stand = match self.amiss() {
                Some(why) => Stand::Broken(why),
                None => self.look(&step, elapsed),
            };
            let late = elapsed >= step.within.max(waits_for(&step));
            let outcome = match stand {
                Stand::NotYet(why) if late => Err(why),
                Stand::NotYet(_) => return Ok(false),
                Stand::Broken(why) => Err(why),
                Stand::Holds => Ok(()),
            };
            self.step_is_over(&step, outcome, elapsed)?;
        }
        Ok(true)
    }

    /// The step that is due or under way, with when it began, and whether that is now.
    fn next_step(&mut self) -> Option<(Step, Duration, bool)> {
        let now = self.start.elapsed();
        let script = self.script.as_mut().filter(|script| !script.failed)?;
        let step = script.steps.get(script.done)?.clone();
        let first = script.begun.is_none();
        Some((step, *script.begun.get_or_insert(now), first))
    }

    /// What must not happen in any scenario.
    fn amiss(&self) -> Option<String> {
        let crashed = self.script.as_ref().and_then(|s| s.crashed.clone());
        crashed.or_else(|| {
            let acceptor = self.intake.wrongly_caught()?;
            Some(format!(
                "{acceptor} was caught, and nobody told it to misbehave"
            ))
        })
    }

    fn begin(&mut self, step: &Step) -> io::Result<Result<(), String>> {
        match &step.action {
            Action::Fault(fault) => {
                let before = super::prepare::starved(self.intake.expect());
                if let Err(why) = self.apply(fault) {
                    return Ok(Err(why));
                }
                self.tell_who_starves(before)?;
            }
            Action::Submit { values, to } => {
                for value in values.clone() {
                    match to {
                        Some(node) => {
                            self.directed.insert(value);
                            self.tasks.submit_to(value, *node);
                        }
                        None => self.tasks.submit(value),
                    }
                }
            }
            Action::Expect(_) => {}
        }
        Ok(Ok(()))
    }

    fn look(&self, step: &Step, elapsed: Duration) -> Stand {
        let missing = match &step.action {
            Action::Fault(_) => self.restless(),
            Action::Submit { values, .. } => {
                let waits = values.clone().find(|value| self.keepers[*value].is_none());
                waits.map(|value| format!("no node has accepted {}", self.intake.key(value)))
            }
            Action::Expect(expected) => {
                let learners = self.intake.learner_names();
                return expected.stands(&self.intake, &learners, elapsed);
            }
        };
        missing.map_or(Stand::Holds, Stand::NotYet)
    }

    /// A node that is on its way down or back.
    fn restless(&self) -> Option<String> {
        let mut nodes = 0..self.nodes.len();
        let settled = |stands| matches!(stands, Stands::Up | Stands::Down(Duration::MAX));
        let node = nodes.find(|node| !settled(self.nodes.stands(*node)))?;
        let name = self.intake.node_name(node);
        Some(format!("{name} is neither up nor down"))
    }

    fn step_is_over(
        &mut self,
        step: &Step,
        outcome: Result<(), String>,
        took: Duration,
    ) -> io::Result<()> {
        let Some(script) = &mut self.script else {
            return Ok(());
        };
        script.begun = None;
        script.failed = outcome.is_err();
        let number = script.done + 1;
        script.done += usize::from(outcome.is_ok());
        let of = script.of();
        // Whatever was decided is shown before what it means.
        self.show.tick(self.intake.state(Duration::MAX))?;
        self.show.step(&StepLine {
            number,
            of,
            words: &step.words,
            outcome: &outcome,
            took,
        })
    }
}

/// A step that waits on purpose has time for that.
fn waits_for(step: &Step) -> Duration {
    match &step.action {
        Action::Expect(expected) if !expected.waits.is_empty() => expected.long,
        _ => Duration::ZERO,
    }
}
