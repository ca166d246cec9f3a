// @ts-check
/** One flight: its state, its booking curve, where it is, what was decided and why. */

import { isBehind } from "./board_columns.js";
import { axis, axisColors, ChartFrame, colorAt, directLabels, LABEL_ROOM, uPlot } from "./chart.js";
import { ask } from "./connection.js";
import { reasonOf } from "./decisions_feed.js";
import { byId, element } from "./dom.js";
import { localTime, oneDecimal, percent, untilDeparture, utcTime, whole } from "./format.js";
import { minutesToDeparture, state } from "./store.js";
import { showTracking } from "./tracking.js";
import { onView, setView, view } from "./url_state.js";

/** @typedef {import("./store.js").Flight} Flight */
/** @typedef {import("./store.js").CurvePoint} CurvePoint */
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

/** @param {ChartFrame} frame @param {{ flight: Flight, curve: CurvePoint[], promotions: Decision[] }} details */
function drawCurve(frame, { flight, curve, promotions }) {
  frame.draw(() => {
    if (curve.length === 0) return "No bookings yet.";
    const data = uPlot.join([
      [
        curve.map(({ metric_time }) => Date.parse(metric_time) / 1000),
        curve.map(({ load_factor }) => load_factor),
        curve.map(({ usual_load_factor }) => usual_load_factor),
      ],
      [
        promotions.map(({ event_time }) => Date.parse(event_time) / 1000),
        promotions.map(({ current_load_factor }) => Math.min(1, current_load_factor)),
      ],
    ]);
    const labels = [
      { name: "Flight", series: 1, color: colorAt(0) },
      { name: "Usual", series: 2, color: axisColors().text },
    ];
    return {
      data,
      options: {
        legend: { show: false },
        tzDate: (/** @type {number} */ seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        scales: { y: { range: [0, 1] } },
        axes: [
          axis(),
          axis({
            size: 48,
            label: "Load factor",
            labelSize: 18,
            values: (/** @type {any} */ _, /** @type {number[]} */ ticks) =>
              ticks.map((tick) => percent(tick)),
          }),
        ],
        series: [
          { label: "Time" },
          { label: "Load factor", stroke: colorAt(0), width: 2, spanGaps: true, points: { show: false } },
          {
            label: "Usual",
            stroke: axisColors().text,
            width: 1.25,
            dash: [4, 4],
            spanGaps: true,
            points: { show: false },
          },
          {
            label: "Promotion",
            stroke: colorAt(1),
            paths: () => null,
            points: { show: true, size: 11, fill: colorAt(1) },
          },
        ],
        padding: [null, LABEL_ROOM, null, null],
        hooks: { draw: [directLabels(labels, { scale: "y", end: "last" })] },
      },
    };
  }, {
    table: () => [
      [
        "flight_id",
        "metric_time",
        "minutes_to_departure",
        "booked_seats",
        "load_factor",
        "booking_velocity_per_hour",
        "usual_load_factor",
      ],
      ...curve.map((point) => [
        flight.flight_id,
        point.metric_time,
        point.minutes_to_departure,
        point.booked_seats,
        point.load_factor,
        point.booking_velocity_per_hour,
        point.usual_load_factor,
      ]),
    ],
    summary: `${
      promotions.length === 0 ? "" : "Dots: promotions. "
    }Dashed: what is usual so long before departure. Times in UTC.`,
  });
}
