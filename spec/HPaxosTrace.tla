----------------------------- MODULE HPaxosTrace -----------------------------
(***************************************************************************)
(* Whether a trace is a behaviour of HPaxos in one slot.                   *)
(*                                                                         *)
(* Trace.tla is made from NDJSON by trace2tla.py: the learner graph, and   *)
(* Steps, one action each.  Step n + 1 is taken if its action is enabled,  *)
(* and the only behaviour ends where one is not.  The trace is accepted    *)
(* if NotAccepted is violated.  Here `received` and the evidence that an   *)
(* acceptor has are variables, since traces tell them.                     *)
(***************************************************************************)
EXTENDS HPaxos, Sequences, Trace

VARIABLES
    taken,     \* how many steps were taken
    received,  \* received[a]: messages, for safe acceptors
    learned,   \* learned[n]: the 2b that node n, which follows all learners, has received
    caught,    \* caught[a]: acceptors of which a has evidence that they are not safe
    apart      \* apart[a]: pairs of learners with different decisions that a knows of

known == <<received, learned, caught, apart>>
acceptors == <<maxBal, votesSent, 2avSent>>

TraceInit ==
    /\ Init
    /\ taken = 0
    /\ received = [a \in SafeAcceptor |-> {}]
    /\ learned = [n \in TraceNodes |-> {}]
    /\ caught = [a \in SafeAcceptor |-> {}]
    /\ apart = [a \in SafeAcceptor |-> {}]

\* Anybody may propose; a Byzantine acceptor may say anything in its own name.
Said(m) ==
    /\ (m.type \in {"1a", "1c"} \/ m.acc \in FakeAcceptor) = TRUE
    /\ Send(m)
    /\ UNCHANGED <<acceptors, known>>

Join(m) ==
    /\ Phase1b(m.bal, m.acc, received[m.acc])
    /\ m \in msgs'
    /\ UNCHANGED known

Propose(m) ==
    /\ Phase2av(m.lr, m.bal, m.acc, m.val, received[m.acc], caught[m.acc], apart[m.acc])
    /\ UNCHANGED known

Vote(m) == Phase2b(m.lr, m.bal, m.acc, m.val, received[m.acc]) /\ UNCHANGED known

Recv(a, m) ==
    /\ m \in msgs
    /\ received' = [received EXCEPT ![a] = @ \cup {m}]
    /\ UNCHANGED <<acceptors, msgs, learned, caught, apart>>

LearnerRecv(n, m) ==
    /\ m \in msgs
    /\ m.type = "2b"
    /\ learned' = [learned EXCEPT ![n] = @ \cup {m}]
    /\ UNCHANGED <<acceptors, msgs, received, caught, apart>>

LearnerDecide(n, l, b, v) ==
    /\ ChosenIn(l, b, v, learned[n]) = TRUE
    /\ UNCHANGED <<acceptors, msgs, known>>

\* The evidence may be about another slot; what it proves must be true, and the pairs follow from it.
Disconnect(a, pairs, newlyCaught, newlyApart) ==
    /\ newlyCaught \subseteq FakeAcceptor
    /\ \A kl \in newlyApart : ~ Ent(kl[1], kl[2])
    /\ caught' = [caught EXCEPT ![a] = @ \cup newlyCaught]
    /\ apart' = [apart EXCEPT ![a] = @ \cup newlyApart]
    /\ \A kl \in pairs : ~ Connected(kl[1], kl[2], caught'[a], apart'[a])
    /\ UNCHANGED <<acceptors, msgs, received, learned>>

Step(s) ==
    CASE s.action = "Said"          -> Said(s.m)
      [] s.action = "Phase1b"       -> Join(s.m)
      [] s.action = "Phase2av"      -> Propose(s.m)
      [] s.action = "Phase2b"       -> Vote(s.m)
      [] s.action = "Recv"          -> Recv(s.acc, s.m)
      [] s.action = "LearnerRecv"   -> LearnerRecv(s.node, s.m)
      [] s.action = "LearnerDecide" -> LearnerDecide(s.node, s.lr, s.bal, s.val)
      [] s.action = "Disconnect"    -> Disconnect(s.acc, s.pairs, s.caught, s.apart)

TraceNext ==
    /\ taken < Len(Steps)
    /\ Step(Steps[taken + 1])
    /\ taken' = taken + 1

\* Violated when all steps were taken: then the trace is accepted.
NotAccepted == taken < Len(Steps)

=============================================================================
