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

use super::{HPaxos, Message, Output, Record};
use crate::history::Keep;
use crate::planted::{Bug, planted};
use crate::{Page, Slot, Time};
use crypto::Verified;
use std::collections::BTreeSet;

/// The pages that are in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pages {
    /// Those from here on.
    recent: Slot,
    /// Those that some learner has come to, and those after.
    open: BTreeSet<Page>,
    /// Those after which nobody has come to: in memory so that nothing said about them is missed when a leader
    /// comes to them.
    ahead: BTreeSet<Page>,
}

impl Pages {
    /// Whether a leader proposes in a slot that is in memory.
    pub(super) fn is_due(&self, slot: Slot) -> bool {
        !self.ahead.iter().any(|page| page.contains(slot))
    }

    /// Whether a page is the next to thaw: parts of 1b about it may come before.
    pub(super) fn is_next(&self, page: &Page) -> bool {
        self.open.iter().any(|open| open.end == page.start)
    }
}

impl HPaxos {
    /// Thaws and freezes what has come to it.
    pub(super) fn turn_pages(&mut self, now: Time, out: &mut Vec<Output>) {
        let pages = self.pages_now();
        if !self.differs_from(&pages) {
            return;
        }
        // What thaws may lead to the next page: that is another turn.
        self.thaw_all(&pages.open, now, out);
        let mut page = self.page_of(self.floor);
        let mut all = true;
        while page.end <= pages.recent {
            if !pages.open.contains(&page) && !self.received.is_frozen(page.start) {
                all &= self.freeze(page);
            }
            page = self.page_of(page.end);
        }
        self.forget_batches();
        self.pages = pages;
        if let Some(proposer) = &mut self.proposer {
            proposer.look_again();
        }
        // What could not be frozen is tried again when something of its own has come back to it.
        self.unfrozen = !all;
        self.heard_own = false;
    }

    /// Whether some page is to leave memory or come back.
    pub(super) fn pages_are_due(&self) -> bool {
        self.differs_from(&self.pages_now())
    }

    fn differs_from(&self, pages: &Pages) -> bool {
        self.unfrozen && self.heard_own || self.pages != *pages
    }

    /// After a record: thaws the pages that learners have come to, which may lead to the next.
    pub(super) fn thaw_open(&mut self, now: Time, out: &mut Vec<Output>) {
        while self.received.frozen().next().is_some() {
            let before = self.received.frozen().count();
            let open = self.pages_now().open;
            self.thaw_all(&open, now, out);
            if self.received.frozen().count() == before {
                break;
            }
        }
    }

    fn thaw_all(&mut self, pages: &BTreeSet<Page>, now: Time, out: &mut Vec<Output>) {
        for page in pages {
            if self.received.is_frozen(page.start) {
                self.thaw(*page, now, out);
            }
        }
    }

    /// Whether a part of a 1b is about slots that are settled, or frozen and not the next to thaw.
    pub(super) fn is_too_early(&self, page: Page) -> bool {
        let frozen = self.received.has_frozen(&page);
        page.end <= self.floor || frozen && !self.pages.is_next(&page)
    }

    fn page_of(&self, slot: Slot) -> Page {
        Page::of(slot, self.config.page)
    }

    fn pages_now(&self) -> Pages {
        let front = self.learners.front();
        let recent = front.0.saturating_sub(self.config.recent.max(1));
        let nexts = self.learners.ids().map(|l| self.learners.next(l));
        let come: BTreeSet<Page> = nexts
            .chain([front])
            .map(|next| self.page_of(next))
            .collect();
        let after: BTreeSet<Page> = come.iter().map(|page| self.page_of(page.end)).collect();
        let recent = self.page_of(Slot(recent)).start;
        let ahead = after.difference(&come).filter(|page| page.end <= recent);
        Pages {
            recent,
            open: come.union(&after).copied().collect(),
            ahead: ahead.copied().collect(),
        }
    }

    /// True if the page is frozen now.
    fn freeze(&mut self, page: Page) -> bool {
        if let Some(proposer) = &self.proposer
            && !proposer.is_announced(page, &self.received)
        {
            return false;
        }
        let mut messages = self.received.about(page);
        let me = self.me();
        let own = messages.iter().filter(|m| Some(m.signer()) == me);
        let own = own.map(|m| &**m);
        if let Some(acceptor) = &mut self.acceptor
            && !acceptor.freeze(page, own)
        {
            return false;
        }
        self.add_justification(page, &mut messages);
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
            proposer.freeze(page, &self.waiting);
        }
        self.dirty.retain(|slot| !page.contains(*slot));
        true
    }

    /// Rule 9: the 1b that justify what was said in a page, and that are in memory no more, are kept with it.
    fn add_justification(&self, page: Page, messages: &mut Vec<Verified<Message>>) {
        let kept: BTreeSet<_> = messages.iter().map(|m| m.id()).collect();
        let before = self.history.page(page).into_iter().flatten();
        let new = before.filter(|m| !kept.contains(&m.id()));
        let new = new.filter_map(|m| m.recall(self.network.keyring()).ok());
        let joined = new.filter(|m| matches!(&**m, Message::OneB(_)));
        messages.splice(0..0, joined.collect::<Vec<_>>());
    }

    /// Takes a page back from the history.
    pub(super) fn thaw(&mut self, page: Page, now: Time, out: &mut Vec<Output>) {
        let Some(messages) = self.history.page(page) else {
            return self.refuse("page_lost");
        };
        self.received.thaw(page);
        let from = out.len();
        for message in messages {
            match message.recall(self.network.keyring()) {
                Ok(message) => {
                    if !planted(Bug::ThawWithoutVotes) {
                        self.restore_own(&message, Some(page));
                    }
                    self.take_in(&message, now, out);
                }
                Err(refusal) => self.refuse(refusal.reason()),
            }
        }
        // They are stored already.
        let mut at = 0..;
        out.retain(|o| {
            at.next().is_some_and(|at| at < from)
                || !matches!(o, Output::Persist(Record::Message(_)))
        });
    }

    /// A record of this node's own says something about frozen pages: they thaw, since it adds to them. What
    /// others said about a page that no learner has come to is not taken in.
    pub(super) fn thaw_for_own(&mut self, message: &Verified<Message>, out: &mut Vec<Output>) {
        if Some(message.signer()) != self.me() {
            return;
        }
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
        let pages = slots.into_iter().filter(|slot| *slot >= self.floor);
        let pages: BTreeSet<Page> = pages
            .filter_map(|slot| self.received.frozen_page(slot))
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
