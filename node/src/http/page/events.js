"use strict";
// What nodes say, as it comes, and in words.

import { $, make } from "./dom.js";

const EVENTS = 100;

// What happened at a time, in milliseconds since 1970.
export const tell = (at, words, look) => {
  const time = make("time", {}, new Date(at).toLocaleTimeString());
  $("events").prepend(make("li", look ? { class: "warn" } : {}, time, words));
  while ($("events").childElementCount > EVENTS) $("events").lastChild.remove();
};

export const heard = {
  ballot: e => tell(e.at_ms, `ballot ${e.ballot} begins, led by ${e.leader}`),
  disconnected: e => tell(e.at_ms, e.learners[0] === e.learners[1] ? `${e.learners[0]} is no longer sure to agree with itself`
    : `${e.learners.join(" and ")} are no longer sure to agree`, true),
  fork: e => tell(e.at_ms, `${e.learner} saw two decisions in slot ${e.slot}`, true),
  gap: e => tell(e.at_ms ?? Date.now(), e.words),
};

const live = (words, kind) => {
  $("live").textContent = words;
  $("live").className = "pill " + kind;
};
export const unreachable = () => live("not reachable", "bad");
export const reachable = () => live("live", "good");

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
