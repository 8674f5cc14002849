------------------------------ MODULE Weakened ------------------------------
(***************************************************************************)
(* One rule less each: models/without-*.cfg put these operators in the     *)
(* place of those of HPaxos, and TLC shows what goes wrong.                *)
(***************************************************************************)
EXTENDS HPaxosMC

Always3(sent, b, v) == TRUE
Always4(a, l, b, v) == TRUE
Quorum2avAlways(l, b, v, R) == TRUE
SafeAlways(l, b, v, R, caught, apart) == TRUE
Nothing(a, b) == {}

-----------------------------------------------------------------------------
(* The published rule, with connected = the pairs that evidence leaves.     *)

PublishedKnowsSafeAt(l, b, v, R, caught, apart) ==
    LET S == {m \in R : m.type = "1b" /\ m.bal = b}
        Votes(m) == {p \in m.votes : Connected(p.lr, l, caught, apart)}
        Below(m, c) == \A p \in Votes(m) : p.bal < c \/ (p.bal = c /\ p.val = v)
        KnowsSafeAt1 == IsQuorum(l, {m.acc : m \in {mm \in S : \A p \in Votes(mm) : b <= p.bal}})
        KnowsSafeAt2(c) ==
            /\ IsQuorum(l, {m.acc : m \in {mm \in S : Below(mm, c)}})
            /\ IsQuorum(l, {m.acc : m \in {mm \in S : Entry(l, c, v) \in mm.proposals}})
    IN KnowsSafeAt1 \/ \E c \in 1 .. (b - 1) : KnowsSafeAt2(c)

\* Its 1b show every 2av.
All2av(a, b) == {p \in 2avSent[a] : p.bal < b}

-----------------------------------------------------------------------------
(* Joining: rules 2, 3 and 8.                                              *)

\* Voting without joining, as in the papers.
NotLeft(a, b) == maxBal[a] <= b
\* Voting in a ballot that was left.
NotAhead(a, b) == maxBal[a] >= b

\* 1b that show the first votes instead of the last ones.
FirstVotes(a, b) ==
    {p \in votesSent[a] : p.bal < b /\ \A o \in votesSent[a] : o.lr = p.lr => o.bal >= p.bal}

\* An acceptor that restarts has forgotten which ballot it had joined.
ForgetfulNext ==
    \/ Next
    \/ \E a \in SafeAcceptor :
          /\ maxBal' = [maxBal EXCEPT ![a] = 0]
          /\ UNCHANGED <<votesSent, 2avSent, msgs>>

-----------------------------------------------------------------------------
(* The learner.                                                            *)

\* A learner that decides with any learner's votes.
DecidedForAnother(l, R) ==
    {v \in Value : \E b \in Ballot : IsQuorum(l, UNION {Senders2b(k, b, v, R) : k \in Learner})}

-----------------------------------------------------------------------------
(* The vouching rule.                                                      *)

\* No (i): any vote is fine.
AlwaysClear(m, k, c, v) == TRUE
\* (i) without the value at c.
ClearWhateverValue(m, k, c, v) == \A p \in m.votes : p.lr = k => p.bal <= c
\* No (ii).
NeverVouched(S, k, l, b, c, v, caught, apart) == TRUE
\* (ii) with one voucher anywhere.
VouchedByAnyone(S, k, l, b, c, v, caught, apart) ==
    \E m \in S : \E p \in m.proposals : p.val = v /\ c <= p.bal
\* (ii) with one safe set instead of all that are possible.
VouchedInOneSet(S, k, l, b, c, v, caught, apart) ==
    \E q \in TrustSafe[<<k, l>>] : \E m \in S : Vouches(m, k, l, b, c, v, q)
\* (ii) with a 2av of any ballot, c <= r left out.
VouchesAtAnyBallot(m, k, l, b, c, v, q) ==
    m.acc \in q /\ \E p \in m.proposals : p.val = v /\ p.bal < b /\ IsTrustSafe(k, p.lr, q)
\* l asks about its own votes only.
AskedSelf(k, l, caught, apart) == k = l
\* One disagreement separates everybody.
AskedUntilFork(k, l, caught, apart) == apart = {}
=============================================================================
