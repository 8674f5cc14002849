"use strict";
// A lane for each learner, with what it has decided, slot by slot.

import { $, make } from "./dom.js";
import { entriesOf, paint } from "./palette.js";
import { judge, list } from "./trust.js";

const SLOTS = 60;
// Slots that are named in a sentence.
const NAMED = 8;
// The digest of a batch without values.
const EMPTY = "af5570f5a1810b7af78caf4bc70a660f0df51e42baf91d4de5b2328de0e83dfc";
export const decided = new Map();
let fresh = new Set();
// What was decided in each slot, in the order in which it was told.
const seen = new Map();

// Decisions hold what is new to their learner: what it had decided before is there, and not shown again.
const valueWords = d => d.values.map(v => v.text === undefined ? "base64 " + v.base64 : v.text).join(" | ").slice(0, 300) ||
  (d.digest === EMPTY ? "(empty)" : `(nothing new: ${d.learner} had decided before what is in it)`);
// What a digest stands for, if anybody has decided it.
export const valueOf = digest => {
  for (const lane of decided.values())
    for (const d of lane.values()) if (d.digest === digest && (d.values.length || digest === EMPTY)) return valueWords(d);
  return digest === EMPTY ? "(empty)" : null;
};
const letter = i => i < 26 ? String.fromCharCode(65 + i) : String(i + 1);

// Who decided differently in a slot: pairs of names, one twice if it differs from itself.
const pairsApart = slot => {
  const pairs = [], names = [...decided.keys()].sort();
  for (const [i, a] of names.entries()) {
    if (decided.get(a).get(slot)?.other) pairs.push([a, a]);
    for (const b of names.slice(i + 1)) {
      const [one, other] = [a, b].map(name => decided.get(name).get(slot)?.digest);
      if (one && other && one !== other) pairs.push([a, b]);
    }
  }
  return pairs;
};

// What the graph says of everything that differs: each pair once, with its slots.
const disputes = (graph, unsafe, slots) => {
  const found = new Map();
  for (const slot of slots)
    for (const [a, b] of pairsApart(slot)) {
      const key = a + " " + b;
      if (!found.has(key)) found.set(key, { a, b, slots: [], ...(graph ? judge(graph, a, b, unsafe) : { allowed: true, why: "the graph is not known yet" }) });
      found.get(key).slots.push(slot);
    }
  return [...found.values()];
};
const slotWords = slots => (slots.length === 1 ? "slot " : "slots ") + list(slots.length > NAMED
  ? [...slots.slice(0, NAMED), `${slots.length - NAMED} more`] : slots.map(String));
const disputeWords = d => {
  const who = d.a === d.b ? `nodes differ about ${d.a}` : `${d.a} and ${d.b} differ`;
  return `${d.allowed ? "" : "VIOLATION: "}${who} in ${slotWords(d.slots)}, which is ${d.allowed ? "allowed" : "not allowed"}: ${d.why}.`;
};
const showVerdict = found => {
  const broken = found.filter(d => !d.allowed);
  const kind = broken.length ? "bad" : found.length ? "warn" : decided.size > 1 ? "good" : "quiet";
  const words = found.length ? [...broken, ...found.filter(d => d.allowed)].map(disputeWords).join(" ")
    : decided.size > 1 ? "All learners agree wherever two of them have decided." : "There is one learner here.";
  if ($("verdict").textContent !== words) $("verdict").textContent = words;
  $("verdict").className = kind;
  $("verdict").dataset.kind = broken.length ? "violation" : found.length ? "allowed" : "agreed";
};

// `unsafe` are acceptors that are known not to be safe.
export const showLanes = (graph, unsafe = new Set()) => {
  const last = Math.max(-1, ...[...decided.values()].flatMap(lane => [...lane.keys()]));
  if (last < 0) return;
  const slots = [];
  for (let slot = Math.max(0, last - SLOTS + 1); slot <= last; slot++) slots.push(slot);
  // Of whatever is still known, and not only of what there is room for.
  const found = disputes(graph, unsafe, [...seen.keys()].filter(slot => seen.get(slot).length > 1).sort((a, b) => a - b));
  const marks = new Map();
  for (const d of found) for (const slot of d.slots)
    marks.set(slot, d.allowed ? marks.get(slot) ?? "allowed" : "violation");
  const mark = slot => marks.has(slot) ? "differs " + marks.get(slot) : "";
  const head = make("tr", {}, make("th", { scope: "col" }), ...slots.map(slot =>
    make("th", { scope: "col", class: mark(slot) }, marks.has(slot) || slot % 5 === 0 ? String(slot) : "")));
  // In the order of the graph, whoever decided first.
  const order = (graph?.learners ?? []).map(learner => learner.name);
  const lanesInOrder = [...decided].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const inLanes = slot => [...new Set(lanesInOrder.map(([, lane]) => lane.get(slot)?.digest).filter(Boolean))];
  const entries = new Map(slots.map(slot => [slot, entriesOf(seen.get(slot) ?? [])]));
  const rows = lanesInOrder.map(([learner, lane]) => make("tr", { "data-learner": learner },
    make("th", { scope: "row" }, learner), ...slots.map(slot => {
      const d = lane.get(slot), cell = make("td", { class: mark(slot) });
      if (!d) { cell.append(make("span", { class: "cell none" })); return cell; }
      const badge = marks.has(slot) ? letter(inLanes(slot).indexOf(d.digest)) : d.digest.slice(0, 2);
      const kind = { allowed: " — others decided otherwise here, which is allowed", violation: " — VIOLATION: others decided otherwise here" };
      const words = `${learner}, slot ${slot}, ballot ${d.ballot}` + (marks.has(slot) ? `, value ${badge}` : "") + `: ${valueWords(d)}` +
        (d.latency_ms === null ? "" : ` (${d.latency_ms} ms)`) + (marks.has(slot) ? kind[marks.get(slot)] + "." : "");
      const classes = "cell" + (d.values.length ? "" : " empty") + (fresh.has(learner + " " + slot) ? " new" : "");
      const chip = make("button", { class: classes, type: "button", tabindex: "-1", "data-digest": d.digest, "data-key": learner + " " + slot,
        "data-slot": slot, "data-entry": entries.get(slot).get(d.digest), "aria-label": words, title: words }, badge);
      paint(chip, entries.get(slot).get(d.digest));
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
  showVerdict(found);
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
  const lane = decided.get(e.learner) || new Map();
  decided.set(e.learner, lane);
  if (!seen.has(e.slot)) seen.set(e.slot, []);
  if (!seen.get(e.slot).includes(e.digest)) seen.get(e.slot).push(e.digest);
  const known = lane.get(e.slot);
  if (known) {
    if (known.digest !== e.digest) known.other = e.digest;
    return false;
  }
  lane.set(e.slot, e);
  // What differs is remembered, as the terminals do.
  const old = slot => slot <= e.slot - 4 * SLOTS && !(seen.get(slot)?.length > 1);
  for (const slot of lane.keys()) if (old(slot)) lane.delete(slot);
  for (const slot of seen.keys()) if (old(slot) && ![...decided.values()].some(lane => lane.has(slot))) seen.delete(slot);
  fresh.add(e.learner + " " + e.slot);
  return true;
};
