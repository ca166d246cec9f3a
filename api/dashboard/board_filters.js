// @ts-check
/** What narrows the board: search, phase, and what needs attention; all of it stands in the address. */

import { isBehind } from "./board_columns.js";
import { byId, element, setText } from "./dom.js";
import { whole } from "./format.js";
import { state } from "./store.js";
import { setView, view } from "./url_state.js";

/** @typedef {import("./store.js").Flight} Flight */

/** Takes what the reader types and chooses into the address. */
export function wireFilters() {
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  const phase = /** @type {HTMLSelectElement} */ (byId("phase"));
  const attention = /** @type {HTMLSelectElement} */ (byId("attention"));
  search.addEventListener("input", () => setView({ search: search.value }));
  phase.addEventListener("change", () => setView({ phase: phase.value }));
  attention.addEventListener("change", () => setView({ attention: attention.value }));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
}

/** Shows what the address says. */
export function syncFilters() {
  const search = /** @type {HTMLInputElement} */ (byId("search"));
  if (search.value !== view.search) search.value = view.search;
  /** @type {HTMLSelectElement} */ (byId("phase")).value = view.phase;
  /** @type {HTMLSelectElement} */ (byId("attention")).value = view.attention;
  for (const head of byId("board-head").children) {
    const key = head.getAttribute("data-key");
    if (key !== null && key === view.sort) {
      head.setAttribute("aria-sort", view.direction === "asc" ? "ascending" : "descending");
    } else head.removeAttribute("aria-sort");
  }
}

/** Whether a flight is to be listed. @param {Flight} flight */
export function fits(flight) {
  if (view.phase !== "any" && flight.phase !== view.phase) return false;
  if (view.attention === "promoted" && flight.promotion === null) return false;
  if (view.attention === "behind" && !isBehind(flight)) return false;
  if (view.attention === "watched" && (flight.active_viewers ?? 0) === 0) return false;
  const text = view.search.trim().toLowerCase();
  if (text === "") return true;
  const route = `${flight.origin_airport} → ${flight.destination_airport}`;
  return `${flight.flight_id} ${flight.airline_code} ${route} ${flight.aircraft_type ?? ""}`.toLowerCase()
    .includes(text);
}

/** Which flights need attention, each count a way to see them. */
export function showAttention() {
  let behind = 0;
  let promoted = 0;
  let watched = 0;
  for (const flight of state.flights.values()) {
    if (flight.phase !== "scheduled") continue;
    if (isBehind(flight)) behind++;
    if (flight.promotion !== null) promoted++;
    if ((flight.active_viewers ?? 0) > 0) watched++;
  }
  const counts = /** @type {const} */ ([
    ["behind", behind, "well behind the usual"],
    ["promoted", promoted, "with a promotion"],
    ["watched", watched, "watched now"],
  ]);
  const holder = byId("attention-counts");
  if (holder.childElementCount === 0) {
    holder.append(...counts.map(([attention]) => {
      const button = element("button", { type: "button", class: "link" });
      button.addEventListener("click", () => setView({ attention, phase: "scheduled" }));
      return button;
    }));
  }
  counts.forEach(([attention, count, words], at) => {
    const button = /** @type {HTMLElement} */ (holder.children[at]);
    setText(button, `${whole(count)} ${words}`);
    button.setAttribute("aria-pressed", String(view.attention === attention));
  });
}
