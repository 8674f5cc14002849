"use strict";
// A lane for each learner, with what it has decided, slot by slot.

import { compare, digestIn, disputes, pairsApart, verdict } from "./compare.js";
import { $, make } from "./dom.js";
import { entryOf, paint } from "./palette.js";
import { list } from "./trust.js";

const SLOTS = 60;
// So many have all their numbers.
const FEW = 20;
// Slots of a lane whose values are kept.
const CELLS = 4 * SLOTS;
// The digest of a batch without values.
const EMPTY = "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc";
export const decided = new Map();
let fresh = new Set();
// The last slot that anybody has decided.
let last = -1;
// The last slot of each learner.
const tops = new Map();

// Decisions hold what is new to their learner: what it had decided before is there, and not shown again.
const valueWords = d => d.values.map(v => v.text === undefined ? "base64 " + v.base64 : v.text).join(" | ").slice(0, 300) ||
  (d.digest === EMPTY ? "(empty)" : `(nothing new: ${d.learner} had decided before what is in it)`);
// What a digest stands for, if anybody has decided it.
export const valueOf = digest => {
  for (const lane of decided.values())
    for (const d of lane.values()) if (d.digest === digest && (d.values.length || digest === EMPTY)) return valueWords(d);
  return digest === EMPTY ? "(empty)" : null;
};
// The first digits of a digest: as many as tell it from the others, and at least two.
const digits = (digest, others) => {
  let n = 2;
  while (n < digest.length && others.some(other => other !== digest && other.startsWith(digest.slice(0, n)))) n += 1;
  return digest.slice(0, n);
};

const showVerdict = said => {
  if (!said) return;
  if ($("verdict").textContent !== said.words) $("verdict").textContent = said.words;
  $("verdict").className = said.look;
  $("verdict").dataset.kind = said.kind;
  $("agreed").className = said.look;
  $("jump").hidden = said.slot === undefined;
  if (said.slot === undefined) return;
  $("jump").textContent = `Show slot ${said.slot}`;
  $("jump").dataset.slot = said.slot;
};

// The slot that somebody wants to see, whatever is decided meanwhile; null for the latest.
let wanted = null, redraw = () => {};
const want = slot => {
  wanted = slot;
  $("back").hidden = slot === null;
  redraw();
};
$("jump").addEventListener("click", event => {
  event.preventDefault();
  const slot = Number($("jump").dataset.slot);
  want(slot);
  $("lanes-title").scrollIntoView();
  const chip = $("lanes").querySelector(`[data-slot="${slot}"]`);
  if (chip) go(chip);
});
$("back").addEventListener("click", () => { want(null); $("lanes").scrollLeft = $("lanes").scrollWidth; });

// What nodes know of acceptors and learners, as `disputes` takes it.
export const nothingKnown = () => ({ unsafe: new Set(), connected: null, forks: new Map() });
export const showLanes = (graph, known = nothingKnown()) => {
  redraw = () => showLanes(graph, known);
  const found = disputes(graph, known);
  showVerdict(verdict(found, graph, known));
  if (last < 0) return;
  const slots = [], end = wanted === null ? last : Math.min(last, wanted + SLOTS / 2);
  for (let slot = Math.max(0, end - SLOTS + 1); slot <= end; slot++) slots.push(slot);
  const marks = new Map();
  for (const slot of slots) {
    const pairs = pairsApart(slot);
    if (pairs.length) marks.set(slot, pairs.every(pair => found.get(pair).allowed) ? "allowed" : "violation");
  }
  const mark = slot => marks.has(slot) ? "differs " + marks.get(slot) : "";
  const head = make("tr", {}, make("th", { scope: "col" }), ...slots.map(slot =>
    make("th", { scope: "col", class: mark(slot) }, marks.has(slot) || slot % 5 === 0 || slots.length <= FEW ? String(slot) : "")));
  // In the order of the graph, whoever decided first.
  const order = (graph?.learners ?? []).map(learner => learner.name);
  const lanesInOrder = [...decided].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  // Of old slots only digests are left.
  const in_lane = (learner, lane, slot) => {
    const digest = lane.has(slot) ? undefined : digestIn(learner, slot);
    return lane.get(slot) ?? (digest && { learner, slot, digest, values: [], ballot: null, latency_ms: null });
  };
  const digests = new Map(slots.map(slot =>
    [slot, [...new Set(lanesInOrder.map(([learner, lane]) => in_lane(learner, lane, slot)?.digest).filter(Boolean))].sort()]));
  const otherwise = (slot, digest) => {
    const differs = lanesInOrder.filter(([name, lane]) => ![undefined, digest].includes(in_lane(name, lane, slot)?.digest)).map(([name]) => name);
    const words = `${differs.length ? list(differs) : "another node"} decided otherwise here`;
    return marks.get(slot) === "allowed" ? ` — ${words}, which is allowed` : ` — VIOLATION: ${words}`;
  };
  const rows = lanesInOrder.map(([learner, lane]) => make("tr", { "data-learner": learner },
    make("th", { scope: "row" }, learner), ...slots.map(slot => {
      const d = in_lane(learner, lane, slot), cell = make("td", { class: mark(slot) });
      if (!d) { cell.append(make("span", { class: "cell none" })); return cell; }
      const badge = digits(d.digest, digests.get(slot)), entry = entryOf(slot, digests.get(slot).indexOf(d.digest));
      const words = `${learner}, slot ${slot}` + (d.ballot === null ? "" : `, ballot ${d.ballot}`) + (marks.has(slot) ? `, value ${badge}` : "") + `: ${d.ballot === null ? `${d.digest} (its values are not kept here)` : valueWords(d)}` +
        (d.latency_ms === null ? "" : ` (${d.latency_ms} ms)`) + (marks.has(slot) ? otherwise(slot, d.digest) + "." : "");
      const classes = "cell" + (d.values.length || d.ballot === null ? "" : " empty") + (fresh.has(learner + " " + slot) ? " new" : "");
      const chip = make("button", { class: classes, type: "button", tabindex: "-1", "data-digest": d.digest, "data-key": learner + " " + slot,
        "data-slot": slot, "data-entry": entry, "aria-label": words, title: words }, badge);
      paint(chip, entry);
      for (const event of ["pointerenter", "focus"]) chip.addEventListener(event, () => $("slot").textContent = words);
      cell.append(chip);
      return cell;
    })));
  fresh = new Set();
  const lanes = $("lanes"), atEnd = lanes.scrollLeft + lanes.clientWidth >= lanes.scrollWidth - 40;
  const focused = document.activeElement?.closest?.("#lanes") ? document.activeElement.dataset.key : null;
  lanes.replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
  if (atEnd) lanes.scrollLeft = lanes.scrollWidth;
  for (const row of rows) stop(row);
  if (focused) lanes.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};

// ---- keys: the tab key goes to a lane, arrows go on from there --------------------------------------

const stops = new Map();
const chips = row => [...row.querySelectorAll("[data-slot]")];
// The chip of a lane that the tab key goes to: the one that was there last, or the latest.
const stop = row => {
  const all = chips(row), chosen = all.find(chip => Number(chip.dataset.slot) === stops.get(row.dataset.learner)) ?? all.at(-1);
  for (const chip of all) chip.tabIndex = chip === chosen ? 0 : -1;
};
const go = chip => {
  const row = chip.closest("tr");
  stops.set(row.dataset.learner, Number(chip.dataset.slot));
  stop(row);
  chip.focus();
};
$("lanes").addEventListener("focusin", event => {
  if (event.target.dataset.slot === undefined) return;
  const row = event.target.closest("tr");
  stops.set(row.dataset.learner, Number(event.target.dataset.slot));
  stop(row);
});
$("lanes").addEventListener("keydown", event => {
  const chip = event.target.closest("[data-slot]");
  if (!chip || event.ctrlKey || event.altKey || event.metaKey) return;
  const row = chip.closest("tr"), all = chips(row), at = all.indexOf(chip);
  const beside = row => row && (chips(row).find(other => other.dataset.slot === chip.dataset.slot) ?? chips(row).at(-1));
  const to = { ArrowLeft: () => all[at - 1], ArrowRight: () => all[at + 1], Home: () => all[0], End: () => all.at(-1),
    ArrowUp: () => beside(row.previousElementSibling), ArrowDown: () => beside(row.nextElementSibling) }[event.key];
  if (!to) return;
  event.preventDefault();
  const target = to();
  if (target) go(target);
});

// Several nodes may tell what one learner has decided. True if it is news.
export const decide = e => {
  const news = compare(e), lane = decided.get(e.learner) ?? new Map();
  decided.set(e.learner, lane);
  last = Math.max(last, e.slot);
  if (!news || e.slot <= (tops.get(e.learner) ?? -1) - CELLS) return news;
  tops.set(e.learner, Math.max(tops.get(e.learner) ?? -1, e.slot));
  lane.set(e.slot, e);
  for (const slot of lane.keys()) if (slot <= e.slot - CELLS) lane.delete(slot);
  fresh.add(e.learner + " " + e.slot);
  return true;
};
