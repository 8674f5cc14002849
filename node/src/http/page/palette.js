"use strict";
// A colour for each value of a slot, by its place among the values that were decided there: every page that knows the same
// digests shows the same colours. Neighbours differ in hue, bluish and yellowish in turn, which all kinds of colour blindness
// leave apart, and in their hatching.

const HUES = ["#0b5fc4", "#8a4b00", "#5a2d8c", "#6b7000", "#00607a", "#b0233a", "#3d3d8f", "#4a6b1e"];
const HATCHES = ["plain", "rising", "falling", "dotted"];
// An entry is a hue with a hatching; after so many they come again.
const ENTRIES = HUES.length * HATCHES.length;
// From one value of a slot to the next. It has no factor in common with the number of hues, so that so many values all
// differ in hue.
const STEP = 3;

// The entry of the value that is at `place` in the order of a slot's digests.
export const entryOf = (slot, place) => (slot + STEP * place) % ENTRIES;

// Colours a chip.
export const paint = (element, entry) => {
  element.style.backgroundColor = HUES[entry % HUES.length];
  element.classList.add("hatch-" + HATCHES[(entry + Math.floor(entry / HUES.length)) % HATCHES.length]);
};
