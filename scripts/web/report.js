// SPDX-License-Identifier: MIT
// What is selected, and the charts of it.
const CHART_IDS = ["over-threads", "who-pays", "waits", "hand-offs"];
const FIRST_LOCKS = 8;
for (const run of DATA.runs)
  run.cells = run.cells.map((values) => Object.fromEntries(DATA.fields.map((field, i) => [field, values[i]])));

const selected = new Set();
let run = DATA.runs[0];

const metric = () => DATA.metrics.find(({ key }) => key === byId("metric").value);
const inWorkload = () => run.cells.filter((cell) => cell.workload === Number(byId("workload").value));
const chosen = (cells) => cells.filter((cell) => selected.has(cell.lock));

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, label]) => make("option", { value }, label)));
}

// At first the fastest few, over all numbers of threads, and the system's own; the rest is a click away. All, where none was timed.
function selectFirst() {
  const best = new Map(), score = new Map();
  const cells = inWorkload().filter((cell) => cell.ops_per_s > 0 && DATA.locks[cell.lock].kind !== "baseline");
  for (const cell of cells) best.set(cell.threads, Math.max(best.get(cell.threads) ?? 0, cell.ops_per_s));
  for (const cell of cells) {
    const list = score.get(cell.lock) ?? [];
    score.set(cell.lock, [...list, Math.log(cell.ops_per_s / best.get(cell.threads))]);
  }
  const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
  const ordered = [...score.keys()].sort((a, b) => mean(score.get(b)) - mean(score.get(a)));
  for (const lock of [...ordered.slice(0, FIRST_LOCKS), "pthread_mutex"]) if (score.has(lock)) selected.add(lock);
  if (!selected.size) Object.keys(DATA.locks).forEach((lock) => selected.add(lock));
}

// All of the locks, none, or those that are the fastest at some number of threads in this workload.
function selectOnly(locks) {
  selected.clear();
  for (const lock of locks) selected.add(lock);
  refresh();
}

// Of those for state that may be copied, such as are faster than the fastest of the others.
function winners() {
  const cells = inWorkload().filter(({ lock, ops_per_s }) => ops_per_s > 0 && DATA.locks[lock].kind !== "baseline");
  const best = new Map(), forCopies = new Map();
  const raise = (map, cell) => { if (cell.ops_per_s > (map.get(cell.threads)?.ops_per_s ?? 0)) map.set(cell.threads, cell); };
  for (const cell of cells) raise(DATA.locks[cell.lock].copies ? forCopies : best, cell);
  const faster = [...forCopies].filter(([threads, cell]) => cell.ops_per_s > (best.get(threads)?.ops_per_s ?? 0));
  return new Set([...best.values(), ...faster.map(([, cell]) => cell)].map(({ lock }) => lock));
}

function lockControls() {
  const shortcuts = { none: () => [], all: () => Object.keys(DATA.locks), winners };
  byId("locks").append(make("div", { class: "shortcuts" }, ...Object.entries(shortcuts).map(([name, locks]) => {
    const button = make("button", { type: "button" }, name);
    button.addEventListener("click", () => selectOnly(locks()));
    return button;
  })));
  const families = new Map();
  for (const [lock, { family }] of Object.entries(DATA.locks)) families.set(family, [...(families.get(family) ?? []), lock]);
  for (const [family, locks] of families) {
    const all = make("button", { type: "button", title: "all of them, or none" }, family);
    all.addEventListener("click", () => {
      const on = !locks.every((lock) => selected.has(lock));
      locks.forEach((lock) => (on ? selected.add(lock) : selected.delete(lock)));
      refresh();
    });
    const boxes = locks.map((lock) => {
      const box = make("input", { type: "checkbox", value: lock });
      box.addEventListener("change", () => { box.checked ? selected.add(lock) : selected.delete(lock); refresh(); });
      return make("label", {}, box, ` ${lock}`);
    });
    byId("locks").append(make("div", { class: "family" }, all, make("div", { class: "boxes" }, ...boxes)));
  }
}

function overThreads() {
  const { key, title, unit } = metric();
  const cells = chosen(inWorkload()).filter((cell) => cell[key] !== null);
  const isLog = byId("logarithmic").checked && unit !== "share";
  const counts = [...new Set(cells.map((cell) => cell.threads))].sort((a, b) => a - b);
  const datasets = [...selected].map((lock) => ({
    label: lock, ...style(lock), borderWidth: 2, pointRadius: 4,
    data: cells.filter((cell) => cell.lock === lock && (!isLog || cell[key] > 0)).sort((a, b) => a.threads - b.threads)
      .map((cell) => ({ x: cell.threads, y: cell[key], cell, ...(key === "ops_per_s" && { low: cell.low, high: cell.high, isUnknown: cell.says_nothing }) })),
  })).filter((dataset) => dataset.data.length);
  const say = ({ dataset, raw }) => `${dataset.label}, ${raw.x} threads: ${valueText(raw.cell, key, unit)}` +
    (key === "ops_per_s" ? ` (${intervalText(raw.cell)})` : "");
  draw("over-threads", "line", datasets,
       { x: counts.length ? thread_axis(counts) : {}, y: axis(title, unit, isLog ? "logarithmic" : "linear") },
       `${title} over threads, of ${datasets.length} locks; the table below has the values`, say, { names: true });
  byId("over-threads-caption").textContent = `${title}, ${run.workloads[byId("workload").value]}`;
  const head = make("tr", {}, make("th", { scope: "col" }, "lock"), ...counts.map((n) => make("th", { scope: "col" }, `${n}`)));
  const rows = datasets.map((dataset) => make("tr", {}, make("th", { scope: "row" }, dataset.label),
    ...counts.map((n) => dataset.data.find((point) => point.x === n))
      .map((point) => make("td", {}, point ? valueText(point.cell, key, unit) : ""))));
  byId("over-threads-values").replaceChildren(make("table", {}, make("caption", {}, `${title}, by threads`),
                                                   make("thead", {}, head), make("tbody", {}, ...rows)));
}

function whoPays(cells) {
  const datasets = cells.filter((cell) => cell.ops_per_s > 0 && cell.least_even !== null)
    .map((cell) => ({ label: cell.lock, ...style(cell.lock), pointRadius: 6, data: [{ x: cell.ops_per_s, y: cell.least_even, cell }] }));
  const say = ({ dataset, raw }) => `${dataset.label}: ${text(raw.x, "count")} per second, fairness ${text(raw.y, "share")}` +
    (raw.cell.wait_max_ns === null ? "" : `, longest wait ${valueText(raw.cell, "wait_max_ns", "ns")}`);
  draw("who-pays", "scatter", datasets, { x: axis("operations per second", "count", "logarithmic"), y: { ...axis("fairness", "share", "linear"), min: 0 } },
       `Throughput against fairness of ${datasets.length} locks`, say, { names: true });
}

// The tail, since the body of waits is dull: on its logarithmic axis the longest wait has no place of its own (one in all
// of them), so it lies below the last percentile.
function waits(cells) {
  const parts = [["wait_p50_ns", 0.5], ["wait_p90_ns", 0.1], ["wait_p99_ns", 0.01], ["wait_p999_ns", 0.001], ["wait_max_ns", 0.0001]];
  const datasets = cells.filter((cell) => cell.wait_max_ns !== null).map((cell) => ({
    label: cell.lock, ...style(cell.lock), showLine: true, borderWidth: 2,
    data: parts.filter(([key]) => cell[key] > 0).map(([key, part]) => ({ x: cell[key], y: part, told: valueText(cell, key, "ns") })),
  }));
  const words = (part) => (part === 0.0001 ? "longest" : part === 0.5 ? "1 in 2" : `1 in ${text(1 / part, "ratio")}`);
  const say = ({ dataset, raw }) => `${dataset.label}: ${words(raw.y)} waited ${raw.told}` + (raw.y === 0.0001 ? "" : " or longer");
  const y = { ...axis("waited longer", "share", "logarithmic"), min: 0.00007, max: 0.7 };
  y.ticks.callback = words;
  y.afterBuildTicks = (scale) => { scale.ticks = parts.map(([, value]) => ({ value })); };
  draw("waits", "scatter", datasets, { x: axis("wait", "ns", "logarithmic"), y },
       datasets.length ? `Distribution of waits of ${datasets.length} locks` : "Waits were not measured", say, { names: true });
}

function handOffs(cells) {
  const kinds = [["handoffs_smt", "SMT sibling"], ["handoffs_llc", "same last-level cache"], ["handoffs_node", "same NUMA node"],
                 ["handoffs_remote", "farther"]];
  const known = cells.filter((cell) => cell.exclusive > 0 && kinds.some(([key]) => cell[key] !== null));
  const datasets = kinds.map(([key, label], i) => ({ label, backgroundColor: COLORS[i], data: known.map((cell) => Math.min(100, 100 * (cell[key] ?? 0) / cell.exclusive)) }))
    .filter((dataset) => dataset.data.some((value) => value > 0));
  const say = ({ dataset, label, raw }) => `${label}: ${text(raw, "ratio")} % of its acquisitions took it from a CPU: ${dataset.label}`;
  draw("hand-offs", "bar", datasets, { x: { ...axis("% of acquisitions that took the lock from another CPU", "ratio", "linear"), stacked: true, max: 100 }, y: { stacked: true, ticks: { color: ink("--ink"), autoSkip: false } } },
       known.length ? `Hand-offs by distance of ${known.length} locks` : "Hand-offs were not measured", say,
       { legend: true, labels: known.map((cell) => cell.lock), indexAxis: "y" });
}

function refresh() {
  for (const box of byId("locks").querySelectorAll("input")) box.checked = selected.has(box.value);
  keepSlots(selected);
  overThreads();
  const cells = chosen(inWorkload()).filter((cell) => cell.threads === Number(byId("threads").value));
  whoPays(cells);
  waits(cells);
  handOffs(cells);
}

function chooseWorkload() {
  const counts = [...new Set(inWorkload().map((cell) => cell.threads))].sort((a, b) => a - b);
  options(byId("threads"), counts.map((n) => [n, n]));
  byId("threads").value = counts.find((n) => n > 1) ?? counts[0];
  refresh();
}

function chooseRun() {
  run = DATA.runs[Number(byId("run").value)];
  options(byId("workload"), Object.entries(run.workloads));
  selected.clear();
  selectFirst();
  chooseWorkload();
}

options(byId("run"), DATA.runs.map(({ name }, i) => [i, name]));
byId("run-label").hidden = DATA.runs.length === 1;
options(byId("metric"), DATA.metrics.map(({ key, title }) => [key, title]));
lockControls();
byId("run").addEventListener("change", chooseRun);
byId("workload").addEventListener("change", chooseWorkload);
for (const id of ["metric", "logarithmic", "threads"]) byId(id).addEventListener("change", refresh);
for (const id of CHART_IDS) byId(id).addEventListener("keydown", walk);
for (const form of document.forms) form.addEventListener("submit", (event) => event.preventDefault());
chooseRun();
startTheme(refresh);
fillTable();
