#!/usr/bin/env python3
"""Makes Trace.tla for HPaxosTrace.tla from NDJSON traces (docs/trace.md), for one slot.

    trace2tla.py --slot N --out DIR FILE...

Files of several nodes are merged: nobody receives a message before it is sent. DIR/origins gets, for
every step, the line that it comes from. Exit code 1: no behaviour could look like this; 3: unreadable.
"""

import argparse
import itertools
import json
import os
import sys
import tomllib

MAX_ACCEPTORS = 14


class Rejected(Exception):
    """The trace is not one of the protocol, whatever TLC says."""


class Unreadable(Exception):
    """The files are not traces that can be checked."""


# ---- the learner graph -------------------------------------------------------------------------


class Graph:
    """TrustLive and TrustSafe as minimal sets, closed under symmetry and transitivity."""

    def __init__(self, text):
        table = tomllib.loads(text)
        self.acceptors = table["acceptors"]
        if len(self.acceptors) > MAX_ACCEPTORS:
            raise Unreadable(f"more than {MAX_ACCEPTORS} acceptors")
        self.define = table.get("define", {})
        self.learners = list(table["learners"])
        self.rules = [(rule["between"], rule["when"]) for rule in table.get("safe", [])]
        subsets = [
            frozenset(some)
            for size in range(len(self.acceptors) + 1)
            for some in itertools.combinations(self.acceptors, size)
        ]
        self.live = {l: minimal(q for q in subsets if self.holds(e, q)) for l, e in table["learners"].items()}
        joined = [(q, self.joined(q)) for q in subsets]
        self.safe = {
            (k, l): minimal(q for q, pairs in joined if (k, l) in pairs)
            for k in self.learners
            for l in self.learners
        }

    def holds(self, expression, acceptors):
        """Whether these acceptors satisfy an expression."""
        if isinstance(expression, str):
            if expression in self.define:
                return self.holds(self.define[expression], acceptors)
            if expression not in self.acceptors:
                raise Unreadable(f"graph: unknown name {expression}")
            return expression in acceptors
        if "sets" in expression:
            return any(all(self.holds(m, acceptors) for m in members) for members in expression["sets"])
        return sum(self.weight(m, acceptors) for m in expression["of"]) >= expression["threshold"]

    def weight(self, member, acceptors):
        """What a member of a threshold counts."""
        if isinstance(member, dict) and "weight" in member:
            return member["weight"] if self.holds(member["of"], acceptors) else 0
        return 1 if self.holds(member, acceptors) else 0

    def joined(self, acceptors):
        """The pairs of learners that agree if just these acceptors are safe."""
        groups = []
        for between, when in self.rules:
            if self.holds(when, acceptors):
                meets = [g for g in groups if g & set(between)]
                groups = [g for g in groups if g not in meets] + [set(between).union(*meets)]
        return {(k, l) for g in groups for k in g for l in g}


def minimal(sets):
    """The minimal ones of sets that come in ascending order of size."""
    kept = []
    for q in sets:
        if not any(p <= q for p in kept):
            kept.append(q)
    return kept


# ---- lines to steps ----------------------------------------------------------------------------


def sent(line):
    """The message that a Phase line sends, in the form of the field `m`."""
    return {"type": line["action"].removeprefix("Phase"), **line}


def in_scope(scope, slot):
    """Whether a 1b is about a slot: it may leave pages out, or be about a page alone."""
    if scope is None:
        return True
    of = lambda page: page["start"] <= slot < page["end"]
    if "Only" in scope:
        return of(scope["Only"])
    return not any(of(page) for page in scope["AllBut"])


def about(slot, line):
    """Whether a line belongs to the behaviour of this slot."""
    message = line.get("m", line)
    if "low_water" in message:
        return message["low_water"] <= slot and in_scope(message.get("scope"), slot)
    return message.get("slot", slot) == slot


def entries(items):
    return frozenset((e["lr"], e["bal"], e["val"]) for e in items)


class Trace:
    """Everything that the files say about one slot."""

    def __init__(self, slot):
        self.slot = slot
        self.graph = None
        self.graph_text = None
        self.safe = None
        self.nodes = {}
        self.files = []

    def read(self, path):
        """Reads a file, and keeps its lines about the slot."""
        lines = []
        try:
            with open(path, encoding="utf-8") as file:
                for number, text in enumerate(file, 1):
                    if not text.strip():
                        continue
                    where = f"{path}:{number}"
                    try:
                        line = json.loads(text)
                        if line["action"] == "Init":
                            self.init(line)
                        elif about(self.slot, line):
                            lines.append((where, line))
                    except (ValueError, KeyError, TypeError, AttributeError) as error:
                        raise Unreadable(f"{where}: {error!r}") from error
        except OSError as error:
            raise Unreadable(str(error)) from error
        self.files.append(lines)

    def init(self, line):
        if line["format"] != 1:
            raise Unreadable("only format 1 is known")
        if self.graph_text not in (None, line["graph"]):
            raise Unreadable("the files are of different networks")
        if self.graph is None:
            self.graph_text = line["graph"]
            self.graph = Graph(self.graph_text)
        if "safe" in line:
            self.safe = frozenset(line["safe"])
        self.nodes[line["node"]] = line.get("acc")

    def settle(self):
        """Who is safe: as declared, else whoever's trace is here."""
        if self.graph is None:
            raise Unreadable("no Init line")
        with_file = frozenset(a for a in self.nodes.values() if a)
        self.complete = self.safe is not None or with_file == frozenset(self.graph.acceptors)
        if self.safe is None:
            self.safe = with_file
        self.fake = frozenset(self.graph.acceptors) - self.safe

    def steps(self, lines):
        """The steps of one file; the lines of one 1b become one step."""
        open_1b = {}  # node -> the step of the 1b that its last lines belong to
        steps = []
        for where, line in lines:
            try:
                step = self.step(where, line)
            except (KeyError, TypeError, ValueError) as error:
                raise Unreadable(f"{where}: {error!r}") from error
            node = line["node"]
            if step is None:
                continue
            if step["action"] != "Disconnect" and step.get("m", {}).get("type") == "1b":
                last = open_1b.get(node)
                if last and continues(last, step):
                    join(last, step)
                    continue
                open_1b[node] = step
            else:
                open_1b.pop(node, None)
            steps.append(step)
        for step in steps:
            if step.get("m", {}).get("type") == "1b":
                if step["for"] != set(self.graph.learners):
                    raise Rejected(f"{step['where']}: a 1b that is not for all learners")
        return steps

    def step(self, where, line):
        action, node = line["action"], line["node"]
        if node not in self.nodes:
            raise Unreadable(f"{where}: no Init line of node {node}")
        step = {"where": where, "node": node, "action": action}
        if action.startswith("Phase"):
            step["m"] = self.message(sent(line), step)
            by = line.get("acc")
            if by is not None and by != self.nodes[node]:
                raise Rejected(f"{where}: node {node} speaks for {by}")
            if by is None or by in self.fake:
                step["action"] = "Said"
        elif action == "FakeSend":
            step["m"] = self.message(line["m"], step)
            step["action"] = "Said"
        elif self.nodes[node] in self.fake:
            return None  # what a Byzantine node hears and concludes binds nobody
        elif action in ("Recv", "LearnerRecv"):
            step["m"] = self.message(line["m"], step)
            step["acc"] = line.get("acc")
            if action == "Recv" and step["acc"] != self.nodes[node]:
                raise Rejected(f"{where}: node {node} does not play {step['acc']}")
        elif action == "LearnerDecide":
            step.update(lr=line["lr"], bal=line["bal"], val=line["val"])
        elif action == "Disconnect":
            both = lambda pairs: frozenset(p for k, l in pairs for p in ((k, l), (l, k)))
            step.update(acc=line["acc"], pairs=both(line["pairs"]), apart=both(line["apart"]))
            step["caught"] = frozenset(line["caught"])
        else:
            raise Unreadable(f"{where}: unknown action {action}")
        return step

    def message(self, m, step):
        """A message as in HPaxos.tla: a 1a and a 1b stand for all learners."""
        kind = m["type"]
        if kind == "1a":
            return {"type": kind, "bal": m["bal"]}
        if kind == "1c":
            return {"type": kind, "lr": m["lr"], "bal": m["bal"], "val": m["val"]}
        if kind in ("2av", "2b"):
            return {"type": kind, "lr": m["lr"], "acc": m["acc"], "bal": m["bal"], "val": m["val"]}
        if kind != "1b":
            raise ValueError(f"unknown message type {kind}")
        said = [s for s in m["slots"] if s["slot"] == self.slot]
        step["for"] = {m["lr"]}
        votes = frozenset().union(*(entries(s["votes"]) for s in said))
        proposals = frozenset().union(*(entries(s["proposals"]) for s in said))
        return {"type": kind, "acc": m["acc"], "bal": m["bal"], "votes": votes, "proposals": proposals}

    def merge(self):
        """All steps in an order in which nobody receives what is not sent."""
        queues = [self.steps(lines) for lines in self.files]
        ever = {key(s["m"]) for q in queues for s in q if sends(s)}
        at, done, order = [0] * len(queues), set(), []
        while True:
            moved = False
            for i, queue in enumerate(queues):
                while at[i] < len(queue) and ready(queue[at[i]], done):
                    step = queue[at[i]]
                    order.append(step)
                    if sends(step):
                        done.add(key(step["m"]))
                    at[i] += 1
                    moved = True
            heads = [q[at[i]] for i, q in enumerate(queues) if at[i] < len(q)]
            if not heads:
                return order
            if not moved:
                step = self.invented([s for s in heads if key(s["m"]) not in ever] or heads)
                order.append(step)
                done.add(key(step["m"]))

    def invented(self, heads):
        """A message that is not in the files, of somebody who may have sent it all the same."""
        for step in heads:
            m = step["m"]
            foreign = not self.complete if m["type"] in ("1a", "1c") else m["acc"] in self.fake
            if foreign:
                return {"where": step["where"], "node": step["node"], "action": "Said", "m": m}
        step = heads[0]
        raise Rejected(f"{step['where']}: received, and never sent before: {json.dumps(step['m'], default=list)}")


def continues(last, step):
    """Whether a line goes on with the 1b that the last line of its node was about."""
    same = all(last.get(f) == step.get(f) for f in ("action", "acc"))
    return same and all(last["m"][f] == step["m"][f] for f in ("acc", "bal", "votes")) and not last["for"] & step["for"]


def join(last, step):
    last["for"] |= step["for"]
    last["m"]["proposals"] |= step["m"]["proposals"]


def key(m):
    return tuple(sorted(m.items()))


def sends(step):
    return step["action"] == "Said" or step["action"].startswith("Phase")


def ready(step, done):
    return step["action"] not in ("Recv", "LearnerRecv") or key(step["m"]) in done


# ---- TLA+ --------------------------------------------------------------------------------------


def tla(value):
    """A value as a TLA+ expression."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, tuple):
        return "<<" + ", ".join(tla(v) for v in value) + ">>"
    if isinstance(value, dict):
        return "[" + ", ".join(f"{k} |-> {tla(v)}" for k, v in value.items()) + "]"
    return "{" + ", ".join(sorted(tla(v) for v in value)) + "}"


def entry_set(entries):
    return "{" + ", ".join(tla({"lr": l, "bal": b, "val": v}) for l, b, v in sorted(entries)) + "}"


def message_tla(m):
    fields = [f"{k} |-> {entry_set(v) if k in ('votes', 'proposals') else tla(v)}" for k, v in m.items()]
    return "[" + ", ".join(fields) + "]"


SHOWN = ("action", "acc", "node", "lr", "bal", "val", "pairs", "caught", "apart")


def step_tla(step):
    fields = [f"{k} |-> {tla(step[k])}" for k in SHOWN if step.get(k) is not None]
    if "m" in step:
        fields.append(f"m |-> {message_tla(step['m'])}")
    return "[" + ", ".join(fields) + "]"


def function(pairs):
    return "(" + " @@ ".join(f"{tla(k)} :> {tla(v)}" for k, v in pairs) + ")"


def numbers_and_values(steps):
    """All ballots and values that occur."""
    ballots, values = {1}, set()
    for step in steps:
        m = step.get("m", {})
        for named in (step, m):
            ballots |= {named["bal"]} if "bal" in named else set()
            values |= {named["val"]} if "val" in named else set()
        for _, bal, val in m.get("votes", frozenset()) | m.get("proposals", frozenset()):
            ballots.add(bal)
            values.add(val)
    return ballots, values or {"none"}


def module(trace, steps):
    ballots, values = numbers_and_values(steps)
    graph = trace.graph
    definitions = {
        "TraceAcceptor": tla(graph.acceptors),
        "TraceFakeAcceptor": tla(trace.fake),
        "TraceLearner": tla(graph.learners),
        "TraceValue": tla(values),
        "TraceBallot": tla(ballots),
        "TraceNodes": tla(set(trace.nodes)),
        "TraceTrustLive": function(graph.live.items()),
        "TraceTrustSafe": function(graph.safe.items()),
        "Steps": "<<\n" + ",\n".join(step_tla(s) for s in steps) + ">>",
    }
    body = "\n".join(f"{name} == {text}" for name, text in definitions.items())
    return f"---- MODULE Trace ----\nEXTENDS Integers, TLC\n{body}\n====\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--out", required=True, metavar="DIR")
    args = parser.parse_args()
    trace = Trace(args.slot)
    try:
        for path in args.files:
            trace.read(path)
        trace.settle()
        steps = trace.merge()
        if not any(s.get("m", {}).get("type") in ("1c", "2av", "2b") for s in steps):
            raise Unreadable(f"nothing was said about slot {args.slot}")
        with open(os.path.join(args.out, "Trace.tla"), "w", encoding="utf-8") as out:
            out.write(module(trace, steps))
        with open(os.path.join(args.out, "origins"), "w", encoding="utf-8") as out:
            out.writelines(s["where"] + "\n" for s in steps)
    except Rejected as error:
        print(f"rejected: {error}", file=sys.stderr)
        return 1
    except (Unreadable, tomllib.TOMLDecodeError, KeyError, OSError) as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
