"use strict";
// The page of a whole network: /v1/graph once, /v1/network every second, /v1/events as they come; buttons post to
// /v1/faults and /v1/values.

import { $, draw, json, make } from "/assets/dom.js";
import { readGraph, showGraph } from "/assets/graph.js";
import { decide, showLanes } from "/assets/lanes.js";
import { count, showRates } from "/assets/rates.js";
import { later, listen, tell, unreachable } from "/assets/events.js";

let graph = null, liars = new Set(), told = new Set();

// ---- what buttons do ----------------------------------------------------------------------------

const say = (words, bad) => {
  $("done").textContent = words;
  $("done").className = bad ? "bad" : "quiet";
};
const post = async (path, body, headers) => {
  try {
    const answer = await fetch(path, { method: "POST", body, headers });
    const text = await answer.json();
    say(answer.ok ? text.done ?? `accepted: ${text.id}` : text.detail, !answer.ok);
  } catch (error) {
    say(String(error), true);
  }
  refresh();
};
const inflict = fault => post("/v1/faults", JSON.stringify(fault), { "Content-Type": "application/json" });

const button = (words, key, fault) => {
  const element = make("button", { type: "button", "data-key": key }, words);
  element.addEventListener("click", () => inflict(fault));
  return element;
};
const form = (id, act) => $(id).addEventListener("submit", event => {
  event.preventDefault();
  act(new FormData($(id)));
});
form("partition", data => inflict({ partition: [data.getAll("side")] }));
form("delay", data => {
  const [ms, a, b] = ["ms", "a", "b"].map(name => data.get(name));
  inflict({ delay: a && b ? { ms: Number(ms), between: [a, b] } : { ms: Number(ms) } });
});
form("heal", () => inflict({ heal: "all" }));
form("submit", data => post("/v1/values?node=" + encodeURIComponent(data.get("node")), data.get("value")));

// ---- how things stand ---------------------------------------------------------------------------

const buttons = (node, network) => {
  const name = node.name, all = [];
  if (node.state === "down") all.push(button("start", "start " + name, { start: name }));
  else all.push(button("kill", "kill " + name, { kill: name }));
  if (node.state === "up") all.push(button("pause", "pause " + name, { pause: name }));
  if (node.state === "paused") all.push(button("resume", "resume " + name, { resume: name }));
  if (node.acceptor && !node.byzantine)
    for (const how of network.behaviours) all.push(button(how, `${how} ${name}`, { byzantine: { node: name, how } }));
  return all;
};

const showNodes = network => {
  const rows = network.nodes.map(node => {
    const s = node.status || {};
    const learners = Object.entries(s.learners || {}).map(([name, l]) => `${name} ${l.next}`).join(", ");
    const state = node.state + (node.byzantine ? ", misbehaves: " + node.byzantine : "");
    const cells = [make("a", { href: node.http, target: "_blank", rel: "noopener" }, node.name), state,
      [node.acceptor, ...node.roles].filter(Boolean).join(" "), s.ballot ?? "–", s.leader ?? "–",
      s.peers ? `${s.peers.connected} of ${s.peers.expected}` : "–", learners || "–"];
    const row = make("tr", { "data-node": node.name, "data-state": node.state }, ...cells.map(cell =>
      make("td", {}, cell instanceof Node ? cell : String(cell))), make("td", { class: "do" }, ...buttons(node, network)));
    if (node.state !== "up" || node.byzantine) row.children[1].className = "bad";
    return row;
  });
  replace($("nodes"), rows);
  $("disks-section").hidden = !network.disks.length;
  replace($("disks"), network.disks.map(disk => make("tr", { "data-disk": disk.name }, make("td", {}, disk.name),
    make("td", disk.gone ? { class: "bad" } : {}, disk.gone ? "gone" : "there"),
    make("td", {}, disk.gone ? button("give back", "start " + disk.name, { start: disk.name })
      : button("take away", "kill " + disk.name, { kill: disk.name })))));
};

// Whoever is at a button stays there.
const replace = (element, children) => {
  const key = document.activeElement?.dataset.key;
  element.replaceChildren(...children);
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
};

const showLinks = network => {
  const n = network.nodes.length, r = 110, at = new Map(network.nodes.map((node, i) => {
    const angle = 2 * Math.PI * i / n - Math.PI / 2;
    return [node.name, [160 + r * Math.cos(angle), 140 + r * Math.sin(angle)]];
  }));
  const lines = network.links.map(link => {
    const [[x1, y1], [x2, y2]] = link.between.map(name => at.get(name));
    const state = link.cut ? "cut" : link.delay_ms ? "slow" : "good";
    const words = `${link.between.join(" and ")}: ` + (link.cut ? "cut" : link.delay_ms ? `${link.delay_ms} ms more` : "as they are");
    const group = draw("g", { "data-link": link.between.join(" "), "data-state": state },
      draw("line", { class: "link " + state, x1, y1, x2, y2 }), draw("title", {}, words));
    if (state === "slow") group.append(draw("text", { x: (x1 * 2 + x2) / 3, y: (y1 * 2 + y2) / 3 }, `${link.delay_ms} ms`));
    return group;
  });
  const nodes = network.nodes.map(node => {
    const [x, y] = at.get(node.name);
    return draw("g", { class: "learner" + (node.byzantine ? " caught" : "") },
      draw("circle", { class: "shape", cx: x, cy: y, r: 22 }), draw("text", { x, y }, node.name));
  });
  nodes.forEach((element, i) => { element.style.opacity = network.nodes[i].state === "up" ? 1 : .35; });
  $("links").setAttribute("viewBox", "0 0 320 280");
  $("links").replaceChildren(...lines, ...nodes);
};

// What the graph's drawing wants to know, from what all nodes say that can be trusted.
const together = network => {
  const trusted = network.nodes.filter(node => node.state === "up" && !node.byzantine && node.status?.connected);
  const connected = {};
  for (const { status } of trusted)
    for (const [name, row] of Object.entries(status.connected))
      connected[name] = (connected[name] || row).filter(other => row.includes(other));
  return { connected, caught: [...new Set(trusted.flatMap(node => node.status.caught || []))],
    peers: { by_name: Object.fromEntries(network.nodes.map(node => [node.name, node.state === "up"])) } };
};

const fill = network => {
  if ($("sides").childElementCount) return;
  const names = network.nodes.map(node => node.name);
  $("sides").replaceChildren(...names.map(name =>
    make("label", {}, make("input", { type: "checkbox", name: "side", value: name }), " " + name)));
  const options = first => [...first, ...names].map(name => make("option", name ? {} : { value: "" }, name || "all"));
  for (const [form, name, first] of [["delay", "a", [""]], ["delay", "b", [""]], ["submit", "node", []]])
    $(form).elements[name].replaceChildren(...options(first));
};

const refresh = async () => {
  try {
    graph ??= readGraph(await json("/v1/graph"));
    const network = await json("/v1/network");
    liars = new Set(network.nodes.filter(node => node.byzantine).map(node => node.name));
    $("title").textContent = network.mode;
    document.title = "testnet · " + network.mode;
    $("dir").textContent = network.dir;
    fill(network);
    showNodes(network);
    showLinks(network);
    showGraph(graph, together(network));
    showRates();
  } catch (error) {
    console.error(error);
    unreachable();
  }
};

const once = (words, act) => {
  if (told.has(words)) return;
  told.add(words);
  act();
};

listen("/v1/events", {
  decision: e => {
    // Nothing that a liar says about its learners proves anything.
    if (liars.has(e.node)) return;
    if (decide(e)) count(e);
    later(() => showLanes(graph));
  },
  ballot: e => once(`ballot ${e.ballot}`, () => tell(e.at_ms, `ballot ${e.ballot} begins, led by ${e.leader}`)),
  disconnected: e => once(`apart ${e.learners}`, () => tell(e.at_ms, `${e.learners.join(" and ")} are no longer sure to agree`, true)),
  evidence: e => {
    if (liars.has(e.node)) return;
    once(e.words, () => {
      tell(e.at_ms, e.words, true);
      $("evidence").querySelector(".quiet")?.remove();
      $("evidence").append(make("li", { class: "bad" }, e.words));
    });
  },
  notice: e => tell(e.at_ms, e.words),
});
refresh();
setInterval(refresh, 1000);
