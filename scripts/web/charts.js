// SPDX-License-Identifier: MIT
// The four charts. Chart.js draws axes, points and tooltips; what it lacks is here: intervals, names at line ends, keys.
const COLORS = DATA.colors;
const MARKERS = ["circle", "rect", "triangle", "rectRot", "rectRounded", "star", "crossRot", "cross"];
const DASHES = [[], [6, 3], [2, 2]];

// A lock looks the same in all charts as long as it is shown. Its place, which the map and the plots go by too, is what it
// would like; where another that is shown has that colour, it takes the next that is free (scripts/py/common/palette.py).
const slots = new Map();
function takeSlot(lock) {
  const taken = new Set(slots.values());
  for (let turn = 0; !slots.has(lock); turn += COLORS.length)
    for (let step = 0; step < COLORS.length && !slots.has(lock); step++) {
      const slot = turn + (DATA.locks[lock].place + step) % COLORS.length;
      if (!taken.has(slot)) slots.set(lock, slot);
    }
  return slots.get(lock);
}
function keepSlots(locks) {
  for (const lock of [...slots.keys()]) if (!locks.has(lock)) slots.delete(lock);
  [...locks].sort((a, b) => DATA.locks[a].place - DATA.locks[b].place).forEach(takeSlot);
}
function style(lock) {
  const slot = takeSlot(lock), color = COLORS[slot % COLORS.length];
  return { borderColor: color, backgroundColor: color, pointStyle: MARKERS[(slot + Math.floor(slot / COLORS.length)) % MARKERS.length],
           borderDash: DASHES[Math.floor(slot / COLORS.length) % DASHES.length] };
}

const intervals = {
  id: "intervals",
  beforeDatasetsDraw(chart) {
    const { ctx, chartArea, scales: { y } } = chart;
    chart.data.datasets.forEach((dataset, d) => chart.getDatasetMeta(d).data.forEach((point, i) => {
      const { low, high, isUnknown } = dataset.data[i];
      if (Number.isNaN(point.y)) return;
      if (isUnknown) {
        ctx.save();
        ctx.font = "12px system-ui, sans-serif";
        ctx.fillStyle = ink("--ink");
        ctx.textAlign = "center";
        ctx.fillText("?", point.x, point.y - 8);
        ctx.restore();
        return;
      }
      if (low === undefined || low === null || high === null) return;
      ctx.save();
      ctx.beginPath();
      ctx.rect(chartArea.left, chartArea.top, chartArea.width, chartArea.height);
      ctx.clip();
      ctx.strokeStyle = dataset.borderColor;
      ctx.globalAlpha = 0.6;
      ctx.beginPath();
      ctx.moveTo(point.x, y.getPixelForValue(low));
      ctx.lineTo(point.x, y.getPixelForValue(high));
      ctx.stroke();
      ctx.restore();
    }));
  },
};

// Names at the ends of the lines, moved apart just enough not to overlap: no legend to look things up in.
const NAME_GAP = 13;
const names = {
  id: "names",
  afterDatasetsDraw(chart) {
    if (!chart.options.plugins.names) return;
    const { ctx, chartArea } = chart;
    const ends = [];
    chart.data.datasets.forEach((dataset, d) => {
      const points = chart.getDatasetMeta(d).data.filter((p) => !Number.isNaN(p.y));
      if (points.length) ends.push({ name: dataset.label, color: dataset.borderColor, at: points[points.length - 1] });
    });
    ends.sort((a, b) => a.at.y - b.at.y);
    const gap = Math.min(NAME_GAP, chartArea.height / Math.max(ends.length, 1));
    ends.forEach((end, i) => { end.y = Math.max(end.at.y, i ? ends[i - 1].y + gap : chartArea.top); });
    for (let i = ends.length - 1, limit = chartArea.bottom; i >= 0; i--, limit -= gap) ends[i].y = Math.min(ends[i].y, limit);
    ctx.save();
    ctx.font = "12px system-ui, sans-serif";
    ctx.textBaseline = "middle";
    for (const end of ends) {
      ctx.strokeStyle = end.color;
      ctx.globalAlpha = 0.5;
      ctx.beginPath();
      ctx.moveTo(end.at.x, end.at.y);
      ctx.lineTo(chartArea.right + 12, end.y);
      ctx.stroke();
      ctx.globalAlpha = 1;
      ctx.fillStyle = ink("--ink");
      ctx.fillText(end.name, chartArea.right + 15, end.y);
    }
    ctx.restore();
  },
};

function nameWidth(datasets) {
  const widest = datasets.reduce((n, dataset) => Math.max(n, dataset.label.length), 0);
  return Math.min(7 * widest + 22, 150);
}

// Ticks of a logarithmic axis: powers of ten, with 2 and 5 between them where there is room, fewer where there is none.
function logTicks(scale, room) {
  const { min, max } = scale, first = Math.floor(Math.log10(min)), last = Math.ceil(Math.log10(max));
  const between = (factors, step = 1) => {
    const found = [];
    for (let power = first; power <= last; power += step)
      for (const factor of factors) if (factor * 10 ** power >= min && factor * 10 ** power <= max) found.push({ value: factor * 10 ** power });
    return found;
  };
  const fine = between([1, 2, 5]);
  if (fine.length <= room) return fine;
  return between([1], Math.max(1, Math.ceil((last - first + 1) / room)));
}

const TICK_WIDTH = 52, TICK_HEIGHT = 34;
function axis(title, unit, type) {
  const result = { type, title: { display: true, text: title, color: ink("--soft") }, grid: { color: ink("--line") },
                   ticks: { color: ink("--soft"), maxTicksLimit: 9, callback: (value) => text(value, unit) } };
  if (type === "logarithmic")
    result.afterBuildTicks = (scale) => {
      const size = scale.isHorizontal() ? scale.maxWidth / TICK_WIDTH : scale.maxHeight / TICK_HEIGHT;
      scale.ticks = logTicks(scale, Math.max(2, Math.floor(size)));
    };
  return result;
}

function thread_axis(counts) {
  const ticks = { color: ink("--soft"), autoSkip: true, callback: (value) => (counts.includes(value) ? value : "") };
  return { type: "logarithmic", min: counts[0] / 1.1, max: counts[counts.length - 1] * 1.1, grid: { display: false },
           title: { display: true, text: "threads", color: ink("--soft") }, ticks,
           afterBuildTicks: (scale) => { scale.ticks = counts.map((value) => ({ value })); } };
}

const charts = {};

// Draws into the canvas of that id, in place of what it showed. `say` tells the active points in words.
function draw(id, type, datasets, scales, label, say, more = {}) {
  charts[id]?.destroy();
  const canvas = byId(id);
  canvas.setAttribute("aria-label", label);
  charts[id] = new Chart(canvas, {
    type, data: { datasets, labels: more.labels },
    options: {
      animation: false, responsive: true, maintainAspectRatio: false, parsing: more.labels ? undefined : false,
      layout: { padding: { right: more.names ? nameWidth(datasets) : 8 } },
      interaction: { mode: more.mode ?? "nearest", intersect: false, axis: more.indexAxis ?? "xy" },
      indexAxis: more.indexAxis ?? "x", scales,
      plugins: { legend: { display: Boolean(more.legend), labels: { color: ink("--ink") } }, names: Boolean(more.names),
                 tooltip: { callbacks: { label: (item) => say(item), title: more.title ?? (() => "") },
                            itemSort: (a, b) => b.parsed.y - a.parsed.y } },
    },
    plugins: [intervals, names],
  });
  charts[id].say = say;
}

// Arrow keys walk over the points of a chart; what is under way is shown as by hovering, and spoken.
function walk(event) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const chart = charts[event.target.id];
  if (!step || !chart || !chart.data.datasets.length) return;
  event.preventDefault();
  const at = chart.at ?? { d: 0, i: -step[1] };
  const d = (at.d + step[0] + chart.data.datasets.length) % chart.data.datasets.length;
  const n = chart.data.datasets[d].data.length;
  const i = Math.min(Math.max(at.i + step[1], 0), n - 1);
  chart.at = { d, i };
  const point = chart.getDatasetMeta(d).data[i];
  chart.setActiveElements([{ datasetIndex: d, index: i }]);
  chart.tooltip.setActiveElements([{ datasetIndex: d, index: i }], { x: point.x, y: point.y });
  chart.update();
  const dataset = chart.data.datasets[d];
  byId("spoken").textContent = chart.say({ dataset, raw: dataset.data[i], label: chart.data.labels?.[i] });
}
