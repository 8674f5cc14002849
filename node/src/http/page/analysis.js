"use strict";
// What the learner graph bears: as it is, after what is known to have failed, and after what somebody supposes to fail.
// A node works it out (/v1/graph/analysis); nothing is worked out here.

import { $, json, make } from "./dom.js";
import { label, mark } from "./graph.js";
import { holdsWithout, list } from "./trust.js";

// An answer that is not complete may be better after so long.
const AGAIN_MS = 60000;
// Pairs that are named in a row, and acceptors.
const NAMED = 8;

let graph = null;
// What has failed, each with what is said of it: `crashed` and `byzantine` acceptors; `apart`, pairs proved not to agree.
let real = { crashed: new Map(), byzantine: new Map(), apart: new Set(), aside: "" };
// What is supposed to fail besides, by acceptor: "crashed" or "Byzantine".
const supposed = new Map();
// Outlines by question, and what is shown: those of the graph, of now, and of what if.
const answers = new Map();
let shown = null;

// ---- questions ----------------------------------------------------------------------------------

// The path, and who says nothing: that may be a liar as well.
const question = (crashed, byzantine, silent) => ({
  silent: [...silent].sort(),
  path: "/v1/graph/analysis?" + new URLSearchParams({ crashed: [...crashed].sort().join(","), byzantine: [...byzantine].sort().join(",") }),
});
const questions = () => {
  const suppose = how => [...supposed].filter(([, is]) => is === how).map(([name]) => name);
  const byzantine = new Set([...real.byzantine.keys(), ...suppose("Byzantine")]);
  const silent = [...real.crashed.keys(), ...suppose("crashed")], crashed = silent.filter(name => !byzantine.has(name));
  const disagreed = shown && [...real.apart].some(pair => shown.graph.pairs.has(pair));
  const gone = [...real.crashed.keys()], gone_honest = gone.filter(name => !real.byzantine.has(name));
  return {
    graph: question([], [], []),
    now: real.crashed.size + real.byzantine.size || disagreed ? question(gone_honest, real.byzantine.keys(), gone) : null,
    whatIf: supposed.size ? question(crashed, byzantine, silent) : null,
  };
};
const answered = asked => {
  const known = asked && answers.get(asked.path);
  return known && (known.complete || performance.now() - known.at < AGAIN_MS) ? known : null;
};
let asking = false, problem = "";
const refresh = async () => {
  if (asking || !graph) return show();
  asking = true;
  try {
    // What is wanted may be something else by the time that one is answered.
    for (let open; (open = Object.values(questions()).find(asked => asked && !answered(asked)));) {
      show();
      answers.set(open.path, { ...await json(open.path), at: performance.now() });
    }
    problem = "";
  } catch (error) {
    problem = `The node does not say what the graph bears (${error.message}).`;
  }
  asking = false;
  show();
};

// ---- words --------------------------------------------------------------------------------------

const some = names => list(names.length > NAMED ? [...names.slice(0, NAMED), `${names.length - NAMED} more`] : names);
const plural = (n, one, many = one + "s") => `${n} ${n === 1 ? one : many}`;
const set = names => `{${names.length > NAMED ? [...names.slice(0, NAMED), "…"].join(", ") : names.join(", ")}}`;
// How many are survived, or the word for none of it being left.
const count = (borne, gone) => ({ exact: () => String(borne.tolerated), at_least: () => `${borne.tolerated} or more`,
  broken: () => gone, never: () => "any", undecided: () => "not decided" })[borne.verdict]();
const isGone = borne => borne.verdict === "broken";
const agreement = pair => {
  const promised = count(pair.declared, isGone(pair.quorums) ? "may disagree" : "not promised");
  const quorums = count(pair.quorums, "none");
  return promised === quorums || isGone(pair.declared) && isGone(pair.quorums) ? [promised] : [promised, `by quorums ${quorums}`];
};
const agreementCell = pair => {
  const [promised, ...more] = agreement(pair);
  return [promised, ...more.map(words => make("small", {}, ` ${words}`))];
};
// Pairs of learners in few words.
const pairsInWords = pairs => {
  const crossing = pairs.filter(([a, b]) => a !== b), alone = pairs.filter(([a, b]) => a === b).map(([a]) => a);
  const names = [...new Set(crossing.flat())], parts = [];
  if (names.length > 2 && crossing.length === names.length * (names.length - 1) / 2) parts.push(`any two of ${some(names)}`);
  else if (crossing.length) parts.push(some(crossing.map(pair => pair.join(" with "))));
  const same = alone.length > 1 && alone.length === names.length && alone.every(name => names.includes(name));
  if (alone.length) parts.push(same ? "each with itself" : alone.length === 1 ? `${alone[0]} with itself` : `${some(alone)}, each with itself`);
  return parts.join("; ");
};

// ---- what is known of a learner and of a pair ----------------------------------------------------

const STOPPED = "stopped", NEEDS_LIARS = "liars only";
const pairKey = ([a, b]) => [a, b].sort().join(" ");
// Of a learner without a quorum that can be relied on: one that has a quorum among those that speak goes on for as long as the
// liars in it like.
const goneWord = (name, silent) => holdsWithout(graph.learners.find(learner => learner.name === name).expression, silent) ? NEEDS_LIARS : STOPPED;
const index = (outline, { silent }) => ({
  outline,
  learners: new Map(outline.learners.flatMap(group => group.names.map(name => [name, { ...group.stopped_by, gone: goneWord(name, new Set(silent)) }]))),
  pairs: new Map(outline.pairs.flatMap(group => group.between.map(pair => [pairKey(pair), group]))),
});
// What was proved holds whatever the graph says.
const known = found => {
  for (const pair of real.apart) {
    const of = found.pairs.get(pair);
    if (of) found.pairs.set(pair, { ...of, declared: { verdict: "broken", tolerated: null, smallest: [] } });
  }
  return found;
};
const latest = () => shown && (shown.whatIf ?? shown.now ?? shown.graph);

// What follows from faults, in a sentence or some.
const consequences = (found, more) => {
  const { outline, learners, pairs } = found, words = [];
  const lost = word => [...learners].filter(([, by]) => isGone(by) && by.gone === word).map(([name]) => name);
  const stopped = lost(STOPPED), unsure = lost(NEEDS_LIARS);
  if (stopped.length) words.push(`${some(stopped)} ${stopped.length === 1 ? "is" : "are"} stopped: no quorum is left.`);
  if (unsure.length) words.push(`${some(unsure)} cannot be relied on to decide: every quorum that is left has an acceptor that lies.`);
  const gone = [...pairs].filter(([, pair]) => isGone(pair.declared)).map(([key, pair]) => [key.split(" "), isGone(pair.quorums)]);
  const may = gone.filter(([, split]) => split).map(([pair]) => pair), not = gone.filter(([, split]) => !split).map(([pair]) => pair);
  if (may.length) words.push(`May disagree: ${pairsInWords(may)}.`);
  if (not.length) words.push(`No longer promised to agree, though their quorums still have an honest acceptor in common: ${pairsInWords(not)}.`);
  const last = [...learners].filter(([, by]) => by.verdict === "exact" && by.tolerated === 0).map(([name]) => name);
  const one = `one ${more ? "more " : ""}crash`;
  // Not the same one for all, in general.
  if (last.length === 1) words.push(`O${one.slice(1)} can stop ${last[0]}.`);
  else if (last.length) words.push(`Each of ${some(last)} can be stopped by ${one}.`);
  if (!words.length && outline.complete) words.push(`Every learner has a quorum left, every promise holds, and ${more ? "one more" : "a"} crash changes neither.`);
  else if (!stopped.length && !unsure.length && !gone.length && outline.complete) words.unshift("Every learner has a quorum left, and every promise holds.");
  if (!outline.complete) words.push("Not everything was decided in time.");
  return { words: words.join(" "), bad: stopped.length + may.length > 0, warn: not.length + unsure.length > 0 };
};

// ---- tables -------------------------------------------------------------------------------------

// Rows are looked at by pointing at them or going there: that marks what they are about.
const row = (key, marks, cells) => {
  const element = make("tr", { tabindex: "0", "data-row": key }, ...cells);
  for (const event of ["pointerenter", "focus"]) element.addEventListener(event, () => mark(marks));
  for (const event of ["pointerleave", "blur"]) element.addEventListener(event, () => mark([]));
  return element;
};
const columns = () => [["graph", "configured"], ...(shown.now ? [["now", "now"]] : []), ...(shown.whatIf ? [["whatIf", "what if"]] : [])];
const cell = (title, words, kind = "") => make("td", { "data-title": title, class: kind }, make("span", {}, ...[words].flat()));
const fill = (id, head, rows) => {
  const focused = document.activeElement?.closest?.(`#${id}`) ? document.activeElement.dataset.row : null;
  const body = make("tbody", {}, ...rows);
  $(id).replaceChildren(make("thead", {}, make("tr", {}, ...head.map(([words, kind]) => make("th", { scope: "col", class: kind ?? "" }, words)))), body);
  if (focused) body.querySelector(`[data-row="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
};
const kindOf = (state, gone) => [state === "whatIf" ? "if" : "", gone && state !== "whatIf" ? "bad" : ""].join(" ").trim();
// What says the same in all columns is one row; the last column is about the last state.
const grouped = (entries, words, last) => {
  const rows = new Map();
  for (const [key, states] of entries) {
    const said = JSON.stringify([states.map(words), last(states.at(-1))]);
    if (!rows.has(said)) rows.set(said, { keys: [], states });
    rows.get(said).keys.push(key);
  }
  return [...rows.values()];
};
const acceptorKeys = names => names.map(name => "acceptor " + name);

const showTables = () => {
  const states = columns(), head = states.map(([state, words]) => [words, state === "whatIf" ? "if" : ""]);
  const at = (kind, key) => states.map(([state]) => shown[state][kind].get(key)).filter(Boolean);
  const learners = [...shown.graph.learners.keys()].map(name => [name, at("learners", name)]);
  const blocking = by => isGone(by) ? "none needed" : by.smallest.length ? set(by.smallest) : "–";
  fill("progress", [["learners"], ...head, ["smallest blocking set"]], grouped(learners, by => count(by, by.gone), blocking).map(group =>
    row(group.keys[0], acceptorKeys(group.states.at(-1).smallest), [
      cell("learners", some(group.keys), "names"),
      ...group.states.map((by, i) => cell(states[i][1], count(by, by.gone), kindOf(states[i][0], isGone(by)))),
      cell("blocking set", blocking(group.states.at(-1))),
    ])));
  const pairs = [...shown.graph.pairs.keys()].map(key => [key, at("pairs", key)]);
  const splitting = pair => isGone(pair.quorums) ? "none needed" : pair.quorums.smallest.length ? set(pair.quorums.smallest) : "–";
  const more = shown.graph.outline.pairs_left_out + shown.graph.outline.pairs.reduce((sum, group) => sum + group.count - group.between.length, 0);
  fill("agreement", [["pairs"], ...head, ["smallest splitting set"]], grouped(pairs, agreement, splitting).map(group =>
    row(group.keys[0], acceptorKeys(group.states.at(-1).quorums.smallest), [
      cell("pairs", pairsInWords(group.keys.map(key => key.split(" "))), "names"),
      ...group.states.map((pair, i) => cell(states[i][1], i === states.length - 1 ? agreementCell(pair) : agreement(pair)[0], kindOf(states[i][0], isGone(pair.declared)))),
      cell("splitting set", splitting(group.states.at(-1))),
    ])));
  $("more-pairs").textContent = more ? `And ${plural(more, "more pair")}.` : "";
  const { outline } = latest();
  const weights = outline.weights.filter(w => w.stops.length + w.disentangled + w.weakens_progress + w.weakens_agreement + w.undecided_progress + w.undecided_agreement > 0).sort((a, b) => load(b) - load(a));
  fill("weights", [["acceptors"], ["if it crashes"], ["if it is Byzantine"]], weights.map(w =>
    row(w.names[0], [...acceptorKeys(w.names), ...hanging(w)], [
      cell("acceptors", some(w.names), "names"), cell("crashes", ifCrashed(w), w.stops.length ? "warn" : ""), cell("Byzantine", ifLying(w), w.disentangled ? "warn" : ""),
    ])));
  $("no-weights").hidden = weights.length > 0;
};

// ---- what hangs on an acceptor -------------------------------------------------------------------

// In one number: what it ends alone counts more.
const load = w => 4 * (w.stops.length + w.disentangled) + w.weakens_progress + w.weakens_agreement;
const hanging = w => [...w.stops.map(name => "learner " + name),
  ...w.disentangles.map(pair => pair[0] === pair[1] ? "learner " + pair[0] : "edge " + pairKey(pair))];
const undecided = (count, what) => count ? [`not decided for ${plural(count, what)}`] : [];
const joined = parts => parts.length ? parts.join("; ") : "–";
const ifCrashed = w => {
  const others = w.weakens_progress - w.stops.length;
  return joined([...(w.stops.length ? [`stops ${some(w.stops)}`] : []), ...(others > 0 ? [`${plural(others, "learner")} survive${others === 1 ? "s" : ""} one crash less`] : []), ...undecided(w.undecided_progress, "learner")]);
};
const ifLying = w => {
  const others = w.weakens_agreement - w.disentangled;
  const named = pairsInWords(w.disentangles);
  return joined([...(w.disentangled ? [`ends the promise of ${named}`] : []), ...(others > 0 ? [`${plural(others, "pair")} survive${others === 1 ? "s" : ""} one fault less`] : []), ...undecided(w.undecided_agreement, "pair")]);
};

// ---- the drawing --------------------------------------------------------------------------------

const showLabels = () => {
  const found = latest(), kind = shown.whatIf ? "if" : "", labels = new Map(), supposals = new Map();
  for (const [name, by] of found.learners) {
    // What is so already is not supposed.
    const real = shown.now && isGone(shown.now.learners.get(name));
    const words = isGone(by) ? by.gone : by.tolerated === null ? count(by) : plural(by.tolerated, "crash", "crashes");
    labels.set("learner " + name, { words, kind: real ? "gone" : isGone(by) ? "gone " + kind : kind });
  }
  for (const [key, pair] of found.pairs)
    labels.set("edge " + key, { words: isGone(pair.declared) ? "" : pair.declared.tolerated === null ? "?" : String(pair.declared.tolerated), kind });
  const loads = found.outline.weights.flatMap(w => w.names.map(name => [name, load(w)])), most = Math.max(1, ...loads.map(([, n]) => n));
  for (const [name, n] of loads) labels.set("acceptor " + name, { load: n / most });
  const say = (name, words, kind) => labels.set("acceptor " + name, { ...labels.get("acceptor " + name), words, kind });
  for (const [name, words] of real.crashed) say(name, words, "");
  for (const [name, words] of real.byzantine) say(name, words, "gone");
  for (const [name, how] of supposed) { say(name, `if ${how}`, "if"); supposals.set("acceptor " + name, how); }
  label(labels, supposals);
};
const about = key => {
  const found = latest(), [kind, ...rest] = key.split(" "), name = rest.join(" ");
  if (!found) return { words: "", marks: [] };
  const when = shown.whatIf ? "Then it" : "It";
  if (kind === "learner" && found.learners.has(name)) {
    const by = found.learners.get(name), marks = acceptorKeys(by.smallest);
    if (isGone(by) && by.gone === STOPPED) return { words: `${when} is stopped: what is left holds no quorum.`, marks };
    if (isGone(by)) return { words: `${when} cannot be relied on to decide: every quorum that is left has an acceptor that lies.`, marks };
    const words = by.smallest.length ? `${when} survives ${count(by)} more ${by.tolerated === 1 ? "crash" : "crashes"}; that of ${some(by.smallest)} would stop it.` : "";
    return { words, marks };
  }
  if (kind === "edge" && found.pairs.has(name)) {
    const { declared, quorums } = found.pairs.get(name), marks = acceptorKeys(quorums.smallest);
    const promise = isGone(declared) ? "Nothing is promised between them any more." : declared.smallest.length
      ? `The promise survives ${count(declared)} more Byzantine ${declared.tolerated === 1 ? "fault" : "faults"}, and ends with ${some(declared.smallest)}.` : "";
    const split = isGone(quorums) ? "Their quorums can decide differently." : quorums.smallest.length ? `To split their quorums it takes ${plural(quorums.smallest.length, "liar")}, such as ${some(quorums.smallest)}.` : "";
    return { words: `${shown.whatIf ? "Then: " : ""}${promise} ${split}`.trim(), marks };
  }
  const weight = found.outline.weights.find(w => w.names.includes(name));
  if (kind !== "acceptor") return { words: "", marks: [] };
  const how = supposed.get(name), lead = how ? `It is supposed ${how === "crashed" ? "to have crashed" : "to be Byzantine"}. ` : "";
  const press = real.byzantine.has(name) ? "" : how ? " Press to go on." : " Press to suppose that it fails.";
  if (!weight || load(weight) === 0) return { words: lead + (weight && !how ? "Nothing hangs on it alone." : "") + press, marks: [] };
  return { words: `${lead}If it crashes: ${ifCrashed(weight)}. If it is Byzantine: ${ifLying(weight)}.${press}`, marks: hanging(weight) };
};
let looking = null;
const lookAt = key => {
  looking = key;
  const { words, marks } = key ? about(key) : { words: "", marks: [] };
  if (key) $("borne").textContent = words;
  mark(marks);
};
$("graph").addEventListener("look", event => lookAt(event.detail));
$("graph").addEventListener("leave", event => { if (looking === event.detail) lookAt(null); });
$("graph").addEventListener("press", event => press(event.detail));

// ---- what if ------------------------------------------------------------------------------------

// A press leads on: as it is, crashed, Byzantine, as it is.
const press = name => {
  if (!shown || real.byzantine.has(name)) return;
  const next = { undefined: real.crashed.has(name) ? "Byzantine" : "crashed", crashed: "Byzantine" }[supposed.get(name)];
  if (next) supposed.set(name, next); else supposed.delete(name);
  refresh();
};
$("forget").addEventListener("click", () => { supposed.clear(); refresh(); });

const chips = new Map();
const showChips = () => {
  for (const { acceptor: name } of graph.acceptors) {
    if (!chips.has(name)) {
      const chip = make("button", { type: "button", "data-suppose": name });
      chip.addEventListener("click", () => press(name));
      for (const event of ["pointerenter", "focus"]) chip.addEventListener(event, () => mark(["acceptor " + name]));
      for (const event of ["pointerleave", "blur"]) chip.addEventListener(event, () => mark([]));
      chips.set(name, chip);
      $("chips").append(chip);
    }
    const chip = chips.get(name), how = supposed.get(name), is = real.byzantine.get(name) ?? real.crashed.get(name);
    const words = how ? `${name}: ${how}` : is ? `${name} is ${is}` : name;
    if (chip.textContent !== words) chip.textContent = words;
    chip.disabled = real.byzantine.has(name);
    chip.setAttribute("aria-pressed", how ? "true" : "false");
    chip.className = how ? "if" : real.byzantine.has(name) ? "bad" : "";
  }
  $("forget").hidden = !supposed.size;
};

// ---- all of it ----------------------------------------------------------------------------------

const sentence = (element, words, kind) => {
  if (element.textContent !== words) element.textContent = words;
  element.className = kind;
};
const failed = () => [...real.byzantine, ...[...real.crashed].filter(([name]) => !real.byzantine.has(name))];
const supposals = () => [...supposed].map(([name, how]) => how === "crashed" ? `${name} crashed` : `${name} were Byzantine`);
const show = () => {
  if (!graph) return;
  const asked = questions(), [base, now, whatIf] = ["graph", "now", "whatIf"].map(state => asked[state] && answered(asked[state]));
  // Until an answer is there, what is shown may be of before, and says so.
  const waits = asked.now && !now || asked.whatIf && !whatIf;
  if (base) shown = { graph: index(base, asked.graph), now: now && known(index(now, asked.now)), whatIf: whatIf && known(index(whatIf, asked.whatIf)) };
  if (!shown) return;
  $("analysis").hidden = false;
  $("analysis").setAttribute("aria-busy", String(Boolean(waits)));
  const names = failed().map(([name, words]) => `${name} is ${words}`);
  const of_now = shown.now ?? (names.length ? null : shown.graph), then = of_now && consequences(of_now, names.length > 0);
  const lead = names.length ? `Now ${some(names)}.` : "No acceptor is known to have failed.";
  sentence($("stands"), problem || [lead, real.aside, then ? then.words : "…"].filter(Boolean).join(" "), problem ? "warn" : then?.bad ? "bad" : then?.warn || names.length ? "warn" : "quiet");
  $("what-if").hidden = !supposed.size;
  const iffy = shown.whatIf && consequences(shown.whatIf, true);
  const words = supposed.size ? `What if ${some(supposals())}${names.length ? " as well" : ""}? ${iffy ? iffy.words : "…"}` : "";
  if ($("what-if").textContent !== words) $("what-if").textContent = words;
  showChips();
  const said = JSON.stringify([asked, base?.at, now?.at, whatIf?.at, [...real.apart]]);
  if (said === showing) return;
  showing = said;
  showTables();
  showLabels();
  if (looking) lookAt(looking);
};
let showing = "";

// What is known to have failed, as the page of a node or of a network has it: `crashed` and `byzantine` are maps from
// acceptors to words, `connected` has for each learner those that it may still agree with, and `aside` is what to say besides.
export const showAnalysis = (of, { crashed, byzantine, connected, aside = "" }) => {
  graph = of;
  const apart = new Set();
  for (const [a, others] of Object.entries(connected ?? {}))
    for (const { name: b } of graph.learners) if (!others.includes(b)) apart.add(pairKey([a, b]));
  for (const name of byzantine.keys()) supposed.delete(name);
  for (const name of crashed.keys()) if (supposed.get(name) === "crashed") supposed.delete(name);
  real = { crashed, byzantine, apart, aside };
  refresh();
};
