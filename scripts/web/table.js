// SPDX-License-Identifier: MIT
// Every cell in a table that sorts by any column and shows the rows that contain what is typed.
const FIRST_ROWS = 500;
const COLUMNS = [
  { key: "name", title: "lock, threads, workload", text: true, frozen: true },
  ...DATA.metrics.filter(({ key }) => key !== "scaling").map(({ key, title, unit }) => ({ key, title: title.replace(/ \(.*/, ""), unit })),
  { key: "low", title: "low", unit: "count" }, { key: "high", title: "high", unit: "count" }, { key: "n", title: "trials" },
  { key: "remarks", title: "remarks", text: true, wide: true },
];
const table = { rows: [], sort: { key: "ops_per_s", direction: -1 }, all: false };

function fillTable() {
  for (const run of DATA.runs)
    for (const cell of run.cells)
      table.rows.push({ ...cell, name: `${cell.lock}, ${cell.threads} ${cell.threads === 1 ? "thread" : "threads"}`,
                        place: (DATA.runs.length > 1 ? `${run.name}: ` : "") + run.workloads[cell.workload] });
  for (const row of table.rows) row.search = `${row.name} ${row.place} ${row.remarks}`.toLowerCase();
  const head = COLUMNS.map((column) => {
    const button = make("button", { type: "button" }, column.title);
    button.addEventListener("click", () => sortBy(column));
    return make("th", { scope: "col", "data-key": column.key, class: classes(column) }, button);
  });
  byId("cells").append(make("thead", {}, make("tr", {}, ...head)), make("tbody"));
  byId("filter").addEventListener("input", showTable);
  byId("more").addEventListener("click", () => { table.all = true; showTable(); });
  showTable();
}

const classes = ({ frozen, wide, text: isText }) => [frozen && "frozen", wide ? "wide" : isText && "text"].filter(Boolean).join(" ") || false;

function sortBy(column) {
  const { key, direction } = table.sort;
  table.sort = { key: column.key, direction: key === column.key ? -direction : column.text ? 1 : -1 };
  showTable();
}

// Empty values come last, whichever way.
function compare(a, b) {
  const { key, direction } = table.sort;
  if (key === "name") return direction * (a.lock.localeCompare(b.lock) || a.threads - b.threads || a.place.localeCompare(b.place));
  const [x, y] = [a[key], b[key]];
  if (x === null || y === null) return (x === null) - (y === null);
  return direction * (typeof x === "string" ? x.localeCompare(y) : x - y);
}

function showTable() {
  const wanted = byId("filter").value.trim().toLowerCase();
  const found = table.rows.filter((row) => row.search.includes(wanted)).sort(compare);
  const shown = table.all ? found : found.slice(0, FIRST_ROWS);
  for (const th of byId("cells").querySelectorAll("th"))
    if (th.dataset.key === table.sort.key) th.setAttribute("aria-sort", table.sort.direction > 0 ? "ascending" : "descending");
    else th.removeAttribute("aria-sort");
  byId("cells").tBodies[0].replaceChildren(...shown.map((row) => make("tr", {}, ...COLUMNS.map((column) =>
    make("td", { class: classes(column) },
         ...(column.frozen ? [make("b", {}, row.name), make("br"), make("small", {}, row.place)]
                           : [column.text ? row[column.key] : valueText(row, column.key, column.unit)]))))));
  byId("table-status").textContent = `${found.length} of ${table.rows.length} cells` +
    (shown.length < found.length ? `, the first ${shown.length} are shown` : "");
  byId("more").hidden = shown.length === found.length;
}
