// SPDX-License-Identifier: MIT
// Numbers as people read them, and elements of the page.
const DATA = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);

// A count is written as scripts/py/common/units.py writes it, which a test holds against this.
function scaled(value, scales) {
  const [size, unit] = scales.find(([s]) => Math.abs(value) >= 0.9995 * s) ?? scales[scales.length - 1];
  return `${Number((value / size).toPrecision(3))}${unit}`;
}

const COUNT = [[1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]];
const NS = [[1e9, " s"], [1e6, " ms"], [1e3, " µs"], [1, " ns"]];

function text(value, unit) {
  if (value === null || value === undefined) return "";
  if (unit === "count") return value === 0 ? "0" : scaled(value, COUNT);
  if (unit === "ns") return value === 0 ? "0 ns" : scaled(value, NS);
  return String(Number(value.toPrecision(3)));
}

// A cell's value; a wait that was still open at the close is a lower bound, and an interval may say nothing.
function valueText(cell, key, unit) {
  if (cell.says_nothing && (key === "low" || key === "high")) return "?";
  return (cell[`${key}_is_bound`] ? "≥ " : "") + text(cell[key], unit);
}

function intervalText(cell) {
  if (cell.says_nothing) return `interval: ?, ${cell.n} trials`;
  return `${valueText(cell, "low", "count")} to ${valueText(cell, "high", "count")}, ${cell.n} trials`;
}

// An element with attributes and children; strings become text, never markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes))
    if (value !== false && value !== null) element.setAttribute(key, value === true ? "" : value);
  element.append(...children);
  return element;
}
