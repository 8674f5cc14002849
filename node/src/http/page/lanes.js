"use strict";
// A lane for each learner, with what it has decided, slot by slot.

import { $, make } from "./dom.js";

const SLOTS = 60;
export const decided = new Map();
let fresh = new Set();

// Equal digests have equal colours; those of different ones differ by chance alone.
const colour = digest => `hsl(${parseInt(digest.slice(0, 6), 16) % 360} 60% 38%)`;
const valueWords = values => values.map(v => v.text === undefined ? "base64 " + v.base64 : v.text).join(" | ").slice(0, 300) || "nothing new";

// Who decided differently in these slots, and what the graph says of it.
const disputes = (graph, slots) => {
  const pairs = new Set(), names = [...decided.keys()].sort();
  for (const slot of slots)
    for (const [i, a] of names.entries()) {
      if (decided.get(a).get(slot)?.other) pairs.add(a + " and " + a);
      for (const b of names.slice(i + 1)) {
        const [one, other] = [a, b].map(name => decided.get(name).get(slot)?.digest);
        if (one && other && one !== other) pairs.add(a + " and " + b);
      }
    }
  const promised = pair => graph?.agreements.some(rule => pair.split(" and ").every(name => rule.between.includes(name)));
  return [...pairs].map(pair => pair + (promised(pair)
    ? ", whose agreement rests on acceptors that were not all safe" : ", of whom the graph promises no agreement")).join("; ");
};

export const showLanes = graph => {
  const last = Math.max(-1, ...[...decided.values()].flatMap(lane => [...lane.keys()]));
  if (last < 0) return;
  const slots = [];
  for (let slot = Math.max(0, last - SLOTS + 1); slot <= last; slot++) slots.push(slot);
  const digests = slot => [...decided.values()].flatMap(lane => [lane.get(slot)?.digest, lane.get(slot)?.other]).filter(Boolean);
  const differs = slot => new Set(digests(slot)).size > 1;
  const apart = slots.filter(differs);
  const head = make("tr", {}, make("th", { scope: "col" }), ...slots.map(slot =>
    make("th", { scope: "col", class: apart.includes(slot) ? "differs" : "" }, apart.includes(slot) || slot % 5 === 0 ? String(slot) : "")));
  // In the order of the graph, whoever decided first.
  const order = (graph?.learners ?? []).map(learner => learner.name);
  const lanesInOrder = [...decided].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const rows = lanesInOrder.map(([learner, lane]) => make("tr", { "data-learner": learner },
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
    ? `In ${apart.length === 1 ? "slot" : "slots"} ${apart.join(", ")} they decided differently: ${disputes(graph, apart)}.`
    : decided.size > 1 ? "All learners agree wherever both have decided." : "There is one learner here.";
};

// Several nodes may tell what one learner has decided. True if it is news.
export const decide = e => {
  const lane = decided.get(e.learner) || new Map();
  decided.set(e.learner, lane);
  const known = lane.get(e.slot);
  if (known) {
    if (known.digest !== e.digest) known.other = e.digest;
    return false;
  }
  lane.set(e.slot, e);
  for (const slot of lane.keys()) if (slot <= e.slot - 4 * SLOTS) lane.delete(slot);
  fresh.add(e.learner + " " + e.slot);
  return true;
};
