// SPDX-License-Identifier: MIT
// Single waits, a row for each thread, of any stretch of time.
const ROW = 18, AXIS_HEIGHT = 22, NAMES_WIDTH = 72, MOST_ROWS = 48, LEAST_NS = 20, NEAR = 6;
const waits = DATA.waits.map(([lock, thread, holder, start, wait]) => ({ lock, thread, holder, start, end: start + wait }));
const whole = { from: waits.length ? waits[0].start : 0, to: waits.reduce((end, w) => Math.max(end, w.end), 0) };
const view = { ...whole };
const canvas = byId("timeline");
let chosen = null, dragged = null;

// Those that waited longest, in order, and as far as there is room those that were waited for.
function threadsShown() {
  const waited = new Map();
  for (const { thread, start, end } of waits) waited.set(thread, (waited.get(thread) ?? 0) + end - start);
  const holders = [...new Set(waits.map(({ holder }) => holder))].filter((holder) => holder !== null && !waited.has(holder));
  const first = [...waited.keys()].sort((a, b) => waited.get(b) - waited.get(a));
  return [...first, ...holders].slice(0, MOST_ROWS).sort((a, b) => a - b);
}
const rows = threadsShown();
const rowOf = new Map(rows.map((thread, i) => [thread, i]));

const colorOf = (lock) => DATA.colors[lock] ?? ink("--soft");
const plotWidth = () => canvas.clientWidth - NAMES_WIDTH;
const at = (ns) => NAMES_WIDTH + plotWidth() * (ns - view.from) / (view.to - view.from);
const timeAt = (x) => view.from + (x - NAMES_WIDTH) / plotWidth() * (view.to - view.from);

function tell(wait) {
  return `Thread ${wait.thread} waited ${text(wait.end - wait.start, "ns")} for ${DATA.locks[wait.lock]}, from ${text(wait.start, "ns")} after the start; ` +
    (wait.holder === null ? "who held it is not known." : `thread ${wait.holder} held it.`);
}

function drawAxis(context) {
  const span = view.to - view.from, rough = span / Math.max(2, plotWidth() / 110);
  const power = 10 ** Math.floor(Math.log10(rough)), step = power * [1, 2, 5, 10].find((n) => n * power >= rough);
  const y = rows.length * ROW;
  for (let tick = Math.ceil(view.from / step) * step; tick <= view.to; tick += step) {
    context.fillStyle = ink("--line");
    context.fillRect(at(tick), 0, 1, y);
    context.fillStyle = ink("--soft");
    context.fillText(tickText(tick, step), Math.min(at(tick) + 3, canvas.clientWidth - 70), y + 15);
  }
}

// As many digits as tell a tick from the next one.
function tickText(ns, step) {
  const [size, unit] = NS.find(([s]) => ns >= s) ?? NS[NS.length - 1];
  return `${(ns / size).toFixed(Math.max(0, Math.ceil(Math.log10(size / step) - 1e-9)))}${unit}`;
}

function drawWait(context, wait) {
  const left = Math.max(at(wait.start), NAMES_WIDTH), right = Math.min(at(wait.end), canvas.clientWidth);
  context.fillStyle = colorOf(wait.lock);
  context.fillRect(left, rowOf.get(wait.thread) * ROW + 3, Math.max(1, right - left), ROW - 6);
}

function drawChosen(context) {
  const left = Math.max(at(chosen.start), NAMES_WIDTH - 2), right = Math.min(at(chosen.end), canvas.clientWidth - 1);
  if (right < NAMES_WIDTH || left > canvas.clientWidth) return;
  context.strokeStyle = ink("--ink");
  context.lineWidth = 2;
  context.strokeRect(left - 1, rowOf.get(chosen.thread) * ROW + 2, Math.max(2, right - left) + 2, ROW - 4);
  if (!rowOf.has(chosen.holder)) return;
  const from = (rowOf.get(chosen.thread) + 0.5) * ROW, to = (rowOf.get(chosen.holder) + 0.5) * ROW;
  context.setLineDash([4, 3]);
  context.strokeRect(left - 1, rowOf.get(chosen.holder) * ROW + 2, Math.max(2, right - left) + 2, ROW - 4);
  context.beginPath();
  context.moveTo(left, from + Math.sign(to - from) * (ROW / 2 - 2));
  context.lineTo(left, to - Math.sign(to - from) * (ROW / 2 - 2));
  context.stroke();
  context.setLineDash([]);
}

function drawTimeline() {
  const ratio = window.devicePixelRatio || 1;
  canvas.style.height = `${rows.length * ROW + AXIS_HEIGHT}px`;
  canvas.width = canvas.clientWidth * ratio;
  canvas.height = (rows.length * ROW + AXIS_HEIGHT) * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.font = "12px system-ui, sans-serif";
  drawAxis(context);
  rows.forEach((thread, i) => {
    context.fillStyle = ink("--line");
    context.fillRect(0, (i + 1) * ROW - 1, canvas.clientWidth, 1);
    context.fillStyle = ink("--soft");
    context.fillText(`thread ${thread}`, 0, i * ROW + 13);
  });
  for (const wait of waits)
    if (rowOf.has(wait.thread) && wait.end >= view.from && wait.start <= view.to) drawWait(context, wait);
  if (chosen) drawChosen(context);
  if (dragged) {
    context.fillStyle = ink("--hatch");
    context.fillRect(Math.min(dragged.start, dragged.now), 0, Math.abs(dragged.now - dragged.start), rows.length * ROW);
    context.strokeStyle = ink("--accent");
    context.strokeRect(Math.min(dragged.start, dragged.now), 0, Math.abs(dragged.now - dragged.start), rows.length * ROW);
  }
}

// Never shorter than LEAST_NS, never beyond the recorded waits.
function show(from, to) {
  const span = Math.min(Math.max(to - from, LEAST_NS), Math.max(whole.to - whole.from, LEAST_NS));
  const middle = (from + to) / 2;
  view.from = Math.max(whole.from, Math.min(middle - span / 2, whole.to - span));
  view.to = view.from + span;
  drawTimeline();
}
const zoom = (factor) => {
  const middle = chosen && chosen.end >= view.from && chosen.start <= view.to ? (chosen.start + chosen.end) / 2 : (view.from + view.to) / 2;
  const span = (view.to - view.from) * factor;
  show(middle - span / 2, middle + span / 2);
};
const move = (part) => show(view.from + part * (view.to - view.from), view.to + part * (view.to - view.from));

function choose(wait) {
  chosen = wait;
  byId("told").textContent = wait ? tell(wait) : "";
  drawTimeline();
}

// Into view, if it is not.
function goTo(wait) {
  chosen = wait;
  byId("told").textContent = tell(wait);
  if (wait.start < view.from || wait.end > view.to) {
    const span = Math.max(view.to - view.from, 2 * (wait.end - wait.start));
    show((wait.start + wait.end - span) / 2, (wait.start + wait.end + span) / 2);
  } else drawTimeline();
}

// The nearest wait in a row, a few pixels off at most.
function waitAt(x, y) {
  let best = null, distance = NEAR;
  for (const wait of waits) {
    if (rowOf.get(wait.thread) !== Math.floor(y / ROW)) continue;
    const off = Math.max(at(wait.start) - x, x - at(wait.end), 0);
    if (off < distance) [best, distance] = [wait, off];
  }
  return best;
}

function step(by) {
  const known = waits.filter((wait) => rowOf.has(wait.thread));
  const next = chosen ? known.indexOf(chosen) + by : known.findIndex((wait) => wait.end >= view.from);
  if (known[next]) goTo(known[next]);
}

const KEYS = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), "+": () => zoom(0.5), "-": () => zoom(2), 0: () => show(whole.from, whole.to) };
const BUTTONS = { nearer: () => zoom(0.5), farther: () => zoom(2), earlier: () => move(-0.5), later: () => move(0.5),
                  whole: () => show(whole.from, whole.to) };

function startTimeline() {
  byId("zoom").hidden = false;
  byId("colors").append(...[...new Set(waits.map(({ lock }) => lock))].sort((a, b) => a - b).filter((lock) => lock <= DATA.colors.length)
    .map((lock) => make("li", {}, make("span", { class: "swatch", style: `background:${DATA.colors[lock] ?? "var(--soft)"}` }),
                        lock < DATA.colors.length ? DATA.locks[lock] : "other locks")));
  for (const [id, act] of Object.entries(BUTTONS)) byId(id).addEventListener("click", act);
  canvas.addEventListener("keydown", (event) => {
    if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  canvas.addEventListener("pointerdown", (event) => { dragged = { start: event.offsetX, now: event.offsetX }; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => {
    if (dragged) { dragged.now = event.offsetX; drawTimeline(); return; }
    const wait = waitAt(event.offsetX, event.offsetY);
    if (wait && wait !== chosen) choose(wait);
  });
  canvas.addEventListener("pointerup", () => {
    const { start, now } = dragged ?? { start: 0, now: 0 };
    dragged = null;
    if (Math.abs(now - start) > NEAR) show(timeAt(Math.min(start, now)), timeAt(Math.max(start, now)));
    else drawTimeline();
  });
  canvas.addEventListener("pointercancel", () => { dragged = null; drawTimeline(); });
  for (const button of document.querySelectorAll("button[data-wait]"))
    button.addEventListener("click", () => {
      const wait = waits[Number(button.dataset.wait)], span = 3 * (wait.end - wait.start);
      chosen = wait;
      show(wait.start - span, wait.end + span);
      goTo(wait);
      canvas.scrollIntoView({ block: "center" });
    });
  window.addEventListener("resize", drawTimeline);
}

// A lock that is closed opens when the table leads to it.
for (const link of document.querySelectorAll("a[href^='#lock-']"))
  link.addEventListener("click", () => { document.querySelector(link.getAttribute("href")).open = true; });

if (waits.length) startTimeline();
startTheme(() => { if (waits.length) drawTimeline(); });
