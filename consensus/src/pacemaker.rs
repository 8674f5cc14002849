//! When an acceptor loses patience with a ballot, and when it follows others that did.
//!
//! ```text
//!   something outstanding for learner l, whose quorum is heard ──► patience of l runs ──► runs out ──► wish = next ballot
//!   wishes of others ──► they surely hold a safe acceptor that is impatient ──► adopt their wish
//!   a 1a of its owner ──► joined only if max_bal < ballot <= wish
//! ```
//!
//! This is about liveness only: whatever it says, no rule of safety depends on it.

use crate::patience::{GivenUp, Why};
use crate::{Ballot, Slot, Time};
use learner_graph::{AcceptorId, AcceptorSet, LearnerGraph, LearnerId, LearnerSet, Suspicion};
use std::time::Duration;

/// The patience of one acceptor (or of an onlooker, which only follows the others).
#[derive(Debug)]
pub struct Pacemaker {
    base: Duration,
    /// The highest ballot that this node would join.
    wish: Ballot,
    /// When the wish last changed or a ballot was joined: the ballot's time starts then.
    entered: Time,
    patience: Vec<Duration>,
    /// Per acceptor, the highest ballot that it is known to want.
    wishes: Vec<Ballot>,
    /// Per acceptor, when it was last heard.
    heard: Vec<Option<Time>>,
    /// Per learner, when it was last seen without a recently heard quorum.
    silent_at: Vec<Time>,
    moves: Vec<Move>,
}

/// How a learner gets on.
#[derive(Clone, Copy, Debug, Default)]
struct Move {
    /// When it last had moved.
    at: Time,
    /// Where it and the front of the log stood then, or when its time began.
    from: Option<(Slot, Slot)>,
}

impl Pacemaker {
    /// A pacemaker that gives each ballot `base` at first.
    #[must_use]
    pub fn new(graph: &LearnerGraph, base: Duration) -> Self {
        Pacemaker {
            base,
            wish: Ballot::FIRST,
            entered: Time::ZERO,
            patience: vec![base; graph.n_learners()],
            wishes: vec![Ballot::NONE; graph.n_acceptors()],
            heard: vec![None; graph.n_acceptors()],
            silent_at: vec![Time::ZERO; graph.n_learners()],
            moves: vec![Move::default(); graph.n_learners()],
        }
    }

    /// The highest ballot that this node would join.
    #[must_use]
    pub fn wish(&self) -> Ballot {
        self.wish
    }

    /// The acceptor is up: something authentic came from it. The caller says so at least four times
    /// per base patience while it hears the acceptor.
    pub fn heard(&mut self, acceptor: AcceptorId, now: Time) {
        if let Some(heard) = self.heard.get_mut(usize::from(acceptor.0)) {
            *heard = Some(now);
        }
    }

    /// An acceptor wants this ballot or has joined it.
    pub fn wanted(&mut self, acceptor: AcceptorId, ballot: Ballot) {
        if let Some(wish) = self.wishes.get_mut(usize::from(acceptor.0)) {
            *wish = (*wish).max(ballot);
        }
    }

    /// This node has joined a ballot.
    pub fn joined(&mut self, ballot: Ballot, now: Time) {
        self.enter(self.wish.max(ballot), now);
    }

    /// The time of a ballot starts, and who is to lead it is judged by nothing that was before.
    fn enter(&mut self, ballot: Ballot, now: Time) {
        self.wish = ballot;
        self.entered = now;
        for learner in &mut self.moves {
            learner.from = None;
        }
    }

    /// A learner decided a slot. Its patience shrinks if that took a small part of it only, so that
    /// it stays well above what the network needs.
    pub fn progress(&mut self, learner: LearnerId, took: Duration) {
        if let Some(patience) = self.patience.get_mut(usize::from(learner.0))
            && took < *patience / 4
        {
            *patience = (*patience / 2).max(self.base);
        }
    }

    /// A learner has decided everything up to `next`, and some learner everything up to `front`. It has moved if
    /// that is a `step` further, and it has not fallen further behind the front: a leader that serves others
    /// and holds it back gains no time by a few slots now and then.
    pub fn moved(&mut self, learner: LearnerId, next: Slot, front: Slot, step: u64, now: Time) {
        let Some(moves) = self.moves.get_mut(usize::from(learner.0)) else {
            return;
        };
        let (own, others) = *moves.from.get_or_insert((next, front));
        let by = next.0.saturating_sub(own.0);
        if by >= step && by >= front.0.saturating_sub(others.0) {
            *moves = Move {
                at: now,
                from: Some((next, front)),
            };
        }
    }

    /// When a learner last had moved.
    #[must_use]
    pub fn moved_at(&self, learner: LearnerId) -> Time {
        let moves = self.moves.get(usize::from(learner.0));
        moves.map_or(Time::ZERO, |moves| moves.at)
    }

    /// The highest ballot that acceptors want which surely include a safe one: they meet every
    /// TrustSafe set of (l, l) that may still be part of the safe set, for every learner l with a
    /// recently heard quorum. [`Ballot::FIRST`] needs nobody, and is the answer as well if there is none above
    /// `above`, or above what this node itself wishes for.
    #[must_use]
    pub fn supported(
        &self,
        graph: &LearnerGraph,
        suspicion: &Suspicion,
        above: Ballot,
        now: Time,
    ) -> Ballot {
        let above = above.min(self.wish).max(Ballot::FIRST);
        let higher = self.wishes.iter().copied().filter(|wish| *wish > above);
        let mut candidates: Vec<Ballot> = higher.collect();
        if candidates.is_empty() {
            return Ballot::FIRST;
        }
        candidates.sort_unstable();
        candidates.dedup();
        // A learner that agrees with nobody cannot say who is surely safe.
        let live = self.live(graph, now).into_iter();
        let live: LearnerSet = live
            .filter(|l| graph.possible_set_within(*l, *l, &graph.acceptors(), suspicion))
            .collect();
        candidates
            .into_iter()
            .rev()
            .find(|b| {
                let impatient = set_where(graph, |a| self.wishes[usize::from(a.0)] >= *b);
                !live.is_empty()
                    && live.iter().all(|l| {
                        let others = graph.acceptors() - impatient;
                        !graph.possible_set_within(l, l, &others, suspicion)
                    })
            })
            .unwrap_or(Ballot::FIRST)
    }

    /// Follows a wish that is supported. Says what it gives up for it, if this node's wish changed.
    pub fn follow(&mut self, supported: Ballot, now: Time) -> Option<GivenUp> {
        (supported > self.wish).then(|| self.give_up(supported, Why::Others, now))
    }

    /// Looks whether patience has run out for a learner with a recently heard quorum, `oldest` being
    /// since when something is outstanding for it. Says what it gives up, if this node's wish changed; `skip` tells
    /// the ballots that nobody should wish for.
    pub fn tick(
        &mut self,
        graph: &LearnerGraph,
        oldest: impl Fn(LearnerId) -> Option<Time>,
        skip: impl Fn(Ballot) -> bool,
        now: Time,
    ) -> Option<GivenUp> {
        let live = self.live(graph, now);
        for l in graph.learners() - live {
            let at = usize::from(l.0);
            (self.silent_at[at], self.moves[at].from) = (now, None);
        }
        let (mut learners, mut longest) = (LearnerSet::EMPTY, Duration::ZERO);
        for l in live {
            if self.runs_out(l, &oldest).is_some_and(|at| now >= at) {
                let patience = &mut self.patience[usize::from(l.0)];
                longest = longest.max(*patience);
                learners.insert(l);
                *patience = patience.saturating_mul(2);
            }
        }
        let out = !learners.is_empty();
        let patience = longest;
        out.then(|| self.advance(skip, Why::Patience { learners, patience }, now))
    }

    /// Wishes for the next ballot at once, and says what it gives up.
    pub fn advance(&mut self, skip: impl Fn(Ballot) -> bool, why: Why, now: Time) -> GivenUp {
        let mut next = self.wish.next();
        // Round robin: among this many ballots everyone has had a turn.
        for _ in 0..=u16::MAX {
            if !skip(next) {
                break;
            }
            next = next.next();
        }
        self.give_up(next, why, now)
    }

    fn give_up(&mut self, next: Ballot, why: Why, now: Time) -> GivenUp {
        let ballot = self.wish;
        self.enter(next, now);
        GivenUp { ballot, next, why }
    }

    /// Per learner, how long it may wait now before this node gives a ballot up.
    #[must_use]
    pub fn patience(&self) -> &[Duration] {
        &self.patience
    }

    /// When `tick` is worth calling again.
    #[must_use]
    pub fn deadline(
        &self,
        graph: &LearnerGraph,
        oldest: impl Fn(LearnerId) -> Option<Time>,
        now: Time,
    ) -> Option<Time> {
        let live = self.live(graph, now).into_iter();
        live.filter_map(|l| self.runs_out(l, &oldest)).min()
    }

    /// When patience runs out for a learner with a recently heard quorum. What is outstanding counts from when
    /// the quorum was there again: what nobody could decide without it is no leader's fault.
    fn runs_out(&self, l: LearnerId, oldest: impl Fn(LearnerId) -> Option<Time>) -> Option<Time> {
        let at = usize::from(l.0);
        let since = oldest(l)?.max(self.entered).max(self.silent_at[at]);
        Some(since.saturating_add(self.patience[at]))
    }

    /// The learners with a recently heard quorum.
    fn live(&self, graph: &LearnerGraph, now: Time) -> LearnerSet {
        // Shorter than any patience: whoever falls silent is noticed before anybody complains on
        // behalf of a learner that needs it.
        let recent = self.base * 3 / 4;
        let up = set_where(graph, |a| {
            self.heard[usize::from(a.0)].is_some_and(|t| t.saturating_add(recent) >= now)
        });
        graph.with_quorum(graph.learners(), &up)
    }
}

fn set_where(graph: &LearnerGraph, holds: impl Fn(AcceptorId) -> bool) -> AcceptorSet {
    graph.acceptors().iter().filter(|a| holds(*a)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use learner_graph::{builtin, parse_graph};

    #[test]
    fn a_ballot_is_supported_by_as_many_as_must_include_a_safe_acceptor() {
        // Three of four are a quorum, and one may lie.
        let (graph, _) = parse_graph(&builtin(4)).expect("a valid graph");
        let second = Duration::from_secs(1);
        let mut pacemaker = Pacemaker::new(&graph, second);
        graph
            .acceptors()
            .iter()
            .for_each(|a| pacemaker.heard(a, second));
        let supported = |pacemaker: &Pacemaker, above: u64| {
            let nobody = Suspicion::default();
            pacemaker
                .supported(&graph, &nobody, Ballot(above), second)
                .0
        };
        pacemaker.wanted(AcceptorId(0), Ballot(9));
        assert_eq!(supported(&pacemaker, 1), 1, "one may lie");
        pacemaker.wanted(AcceptorId(1), Ballot(3));
        assert_eq!(supported(&pacemaker, 1), 3, "one of two does not");
        // It has heard of a higher one, and would join only the first.
        assert_eq!(supported(&pacemaker, 5), 3);
        pacemaker.joined(Ballot(4), second);
        assert_eq!(supported(&pacemaker, 2), 3, "beyond the present one");
        assert_eq!(supported(&pacemaker, 3), 1, "neither is it beyond that");
        assert_eq!(supported(&pacemaker, 5), 1, "nor beyond its own wish");
    }
}
