//! What leaves memory although some learner has not decided it: pages of slots, to the history and back.
//!
//! ```text
//!   slots:  ──settled──┬──────┬──frozen──┬──────┬──frozen──┬── recent, fresh ──►
//!                      carol's next      bob's next        front
//!                      and page after    and page after
//! ```
//!
//! In memory are the recent slots, and for every learner the page of the slot that it gets next and the page
//! after. All other pages are *frozen*: nothing is said and nothing taken in about them. When a learner comes
//! to a page it *thaws*: what was said about it is taken in again, and the acceptor says the part of its 1b
//! that it left out when it joined. What others said meanwhile comes by asking ([`sync`](super::sync)).
//!
//! An acceptor that voted in a page without knowing all that it said there would be Byzantine. So a page is
//! frozen only once everything that this node said about it has come back to it, and a page that the history
//! does not give back stays frozen.

use super::message::MAX_PAGE;
use super::{HPaxos, Message, Output, Record};
use crate::history::Keep;
use crate::planted::{Bug, planted};
use crate::{Page, Slot, Time};
use crypto::Verified;
use std::collections::BTreeSet;

/// Up to where the recent slots are not, and the pages before that are in memory all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pages {
    recent: Slot,
    open: BTreeSet<Page>,
    /// Whether everything else is frozen.
    done: bool,
}

impl HPaxos {
    /// Freezes and thaws what has come to it.
    pub(super) fn turn_pages(&mut self, now: Time, out: &mut Vec<Output>) {
        let pages = self.pages_now();
        if self.pages == pages {
            return;
        }
        // They may be of another size, from before a restart.
        let opens = |page: &Page| pages.open.iter().any(|open| open.overlaps(page));
        let thaw = |page: &Page| page.end > pages.recent || opens(page);
        let thawing: Vec<Page> = self.received.frozen().filter(thaw).collect();
        for page in thawing {
            self.thaw(page, now, out);
        }
        let mut all = true;
        let mut page = self.page_of(self.floor);
        while page.end <= pages.recent {
            if !pages.open.contains(&page) && !self.received.is_frozen(page.start) {
                all &= self.freeze(page);
            }
            page = self.page_of(page.end);
        }
        self.forget_batches();
        // What could not be frozen is tried again.
        self.pages = Pages { done: all, ..pages };
    }

    fn page_of(&self, slot: Slot) -> Page {
        Page::of(slot, (self.config.recent / 2).clamp(1, MAX_PAGE))
    }

    fn pages_now(&self) -> Pages {
        let recent = self
            .learners
            .front()
            .0
            .saturating_sub(self.config.recent.max(1));
        let recent = self.page_of(Slot(recent)).start;
        let nexts = self.learners.ids().map(|l| self.learners.next(l));
        let nexts = nexts.filter(|next| *next < recent);
        let open = nexts.flat_map(|next| {
            let page = self.page_of(next);
            [page, self.page_of(page.end)]
        });
        Pages {
            open: open.filter(|page| page.end <= recent).collect(),
            recent,
            done: true,
        }
    }

    /// True if the page is frozen now.
    fn freeze(&mut self, page: Page) -> bool {
        let messages = self.received.about(page);
        let me = self.me();
        let own = messages.iter().filter(|m| Some(m.signer()) == me);
        let votes = own.filter_map(|m| match &**m {
            Message::Votes(votes) => Some(votes),
            _ => None,
        });
        if let Some(proposer) = &self.proposer
            && !proposer.is_announced(page, &self.received)
        {
            return false;
        }
        if let Some(acceptor) = &mut self.acceptor
            && !acceptor.freeze(page, votes)
        {
            return false;
        }
        let named: BTreeSet<_> = self.received.named_in(page).collect();
        let batches = named.iter().filter_map(|v| self.batches.in_memory(v));
        self.history.keep(Keep::Page {
            page,
            batches: batches.collect(),
            messages: messages.iter().map(|m| m.signed().clone()).collect(),
        });
        self.received.freeze(page);
        self.learners.freeze(page);
        if let Some(proposer) = &mut self.proposer {
            proposer.freeze(page);
        }
        self.dirty.retain(|slot| !page.contains(*slot));
        true
    }

    /// Takes a page back from the history.
    pub(super) fn thaw(&mut self, page: Page, now: Time, out: &mut Vec<Output>) {
        let Some(messages) = self.history.page(page) else {
            return self.refuse("page_lost");
        };
        self.received.thaw(page);
        let from = out.len();
        for message in messages {
            match message.verify(self.network.keyring()) {
                Ok(message) => {
                    if !planted(Bug::ThawWithoutVotes) {
                        self.restore_own(&message, Some(page));
                    }
                    self.take_in(&message, now, out);
                }
                Err(refusal) => self.refuse(refusal.reason()),
            }
        }
        // They are stored.
        let mut at = 0..;
        out.retain(|o| {
            at.next().is_some_and(|at| at < from)
                || !matches!(o, Output::Persist(Record::Message(_)))
        });
        if let Some(proposer) = &mut self.proposer {
            proposer.look_again();
        }
    }

    /// A record says something about frozen pages: they thaw, since what follows them adds to it.
    pub(super) fn thaw_for(&mut self, message: &Verified<Message>, out: &mut Vec<Output>) {
        let slots: Vec<Slot> = match &**message {
            Message::Votes(votes) => votes.slots.iter().map(|s| s.slot).collect(),
            Message::OneC(one_c) => one_c.proposals.iter().map(|p| p.slot).collect(),
            Message::OneB(one_b) => one_b
                .scope
                .page()
                .map(|page| page.start)
                .into_iter()
                .collect(),
            Message::OneA { .. } | Message::Wish { .. } => Vec::new(),
        };
        let frozen = |slot: &Slot| *slot >= self.floor && self.received.is_frozen(*slot);
        let pages: BTreeSet<Page> = slots
            .into_iter()
            .filter(frozen)
            .map(|slot| self.page_of(slot))
            .collect();
        for page in pages {
            self.thaw(page, Time::ZERO, out);
        }
    }

    /// HPaxos: Phase1b for the slots of pages that have thawed since this acceptor joined.
    pub(super) fn report_thawed(&mut self, out: &mut Vec<Output>) {
        for page in self.pages.open.clone() {
            let (Some(acceptor), Some(signer)) = (&mut self.acceptor, &self.config.signer) else {
                return;
            };
            if self.received.is_frozen(page.start) {
                continue;
            }
            let one_b = acceptor.phase_1b_of(page, |m| signer.sign(Message::OneB(m)).ok());
            if let Some(one_b) = one_b {
                super::act::send(one_b, out);
            }
        }
    }
}
