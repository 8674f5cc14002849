"use strict";
// The page of one node, made of its routes: /v1/graph and what was decided lately once, /v1/status every second,
// /v1/evidence when there is some, and /v1/events as they come. Nothing here is kept by the node.

import { $, json, make, text } from "./dom.js";
import { showAnalysis } from "./analysis.js";
import { showGraph } from "./graph.js";
import { decide, nothingKnown, showLanes } from "./lanes.js";
import { readGraph } from "./trust.js";
import { showProofs } from "./evidence.js";
import { count, showRates } from "./rates.js";
import { givenUp, later, listen, patience, peers, reachable, tell, unreachable } from "./events.js";

let graph = null;
let proofs = -1;
// What this node knows of acceptors and learners, and the same as text.
let known = nothingKnown(), knownWords = "";

// Acceptors of nodes that are not connected, or that are silent, with the word for it.
const unheard = status => {
  const { by_name, silent } = status.peers;
  const word = node => !by_name[node] ? "not connected" : silent.includes(node) ? "not heard" : null;
  const others = graph.acceptors.filter(a => a.node !== null && a.node !== status.node);
  return new Map(others.map(a => [a.acceptor, word(a.node)]).filter(([, is]) => is));
};

const showStatus = async status => {
  $("node").textContent = status.node;
  document.title = `${status.node} · hpaxos`;
  $("network").textContent = `network ${status.network} (${status.network_id.slice(0, 8)}), mode ${status.mode}`;
  const learners = Object.entries(status.learners || {}).map(([name, l]) => `${name} ${l.next}`).join(", ");
  const facts = {
    phase: status.phase, roles: status.roles.join(", "), ballot: status.ballot ?? "–", leader: status.leader ?? "nobody yet",
    patience: patience(status), "ballots given up": givenUp(status),
    peers: peers(status), "values waiting": status.waiting ?? "–",
    "slots on disk": status.frozen ?? "–", "next slots": learners || "–",
  };
  $("facts").replaceChildren(...Object.entries(facts).map(([name, fact]) =>
    make("div", {}, make("dt", {}, name), make("dd", { "data-fact": name },
      ...(Array.isArray(fact) ? [fact[0], ...fact.slice(1).map(more => make("small", {}, more))] : [String(fact)])))));
  if (graph) {
    const crashed = unheard(status);
    showGraph(graph, { ...status, away: [...crashed.keys()] });
    // In the other modes nobody lies, and there is nothing to say.
    if (status.mode === "hpaxos" && status.connected)
      showAnalysis(graph, { crashed, byzantine: new Map(status.caught.map(name => [name, "caught"])), connected: status.connected });
  }
  $("disks-section").hidden = !status.disks;
  $("disks").replaceChildren(...(status.disks || []).map(d => make("tr", {},
    ...[d.name, d.problem || (d.up ? d.busy ? "busy" : "up" : "down"), d.mbal, d.logged, d.operations].map(t => make("td", {}, String(t))))));
  const forks = Object.entries(status.learners || {}).map(([name, l]) => [name, l.forks ?? 0]);
  const plays = (status.plays ?? []).filter(learner => status.learners?.[learner]?.delivered?.next);
  const words = JSON.stringify([graph !== null, status.caught, status.connected, forks, plays]);
  if (words !== knownWords) {
    knownWords = words;
    known = { unsafe: new Set(status.caught), connected: status.connected, forks: new Map(forks), learners: plays };
    later(() => showLanes(graph, known));
  }
  const caught = (status.caught || []).length;
  if (caught !== proofs) {
    proofs = caught;
    showProofs((await json("/v1/evidence")).evidence, "network.toml");
  }
};

// What was decided before the events that are asked for is compared as well, where there is anything to compare: so many slots
// of each learner, and from the last ones on, as much as this in all. The verdict says in which slots.
const LOOKED_BACK = 5000, SLOTS_AT_ONCE = 250, MOST_CHARACTERS = 16 << 20;
// learner → the slots below which, and down to which, it is still to be looked at
let open = null, characters = 0;
const lookBack = async ({ plays, learners }) => {
  open ??= new Map((plays.length > 1 ? plays : []).map(learner => {
    const { next } = learners[learner].delivered;
    return [learner, { below: next, from: Math.max(0, next - LOOKED_BACK) }];
  }));
  // In turn, so that what is known is known of all of them. What is refused now is asked for again, in a second.
  while (open.size) {
    for (const [learner, slots] of [...open]) {
      const from = Math.max(slots.from, slots.below - SLOTS_AT_ONCE);
      for (let next = from; next < slots.below;) {
        const answer = await text(`/v1/learners/${encodeURIComponent(learner)}/decisions?from=${next}&limit=${slots.below - next}`);
        const page = JSON.parse(answer);
        characters += answer.length;
        for (const decision of page.decisions) decide({ learner, ...decision });
        if (page.next === next || characters > MOST_CHARACTERS) break;
        next = page.next;
      }
      slots.below = from;
      if (from <= slots.from || characters > MOST_CHARACTERS) open.delete(learner);
    }
    later(() => showLanes(graph, known));
  }
};

let looking = false;
const refresh = async () => {
  try {
    graph ??= readGraph(await json("/v1/graph"));
    const status = await json("/v1/status");
    await showStatus(status);
    showRates();
    reachable();
    if (!looking && status.learners && (!open || open.size)) {
      looking = true;
      lookBack(status).catch(error => console.error(error)).finally(() => { looking = false; });
    }
  } catch (error) {
    console.error(error);
    unreachable();
  }
};

listen("/v1/events?last=2000", {
  decision: e => { if (decide(e)) count(e); later(() => showLanes(graph, known)); },
  peer: e => tell(e.at_ms, `${e.peer} ${e.connected ? "connected" : "disconnected"}`),
  evidence: e => { proofs = -1; tell(e.at_ms, e.words, true); },
});
refresh();
setInterval(refresh, 1000);
