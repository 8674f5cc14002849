"use strict";
// A colour for each value, given in the order in which values appear, so that those that are seen together differ surely and
// not by the chance of a digest. Neighbours differ in hue, bluish and yellowish in turn, which all kinds of colour blindness
// leave apart, and in their hatching.

const HUES = ["#0b5fc4", "#8a4b00", "#5a2d8c", "#6b7000", "#00607a", "#b0233a", "#3d3d8f", "#4a6b1e"];
const HATCHES = ["plain", "rising", "falling", "dotted"];
// An entry is a hue with a hatching; after so many they come again.
export const ENTRIES = HUES.length * HATCHES.length;
const hueOf = entry => entry % HUES.length;
const hatchOf = entry => (entry + Math.floor(entry / HUES.length)) % HATCHES.length;
// Values whose entry is remembered; beyond, the oldest are forgotten.
const KEPT = 4000;

const given = new Map();
let next = 0;
const entryOf = value => {
  if (!given.has(value)) {
    given.set(value, next % ENTRIES);
    next += 1;
    if (given.size > KEPT) given.delete(given.keys().next().value);
  }
  return given.get(value);
};

// The entries of the values of one slot, in the order in which they appeared there. No two have the same hue, if there are
// not more of them than hues, and never the same entry.
export const entriesOf = values => {
  const chosen = new Map();
  for (const value of values) {
    let entry = entryOf(value);
    const taken = [...chosen.values()], hues = new Set(taken.map(hueOf));
    const clashes = () => hues.size < HUES.length ? hues.has(hueOf(entry)) : taken.length < ENTRIES && taken.includes(entry);
    while (clashes()) entry = (entry + 1) % ENTRIES;
    chosen.set(value, entry);
  }
  return chosen;
};

// Colours a chip.
export const paint = (element, entry) => {
  element.style.backgroundColor = HUES[hueOf(entry)];
  element.classList.add("hatch-" + HATCHES[hatchOf(entry)]);
};
