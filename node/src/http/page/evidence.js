"use strict";
// What proves that an acceptor is not safe, in words, and how to check it without this page.

import { $, make } from "./dom.js";
import { valueOf } from "./lanes.js";

const PROOFS = 50;

// A statement of a message, with its value in words if it is known here.
const statement = ({ says, value }) => {
  const words = value && valueOf(value);
  return says + (value ? `: value ${value.slice(0, 8)}` + (words ? `, which is ${words}` : "") : "");
};
const piece = e => {
  const sides = (e.sides ?? []).filter(side => side.length).map(side => make("li", {}, side.map(statement).join("; ")));
  return make("li", { class: "bad" }, e.words,
    ...(sides.length ? [make("ul", { class: "quiet sides" }, ...sides)] : []),
    make("details", { class: "quiet", "data-digest": e.digest },
      make("summary", {}, `the proof, ${Math.ceil(e.evidence.length * 3 / 4)} bytes`), make("code", {}, e.evidence)));
};

// `config` is the path of the network's configuration.
export const showProofs = (list, config) => {
  if (!list.length) return;
  const open = new Set([...$("evidence").querySelectorAll("details[open]")].map(details => details.dataset.digest));
  $("evidence").replaceChildren(...list.slice(0, PROOFS).map(piece),
    ...(list.length > PROOFS ? [make("li", { class: "quiet" }, `and ${list.length - PROOFS} more`)] : []));
  for (const details of $("evidence").querySelectorAll("details")) details.open = open.has(details.dataset.digest);
  $("verify").hidden = false;
  $("command").textContent = `curl -s ${location.origin}/v1/evidence | hpaxos evidence verify --config ${/^[\w./-]+$/.test(config) ? config : `"${config}"`} -`;
};
