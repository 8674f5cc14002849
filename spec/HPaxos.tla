------------------------------- MODULE HPaxos -------------------------------
(***************************************************************************)
(* Heterogeneous Paxos as it is built here, for one slot of the log.       *)
(*                                                                         *)
(*     1a --> 1b --> 1c --> 2av --> 2b --> decision                        *)
(*                                                                         *)
(* This module says what a message is, when an acceptor may send it, and   *)
(* what must hold.  What an acceptor has received and what evidence it has *)
(* are parameters of the actions: R, a set of messages, and `caught` and   *)
(* `apart`.  HPaxosMC explores all behaviours; HPaxosTrace checks one.     *)
(* README.md lists where this departs from the published module and why.   *)
(***************************************************************************)
EXTENDS Integers

CONSTANTS Acceptor, FakeAcceptor, Learner, Value, Ballot,
          TrustLive,  \* TrustLive[l]: the minimal quorums of learner l
          TrustSafe,  \* TrustSafe[<<k, l>>]: the minimal safe sets of the pair
          Beforehand  \* messages that count as sent from the start

SafeAcceptor == Acceptor \ FakeAcceptor

IsQuorum(l, Q) == \E q \in TrustLive[l] : q \subseteq Q
IsTrustSafe(k, l, Q) == \E q \in TrustSafe[<<k, l>>] : q \subseteq Q
Ent(k, l) == IsTrustSafe(k, l, SafeAcceptor)

\* LearnerGraphAssumption, for minimal sets: symmetry, transitivity, validity.
LearnerGraphAssumption ==
    \A k, l \in Learner :
        /\ TrustSafe[<<k, l>>] = TrustSafe[<<l, k>>]
        /\ \A m \in Learner : \A p \in TrustSafe[<<k, l>>], q \in TrustSafe[<<l, m>>] :
              IsTrustSafe(k, m, p \cup q)
        /\ \A q \in TrustSafe[<<k, l>>], Q1 \in TrustLive[k], Q2 \in TrustLive[l] :
              q \cap Q1 \cap Q2 /= {}

VARIABLES
    maxBal,     \* maxBal[a]: the ballot that a has joined, for all learners at once
    votesSent,  \* votesSent[a]: its 2b, as [lr, bal, val]
    2avSent,    \* 2avSent[a]: its 2av, as [lr, bal, val]
    msgs        \* every message sent since the start

Sent == msgs \cup Beforehand

Entry(l, b, v) == [lr |-> l, bal |-> b, val |-> v]

-----------------------------------------------------------------------------
(* Messages.  One 1a and one 1b stand for all learners.                    *)

Msg1a(b) == [type |-> "1a", bal |-> b]
Msg1b(a, b, votes, proposals) ==
    [type |-> "1b", acc |-> a, bal |-> b, votes |-> votes, proposals |-> proposals]
Msg1c(l, b, v) == [type |-> "1c", lr |-> l, bal |-> b, val |-> v]
Msg2av(l, a, b, v) == [type |-> "2av", lr |-> l, acc |-> a, bal |-> b, val |-> v]
Msg2b(l, a, b, v) == [type |-> "2b", lr |-> l, acc |-> a, bal |-> b, val |-> v]

Senders2av(l, b, v, R) == {a \in Acceptor : Msg2av(l, a, b, v) \in R}
Senders2b(l, b, v, R) == {a \in Acceptor : Msg2b(l, a, b, v) \in R}

ChosenIn(l, b, v, R) == IsQuorum(l, Senders2b(l, b, v, R))
Decided(l, R) == {v \in Value : \E b \in Ballot : ChosenIn(l, b, v, R)}

-----------------------------------------------------------------------------
(* Evidence.  (A) Two messages of one acceptor that a safe one never sends. *)
(* (C) `apart`: two learners with different decisions.                      *)

Hides(sent, shown, sameValue) ==
    ~ \E p \in shown :
        /\ p.lr = sent.lr
        /\ p.bal >= sent.bal
        /\ (sameValue \/ p.bal = sent.bal) => p.val = sent.val

Contradicts(m, n) ==
    /\ m.acc = n.acc
    /\ \/ m.type = n.type /\ m.type /= "1b" /\ m.bal = n.bal /\ m.val /= n.val
       \/ m.type = n.type /\ m.type = "1b" /\ m.bal = n.bal /\ m /= n
       \/ m.type = "2b" /\ n.type = "1b" /\ n.bal > m.bal /\ Hides(m, n.votes, FALSE)
       \/ m.type = "2av" /\ n.type = "1b" /\ n.bal > m.bal /\ Hides(m, n.proposals, TRUE)

Caught(R) ==
    LET said == {m \in R : m.type \in {"1b", "2av", "2b"}}
    IN {m.acc : m \in {mm \in said : \E n \in said : Contradicts(mm, n)}}

Apart(R) ==
    LET D == [l \in Learner |-> Decided(l, R)]
    IN {kl \in Learner \X Learner : \E v \in D[kl[1]], w \in D[kl[2]] : v /= w}

\* The set q may still be part of the safe set.
Possible(q, caught, apart) ==
    /\ q \cap caught = {}
    /\ \A kl \in apart : ~ IsTrustSafe(kl[1], kl[2], q)

Connected(k, l, caught, apart) == \E q \in TrustSafe[<<k, l>>] : Possible(q, caught, apart)

-----------------------------------------------------------------------------
(* The vouching rule.  v is safe for l at b if for every learner k that is *)
(* connected with l there are a quorum of l and a ballot c < b (0: none)   *)
(* such that (i) the quorum's votes for k are below c, or at c and for v,  *)
(* and (ii) every safe set of k and l that is still possible contains an   *)
(* acceptor that shows a 2av for v at c or above, for a learner that the   *)
(* same set joins with k.                                                  *)
(*                                                                         *)
(* More messages never turn it from true to false, nor does more evidence. *)

\* (i) for one 1b.
Clear(m, k, c, v) ==
    \A p \in m.votes : p.lr = k => p.bal < c \/ (p.bal = c /\ p.val = v)

\* (ii) for one 1b.
Vouches(m, k, l, b, c, v, q) ==
    /\ m.acc \in q
    /\ \E p \in m.proposals : p.val = v /\ c <= p.bal /\ p.bal < b /\ IsTrustSafe(k, p.lr, q)

Vouched(S, k, l, b, c, v, caught, apart) ==
    \A q \in TrustSafe[<<k, l>>] :
        Possible(q, caught, apart) => \E m \in S : Vouches(m, k, l, b, c, v, q)

\* Which learners l has to ask about.
Asked(k, l, caught, apart) == Connected(k, l, caught, apart)

KnowsSafeAt(l, b, v, R, caught, apart) ==
    LET S == {m \in R : m.type = "1b" /\ m.bal = b}
    IN  /\ IsQuorum(l, {m.acc : m \in S})
        /\ \A k \in Learner : Asked(k, l, caught, apart) =>
              \E c \in 0 .. (b - 1) :
                 /\ IsQuorum(l, {m.acc : m \in {mm \in S : Clear(mm, k, c, v)}})
                 /\ c = 0 \/ Vouched(S, k, l, b, c, v, caught, apart)

-----------------------------------------------------------------------------
(* What an acceptor may do.  ("= TRUE" keeps TLC from taking each witness  *)
(* of a guard for a step of its own.)                                      *)

Send(m) == msgs' = msgs \cup {m}

\* An acceptor keeps, per learner, its last vote and, per learner and value, its last 2av.
LastVotes(sent) == {p \in sent : \A o \in sent : o.lr = p.lr => o.bal <= p.bal}
LastProposals(sent) == {p \in sent : \A o \in sent : o.lr = p.lr /\ o.val = p.val => o.bal <= p.bal}

ShownVotes(a, b) == {p \in LastVotes(votesSent[a]) : p.bal < b}
ShownProposals(a, b) == {p \in LastProposals(2avSent[a]) : p.bal < b}

MayJoin(a, b) == maxBal[a] < b
HasJoined(a, b) == maxBal[a] = b

\* One value per ballot, whatever the learner.
OneValue(sent, b, v) == \A p \in sent : p.bal = b => p.val = v
One2av(a, l, b, v) == OneValue(2avSent[a], b, v)
One2b(a, l, b, v) == OneValue(votesSent[a], b, v)

Has2avQuorum(l, b, v, R) == IsQuorum(l, Senders2av(l, b, v, R))

Phase1b(b, a, R) ==
    /\ Msg1a(b) \in R
    /\ MayJoin(a, b)
    /\ maxBal' = [maxBal EXCEPT ![a] = b]
    /\ Send(Msg1b(a, b, ShownVotes(a, b), ShownProposals(a, b)))
    /\ UNCHANGED <<votesSent, 2avSent>>

Phase2av(l, b, a, v, R, caught, apart) ==
    /\ HasJoined(a, b)
    /\ Msg1c(l, b, v) \in R
    /\ One2av(a, l, b, v)
    /\ KnowsSafeAt(l, b, v, R, caught, apart) = TRUE
    /\ 2avSent' = [2avSent EXCEPT ![a] = @ \cup {Entry(l, b, v)}]
    /\ Send(Msg2av(l, a, b, v))
    /\ UNCHANGED <<maxBal, votesSent>>

Phase2b(l, b, a, v, R) ==
    /\ HasJoined(a, b)
    /\ One2b(a, l, b, v)
    /\ Has2avQuorum(l, b, v, R) = TRUE
    /\ votesSent' = [votesSent EXCEPT ![a] = @ \cup {Entry(l, b, v)}]
    /\ Send(Msg2b(l, a, b, v))
    /\ UNCHANGED <<maxBal, 2avSent>>

Init ==
    /\ msgs = {}
    /\ maxBal = [a \in SafeAcceptor |-> 0]
    /\ votesSent = [a \in SafeAcceptor |-> {}]
    /\ 2avSent = [a \in SafeAcceptor |-> {}]

-----------------------------------------------------------------------------
(* What must hold.                                                         *)

\* Entangled learners decide the same, whatever Byzantine acceptors add.
Safety == \A kl \in Apart(Sent) : ~ Ent(kl[1], kl[2])

\* Evidence convicts nobody who follows the protocol, and separates no entangled learners.
Innocent ==
    Caught({m \in msgs : m.type \in {"1b", "2av", "2b"} /\ m.acc \in SafeAcceptor}) = {}
ConnectedSpec ==
    LET apart == Apart(Sent)
    IN \A k, l \in Learner : Ent(k, l) => Connected(k, l, FakeAcceptor, apart)

\* VotesSentSpec4 and 2avSentSpec3, which rule 4 makes hold for all learners, entangled or not.
VotesSentSpec4 ==
    \A a \in SafeAcceptor : \A p, o \in votesSent[a] : p.bal = o.bal => p.val = o.val
2avSentSpec3 ==
    \A a \in SafeAcceptor : \A p, o \in 2avSent[a] : p.bal = o.bal => p.val = o.val

\* VotesSentSpec1, 2 and 2avSentSpec1, 2: the variables are what was said.
SentSpec ==
    \A a \in SafeAcceptor : LET own == {m \in msgs : m.type \in {"2av", "2b"} /\ m.acc = a} IN
        /\ {Entry(m.lr, m.bal, m.val) : m \in {mm \in own : mm.type = "2b"}} = votesSent[a]
        /\ {Entry(m.lr, m.bal, m.val) : m \in {mm \in own : mm.type = "2av"}} = 2avSent[a]

\* MsgInv: a 1b shows what the paper's would, however late one looks; a 2b has its 2av quorum.
MsgInv ==
    \A m \in msgs : m.type \in {"1b", "2b"} /\ m.acc \in SafeAcceptor =>
        IF m.type = "2b"
        THEN IsQuorum(m.lr, Senders2av(m.lr, m.bal, m.val, Sent))
        ELSE LET below == {p \in votesSent[m.acc] : p.bal < m.bal}
                 shown == {p \in 2avSent[m.acc] : p.bal < m.bal}
             IN  /\ m.bal <= maxBal[m.acc]
                 /\ m.votes = LastVotes(below)
                 /\ m.proposals = LastProposals(shown)

\* A safe acceptor in Q has left ballot b without voting for v: Q will never decide v there.
CannotDecide(Q, l, b, v) ==
    \E a \in Q \cap SafeAcceptor : maxBal[a] > b /\ Entry(l, b, v) \notin votesSent[a]

\* HeterogeneousSpec: a 2av closes every lower ballot for all other values.
HeterogeneousSpec ==
    \A a \in SafeAcceptor : \A p \in 2avSent[a] : \A k \in Learner : Ent(k, p.lr) =>
        \A b \in Ballot : \A v \in Value : b < p.bal /\ v /= p.val =>
            \A Q \in TrustLive[k] : CannotDecide(Q, k, b, v)

=============================================================================
