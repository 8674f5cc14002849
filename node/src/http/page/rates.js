"use strict";
// Values per second and the time to a decision, over the last minutes.

import { $, clock } from "./dom.js";
import { decided } from "./lanes.js";

const SECONDS = 300;
const rates = new Map(), counted = new Map();
export const count = e => {
  // Lanes forget old slots, and may be told of them again.
  if (e.slot <= (counted.get(e.learner) ?? -1)) return;
  counted.set(e.learner, e.slot);
  const second = Math.floor(e.at_ms / 1000);
  const bin = rates.get(second) || { values: new Map(), latencies: [] };
  rates.set(second, bin);
  bin.values.set(e.learner, (bin.values.get(e.learner) || 0) + e.values.length);
  if (e.latency_ms !== null) bin.latencies.push(e.latency_ms);
  const old = Date.now() / 1000 - SECONDS;
  for (const at of rates.keys()) if (at < old) rates.delete(at);
};
const charts = {};
const chart = (id, title, series, unit) => {
  const style = getComputedStyle(document.documentElement), ink = style.getPropertyValue("--quiet"), line = style.getPropertyValue("--line");
  const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
  return new uPlot({
    title, width: $(id).clientWidth, height: 200, cursor: { y: false },
    scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [{ ...axis, space: 80, values: (_, ticks) => ticks.map(t => clock(1000 * t)) },
      { ...axis, size: (_, labels) => 20 + 8 * Math.max(...(labels ?? []).map(words => words.length), 3), values: (_, ticks) => ticks.map(t => t + unit) }],
    series: [{}, ...series],
  }, [[]], $(id));
};
export const showRates = () => {
  const now = Math.floor(Date.now() / 1000), since = Math.min(now, ...rates.keys()), from = Math.max(now - SECONDS, Math.min(since, now - 60));
  const times = [];
  for (let at = from; at < now; at++) times.push(at);
  const learners = [...decided.keys()].sort(), key = learners.join(" ");
  if (charts.key !== key) {
    for (const id of ["rate", "latency"]) $(id).replaceChildren();
    const hue = i => `hsl(${i * 360 / Math.max(1, learners.length) + 210} 65% 50%)`;
    charts.rate = chart("rate", "values per second", learners.map((label, i) => ({ label, stroke: hue(i), width: 2 })), "");
    charts.latency = chart("latency", "median time to a decision", [{ label: "ms", stroke: hue(0), width: 2, spanGaps: true }], " ms");
    charts.key = key;
  }
  const median = bin => bin && bin.latencies.length ? bin.latencies.sort((a, b) => a - b)[bin.latencies.length >> 1] : null;
  charts.rate.setData([times, ...learners.map(l => times.map(at => at < since ? null : rates.get(at)?.values.get(l) || 0))]);
  charts.latency.setData([times, times.map(at => median(rates.get(at)))]);
};
addEventListener("resize", () => { for (const id of ["rate", "latency"]) charts[id]?.setSize({ width: $(id).clientWidth, height: 200 }); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { charts.key = null; });
