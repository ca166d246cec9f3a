// @ts-check
/** The view in the address, so that a link shows what its sender saw. */

/**
 * @typedef {object} View
 * @property {string} search
 * @property {string} phase
 * @property {string} attention
 * @property {string} sort
 * @property {"asc" | "desc"} direction
 * @property {string[]} charted
 * @property {string} flight
 */

/** @type {View} */
export const view = read();

/** @type {((view: View) => void)[]} */
const listeners = [];

/** @returns {View} */
function read() {
  const query = new URLSearchParams(location.search);
  return {
    search: query.get("q") ?? "",
    phase: query.get("phase") ?? "scheduled",
    attention: query.get("attention") ?? "",
    sort: query.get("sort") ?? "departure",
    direction: query.get("direction") === "desc" ? "desc" : "asc",
    charted: (query.get("charts") ?? "").split(",").filter((id) => id !== "").slice(0, 8),
    flight: query.get("flight") ?? "",
  };
}

/** Tells `listener` of each change. @param {(view: View) => void} listener */
export function onView(listener) {
  listeners.push(listener);
}

/** Changes the view; `step` makes it one that the browser's Back leaves. @param {Partial<View>} change @param {{ step?: boolean }} [options] */
export function setView(change, { step = false } = {}) {
  Object.assign(view, change);
  const query = new URLSearchParams();
  const put = (/** @type {string} */ name, /** @type {string} */ value, fallback = "") => {
    if (value !== fallback) query.set(name, value);
  };
  put("q", view.search);
  put("phase", view.phase, "scheduled");
  put("attention", view.attention);
  put("sort", view.sort, "departure");
  put("direction", view.direction, "asc");
  put("charts", view.charted.join(","));
  put("flight", view.flight);
  const text = query.toString();
  const address = text === "" ? location.pathname : `?${text}`;
  if (step) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  for (const listener of listeners) listener(view);
}

addEventListener("popstate", () => {
  Object.assign(view, read());
  for (const listener of listeners) listener(view);
});
