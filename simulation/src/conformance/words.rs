//! Actions and messages in the words of the module, with names.

use super::{AcceptorId, Action, LearnerId, Msg, Spec, Vote};

impl Spec {
    /// An acceptor's name.
    pub(crate) fn name_of_acceptor(&self, acc: AcceptorId) -> String {
        self.graph.acceptor_name(acc).to_owned()
    }

    /// A learner's name.
    pub(crate) fn name_of_learner(&self, lr: LearnerId) -> String {
        self.graph.learner_name(lr).to_owned()
    }

    /// `[lr, bal, val]`.
    pub(crate) fn name_of_vote(&self, vote: &Vote) -> String {
        let lr = self.graph.learner_name(vote.lr);
        format!("[{lr}, {}, {:?}]", vote.bal, vote.val)
    }

    /// A message.
    #[must_use]
    pub fn name_of_msg(&self, m: &Msg) -> String {
        let acceptor = |acc: &AcceptorId| self.graph.acceptor_name(*acc);
        match m {
            Msg::OneA { lr, bal } => format!("1a [{}, {bal}]", self.graph.learner_name(*lr)),
            Msg::OneB {
                lr,
                acc,
                bal,
                low_water,
                scope,
                slots,
            } => {
                let (lr, acc) = (self.graph.learner_name(*lr), acceptor(acc));
                let slots = slots.len();
                let page = scope.page();
                let page = page.map_or_else(String::new, |page| format!(", page {page}"));
                format!(
                    "1b [{lr}, {bal}] of {acc} (low-water mark {low_water}, {slots} slots{page})"
                )
            }
            Msg::OneC(vote, slot) => format!("1c {} in slot {slot}", self.name_of_vote(vote)),
            Msg::TwoAv(acc, vote, slot) => {
                let vote = self.name_of_vote(vote);
                format!("2av {vote} of {} in slot {slot}", acceptor(acc))
            }
            Msg::TwoB(acc, vote, slot) => {
                let vote = self.name_of_vote(vote);
                format!("2b {vote} of {} in slot {slot}", acceptor(acc))
            }
        }
    }

    /// An action.
    #[must_use]
    pub fn name_of(&self, action: &Action) -> String {
        let lr = |l: &LearnerId| self.graph.learner_name(*l);
        let acc = |a: &AcceptorId| self.graph.acceptor_name(*a);
        match action {
            Action::Send(m) => match m {
                Msg::OneA { lr: l, bal } => format!("Phase1a({}, {bal})", lr(l)),
                Msg::OneB {
                    lr: l, acc: a, bal, ..
                } => format!("Phase1b({}, {bal}, {})", lr(l), acc(a)),
                Msg::OneC(v, slot) => {
                    format!(
                        "Phase1c({}, {}, {:?}) in slot {slot}",
                        lr(&v.lr),
                        v.bal,
                        v.val
                    )
                }
                Msg::TwoAv(a, v, slot) => {
                    let (l, a) = (lr(&v.lr), acc(a));
                    format!("Phase2av({l}, {}, {a}, {:?}) in slot {slot}", v.bal, v.val)
                }
                Msg::TwoB(a, v, slot) => {
                    let (l, a) = (lr(&v.lr), acc(a));
                    format!("Phase2b({l}, {}, {a}, {:?}) in slot {slot}", v.bal, v.val)
                }
            },
            Action::FakeSend(m) => format!("FakeSend of {}", self.name_of_msg(m)),
            Action::Recv(a, m) => format!("Recv({}) of {}", acc(a), self.name_of_msg(m)),
            Action::LearnerRecv(m) => format!("LearnerRecv of {}", self.name_of_msg(m)),
            Action::LearnerDecide {
                lr: l,
                bal,
                slot,
                val,
            } => {
                format!("LearnerDecide({}, {bal}) of {val:?} in slot {slot}", lr(l))
            }
            Action::Disconnect {
                acc: a,
                pairs,
                caught,
                apart,
            } => {
                let pair = |(l1, l2): &(LearnerId, LearnerId)| format!("{}-{}", lr(l1), lr(l2));
                let list = |pairs: &[_]| pairs.iter().map(pair).collect::<Vec<_>>().join(", ");
                format!(
                    "Disconnect({}) of {{{}}} (caught {}, apart {{{}}})",
                    acc(a),
                    list(pairs),
                    self.graph.names(caught),
                    list(apart)
                )
            }
        }
    }
}
