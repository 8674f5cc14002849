"use strict";
// What each learner decided, as digests: of many more slots than are drawn, so that whoever is far behind is compared with
// what the others decided long ago. node/src/cli/watch/compare.rs does the same in terminals.

import { disproved, judge, list } from "./trust.js";

// Batches are compared by their digests, and an empty batch counts like any other: agreement is about what is decided in a
// slot, and of two learners that must agree none may find a slot empty in which the other has values. If no value differs
// neither does the digest: there is one empty batch.

// Slots of a learner that are remembered; beyond, the oldest leave.
const KEPT = 100000;
// Slots in which learners differ that are remembered, the first ones; the others are only counted.
const APART = 1000;
// Slots that are named in a sentence. So many of each pair are remembered, whatever the other pairs have.
const NAMED = 8;
// Digests of one slot of one learner, about which nodes differ.
const DIGESTS = 4;

// learner → { top, slots: slot → its digest, or several }
const told = new Map();
// Who was compared, in which slots: all together, and each pair.
const compared = { first: Infinity, last: -1, slots: 0, pairs: new Set() };
// pair → { a, b, slots: the first ones in which they differ, count: of all of them }
const apart = new Map();
let kept = 0;
// The same, as the launcher of a network has told it.
const reports = new Map();

const keyOf = (a, b) => a < b ? a + " " + b : b + " " + a;
const digestsOf = (lane, slot) => {
  const digests = lane.slots.get(slot);
  return digests === undefined ? [] : typeof digests === "string" ? [digests] : digests;
};
const differ = (some, others) => some.length && others.length && new Set([...some, ...others]).size > 1;

const note = (learner, other, slot) => {
  const key = keyOf(learner, other), [a, b] = key.split(" ");
  if (!apart.has(key)) apart.set(key, { a, b, slots: [], count: 0 });
  const pair = apart.get(key);
  pair.count += 1;
  if (pair.slots.length >= NAMED && kept >= APART) return;
  pair.slots.push(slot);
  kept += 1;
};
// Makes room for a slot.
const advance = (lane, slot) => {
  if (slot <= lane.top) return;
  if (slot - lane.top > KEPT) lane.slots.clear();
  else for (let old = lane.top - KEPT + 1; old <= slot - KEPT; old++) lane.slots.delete(old);
  lane.top = slot;
};

// Takes a decision in. True if nothing was known of this slot of this learner.
export const compare = ({ learner, slot, digest }) => {
  if (!told.has(learner)) told.set(learner, { top: -1, slots: new Map() });
  const lane = told.get(learner);
  if (slot <= lane.top - KEPT) return false;
  const before = digestsOf(lane, slot);
  if (before.includes(digest) || before.length >= DIGESTS) return false;
  const others = [...told].filter(([name]) => name !== learner).map(([name, lane]) => [name, digestsOf(lane, slot)])
    .filter(([, theirs]) => theirs.length);
  // Equal digests are in memory once.
  const same = others.flatMap(([, theirs]) => theirs).find(theirs => theirs === digest) ?? digest;
  const after = [...before, same];
  advance(lane, slot);
  lane.slots.set(slot, after.length === 1 ? same : after);
  for (const [name, theirs] of others) {
    compared.pairs.add(keyOf(learner, name));
    if (differ(after, theirs) && !differ(before, theirs)) note(learner, name, slot);
  }
  if (after.length === 2) note(learner, learner, slot);
  if (!before.length && others.length === 1) {
    compared.first = Math.min(compared.first, slot);
    compared.last = Math.max(compared.last, slot);
    compared.slots += 1;
  }
  return !before.length;
};

// What a learner has decided in a slot.
export const digestIn = (learner, slot) => told.has(learner) ? digestsOf(told.get(learner), slot)[0] : undefined;

// Who decided differently in a slot, as keys of pairs.
export const pairsApart = slot => {
  const there = [...told].map(([name, lane]) => [name, digestsOf(lane, slot)]).filter(([, digests]) => digests.length);
  return there.flatMap(([a, ours], i) => there.slice(i).filter(([, theirs]) => differ(ours, theirs)).map(([b]) => keyOf(a, b)));
};

// Takes in what the launcher knows of a pair: `between`, the first `slots`, `count` of them, `allowed` and `why`.
export const report = e => { reports.set(keyOf(...e.between), e); };

// What the graph says of everything that differs, by pair. `unsafe` are acceptors that are known not to be safe,
// `connected` is what nodes say of the learners, `forks` how often each was seen to decide twice in a slot.
export const disputes = (graph, { unsafe, connected, forks }) => {
  const found = new Map();
  const forked = [...forks].filter(([, times]) => times).map(([learner]) => keyOf(learner, learner));
  for (const key of new Set([...apart.keys(), ...reports.keys(), ...forked])) {
    const [a, b] = key.split(" "), own = apart.get(key), theirs = reports.get(key);
    const slots = [...new Set([...own?.slots ?? [], ...theirs?.slots ?? []])].sort((a, b) => a - b);
    const count = Math.max(own?.count ?? 0, theirs?.count ?? 0, slots.length);
    const { allowed, why } = graph ? judge(graph, a, b, unsafe, connected) : theirs ?? { allowed: true, why: "the graph is not known yet" };
    found.set(key, { a, b, slots, count, allowed, why });
  }
  return found;
};

const slotWords = d => (d.count === 1 ? "slot " : "slots ") + list(d.count > NAMED
  ? [...d.slots.slice(0, NAMED), `${d.count - Math.min(NAMED, d.slots.length)} more`] : d.slots.map(String));
const disputeWords = d => {
  const who = !d.count ? `a node has seen ${d.a} decide twice in one slot` :
    (d.a === d.b ? `nodes differ about ${d.a}` : `${d.a} and ${d.b} differ`) + ` in ${slotWords(d)}`;
  return `${d.allowed ? "" : "VIOLATION: "}${who}, which is ${d.allowed ? "allowed" : "not allowed"}: ${d.why}.`;
};
const rangeWords = ({ first, last, slots }) => slots === 1 ? `the slot compared, ${first}`
  : last - first + 1 === slots ? `the slots compared, ${first} to ${last}` : `the ${slots} slots compared, between ${first} and ${last}`;

// The state of the agreement: in words, what kind it is, and how it is to look. `null` if nothing is known.
// `learners` are those that have decided something here, whether it is known on this page or not.
export const verdict = (found, graph, { unsafe, connected, learners = [] }) => {
  const all = [...found.values()], broken = all.filter(d => !d.allowed);
  if (all.length)
    return { slot: [...broken, ...all].find(d => d.slots.length)?.slots[0], words: [...broken, ...all.filter(d => d.allowed)].map(disputeWords).join(" "),
      ...(broken.length ? { kind: "violation", look: "bad" } : { kind: "allowed", look: "warn" }) };
  if (graph && disproved(graph, unsafe, connected))
    return { kind: "violation", look: "bad", words: "VIOLATION: two certificates prove that learners decided differently, in a slot " +
      "that was not compared here: see the evidence. More acceptors lie than was assumed." };
  const names = [...new Set([...told.keys(), ...learners])];
  if (!names.length) return null;
  if (names.length === 1) return { words: "There is one learner here.", kind: "alone", look: "quiet" };
  if (!compared.slots) return { words: "Nothing to compare yet: no slot is known here of two learners.", kind: "nothing", look: "quiet" };
  const missing = names.flatMap((a, i) => names.slice(i + 1).map(b => [a, b])).filter(([a, b]) => !compared.pairs.has(keyOf(a, b)));
  const words = `All learners agree in ${rangeWords(compared)}.`;
  if (!missing.length) return { words, kind: "agreed", look: "good" };
  const pairs = missing.slice(0, NAMED).map(pair => pair.join(" with ")).join(", ");
  const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
  return { words: `${words} Not compared yet, since no slot is known here of both: ${pairs}${more}.`, kind: "partly", look: "quiet" };
};
