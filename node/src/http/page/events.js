"use strict";
// What nodes say, as it comes, and in words.

import { $, clock, make } from "./dom.js";

const EVENTS = 100;

// What happened at a time, in milliseconds since 1970.
export const tell = (at, words, look) => {
  const time = make("time", {}, clock(at));
  $("events").prepend(make("li", look ? { class: "warn" } : {}, time, words));
  while ($("events").childElementCount > EVENTS) $("events").lastChild.remove();
};

// The other nodes as one hears them: what is said of silence is the node's to say.
export const peers = status => {
  if (!status.peers) return "–";
  const { heard, connected, expected, silent = [], silent_s = {} } = status.peers;
  return `${heard ?? connected} of ${expected}` + silent.map(name => `, ${name} silent for ${silent_s[name]} s`).join("");
};
// What a node says of its patience with whoever leads.
export const patience = status => {
  const waits = Object.values(status.patience_ms ?? {});
  if (!waits.length) return "–";
  const [least, most] = [Math.min(...waits), Math.max(...waits)];
  return least === most ? `${least} ms` : `${least} to ${most} ms`;
};
const gaveUp = e => `ballot ${e.ballot} is given up: ${e.words}`;
// How many ballots it has given up, and the last one in words.
export const givenUp = ({ given_up }) =>
  given_up ? [String(given_up.times), ...(given_up.last ? [gaveUp(given_up.last)] : [])] : ["–"];

export const heard = {
  ballot: e => tell(e.at_ms, `ballot ${e.ballot} begins, led by ${e.leader}`),
  timeout: e => tell(e.at_ms, `${e.node}: ${gaveUp(e)}`),
  disconnected: e => tell(e.at_ms, e.learners[0] === e.learners[1] ? `${e.learners[0]} is no longer sure to agree with itself`
    : `${e.learners.join(" and ")} are no longer sure to agree`, true),
  fork: e => tell(e.at_ms, `${e.learner} saw two decisions in slot ${e.slot}`, true),
  gap: e => tell(e.at_ms ?? Date.now(), e.words),
};

const live = (words, kind) => {
  $("live").textContent = words;
  $("live").className = "pill " + kind;
};
// What is shown stays, and is marked as old.
export const unreachable = () => {
  live("not reachable", "bad");
  if (!document.body.classList.contains("old")) $("as-of").textContent = `What is shown here was so at ${clock(Date.now())}.`;
  document.body.classList.add("old");
};
export const reachable = () => {
  live("live", "good");
  document.body.classList.remove("old");
};

// Listens for good; what a page does with some kinds of events goes before what all of them do.
export const listen = (path, also) => {
  const stream = new EventSource(path);
  for (const [kind, take] of Object.entries({ ...heard, ...also }))
    stream.addEventListener(kind, message => take(JSON.parse(message.data)));
  stream.onopen = reachable;
  stream.onerror = () => live("reconnecting", "bad");
};

// Draws soon, however much comes until then.
let due = false;
export const later = show => {
  if (due) return;
  due = true;
  setTimeout(() => { due = false; show(); }, 200);
};
