"use strict";
// The page of one node, made of its routes: /v1/graph once, /v1/status every second, /v1/evidence when there is
// some, and /v1/events as they come. Nothing here is kept by the node.

const $ = id => document.getElementById(id);
const SLOTS = 60, SECONDS = 300, EVENTS = 100;

const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const draw = (name, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
const json = async path => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path + ": " + answer.status);
  return answer.json();
};

let graph = null;

// ---- the learner graph -------------------------------------------------------------------------

// The canonical text has a line for each learner's TrustLive and for each agreement's TrustSafe.
const readGraph = answer => {
  const graph = { acceptors: answer.acceptors, learners: [], agreements: [] };
  const named = expression => new Set(expression.split(/[(),*]/));
  for (const line of answer.canonical.split("\n").slice(1)) {
    const [kind, who, expression] = line.split(" ");
    if (kind === "learner") graph.learners.push({ name: who, live: expression, named: named(expression) });
    if (kind === "safe") graph.agreements.push({ between: who.split(","), when: expression, named: named(expression) });
  }
  return graph;
};

// What holds between two learners that the graph says are to agree.
const edges = (graph, status) => {
  const caught = new Set(status.caught || []);
  const found = new Map();
  for (const agreement of graph.agreements)
    for (const [i, a] of agreement.between.entries())
      for (const b of agreement.between.slice(i + 1)) {
        const key = [a, b].sort().join(" ");
        const edge = found.get(key) || { between: [a, b].sort(), when: [], hurt: new Set() };
        edge.when.push(agreement.when);
        for (const acceptor of caught) if (agreement.named.has(acceptor)) edge.hurt.add(acceptor);
        found.set(key, edge);
      }
  for (const edge of found.values()) {
    const [a, b] = edge.between;
    const connected = ((status.connected || {})[a] || []).includes(b);
    edge.state = !connected ? "disconnected" : edge.hurt.size ? "weakened" : "entangled";
    const rule = `${a} and ${b} agree if the safe acceptors satisfy ${edge.when.join(" or ")}`;
    const why = { entangled: "nothing is known against it.",
      weakened: `${[...edge.hurt].join(", ")} was caught; the others still suffice.`,
      disconnected: "what was proved leaves no such set, so it is no longer promised." };
    edge.words = `${rule}: ${why[edge.state]}`;
  }
  return [...found.values()];
};

const showGraph = (graph, status) => {
  const svg = $("graph"), width = Math.max(360, 90 * Math.max(graph.learners.length, graph.acceptors.length));
  const place = (i, n) => width * (i + .5) / n, top = 96, bottom = 236;
  const caught = new Set(status.caught || []);
  const at = new Map(graph.learners.map((l, i) => [l.name, place(i, graph.learners.length)]));
  const under = new Map(graph.acceptors.map((a, i) => [a.acceptor, place(i, graph.acceptors.length)]));
  const focused = document.activeElement && document.activeElement.dataset.key;
  const words = (element, key, text) => {
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", text);
    element.dataset.key = key;
    for (const event of ["pointerenter", "focus"]) element.addEventListener(event, () => $("about").textContent = text);
    return element;
  };
  const lines = graph.learners.flatMap(l => graph.acceptors.filter(a => l.named.has(a.acceptor)).map(a =>
    draw("line", { class: "trust", "data-of": l.name, x1: at.get(l.name), y1: top, x2: under.get(a.acceptor), y2: bottom })));
  const arcs = edges(graph, status).map(edge => {
    const [x1, x2] = edge.between.map(name => at.get(name));
    const height = Math.min(80, 14 + Math.abs(x2 - x1) / 4);
    const path = `M ${x1} ${top - 20} Q ${(x1 + x2) / 2} ${top - 20 - height} ${x2} ${top - 20}`;
    const group = draw("g", {}, draw("path", { class: "edge " + edge.state, d: path }), draw("path", { class: "near", d: path }));
    group.dataset.between = edge.between.join(" ");
    group.dataset.state = edge.state;
    return words(group, "edge " + edge.between.join(" "), edge.words);
  });
  const learners = graph.learners.map(l => {
    const x = at.get(l.name), to = (status.connected || {})[l.name] || [];
    const apart = to.includes(l.name) ? "" : " It is not sure to agree even with itself.";
    const group = draw("g", { class: "learner" },
      draw("rect", { class: "shape", x: x - 38, y: top - 20, width: 76, height: 40, rx: 20 }), draw("text", { x, y: top }, l.name));
    for (const [event, on] of [["pointerenter", true], ["focus", true], ["pointerleave", false], ["blur", false]])
      group.addEventListener(event, () => svg.querySelectorAll(".trust").forEach(line =>
        line.classList.toggle("on", on && line.dataset.of === l.name)));
    return words(group, "learner " + l.name, `Learner ${l.name} decides by ${l.live}.${apart}`);
  });
  const acceptors = graph.acceptors.map(a => {
    const x = under.get(a.acceptor), liar = caught.has(a.acceptor);
    const group = draw("g", { class: "acceptor" + (liar ? " caught" : "") },
      draw("rect", { class: "shape", x: x - 34, y: bottom - 20, width: 68, height: 40, rx: 6 }), draw("text", { x, y: bottom }, a.acceptor));
    const up = a.node === null || a.node === status.node || ((status.peers || {}).by_name || {})[a.node];
    const text = `Acceptor ${a.acceptor}` + (a.node === null ? "" : `, played by ${a.node}` + (up ? "" : ", which is not connected")) +
      (liar ? ". It was caught: see the evidence." : ".");
    group.style.opacity = up ? 1 : .45;
    return words(group, "acceptor " + a.acceptor, text);
  });
  svg.setAttribute("viewBox", `0 0 ${width} 270`);
  svg.replaceChildren(...lines, ...arcs, ...learners, ...acceptors);
  if (focused) svg.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
};

// ---- the decisions ------------------------------------------------------------------------------

const decided = new Map();
let fresh = new Set();

// Equal digests have equal colours; those of different ones differ by chance alone.
const colour = digest => `hsl(${parseInt(digest.slice(0, 6), 16) % 360} 60% 38%)`;
const valueWords = values => values.map(v => v.text === undefined ? "base64 " + v.base64 : v.text).join(" | ").slice(0, 300) || "nothing new";

// Who decided differently in these slots, and what the graph says of it.
const disputes = slots => {
  const pairs = new Set(), names = [...decided.keys()].sort();
  for (const slot of slots)
    for (const [i, a] of names.entries())
      for (const b of names.slice(i + 1)) {
        const [one, other] = [a, b].map(name => decided.get(name).get(slot)?.digest);
        if (one && other && one !== other) pairs.add(a + " and " + b);
      }
  const promised = pair => graph?.agreements.some(rule => pair.split(" and ").every(name => rule.between.includes(name)));
  return [...pairs].map(pair => pair + (promised(pair)
    ? ", whose agreement rests on acceptors that were not all safe" : ", of whom the graph promises no agreement")).join("; ");
};

const showLanes = () => {
  const last = Math.max(-1, ...[...decided.values()].flatMap(lane => [...lane.keys()]));
  if (last < 0) return;
  const slots = [];
  for (let slot = Math.max(0, last - SLOTS + 1); slot <= last; slot++) slots.push(slot);
  const differs = slot => new Set([...decided.values()].map(lane => lane.get(slot)?.digest).filter(Boolean)).size > 1;
  const apart = slots.filter(differs);
  const head = make("tr", {}, make("th", { scope: "col" }), ...slots.map(slot =>
    make("th", { scope: "col", class: apart.includes(slot) ? "differs" : "" }, apart.includes(slot) || slot % 5 === 0 ? String(slot) : "")));
  const rows = [...decided].map(([learner, lane]) => make("tr", { "data-learner": learner },
    make("th", { scope: "row" }, learner), ...slots.map(slot => {
      const d = lane.get(slot), cell = make("td", { class: apart.includes(slot) ? "differs" : "" });
      if (!d) { cell.append(make("span", { class: "cell none" })); return cell; }
      const words = `${learner}, slot ${slot}, ballot ${d.ballot}: ${valueWords(d.values)}` +
        (d.latency_ms === null ? "" : ` (${d.latency_ms} ms)`) + (apart.includes(slot) ? " — other learners decided otherwise here." : "");
      const classes = "cell" + (d.values.length ? "" : " empty") + (fresh.has(learner + " " + slot) ? " new" : "");
      const chip = make("button", { class: classes, type: "button", "data-digest": d.digest, "aria-label": words, title: words }, d.digest.slice(0, 2));
      chip.style.background = colour(d.digest);
      for (const event of ["pointerenter", "focus"]) chip.addEventListener(event, () => $("slot").textContent = words);
      cell.append(chip);
      return cell;
    })));
  fresh = new Set();
  const lanes = $("lanes"), atEnd = lanes.scrollLeft + lanes.clientWidth >= lanes.scrollWidth - 40;
  const focused = document.activeElement?.closest?.("#lanes") ? document.activeElement.getAttribute("aria-label") : null;
  lanes.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  if (atEnd) lanes.scrollLeft = lanes.scrollWidth;
  if (focused) lanes.querySelector(`[aria-label="${CSS.escape(focused)}"]`)?.focus();
  const verdict = $("verdict");
  verdict.className = apart.length ? "bad" : "good";
  verdict.textContent = apart.length
    ? `In ${apart.length === 1 ? "slot" : "slots"} ${apart.join(", ")} they decided differently: ${disputes(apart)}.`
    : decided.size > 1 ? "All learners that this node plays agree wherever both have decided." : "This node plays one learner.";
};

const decide = e => {
  const lane = decided.get(e.learner) || new Map();
  decided.set(e.learner, lane);
  lane.set(e.slot, e);
  for (const slot of lane.keys()) if (slot <= e.slot - 4 * SLOTS) lane.delete(slot);
  fresh.add(e.learner + " " + e.slot);
};

// ---- how fast -----------------------------------------------------------------------------------

const started = Math.floor(Date.now() / 1000);
const rates = new Map();
const count = e => {
  // What happened before the page was opened is told at once, and not when it happened.
  if (Date.now() / 1000 < started + 2) return;
  const second = Math.floor(Date.now() / 1000);
  const bin = rates.get(second) || { values: {}, latencies: [] };
  rates.set(second, bin);
  bin.values[e.learner] = (bin.values[e.learner] || 0) + e.values.length;
  if (e.latency_ms !== null) bin.latencies.push(e.latency_ms);
  for (const at of rates.keys()) if (at < second - SECONDS) rates.delete(at);
};
const charts = {};
const chart = (id, title, series, unit) => {
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--quiet"), line = style.getPropertyValue("--line");
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  return new uPlot({
    title, width: $(id).clientWidth, height: 200, cursor: { y: false },
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map(t => t + unit) }],
    series: [{}, ...series],
  }, [[]], $(id));
};
const showRates = () => {
  const now = Math.floor(Date.now() / 1000), since = started + 2, from = Math.max(now - SECONDS, Math.min(since, now - 60));
  const times = [];
  for (let at = from; at < now; at++) times.push(at);
  const learners = [...decided.keys()].sort(), key = learners.join(" ");
  if (charts.key !== key) {
    for (const id of ["rate", "latency"]) $(id).replaceChildren();
    const hue = i => `hsl(${i * 360 / Math.max(1, learners.length) + 210} 65% 50%)`;
    charts.rate = chart("rate", "values per second", learners.map((label, i) => ({ label, stroke: hue(i), width: 2 })), "");
    charts.latency = chart("latency", "median time to a decision", [{ label: "ms", stroke: hue(0), width: 2, spanGaps: true }], " ms");
    charts.key = key;
  }
  const median = bin => bin && bin.latencies.length ? bin.latencies.sort((a, b) => a - b)[bin.latencies.length >> 1] : null;
  charts.rate.setData([times, ...learners.map(l => times.map(at => at < since ? null : rates.get(at)?.values[l] || 0))]);
  charts.latency.setData([times, times.map(at => median(rates.get(at)))]);
};
addEventListener("resize", () => { for (const id of ["rate", "latency"]) charts[id]?.setSize({ width: $(id).clientWidth, height: 200 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { charts.key = null; });

// ---- the rest -----------------------------------------------------------------------------------

let known = -1;

const showStatus = async status => {
  $("node").textContent = status.node;
  document.title = `${status.node} · hpaxos`;
  $("network").textContent = `network ${status.network} (${status.network_id.slice(0, 8)}), mode ${status.mode}`;
  const learners = Object.entries(status.learners || {}).map(([name, l]) => `${name} ${l.next}`).join(", ");
  const facts = {
    phase: status.phase, roles: status.roles.join(", "), ballot: status.ballot ?? "–", leader: status.leader ?? "nobody yet",
    peers: `${status.peers.connected} of ${status.peers.expected}`, "values waiting": status.waiting ?? "–",
    "slots on disk": status.frozen ?? "–", "next slots": learners || "–",
  };
  $("facts").replaceChildren(...Object.entries(facts).map(([name, fact]) =>
    make("div", {}, make("dt", {}, name), make("dd", { "data-fact": name }, String(fact)))));
  if (graph) showGraph(graph, status);
  $("disks-section").hidden = !status.disks;
  $("disks").replaceChildren(...(status.disks || []).map(d => make("tr", {},
    ...[d.name, d.problem || (d.up ? d.busy ? "busy" : "up" : "down"), d.mbal, d.logged, d.operations].map(t => make("td", {}, String(t))))));
  const proofs = (status.caught || []).length;
  if (proofs !== known) {
    known = proofs;
    const list = (await json("/v1/evidence")).evidence;
    if (list.length) $("evidence").replaceChildren(...list.map(e => make("li", { class: "bad" }, e.words)));
  }
};

const tell = (words, bad) => {
  const time = make("time", {}, new Date().toLocaleTimeString());
  $("events").prepend(make("li", bad ? { class: "bad" } : {}, time, words));
  while ($("events").childElementCount > EVENTS) $("events").lastChild.remove();
};
const heard = {
  decision: e => { decide(e); count(e); later(); },
  ballot: e => tell(`ballot ${e.ballot} begins, led by ${e.leader}`),
  peer: e => tell(`${e.peer} ${e.connected ? "connected" : "disconnected"}`),
  evidence: e => { known = -1; tell(e.words, true); },
  disconnected: e => tell(e.learners[0] === e.learners[1] ? `${e.learners[0]} is no longer sure to agree with itself`
    : `${e.learners.join(" and ")} are no longer sure to agree`, true),
  fork: e => tell(`${e.learner} saw two decisions in slot ${e.slot}`, true),
  gap: e => tell(e.words),
};
let due = false;
const later = () => {
  if (due) return;
  due = true;
  setTimeout(() => { due = false; showLanes(); }, 200);
};
const refresh = async () => {
  try {
    graph ??= readGraph(await json("/v1/graph"));
    await showStatus(await json("/v1/status"));
    showRates();
  } catch (error) {
    console.error(error);
    $("live").textContent = "not reachable";
    $("live").className = "pill bad";
  }
};

const stream = new EventSource("/v1/events?last_event_id=0");
for (const [kind, take] of Object.entries(heard))
  stream.addEventListener(kind, message => take(JSON.parse(message.data)));
stream.onopen = () => { $("live").textContent = "live"; $("live").className = "pill good"; };
stream.onerror = () => { $("live").textContent = "reconnecting"; $("live").className = "pill bad"; };
refresh();
setInterval(refresh, 1000);
