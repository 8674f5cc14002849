//! Exhaustive model checking of small configurations: the transition function is the production state
//! machine [`HPaxos`](consensus::hpaxos::HPaxos), behind nothing but the trait `Protocol`.
//!
//! ```text
//!   state = what every safe acceptor has said          (signed statements, as small numbers)
//!   step  = a fresh machine ── restore(own statements) ── step(delivered statements) ──► new statements
//!           └── remembered for (acceptor, own, delivered), since signatures are slow
//! ```
//!
//! Proposers are the environment: every 1a and 1c, of either value in every ballot, is there from the
//! start, so an equivocating proposer is included. So are the statements of a liar.
//!
//! With the feature `planted`, which the tests of the whole workspace switch on, `bugs` shows what the checker
//! finds: `cargo test -p consensus --features planted --test model`.
//!
//! # Why this covers acceptors that go on running
//!
//! What an acceptor that never restarts has received only grows, and every subset of what was said may
//! be delivered again in any step. So a running acceptor's next step is that of a fresh one with its own
//! statements restored, to which everything that it had received is delivered once more. Where a fresh one
//! can do more (it may take another 1c first, or another of two 1b of a liar, or not know some evidence),
//! that is what a running acceptor whose messages came in another order could do.
//!
//! # Why not every subset, in every order, is looked at
//!
//! - KnowsSafeAt is monotone in the 1b received, but for two 1b of one liar, of which the first counts: that
//!   is the one that makes most values safe. Evidence makes more values safe, too: all of it is delivered.
//! - A 2av for more learners forbids nothing: rule 4 binds its sender to the value alone, whoever
//!   receives it may take the part for one learner only (statements are taken apart, one per learner), and a
//!   1b that shows more 2av makes more values safe. So a 1c names all learners.
//! - A 2b does forbid something. So 2b are sent for one learner at a time, in any order; all 2av of a
//!   value for the learner are delivered, since whether they hold a quorum is monotone.
//! - Nothing rests on the first ballot's 1b but that there are enough of them: an acceptor that never joined
//!   it says the same in a later ballot as one that joined and did nothing. So all have joined it. In a
//!   later ballot more 1b make more values safe, so all join (but whoever falls silent).
//! - What acceptors say in a ballot rests on nothing said in later ones. And 2av rest on 1b, 2b on 2av, more of
//!   which never hurt. So everything may be put into the order of ballots, and in a ballot into that of
//!   joins, 2av, 2b. Only who has left a ballot may try to speak there whenever it likes.
//! - Of those that propose in the first ballot, the lowest by number proposes the first value: the two differ
//!   in name only.
//! - Nobody but learners hears 2b of the last ballot. They are not part of the state: a learner decides if
//!   each acceptor of a quorum would send its 2b now.
//!
//! [`Delivery::Every`](model::Delivery) makes none of these cuts but three: the first ballot's 1b, the last
//! one's 2b, and evidence, which comes all at once or not at all. Tests compare the decisions that are reached.
//!
//! Ballots that are played need not be neighbours: in between a liar may claim what it likes.
//! What is not modelled: several slots, missing bytes, the order of storing and sending, and time.
//!
//! The larger configurations: `cargo test -p consensus --test model -- --ignored --nocapture`.

// The checker asks for a model that can be shared.
#![allow(missing_docs, unreachable_pub, clippy::disallowed_types)]

#[cfg(feature = "planted")]
mod bugs;
mod configurations;
mod deliveries;
mod judge;
mod liar;
mod machine;
mod model;
mod phases;
mod world;
