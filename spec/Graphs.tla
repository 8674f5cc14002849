------------------------------- MODULE Graphs -------------------------------
(***************************************************************************)
(* Learner graphs of examples/, as TrustLive and TrustSafe: minimal sets,  *)
(* closed under symmetry and transitivity.                                 *)
(***************************************************************************)
EXTENDS HPaxos, FiniteSets

Size(n) == {q \in SUBSET Acceptor : Cardinality(q) = n}

\* four.toml, of which only alice.
FourLearners == {"alice"}
FourLive == [l \in FourLearners |-> Size(3)]
FourSafe == [kl \in FourLearners \X FourLearners |-> Size(3)]

\* lg1.toml with one learner: three acceptors, any two of them, no Byzantine one.
MajorityLearners == {"la"}
MajorityLive == [l \in MajorityLearners |-> Size(2)]
MajoritySafe == [kl \in MajorityLearners \X MajorityLearners |-> Size(3)]

\* lg4.toml.
RingAcceptors == {"a1", "a2", "a3"}
RingLearners == {"la", "lb", "lc"}
RingLive == [l \in RingLearners |->
    CASE l = "la" -> {{"a1", "a2"}} [] l = "lb" -> {{"a2", "a3"}} [] l = "lc" -> {{"a1", "a3"}}]
RingSafe == [kl \in RingLearners \X RingLearners |->
    CASE {kl[1], kl[2]} = {"la"} -> {{"a1"}, {"a2", "a3"}}
      [] {kl[1], kl[2]} \in {{"lb"}, {"la", "lb"}} -> {{"a2", "a3"}}
      [] {kl[1], kl[2]} \in {{"lc"}, {"la", "lc"}} -> {{"a1"}}
      [] {kl[1], kl[2]} = {"lb", "lc"} -> {{"a1", "a2", "a3"}}]

\* pair.toml.
PairAcceptors == {"a1", "a2", "a3"}
PairLearners == {"l", "k"}
PairLive == [l \in PairLearners |-> IF l = "l" THEN {{"a1", "a2"}} ELSE {{"a2", "a3"}}]
PairSafe == [kl \in PairLearners \X PairLearners |->
    IF kl = <<"l", "l">> THEN {{"a1"}, {"a2"}} ELSE {{"a2"}}]

\* thr0.toml and its uniform twin uni0.toml.
ThrLearners == {"lA", "lB"}
ThrLive == [l \in ThrLearners |-> IF l = "lA" THEN Size(3) ELSE Size(4)]
ThrSafe == [kl \in ThrLearners \X ThrLearners |-> IF kl = <<"lB", "lB">> THEN Size(1) ELSE Size(3)]
UniSafe == [kl \in ThrLearners \X ThrLearners |-> Size(3)]

=============================================================================
