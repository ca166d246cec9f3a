// @ts-check
/** The board of flights. Only the rows in sight are in the page, so that thousands of flights cost no more than fifty. */

import { COLUMNS, describe, isBehind } from "./board_columns.js";
import { fits, showAttention, syncFilters, wireFilters } from "./board_filters.js";
import { byId, element, setText } from "./dom.js";
import { whole } from "./format.js";
import { on, state } from "./store.js";
import { onView, setView, view } from "./url_state.js";

/** @typedef {import("./store.js").Flight} Flight */
/** @typedef {import("./board_columns.js").Column} Column */

const ROW_HEIGHT = 32;
const ROWS_BEYOND_SIGHT = 12;
const FLASH_MS = 900;

/** @type {Flight[]} */
let rows = [];
let focused = -1;
const scroll = byId("board-scroll");
const body = byId("board-rows");
/** Rows in the page, by flight. @type {Map<string, HTMLTableRowElement>} */
const drawn = new Map();
/** @type {(flightId: string) => void} */
let open = () => {};

/** Puts the board on the page. @param {{ openFlight: (flightId: string) => void }} actions */
export function showBoard({ openFlight }) {
  open = openFlight;
  byId("board-head").append(
    ...COLUMNS.map((column) => {
      const button = element("button", { type: "button", class: "sort", text: column.title });
      button.addEventListener("click", () => {
        const again = view.sort === column.key;
        const first = column.number === true && column.key !== "in" ? "desc" : "asc";
        setView({ sort: column.key, direction: again ? (view.direction === "asc" ? "desc" : "asc") : first });
      });
      return element("th", { scope: "col", "data-key": column.key, class: classOf(column) }, [button]);
    }),
    element("th", { scope: "col", class: "chart-cell" }, [
      element("span", { class: "hidden", text: "In the charts" }),
    ]),
  );
  wireFilters();
  scroll.addEventListener("scroll", draw, { passive: true });
  new ResizeObserver(draw).observe(scroll);
  scroll.addEventListener("keydown", onKey);
  onView(() => {
    syncFilters();
    refresh();
  });
  on("flights", refresh);
  on("connection", refresh);
  syncFilters();
  refresh();
}

/** @param {Column} column */
function classOf(column) {
  return [column.number === true ? "number" : "", column.wide === true ? "wide" : ""].join(" ").trim() ||
    undefined;
}

function refresh() {
  const column = COLUMNS.find(({ key }) => key === view.sort) ?? COLUMNS[2];
  const sign = view.direction === "asc" ? 1 : -1;
  const keyed = [...state.flights.values()].filter(fits).map((flight) => ({
    flight,
    value: column?.sort(flight) ?? null,
  }));
  keyed.sort((a, b) => {
    if (a.value !== b.value) {
      if (a.value === null) return 1;
      if (b.value === null) return -1;
      return a.value < b.value ? -sign : sign;
    }
    return a.flight.flight_id < b.flight.flight_id ? -1 : 1;
  });
  rows = keyed.map(({ flight }) => flight);
  const all = state.flights.size;
  setText(byId("flight-count"), rows.length === all ? whole(all) : `${whole(rows.length)} of ${whole(all)}`);
  showAttention();
  byId("board-table").setAttribute("aria-rowcount", String(rows.length + 1));
  showMessage();
  draw();
}

function showMessage() {
  const message = byId("board-message");
  const text = state.error !== undefined && !state.loaded
    ? `The flights cannot be loaded: ${state.error}. Trying again…`
    : !state.loaded
    ? "Loading flights…"
    : state.flights.size === 0
    ? "No flights yet: the producer sends them as it starts."
    : rows.length === 0
    ? "No flight fits the search and the filters."
    : "";
  setText(message, text);
  message.hidden = text === "";
}

function draw() {
  const first = Math.max(0, Math.floor(scroll.scrollTop / ROW_HEIGHT) - ROWS_BEYOND_SIGHT);
  const last = Math.min(
    rows.length,
    Math.ceil((scroll.scrollTop + scroll.clientHeight) / ROW_HEIGHT) + ROWS_BEYOND_SIGHT,
  );
  const inSight = rows.slice(first, last);
  const wanted = new Set(inSight.map(({ flight_id }) => flight_id));
  for (const [flightId, row] of drawn) {
    if (!wanted.has(flightId)) {
      row.remove();
      drawn.delete(flightId);
    }
  }
  const before = spacer("before", first);
  const after = spacer("after", rows.length - last);
  let at = /** @type {Element} */ (before);
  inSight.forEach((flight, index) => {
    const row = drawn.get(flight.flight_id) ?? newRow(flight);
    drawn.set(flight.flight_id, row);
    fill(row, flight);
    row.setAttribute("aria-rowindex", String(first + index + 2));
    row.classList.toggle("focused", first + index === focused);
    if (at.nextElementSibling !== row) at.after(row);
    at = row;
  });
  if (at.nextElementSibling !== after) at.after(after);
  for (const flight of inSight) state.changed.delete(flight.flight_id);
  // What is out of sight need not flash when it comes into sight later.
  if (state.changed.size > 5000) state.changed.clear();
}

/** A row that stands for those above or below. @param {"before" | "after"} where @param {number} count */
function spacer(where, count) {
  let row = body.querySelector(`tr[data-spacer="${where}"]`);
  if (row === null) {
    row = element("tr", { "data-spacer": where, "aria-hidden": "true" }, [
      element("td", { colspan: String(COLUMNS.length + 1) }),
    ]);
    body.append(row);
  }
  const cell = /** @type {HTMLElement} */ (row.firstElementChild);
  cell.style.height = `${count * ROW_HEIGHT}px`;
  return row;
}

/** @param {Flight} flight */
function newRow(flight) {
  const row = element("tr");
  for (const column of COLUMNS) {
    const cell = column.key === "flight"
      ? element("th", { scope: "row" }, [
        element("button", { type: "button", class: "link", tabindex: "-1" }),
      ])
      : element("td", { class: classOf(column) });
    row.append(cell);
  }
  const box = element("input", {
    type: "checkbox",
    tabindex: "-1",
    "aria-label": `${flight.flight_id} in the charts`,
  });
  box.addEventListener("click", (event) => event.stopPropagation());
  box.addEventListener("change", () => chart(flight.flight_id, box.checked));
  row.append(element("td", { class: "chart-cell" }, [box]));
  row.addEventListener("click", () => open(flight.flight_id));
  return row;
}

/** Puts a flight into the charts, or takes it out. @param {string} flightId @param {boolean} wanted */
export function chart(flightId, wanted) {
  const others = view.charted.filter((id) => id !== flightId);
  setView({ charted: wanted ? [...others, flightId].slice(-8) : others });
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** @param {HTMLTableRowElement} row @param {Flight} flight */
function fill(row, flight) {
  const known = row.dataset.filled === "yes";
  COLUMNS.forEach((column, at) => {
    const cell = /** @type {HTMLElement} */ (row.children[at]);
    const target = column.key === "flight" ? /** @type {HTMLElement} */ (cell.firstElementChild) : cell;
    const changed = setText(target, column.text(flight));
    const hint = column.hint?.(flight);
    if (hint === undefined) cell.removeAttribute("title");
    else if (cell.title !== hint) cell.title = hint;
    const flashes = column.number === true && column.key !== "in";
    if (known && changed && flashes && !calm.matches) {
      cell.classList.add("flash");
      setTimeout(() => cell.classList.remove("flash"), FLASH_MS);
    }
  });
  row.dataset.filled = "yes";
  row.classList.toggle("behind", isBehind(flight));
  row.classList.toggle("promoted", flight.promotion !== null && flight.phase === "scheduled");
  row.classList.toggle("over", flight.phase !== "scheduled");
  const box = /** @type {HTMLInputElement} */ (row.lastElementChild?.firstElementChild);
  box.checked = view.charted.includes(flight.flight_id);
  box.disabled = !box.checked && view.charted.length >= 8;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  const pageRows = Math.max(1, Math.floor(scroll.clientHeight / ROW_HEIGHT) - 2);
  /** @type {Record<string, number>} */
  const moves = {
    ArrowDown: focused + 1,
    ArrowUp: focused - 1,
    PageDown: focused + pageRows,
    PageUp: focused - pageRows,
    Home: 0,
    End: rows.length - 1,
  };
  const flight = rows[focused];
  if (event.key === "Enter" && flight !== undefined && event.target === scroll) open(flight.flight_id);
  else if (event.key === " " && flight !== undefined && event.target === scroll) {
    chart(flight.flight_id, !view.charted.includes(flight.flight_id));
  } else if (event.key in moves && rows.length > 0) {
    focused = Math.min(rows.length - 1, Math.max(0, moves[event.key] ?? 0));
    const top = focused * ROW_HEIGHT;
    const head = /** @type {HTMLElement} */ (byId("board-head")).offsetHeight;
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (top + ROW_HEIGHT + head > scroll.scrollTop + scroll.clientHeight) {
      scroll.scrollTop = top + ROW_HEIGHT + head - scroll.clientHeight;
    }
    draw();
    const now = rows[focused];
    if (now !== undefined) setText(byId("announcer"), describe(now));
  } else return;
  event.preventDefault();
}
