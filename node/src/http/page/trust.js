"use strict";
// The learner graph: what its expressions mean, and what it says of two learners, in words. node/src/agreement says the
// same in terminals.

export const list = names => names.length < 2 ? names.join("") || "nobody" : names.slice(0, -1).join(", ") + " and " + names.at(-1);

// `2(a1,2(a2,a3,a4),2*a4)`: a name, true, false, or { need, members: [[weight, expression]] }.
const readExpression = text => {
  let at = 0;
  const word = () => {
    const from = at;
    while (at < text.length && !"(),*".includes(text[at])) at += 1;
    return text.slice(from, at);
  };
  const expression = () => {
    const first = word();
    if (text[at] !== "(") return first === "true" || (first === "false" ? false : first);
    const members = [];
    do {
      at += 1;
      const from = at, weight = word();
      if (text[at] === "*") { at += 1; members.push([Number(weight), expression()]); }
      else { at = from; members.push([1, expression()]); }
    } while (text[at] === ",");
    at += 1;
    return { need: Number(first), members };
  };
  return expression();
};

// Whether an expression holds without these acceptors.
export const holdsWithout = (e, missing) => typeof e === "string" ? !missing.has(e) : typeof e === "boolean" ? e
  : e.members.reduce((sum, [weight, m]) => sum + (holdsWithout(m, missing) ? weight : 0), 0) >= e.need;
// Whether these acceptors hold a quorum of a learner.
export const haveQuorum = (graph, learner, acceptors) =>
  holdsWithout(learner.expression, new Set(graph.acceptors.map(a => a.acceptor).filter(a => !acceptors.has(a))));
const named = e => typeof e === "string" ? [e] : typeof e === "boolean" ? [] : e.members.flatMap(([, m]) => named(m));

// `both of a1 and a2`, `any 3 of a1, a2, a3 and a4`.
const words = e => {
  if (typeof e === "string") return e;
  if (typeof e === "boolean") return e ? "nobody in particular" : "nobody whatsoever";
  const { need, members } = e;
  if (members.length === 1) return words(members[0][1]);
  const all = list(members.map(([weight, m]) => (m.members ? `(${words(m)})` : words(m)) + (weight === 1 ? "" : ` with ${weight} votes`)));
  if (members.some(([weight]) => weight !== 1)) return `${need} votes of ${all}`;
  if (need === 1) return `any of ${all}`;
  if (need === members.length) return (need === 2 ? "both of " : "all of ") + all;
  return `any ${need} of ${all}`;
};

// The canonical text has a line for each learner's TrustLive and for each agreement's TrustSafe.
export const readGraph = answer => {
  const graph = { acceptors: answer.acceptors, learners: [], agreements: [] };
  for (const line of answer.canonical.split("\n").slice(1)) {
    const [kind, who, text] = line.split(" ");
    if (kind !== "learner" && kind !== "safe") continue;
    const expression = readExpression(text);
    const about = { expression, words: words(expression), named: new Set(named(expression)) };
    if (kind === "learner") graph.learners.push({ name: who, ...about });
    else graph.agreements.push({ between: who.split(","), ...about });
  }
  return graph;
};

// Whether rules that hold lead from one learner to another.
const joined = (graph, a, b, unsafe) => {
  const holding = graph.agreements.filter(rule => holdsWithout(rule.expression, unsafe));
  const reached = new Set(), next = [a];
  for (let learner; (learner = next.pop()) !== undefined;)
    for (const { between } of holding.filter(rule => rule.between.includes(learner)))
      for (const name of between) if (!reached.has(name)) { reached.add(name); next.push(name); }
  return reached.has(b);
};

// Whether two certificates prove that learners differ which these acceptors alone do not free from their promise.
// `connected` are those of each learner that it is still sure to agree with, as far as that is known.
const isDisproved = (graph, a, b, unsafe, connected) => Boolean(connected?.[a]) && !connected[a].includes(b) && joined(graph, a, b, unsafe);
export const disproved = (graph, unsafe, connected) =>
  Object.keys(connected ?? {}).some(a => Object.keys(connected).some(b => isDisproved(graph, a, b, unsafe, connected)));

// Of two learners that decided differently, or of one that did: whether they may as long as only these acceptors are not
// safe, and why or why not.
export const judge = (graph, a, b, unsafe, connected = null) => {
  const who = a === b ? `${a} is to agree with itself` : `${a} and ${b} are to agree`;
  const direct = graph.agreements.filter(rule => rule.between.includes(a) && rule.between.includes(b));
  const until = direct.length ? `while ${direct.map(rule => rule.words).join(", or ")} are safe` : "by what joins them with others";
  const liars = list([...unsafe].sort());
  if (isDisproved(graph, a, b, unsafe, connected))
    return { allowed: false, why: `${who} ${until}, and ` + (unsafe.size ? `no more acceptors than ${liars} are` : "no acceptor is") +
      " caught yet, but two certificates prove that more of them lie than was assumed" };
  if (joined(graph, a, b, unsafe))
    return { allowed: false, why: `${who} ${until}, and ` + (unsafe.size ? `what is known against ${liars} leaves enough of them` : "nothing is known against them") };
  if (joined(graph, a, b, new Set()))
    return { allowed: true, why: `${who} ${until}, but ${liars} ${unsafe.size === 1 ? "is" : "are"} not, and the others leave no such set` };
  if (a === b) return { allowed: true, why: `nothing is promised of ${a} with itself` };
  const [of_a, of_b] = [a, b].map(name => graph.learners.find(learner => learner.name === name));
  const shared = of_a && of_b && [...of_a.named].some(name => of_b.named.has(name));
  return { allowed: true, why: `${a} decides by ${of_a?.words ?? "nobody"}, ${b} by ${of_b?.words ?? "nobody"}: ` +
    (shared ? "" : "they share no acceptor, and ") + "nothing is promised between them" };
};
