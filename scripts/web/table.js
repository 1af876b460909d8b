// SPDX-License-Identifier: MIT
// Every cell in a table that sorts by any column and shows the rows that contain what is typed.
const FIRST_ROWS = 500;
const COLUMNS = [
  { key: "lock", title: "lock", text: true }, { key: "threads", title: "threads" },
  ...DATA.metrics.filter(({ key }) => key !== "scaling").map(({ key, title, unit }) => ({ key, title: title.replace(/ \(.*/, ""), unit })),
  { key: "low", title: "low", unit: "count" }, { key: "high", title: "high", unit: "count" }, { key: "n", title: "trials" },
  { key: "place", title: "workload", text: true }, { key: "remarks", title: "remarks", text: true, wide: true },
];
const table = { rows: [], sort: { key: "ops_per_s", direction: -1 }, all: false };

function fillTable() {
  for (const run of DATA.runs)
    for (const cell of run.cells)
      table.rows.push({ ...cell, place: (DATA.runs.length > 1 ? `${run.name}: ` : "") + run.workloads[cell.workload] });
  for (const row of table.rows) row.search = `${row.lock} ${row.threads} threads ${row.place} ${row.remarks}`.toLowerCase();
  const head = COLUMNS.map((column) => {
    const button = make("button", { type: "button" }, column.title);
    button.addEventListener("click", () => sortBy(column));
    return make("th", { scope: "col", "data-key": column.key, class: column.text ? "text" : false }, button);
  });
  byId("cells").append(make("thead", {}, make("tr", {}, ...head)), make("tbody"));
  byId("filter").addEventListener("input", showTable);
  byId("more").addEventListener("click", () => { table.all = true; showTable(); });
  showTable();
}

function sortBy(column) {
  const { key, direction } = table.sort;
  table.sort = { key: column.key, direction: key === column.key ? -direction : column.text ? 1 : -1 };
  showTable();
}

// Empty values come last, whichever way.
function compare(a, b) {
  const { key, direction } = table.sort;
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
    make("td", { class: column.wide ? "wide" : column.text ? "text" : false },
         column.text ? row[column.key] : text(row[column.key], column.unit))))));
  byId("table-status").textContent = `${found.length} of ${table.rows.length} cells` +
    (shown.length < found.length ? `, the first ${shown.length} are shown` : "");
  byId("more").hidden = shown.length === found.length;
}
