"use strict";
// The learner graph: who decides by whom, and who is sure to agree. What is said of it elsewhere on the page is marked here.

import { $, draw } from "./dom.js";
import { list } from "./trust.js";

// Labels of so many edges can be told apart.
const LABELLED = 24;
// It is drawn no smaller than this.
const LEAST = .9;

// What holds between two learners that the graph says are to agree.
const edges = (graph, status) => {
  const caught = new Set(status.caught || []);
  const found = new Map();
  for (const agreement of graph.agreements)
    for (const [i, a] of agreement.between.entries())
      for (const b of agreement.between.slice(i + 1)) {
        const key = [a, b].sort().join(" ");
        const edge = found.get(key) || { between: [a, b].sort(), when: [], hurt: new Set() };
        edge.when.push(agreement.words);
        for (const acceptor of caught) if (agreement.named.has(acceptor)) edge.hurt.add(acceptor);
        found.set(key, edge);
      }
  for (const edge of found.values()) {
    const [a, b] = edge.between;
    const connected = ((status.connected || {})[a] || []).includes(b);
    edge.state = !connected ? "disconnected" : edge.hurt.size ? "weakened" : "entangled";
    const rule = `${a} and ${b} are to agree while ${edge.when.join(", or ")} are safe`, hurt = list([...edge.hurt]);
    const caught = edge.hurt.size > 1 ? "were caught" : "was caught";
    const why = { entangled: "nothing is known against it.", weakened: `${hurt} ${caught}, and the others still suffice.`,
      disconnected: (edge.hurt.size ? `${hurt} ${caught}, and the others leave no such set` : "what was proved leaves no such set") +
        ", so it is no longer promised." };
    edge.words = `${rule}: ${why[edge.state]}`;
  }
  return [...found.values()];
};

// ---- what other parts of the page mark ----------------------------------------------------------

let marked = [], labels = new Map(), supposed = new Map();

const decorate = () => {
  for (const element of $("graph").querySelectorAll("[data-key]")) {
    const { key } = element.dataset;
    element.classList.toggle("marked", marked.includes(key));
    const { words = "", kind = "", load = 0 } = labels.get(key) ?? {};
    const label = element.querySelector(".label");
    if (label && label.textContent !== words) label.textContent = words;
    if (label) label.setAttribute("class", "label " + kind);
    element.querySelector(".load")?.setAttribute("width", 60 * load);
    const how = supposed.get(key);
    element.classList.toggle("supposed", Boolean(how));
    if (how) element.dataset.supposed = how; else delete element.dataset.supposed;
    if (element.getAttribute("role") === "button") element.setAttribute("aria-pressed", String(Boolean(how)));
  }
};
// Marks these, by their keys: `acceptor a1`, `learner bob`, `edge alice bob`. No others stay marked.
export const mark = keys => { marked = keys; decorate(); };
// Writes something short below each of these, as `{ words, kind, load }` by key: a load is a share of the most.
export const label = (those, supposals) => { labels = those; supposed = supposals; decorate(); };

// ---- the drawing --------------------------------------------------------------------------------

// Somebody looks at a part of the drawing, or no longer does, or presses it.
const tell = (what, key) => $("graph").dispatchEvent(new CustomEvent(what, { detail: key }));

let shown = "";
export const showGraph = (graph, status) => {
  // What is there stays as long as it is true, and with it whoever is looking at a part of it.
  const now = JSON.stringify([graph.learners.map(l => l.name), status.caught, status.connected, status.away]);
  if (now === shown) return;
  shown = now;
  const svg = $("graph"), width = Math.max(360, 90 * Math.max(graph.learners.length, graph.acceptors.length));
  const place = (i, n) => width * (i + .5) / n, top = 96, bottom = 236;
  // Names make room for what is said of them below, where anything is.
  const up = status.mode === "hpaxos" ? 6 : 0;
  const caught = new Set(status.caught || []), away = new Set(status.away || []);
  const at = new Map(graph.learners.map((l, i) => [l.name, place(i, graph.learners.length)]));
  const under = new Map(graph.acceptors.map((a, i) => [a.acceptor, place(i, graph.acceptors.length)]));
  const focused = document.activeElement && document.activeElement.dataset.key;
  const words = (element, key, text, role = "img") => {
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", role);
    element.setAttribute("aria-label", text);
    element.dataset.key = key;
    for (const event of ["pointerenter", "focus"])
      element.addEventListener(event, () => { $("about").textContent = element.getAttribute("aria-label"); tell("look", key); });
    for (const event of ["pointerleave", "blur"]) element.addEventListener(event, () => tell("leave", key));
    return element;
  };
  const lines = graph.learners.flatMap(l => graph.acceptors.filter(a => l.named.has(a.acceptor)).map(a =>
    draw("line", { class: "trust", "data-of": l.name, x1: at.get(l.name), y1: top, x2: under.get(a.acceptor), y2: bottom })));
  const all = edges(graph, status), labelled = all.length <= LABELLED;
  const arcs = all.map(edge => {
    const [x1, x2] = edge.between.map(name => at.get(name));
    const height = Math.min(80, 14 + Math.abs(x2 - x1) / 4);
    const path = `M ${x1} ${top - 20} Q ${(x1 + x2) / 2} ${top - 20 - height} ${x2} ${top - 20}`;
    const group = draw("g", {}, draw("path", { class: "edge " + edge.state, d: path }), draw("path", { class: "near", d: path }));
    if (labelled) group.append(draw("text", { class: "label", x: (x1 + x2) / 2, y: top - 20 - height / 2 }));
    group.dataset.between = edge.between.join(" ");
    group.dataset.state = edge.state;
    return words(group, "edge " + edge.between.join(" "), edge.words);
  });
  const learners = graph.learners.map(l => {
    const x = at.get(l.name), to = (status.connected || {})[l.name] || [];
    const apart = to.includes(l.name) ? "" : " It is not sure to agree even with itself.";
    const group = draw("g", { class: "learner" },
      draw("rect", { class: "shape", x: x - 38, y: top - 20, width: 76, height: 40, rx: 20 }),
      draw("text", { x, y: top - up }, l.name), draw("text", { class: "label", x, y: top + 9 }));
    for (const [event, on] of [["pointerenter", true], ["focus", true], ["pointerleave", false], ["blur", false]])
      group.addEventListener(event, () => svg.querySelectorAll(".trust").forEach(line =>
        line.classList.toggle("on", on && line.dataset.of === l.name)));
    return words(group, "learner " + l.name, `Learner ${l.name} decides by ${l.words}.${apart}`);
  });
  const acceptors = graph.acceptors.map(a => {
    const x = under.get(a.acceptor), liar = caught.has(a.acceptor), here = !away.has(a.acceptor);
    const group = draw("g", { class: "acceptor" + (liar ? " caught" : "") + (here ? "" : " away") },
      draw("rect", { class: "shape", x: x - 34, y: bottom - 20, width: 68, height: 40, rx: 6 }),
      draw("rect", { class: "load", x: x - 30, y: bottom + 12, width: 0, height: 4, rx: 2 }),
      draw("text", { x, y: bottom - up / 3 }, a.acceptor), draw("text", { class: "label", x, y: bottom + 31 }));
    const text = `Acceptor ${a.acceptor}` + (a.node === null ? "" : `, played by ${a.node}` + (here ? "" : ", which is not connected")) +
      (liar ? ". It was caught: see the evidence." : ".");
    if (status.mode !== "hpaxos") return words(group, "acceptor " + a.acceptor, text);
    // A finger that asks what this is supposes nothing.
    group.addEventListener("click", event => { if (event.pointerType !== "touch") tell("press", a.acceptor); });
    group.addEventListener("keydown", event => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      tell("press", a.acceptor);
    });
    return words(group, "acceptor " + a.acceptor, text, "button");
  });
  svg.setAttribute("viewBox", `0 0 ${width} 278`);
  // Where there is no room for it, it is scrolled, and its words can still be read.
  svg.style.minWidth = `${Math.round(LEAST * width)}px`;
  svg.replaceChildren(...lines, ...arcs, ...learners, ...acceptors);
  decorate();
  if (focused) svg.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};
