// @ts-check
/** One flight: its state, its booking curve, where it is, what was decided and why. */

import { isBehind } from "./board_columns.js";
import { ChartFrame } from "./chart.js";
import { ask } from "./connection.js";
import { reasonOf } from "./decisions_feed.js";
import { byId, element } from "./dom.js";
import { drawCurve } from "./flight_curve.js";
import { localTime, oneDecimal, percent, untilDeparture, utcTime, whole } from "./format.js";
import { minutesToDeparture, state } from "./store.js";
import { showTracking } from "./tracking.js";
import { onView, setView, view } from "./url_state.js";

/** @typedef {import("./store.js").Flight} Flight */
/** @typedef {import("./store.js").Decision} Decision */

const REFRESH_MS = 2000;

/** Opens a flight's view. @param {string} flightId */
export function openFlight(flightId) {
  setView({ flight: flightId }, { step: true });
}

/** Shows the flight that the address names, now and when it changes. */
export function showFlightView() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("flight-view"));
  let shown = "";
  const sync = () => {
    if (view.flight === shown) return;
    shown = view.flight;
    if (shown === "") dialog.close();
    else {
      if (!dialog.open) dialog.showModal();
      void show(dialog, shown);
    }
  };
  dialog.addEventListener("close", () => {
    if (view.flight !== "") setView({ flight: "" }, { step: true });
    shown = "";
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  onView(sync);
  sync();
}

/** @param {HTMLDialogElement} dialog @param {string} flightId */
async function show(dialog, flightId) {
  const close = element("button", { type: "button", class: "quiet", text: "Close" });
  close.addEventListener("click", () => dialog.close());
  const title = element("h2", { id: "flight-title", text: flightId });
  const content = element("div", {}, [element("p", { class: "message", text: "Loading the flight…" })]);
  dialog.replaceChildren(element("div", { class: "bar" }, [title, close]), content);
  /** @type {ChartFrame | undefined} */
  let frame;
  let metricTime;
  const isShown = () => dialog.open && view.flight === flightId;
  while (isShown()) {
    try {
      const known = state.flights.get(flightId)?.metric_time;
      if (frame === undefined || known !== metricTime) {
        const details = await ask(`/flights/${encodeURIComponent(flightId)}`);
        if (!isShown()) break;
        metricTime = known;
        if (frame === undefined) {
          const tracking = element("section", { class: "tracking", hidden: true });
          frame = frameIn(content, flightId, tracking);
          void showTracking(tracking, flightId, isShown);
        }
        content.firstElementChild?.replaceWith(facts(details.flight));
        content.lastElementChild?.replaceWith(decisionsOf(details.promotions));
        drawCurve(frame, details);
      }
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // What is shown already stays; the page says by itself that it is stale.
      if (frame === undefined && isShown() && content.textContent !== text) {
        content.replaceChildren(element("p", { class: "message", role: "alert", text }));
      }
    }
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
  }
  frame?.destroy();
}

/**
 * Puts places for facts, curve, tracker and decisions into a view; gives the curve's.
 * @param {HTMLElement} content @param {string} flightId @param {HTMLElement} tracking
 */
function frameIn(content, flightId, tracking) {
  const figure = element("figure", { class: "chart" });
  content.replaceChildren(element("div"), figure, tracking, element("div"));
  return new ChartFrame(figure, {
    title: "Booking curve",
    description: `Load factor of ${flightId} over time`,
    fileName: `booking-curve-${flightId}`,
    height: 240,
  });
}

/** @param {Flight} flight */
function facts(flight) {
  const fare = flight.lowest_fare;
  const usual = flight.usual_load_factor;
  const { forecast } = flight;
  const rows = [
    ["Route", `${flight.origin_airport} → ${flight.destination_airport}`],
    [
      "Departure",
      localTime(flight.scheduled_departure_time, flight.origin_airport),
      utcTime(flight.scheduled_departure_time),
    ],
    ...(flight.scheduled_arrival_time === null ? [] : [[
      "Arrival",
      localTime(flight.scheduled_arrival_time, flight.destination_airport),
      utcTime(flight.scheduled_arrival_time),
    ]]),
    ["State", stateText(flight)],
    ["Aircraft", `${flight.aircraft_type ?? "unknown"}, ${flight.total_seats} seats`],
    [
      "Booked",
      `${whole(flight.booked_seats)} of ${whole(flight.total_seats)} seats, ${percent(flight.load_factor)}`,
    ],
    [
      "Usual",
      usual === null
        ? "too few flights to say"
        : `${percent(usual)} so long before departure${isBehind(flight) ? ": well behind" : ""}`,
    ],
    ...(forecast === null || flight.phase !== "scheduled" ? [] : [[
      "Forecast",
      `${percent(forecast.load_factor)} at departure (${percent(forecast.load_factor_low)} to ${
        percent(forecast.load_factor_high)
      })`,
    ]]),
    [
      "Bookings/h",
      flight.booking_velocity_per_hour === null ? "–" : oneDecimal(flight.booking_velocity_per_hour),
    ],
    ["Lowest fare", fare === null ? "–" : `${fare.price} ${fare.currency ?? ""} (${fare.fare_bucket})`],
    ["Viewers", flight.active_viewers === null ? "–" : whole(flight.active_viewers)],
  ];
  return element(
    "dl",
    { class: "facts" },
    rows.flatMap(([name, value, hint]) => [
      element("dt", { text: name ?? "" }),
      element("dd", { text: value ?? "", title: hint }),
    ]),
  );
}

/** @param {Flight} flight */
function stateText(flight) {
  const late = flight.delay_minutes === 0 ? "" : `, ${flight.delay_minutes} min behind the schedule`;
  switch (flight.phase) {
    case "scheduled":
      return `On sale, ${untilDeparture(minutesToDeparture(flight))} to departure${late}`;
    case "departed":
      return `Departed${late}`;
    case "arrived":
      return `Arrived${late}`;
    case "cancelled":
      return "Cancelled";
  }
}

/** @param {Decision[]} promotions */
function decisionsOf(promotions) {
  if (promotions.length === 0) return element("p", { class: "muted", text: "No promotion so far." });
  return element(
    "ol",
    { class: "decisions" },
    promotions.map((decision) =>
      element("li", {}, [
        element("p", { class: "decision-head" }, [
          element("strong", { class: "discount", text: `−${decision.discount_percentage} %` }),
          element("span", { class: "muted", text: ` on bucket ${decision.target_fare_bucket}` }),
        ]),
        element("p", { text: reasonOf(decision) }),
        element("p", {
          class: "muted small",
          text: `${utcTime(decision.event_time)} · ${decision.policy ?? decision.decision_source}`,
        }),
      ])
    ),
  );
}
