"use strict";
// What all parts of the pages use.

export const $ = id => document.getElementById(id);

export const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
export const draw = (name, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
// The time of day, of milliseconds since 1970.
export const clock = at => new Date(at).toLocaleTimeString([], { hourCycle: "h23" });
export const text = async path => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path + ": " + answer.status);
  return answer.text();
};
export const json = async path => JSON.parse(await text(path));
