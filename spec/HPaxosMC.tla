------------------------------ MODULE HPaxosMC ------------------------------
(***************************************************************************)
(* All behaviours of HPaxos in one slot, small enough for TLC.             *)
(*                                                                         *)
(* Three things need no variable, because every guard is monotone: more    *)
(* messages and more evidence enable more, and nothing has to be done.     *)
(*                                                                         *)
(* - What an acceptor has received.  A subset R of msgs enables an action  *)
(*   only if msgs does, and receiving everything is a behaviour too.       *)
(* - Proposers and Byzantine acceptors (FakeSend).  They may have said     *)
(*   everything before the others begin: Beforehand has all 1a and 1c, all *)
(*   their 2av and 2b and, of their 1b, for each ballot the one with no    *)
(*   votes and every 2av, which enables whatever any other of them does.   *)
(* - Evidence.  Then all of them are caught, and learners are apart as     *)
(*   soon as msgs shows it.                                                *)
(*                                                                         *)
(* So the reachable values of maxBal, votesSent and 2avSent are those of   *)
(* the module with `received`, `connected` and FakeSend, no more, no less. *)
(* A crashed acceptor is one that does nothing any more.                   *)
(***************************************************************************)
EXTENDS Graphs, TLC

CONSTANT NBallots

MCBallot == 1 .. NBallots
\* Nothing tells values, or acceptors of a graph of thresholds, from each other.
PermsOfValues == Permutations(Value)
PermsOfAcceptors == Permutations(SafeAcceptor)
PermsOfAll == PermsOfValues \cup PermsOfAcceptors

AllEntries(b) == {Entry(l, c, v) : l \in Learner, c \in {x \in Ballot : x < b}, v \in Value}

Announcements ==
    {Msg1a(b) : b \in Ballot} \cup {Msg1c(l, b, v) : l \in Learner, b \in Ballot, v \in Value}

FakeMessages ==
    UNION {
        {Msg1b(a, b, {}, AllEntries(b)) : b \in Ballot}
        \cup {Msg2av(l, a, b, v) : l \in Learner, b \in Ballot, v \in Value}
        \cup {Msg2b(l, a, b, v) : l \in Learner, b \in Ballot, v \in Value}
    : a \in FakeAcceptor}

ASSUME LearnerGraphAssumption

MCBeforehand == Announcements \cup FakeMessages

\* Fewer announcements, for finding a violation sooner, and for what is too large otherwise: one
\* value per ballot, in turns.
InTurns == {Msg1a(b) : b \in Ballot} \cup FakeMessages \cup
    {Msg1c(l, b, IF b % 2 = 1 THEN "v" ELSE "w") : l \in Learner, b \in Ballot}

\* Just these.
Announced(some) == {Msg1a(b) : b \in Ballot} \cup FakeMessages \cup some
PairTurns == Announced({Msg1c("l", 1, "v"), Msg1c("k", 2, "w")})
RingForks == Announced({Msg1c("la", 1, "v"), Msg1c("lc", 2, "w")})
RingAndFork == Announced(
    {Msg1c("la", 1, "v"), Msg1c("lb", 1, "v"), Msg1c("lc", 1, "w"), Msg1c("la", 2, "w"), Msg1c("lb", 2, "w")})
\* In the last ballot nothing has to be announced to see whether it is stuck.
FirstBallot == Announced({Msg1c(l, 1, v) : l \in Learner, v \in Value})
FirstAndThird == Announced(UNION {{Msg1c(l, 1, "v"), Msg1c(l, 3, "w")} : l \in Learner})
BothAndThird == Announced(UNION {{Msg1c(l, 1, "v"), Msg1c(l, 1, "w"), Msg1c(l, 3, "w")} : l \in Learner})

Next ==
    \E a \in SafeAcceptor : \E b \in Ballot :
        \/ Phase1b(b, a, Sent)
        \/ \E l \in Learner : \E v \in Value :
              \/ /\ Entry(l, b, v) \notin 2avSent[a]
                 /\ Phase2av(l, b, a, v, Sent, FakeAcceptor, Apart(Sent))
              \/ /\ Entry(l, b, v) \notin votesSent[a]
                 /\ Phase2b(l, b, a, v, Sent)

\* FakeMessages convict all of them, if there are two values.
ASSUME FakeAcceptor = {} \/ Caught(FakeMessages) = FakeAcceptor

(***************************************************************************)
(* Liveness, as far as a state can show it.  Let a live quorum Q of l,     *)
(* safe acceptors all of it, have joined the last ballot, and let it hear  *)
(* from nobody else and have no evidence.  Some value must be safe for l:  *)
(* by monotonicity it then is safe whatever else is heard.  A state in     *)
(* which this fails is stuck: Q can join higher ballots, with the same     *)
(* votes, and l never gets any further.                                    *)
(***************************************************************************)
StuckFor(l) ==
    \E Q \in TrustLive[l] :
        /\ Q \subseteq SafeAcceptor
        /\ \A a \in Q : maxBal[a] = NBallots
        /\ LET heard == {m \in msgs : m.type = "1b" /\ m.acc \in Q}
           IN ~ \E v \in Value : KnowsSafeAt(l, NBallots, v, heard, {}, {})

NotStuck == \A l \in Learner : ~ StuckFor(l)

(* Checks that something does happen: expected to be violated.             *)
NeverDecided == \A l \in Learner, b \in Ballot, v \in Value : ~ ChosenIn(l, b, v, Sent)
NeverFork == Apart(Sent) = {}

=============================================================================
