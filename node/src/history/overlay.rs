//! What was kept and is not in the file yet: it is seen all the same.

use super::rows::{Delivered, New};
use consensus::history::{Keep, Kept};
use consensus::{Batch, Decision, Page, Slot, Values};
use crypto::Digest;
use learner_graph::{LearnerId, LearnerSet};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// What everything takes beside its contents, about.
const OVERHEAD: usize = 256;

/// Something to write.
#[derive(Clone, Debug)]
pub(super) enum Op<W> {
    Decision(Arc<Decided<W>>),
    Page(Arc<Paged<W>>),
    Settled(Slot),
}

/// A decision that is kept.
#[derive(Debug)]
pub(super) struct Decided<W> {
    pub(super) lanes: LearnerSet,
    pub(super) slot: Slot,
    pub(super) kept: Kept<W>,
    pub(super) batch: Arc<Batch>,
    /// Those of its values that are new to the learners.
    pub(super) values: Values,
    pub(super) new: New,
}

/// A page that is kept.
#[derive(Debug)]
pub(super) struct Paged<W> {
    pub(super) page: Page,
    pub(super) messages: Vec<W>,
    pub(super) batches: Vec<(Digest, Arc<Batch>)>,
}

#[derive(Debug)]
struct Queued<W> {
    op: Op<W>,
    /// The bytes that it takes, without its batches.
    bytes: usize,
    /// The same with those batches that came with it.
    weight: usize,
}

#[derive(Debug)]
struct Held {
    batch: Arc<Batch>,
    users: usize,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Overlay<W> {
    /// What is to be written, in the order in which it was kept, with its size in memory.
    queue: VecDeque<Queued<W>>,
    /// The number of the first of these; operations are numbered from 0.
    first: u64,
    /// What has lower numbers may be written.
    released: u64,
    /// About how many bytes all of this takes.
    bytes: usize,
    /// Per lane, the first slot that is not here.
    next: Vec<Slot>,
    /// The same when everything was released the last time.
    released_next: Vec<Slot>,
    /// Per lane, the last decisions.
    decisions: Vec<VecDeque<Arc<Decided<W>>>>,
    batches: HashMap<Digest, Held>,
    values: HashMap<Digest, Delivered>,
    /// The page as it was kept last, and with which number.
    pages: BTreeMap<Page, (u64, Arc<Paged<W>>)>,
    settled: VecDeque<(u64, Slot)>,
}

/// What the overlay knows of a page.
pub(super) enum PageState<W> {
    Kept(Arc<Paged<W>>),
    Settled,
    Unknown,
}

impl<W: Clone> Overlay<W> {
    pub(super) fn new(next: Vec<Slot>) -> Self {
        Overlay {
            queue: VecDeque::new(),
            first: 0,
            released: 0,
            bytes: 0,
            decisions: next.iter().map(|_| VecDeque::new()).collect(),
            released_next: next.clone(),
            next,
            batches: HashMap::new(),
            values: HashMap::new(),
            pages: BTreeMap::new(),
            settled: VecDeque::new(),
        }
    }

    /// Takes in something to keep. `size` tells the bytes of a message.
    pub(super) fn keep(&mut self, keep: Keep<W>, size: fn(&W) -> usize) -> Result<(), String> {
        match keep {
            Keep::Decision {
                decision,
                batch,
                proof,
            } => self.keep_decision(decision, batch, proof, size),
            Keep::Page {
                page,
                messages,
                batches,
            } => {
                self.keep_page(page, messages, batches, size);
                Ok(())
            }
            Keep::Settled(slot) => {
                self.settled.push_back((self.end(), slot));
                self.pages.retain(|page, _| page.end > slot);
                self.push(Op::Settled(slot), OVERHEAD, 0);
                Ok(())
            }
        }
    }

    fn keep_decision(
        &mut self,
        decision: Decision,
        batch: Arc<Batch>,
        proof: Vec<W>,
        size: fn(&W) -> usize,
    ) -> Result<(), String> {
        let slot = decision.slot;
        let known = LearnerSet::first(self.next.len());
        if let Some(lane) = (decision.learners - known).iter().next() {
            return Err(format!("a decision of lane {} of {}", lane.0, known.len()));
        }
        let follows = |lane: &LearnerId| self.next(*lane) == Some(slot);
        let lanes: LearnerSet = decision.learners.iter().filter(follows).collect();
        if lanes.is_empty() {
            return Ok(());
        }
        let new = places(&batch, &decision.values).ok_or_else(|| {
            format!("the values delivered in slot {slot} to lanes {lanes:?} are not of its batch")
        })?;
        let mut bytes = OVERHEAD + proof.iter().map(size).sum::<usize>();
        let batch_bytes = self.hold(decision.value, &batch);
        bytes += decision.values.len() * OVERHEAD;
        let decided = Arc::new(Decided {
            lanes,
            slot,
            kept: Kept {
                ballot: decision.ballot,
                value: decision.value,
                quorum: decision.quorum,
                proof,
            },
            batch,
            values: decision.values,
            new,
        });
        for id in decided.values.ids().iter() {
            self.values.entry(*id).or_default().add(slot, lanes);
        }
        for lane in lanes {
            let at = usize::from(lane.0);
            self.next[at] = slot.next();
            self.decisions[at].push_back(Arc::clone(&decided));
        }
        self.push(Op::Decision(decided), bytes, batch_bytes);
        Ok(())
    }

    fn keep_page(
        &mut self,
        page: Page,
        messages: Vec<W>,
        batches: Vec<Arc<Batch>>,
        size: fn(&W) -> usize,
    ) {
        let bytes = OVERHEAD + messages.iter().map(size).sum::<usize>();
        let mut named = Vec::with_capacity(batches.len());
        let mut batch_bytes = 0;
        for batch in batches {
            let digest = batch.digest();
            batch_bytes += self.hold(digest, &batch);
            named.push((digest, batch));
        }
        let paged = Arc::new(Paged {
            page,
            messages,
            batches: named,
        });
        self.pages.insert(page, (self.end(), Arc::clone(&paged)));
        self.push(Op::Page(paged), bytes, batch_bytes);
    }

    fn push(&mut self, op: Op<W>, bytes: usize, batches: usize) {
        self.bytes += bytes;
        self.queue.push_back(Queued {
            op,
            bytes,
            weight: bytes + batches,
        });
    }

    /// Counts one more user of a batch. Returns the bytes that it takes, if they are new.
    fn hold(&mut self, digest: Digest, batch: &Arc<Batch>) -> usize {
        let mut bytes = 0;
        let held = self.batches.entry(digest).or_insert_with(|| {
            bytes = batch_bytes(batch);
            Held {
                batch: Arc::clone(batch),
                users: 0,
            }
        });
        held.users += 1;
        self.bytes += bytes;
        bytes
    }

    /// Counts one user less.
    fn drop_batch(&mut self, digest: &Digest) {
        if let Some(held) = self.batches.get_mut(digest) {
            held.users -= 1;
            if held.users == 0 {
                self.bytes -= batch_bytes(&held.batch);
                self.batches.remove(digest);
            }
        }
    }

    /// The number of the next operation.
    pub(super) fn end(&self) -> u64 {
        self.first + self.queue.len() as u64
    }

    /// The number of the first operation that is not written.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Lets everything kept so far be written.
    pub(super) fn release(&mut self) {
        self.released = self.end();
        self.released_next.clone_from(&self.next);
    }

    /// The first slot of a lane that is not to be shown to anybody else: what led to it may not be durable.
    pub(super) fn released_next(&self, lane: LearnerId) -> Slot {
        let next = self.released_next.get(usize::from(lane.0));
        next.copied().unwrap_or_default()
    }

    /// How many operations may be written and are not.
    pub(super) fn writable(&self) -> usize {
        usize::try_from(self.released - self.first).unwrap_or(usize::MAX)
    }

    /// About how many bytes everything that is not written takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The next operations to write, about `max_bytes` of them but at least one if there is one.
    pub(super) fn group(&self, max_bytes: usize) -> Vec<Op<W>> {
        let mut bytes = 0;
        let ops = self.queue.iter().take(self.writable());
        let ops = ops.take_while(|queued| {
            let fits = bytes < max_bytes;
            bytes += queued.weight;
            fits
        });
        ops.map(|queued| queued.op.clone()).collect()
    }

    /// Forgets the first operations: they are in the file.
    pub(super) fn written(&mut self, count: usize) {
        for _ in 0..count {
            let Some(Queued { op, bytes, .. }) = self.queue.pop_front() else {
                return;
            };
            self.bytes -= bytes;
            let number = self.first;
            self.first += 1;
            match op {
                Op::Decision(decided) => {
                    for lane in decided.lanes {
                        if let Some(lane) = self.decisions.get_mut(usize::from(lane.0)) {
                            lane.pop_front();
                        }
                    }
                    for id in decided.values.ids().iter() {
                        if let Some(delivered) = self.values.get_mut(id) {
                            delivered.remove(decided.lanes);
                            if delivered.0.is_empty() {
                                self.values.remove(id);
                            }
                        }
                    }
                    self.drop_batch(&decided.kept.value);
                }
                Op::Page(paged) => {
                    if self
                        .pages
                        .get(&paged.page)
                        .is_some_and(|(n, _)| *n == number)
                    {
                        self.pages.remove(&paged.page);
                    }
                    for (digest, _) in &paged.batches {
                        self.drop_batch(digest);
                    }
                }
                Op::Settled(_) => {
                    self.settled.pop_front();
                }
            }
        }
    }

    pub(super) fn next(&self, lane: LearnerId) -> Option<Slot> {
        self.next.get(usize::from(lane.0)).copied()
    }

    /// The decisions of a lane that are here, in the order of slots; none below is.
    pub(super) fn lane(&self, lane: LearnerId) -> Option<&VecDeque<Arc<Decided<W>>>> {
        self.decisions.get(usize::from(lane.0))
    }

    pub(super) fn decision(&self, lane: LearnerId, slot: Slot) -> Option<&Arc<Decided<W>>> {
        let lane = self.lane(lane)?;
        let first = lane.front()?.slot;
        let at = slot.0.checked_sub(first.0)?;
        lane.get(usize::try_from(at).ok()?)
    }

    pub(super) fn batch(&self, digest: &Digest) -> Option<Arc<Batch>> {
        self.batches.get(digest).map(|b| Arc::clone(&b.batch))
    }

    pub(super) fn delivered(&self, value: &Digest) -> Option<&Delivered> {
        self.values.get(value)
    }

    pub(super) fn page(&self, page: Page) -> PageState<W> {
        if let Some((_, paged)) = self.pages.get(&page) {
            return PageState::Kept(Arc::clone(paged));
        }
        let settled = self.settled.iter().any(|(_, slot)| page.end <= *slot);
        if settled {
            PageState::Settled
        } else {
            PageState::Unknown
        }
    }
}

fn batch_bytes(batch: &Batch) -> usize {
    OVERHEAD + 64 * batch.values.len() + batch.values_len()
}

/// Where the values are in the batch, in whose order they are; `None` if they are not.
fn places(batch: &Batch, values: &Values) -> Option<New> {
    if values.are_all_of(batch) {
        return Some(New::All);
    }
    let mut places = Vec::with_capacity(values.len());
    let mut all = (0u16..).zip(&*batch.values);
    for value in &**values {
        let (at, _) = all.find(|(_, v)| *v == value)?;
        places.push(at);
    }
    Some(New::At(places))
}
