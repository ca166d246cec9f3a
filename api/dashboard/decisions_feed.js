// @ts-check
/** What was decided and why, in plain words, newest first. */

import { byId, element, setText } from "./dom.js";
import { percent, untilDeparture, utcTime, whole } from "./format.js";
import { on, state } from "./store.js";

/** @typedef {import("./store.js").Decision} Decision */

const SHOWN_MAX = 100;

/** Puts the feed on the page. @param {{ openFlight: (flightId: string) => void }} actions */
export function showDecisions({ openFlight }) {
  const list = byId("decisions");
  const refresh = () => {
    setText(byId("decision-count"), whole(state.decisionsTotal));
    if (state.decisions.length === 0) {
      list.replaceChildren(
        element("li", {
          class: "muted",
          text: state.loaded ? "No promotion has been decided yet." : "Loading decisions…",
        }),
      );
      return;
    }
    const known = new Map([...list.children].map((item) => [item.getAttribute("data-id"), item]));
    const items = state.decisions.slice(0, SHOWN_MAX).map((decision) => {
      const id = decision.event_id ?? `${decision.flight_id} ${decision.event_time}`;
      return known.get(id) ?? itemOf(decision, id, openFlight);
    });
    list.replaceChildren(...items);
  };
  on("decisions", refresh);
  on("pipeline", () => setText(byId("decision-count"), whole(state.decisionsTotal)));
  refresh();
}

/** @param {Decision} decision @param {string} id @param {(flightId: string) => void} openFlight */
function itemOf(decision, id, openFlight) {
  const name = element("button", {
    type: "button",
    class: "link",
    text: decision.flight_id.split("_")[0] ?? decision.flight_id,
    title: decision.flight_id,
  });
  name.addEventListener("click", () => openFlight(decision.flight_id));
  const route = decision.origin_airport === null
    ? ""
    : ` ${decision.origin_airport} → ${decision.destination_airport}`;
  return element("li", { "data-id": id }, [
    element("p", { class: "decision-head" }, [
      name,
      element("span", { class: "muted", text: route }),
      element("strong", { class: "discount", text: `−${decision.discount_percentage} %` }),
    ]),
    element("p", { text: reasonOf(decision) }),
    element("p", { class: "muted small" }, [
      element("time", { datetime: decision.event_time, text: utcTime(decision.event_time) }),
      ` · ${decision.policy ?? decision.decision_source}`,
    ]),
  ]);
}

/** The reason in plain words. @param {Decision} decision */
export function reasonOf(decision) {
  if (decision.reason !== null) return decision.reason;
  return `Load factor ${percent(decision.current_load_factor)} with ${
    untilDeparture(decision.minutes_to_departure)
  } to departure`;
}
