"use strict";
// The page of a whole network: /v1/graph once, /v1/network every second, /v1/evidence when there is some, /v1/events as
// they come; buttons post to /v1/faults and /v1/values.

import { $, draw, json, make } from "/assets/dom.js";
import { showAnalysis } from "/assets/analysis.js";
import { showGraph } from "/assets/graph.js";
import { report } from "/assets/compare.js";
import { decide, nothingKnown, showLanes } from "/assets/lanes.js";
import { haveQuorum, list, readGraph } from "/assets/trust.js";
import { showProofs } from "/assets/evidence.js";
import { count, showRates } from "/assets/rates.js";
import { givenUp, heard, later, listen, patience, peers, reachable, tell, unreachable } from "/assets/events.js";

let graph = null, liars = new Set(), told = new Set(), known = nothingKnown(), knownWords = "";

// ---- what buttons do ----------------------------------------------------------------------------

// Said beside what was pressed; what was said elsewhere is over.
const say = (place, words, bad) => {
  for (const other of document.querySelectorAll(".said")) if (other !== place) other.textContent = "";
  place.textContent = words;
  place.classList.toggle("bad", Boolean(bad));
};
// What was submitted last: its id, and where that is said.
let submitted = null;
const LONGEST_DELAY = 60000;
const post = async (place, path, body, headers) => {
  submitted = null;
  const begun = performance.now();
  try {
    const answer = await fetch(path, { method: "POST", body, headers });
    const text = await answer.json();
    if (!answer.ok) say(place, text.detail, true);
    else if (text.id) accepted(place, text.id, begun);
    else say(place, "Done: " + text.done + ".");
  } catch (error) {
    say(place, "The testnet does not answer: " + error, true);
  }
  refresh();
};
const inflict = (place, fault) => post(place, "/v1/faults", JSON.stringify(fault), { "Content-Type": "application/json" });

// Where each value was decided that is known here: the same bytes are the same submission.
const placed = new Map(), PLACES = 20000;
const place_of = id => [...placed.get(id).by].map(([learner, slot]) => `${learner} in slot ${slot}`).join(", ");
const accepted = (place, id, begun) => {
  const known = placed.get(id);
  // Events may be faster than the answer.
  const news = !known || known.since >= begun;
  if (news) submitted = { place, id };
  if (known && news) return say(place, `Decided by ${place_of(id)}.`);
  if (known) return say(place, `Already decided, by ${place_of(id)}: the same text is the same submission.`);
  say(place, "Accepted; not decided yet.");
};
const note = e => {
  for (const { id } of e.values) {
    if (!placed.has(id)) placed.set(id, { since: performance.now(), by: new Map() });
    placed.get(id).by.set(e.learner, e.slot);
    if (submitted?.id === id) say(submitted.place, `Decided by ${place_of(id)}.`);
  }
  while (placed.size > PLACES) placed.delete(placed.keys().next().value);
};

// Buttons at the same spot take each other's place: who was at one is then at the other.
const button = (words, key, fault, spot = key, place = "done") => {
  const element = make("button", { type: "button", "data-key": key, "data-spot": spot }, words);
  element.addEventListener("click", () => inflict($(place), fault));
  return element;
};
const form = (id, act) => $(id).addEventListener("submit", event => {
  event.preventDefault();
  act(new FormData($(id)), $(id).querySelector(".said"));
});
form("partition", (data, place) => {
  const side = data.getAll("side");
  if (!side.length) return say(place, "Choose the nodes of one side first.", true);
  inflict(place, { partition: [side] });
});
form("delay", (data, place) => {
  const [ms, a, b] = ["ms", "a", "b"].map(name => data.get(name));
  if (!/^ *\d{1,9} *$/.test(ms) || Number(ms) > LONGEST_DELAY)
    return say(place, `'${ms}' is no delay: write a whole number of milliseconds, from 0 to ${LONGEST_DELAY}.`, true);
  inflict(place, { delay: { ms: Number(ms), between: [a, b] } });
});
form("heal", (_, place) => inflict(place, { heal: "all" }));
form("submit", (data, place) => {
  if (!data.get("value")) return say(place, "Write a value first.", true);
  post(place, "/v1/values?node=" + encodeURIComponent(data.get("node")), data.get("value"));
});

// ---- how things stand ---------------------------------------------------------------------------

const buttons = (node, network) => {
  const name = node.name, all = [];
  if (node.state === "down") all.push(button("start", "start " + name, { start: name }, "kill " + name));
  else all.push(button("kill", "kill " + name, { kill: name }));
  if (node.state === "up") all.push(button("pause", "pause " + name, { pause: name }));
  if (node.state === "paused") all.push(button("resume", "resume " + name, { resume: name }, "pause " + name));
  if (node.acceptor && !node.byzantine)
    for (const how of network.behaviours) all.push(button(how, `${how} ${name}`, { byzantine: { node: name, how } }));
  return all;
};

// Rows and their buttons stay as long as they are the same, so that a press never meets one that has just gone.
const rows = new Map();
const row = (body, name, attributes, cells, key, actions) => {
  let known = rows.get(name);
  if (!known) {
    known = { element: make("tr"), key: null };
    rows.set(name, known);
    body.append(known.element);
    const titles = [...body.closest("table").querySelectorAll("th")].map(th => th.textContent);
    known.element.append(...cells.map((_, i) => make("td", { "data-title": titles[i] })), make("td", { class: "do" }));
  }
  for (const [attribute, value] of Object.entries(attributes)) known.element.setAttribute(attribute, value);
  for (const [i, cell] of cells.entries()) {
    const td = known.element.children[i];
    if (cell instanceof Node) { if (!td.firstChild) td.append(cell); }
    else if (td.textContent !== String(cell)) td.textContent = String(cell);
  }
  if (known.key !== key) {
    known.key = key;
    replace(known.element.lastChild, actions());
  }
  return known.element;
};

const showNodes = network => {
  for (const node of network.nodes) {
    const s = node.status || {};
    const learners = Object.entries(s.learners || {}).map(([name, l]) => `${name} ${l.next}`).join(", ");
    const state = node.state + (node.byzantine ? ", misbehaves: " + node.byzantine : "");
    const cells = [make("a", { href: node.http, target: "_blank", rel: "noopener" }, node.name), state,
      [node.acceptor, ...node.roles].filter(Boolean).join(" "), s.ballot ?? "–", s.leader ?? "–", patience(s), givenUp(s).join("; "),
      peers(s), learners || "–"];
    const element = row($("nodes"), "node " + node.name, { "data-node": node.name, "data-state": node.state }, cells, state,
      () => buttons(node, network));
    element.children[1].className = node.state !== "up" || node.byzantine ? "bad" : "";
  }
  $("disks-section").hidden = !network.disks.length;
  for (const disk of network.disks) {
    const element = row($("disks"), "disk " + disk.name, { "data-disk": disk.name }, [disk.name, disk.gone ? "gone" : "there"], disk.gone,
      () => [disk.gone ? button("give back", "start " + disk.name, { start: disk.name }, "kill " + disk.name, "disk-said")
        : button("take away", "kill " + disk.name, { kill: disk.name }, "kill " + disk.name, "disk-said")]);
    element.children[1].className = disk.gone ? "bad" : "";
  }
};

// Whoever is at a button stays there, or at what has taken its place, or at least in its row.
const replace = (element, children) => {
  const { key, spot } = element.contains(document.activeElement) ? document.activeElement.dataset : {};
  element.replaceChildren(...children);
  if (!spot) return;
  const at = name => children.find(child => child.dataset.key === name) ?? children.find(child => child.dataset.spot === name);
  (at(key) ?? at(spot) ?? children[0])?.focus({ preventScroll: true });
};

const showLinks = network => {
  const n = network.nodes.length, r = 110, at = new Map(network.nodes.map((node, i) => {
    const angle = 2 * Math.PI * i / n - Math.PI / 2;
    return [node.name, [160 + r * Math.cos(angle), 140 + r * Math.sin(angle)]];
  }));
  const state_of = new Map(network.nodes.map(node => [node.name, node.state]));
  const lines = network.links.map(link => {
    const [[x1, y1], [x2, y2]] = link.between.map(name => at.get(name));
    const idle = link.between.filter(name => state_of.get(name) !== "up");
    const state = link.cut ? "cut" : idle.length ? "idle" : link.delay_ms ? "slow" : "good";
    const words = `${link.between.join(" and ")}: ` + (link.cut ? "cut" : link.delay_ms ? `${link.delay_ms} ms more` : "as they are") +
      idle.map(name => `; ${name} is ${state_of.get(name)}`).join("");
    const group = draw("g", { "data-link": link.between.join(" "), "data-state": state },
      draw("line", { class: "link " + state, x1, y1, x2, y2 }), draw("title", {}, words));
    if (link.delay_ms && !link.cut) group.append(draw("text", { x: (x1 * 2 + x2) / 3, y: (y1 * 2 + y2) / 3 }, `${link.delay_ms} ms`));
    return group;
  });
  const nodes = network.nodes.map(node => {
    const [x, y] = at.get(node.name);
    return draw("g", { class: "learner" + (node.byzantine ? " caught" : "") + (node.state === "up" ? "" : " away") },
      draw("title", {}, `${node.name} is ${node.state}`),
      draw("circle", { class: "shape", cx: x, cy: y, r: 22 }), draw("text", { x, y }, node.name));
  });
  $("links").setAttribute("viewBox", "0 0 320 280");
  $("links").replaceChildren(...lines, ...nodes);
};

// What the graph's drawing wants to know, from what all nodes say that can be trusted; what they said last, if none
// of them says anything now.
let connected = null, caught = [], forks = new Map();
const together = network => {
  const trusted = network.nodes.filter(node => node.state === "up" && !node.byzantine && node.status?.network_id);
  const told = new Map();
  for (const { status } of trusted)
    for (const [name, others] of Object.entries(status.connected))
      told.set(name, (told.get(name) || others).filter(other => others.includes(other)));
  if (told.size) {
    connected = Object.fromEntries(told);
    caught = [...new Set([...caught, ...trusted.flatMap(node => node.status.caught || [])])];
  }
  for (const { status } of trusted)
    for (const [name, learner] of Object.entries(status.learners || {}))
      forks.set(name, Math.max(forks.get(name) ?? 0, learner.forks ?? 0));
  const away = network.nodes.filter(node => node.acceptor && node.state !== "up").map(node => node.acceptor);
  return connected && { mode: network.mode, connected, caught, away };
};
// What has failed: whoever does not run, and whoever is known to lie, whether or not it has been caught.
const failed = network => {
  const acceptors = network.nodes.filter(node => node.acceptor);
  const lying = acceptors.filter(node => node.byzantine).map(node => [node.acceptor, "misbehaving"]);
  return {
    crashed: new Map(acceptors.filter(node => node.state !== "up").map(node => [node.acceptor, node.state])),
    byzantine: new Map([...lying, ...caught.map(name => [name, "caught"])]), connected,
  };
};

// Learners that cannot decide now, whatever is up: none of the nodes that play one hears from a quorum of it.
const showStuck = network => {
  const acceptor = new Map(network.nodes.filter(node => node.acceptor).map(node => [node.name, node.acceptor]));
  const hears = ({ name, status: { peers: { by_name, silent } } }, of) => {
    const others = Object.keys(by_name).filter(other => by_name[other] && !silent.includes(other));
    return haveQuorum(graph, of, new Set([name, ...others].map(node => acceptor.get(node))));
  };
  const up = network.nodes.filter(node => node.state === "up" && node.status?.peers?.silent);
  const stuck = graph.learners.filter(learner => {
    const playing = up.filter(node => node.status.plays?.includes(learner.name));
    return playing.length && !playing.some(node => hears(node, learner));
  });
  $("stuck").hidden = !stuck.length;
  const words = `${list(stuck.map(learner => learner.name))} cannot decide now: no node hears from a quorum. Nobody's patience ` +
    "runs out meanwhile, and values wait.";
  if (stuck.length && $("stuck").textContent !== words) $("stuck").textContent = words;
};

const fill = network => {
  if ($("sides").childElementCount) return;
  const names = network.nodes.map(node => node.name);
  $("sides").replaceChildren(...names.map(name =>
    make("label", {}, make("input", { type: "checkbox", name: "side", value: name }), " " + name)));
  const options = first => [...first, ...names].map(name => make("option", {}, name));
  for (const [form, name, first] of [["delay", "a", ["all"]], ["delay", "b", ["all"]], ["submit", "node", []]])
    $(form).elements[name].replaceChildren(...options(first));
};

let proofs = -1, listening = false;
const showEvidence = async (count, network) => {
  if (count === proofs) return;
  proofs = count;
  showProofs((await json("/v1/evidence")).evidence, network.dir + "/network.toml");
};

const refresh = async () => {
  try {
    const network = await json("/v1/network");
    const lying = network.nodes.filter(node => node.byzantine);
    liars = new Set(lying.map(node => node.name));
    $("title").textContent = network.mode;
    document.title = "testnet · " + network.mode;
    $("dir").textContent = network.dir;
    fill(network);
    showNodes(network);
    showLinks(network);
    reachable();
    // Only now is it known whose words prove nothing.
    if (!listening) { listening = true; hear(); }
    // What only nodes can tell, if there is one that answers.
    graph ??= await json("/v1/graph").then(readGraph, () => null);
    const status = together(network);
    if (graph && status) showGraph(graph, status);
    // Disks decide in the other mode.
    if (graph && network.mode !== "disk-paxos") showStuck(network);
    // Nodes work it out, if one of them runs.
    if (graph && status && network.mode === "hpaxos" && network.nodes.some(node => node.state === "up"))
      showAnalysis(graph, { ...failed(network), aside: network.links.some(link => link.cut) ? "Links that are cut are not counted here." : "" });
    // Those that were told to misbehave are not safe, whether or not they have been caught.
    const unsafe = new Set([...caught, ...lying.map(node => node.acceptor)]);
    const words = JSON.stringify([graph !== null, [...unsafe], connected, [...forks]]);
    if (words !== knownWords) {
      knownWords = words;
      known = { unsafe, connected, forks };
      later(() => showLanes(graph, known));
    }
    await showEvidence(caught.length + heardOf, network);
    showRates();
  } catch (error) {
    console.error(error);
    unreachable();
  }
};

// Several nodes say the same; what a liar says proves nothing.
const once = (key, take) => e => {
  if (liars.has(e.node) || told.has(key(e))) return;
  told.add(key(e));
  take(e);
};
let heardOf = 0;
const hear = () => listen("/v1/events", {
  decision: e => {
    if (liars.has(e.node)) return;
    note(e);
    if (decide(e)) count(e);
    later(() => showLanes(graph, known));
  },
  // What the launcher has compared, in more slots than it tells the decisions of.
  divergence: e => { report(e); later(() => showLanes(graph, known)); },
  ballot: once(e => `ballot ${e.ballot}`, heard.ballot),
  // Of those that give a ballot up for the same reason, in the same words, the first.
  timeout: once(e => `given up ${e.ballot} ${e.words}`, heard.timeout),
  disconnected: once(e => `apart ${e.learners}`, heard.disconnected),
  evidence: once(e => e.words, e => { heardOf += 1; tell(e.at_ms, e.words, true); }),
  fork: e => { if (!liars.has(e.node)) heard.fork(e); },
  notice: e => tell(e.at_ms, e.words),
});
refresh();
setInterval(refresh, 1000);
