// @ts-check
/** The charts: which flights are in them, inventory with promotions, booking pressure. */

import { axis, ChartFrame, colorAt, directLabels, LABEL_ROOM, uPlot, utcDate } from "./chart.js";
import { ask } from "./connection.js";
import { reasonOf } from "./decisions_feed.js";
import { byId, setText } from "./dom.js";
import { percent, untilDeparture } from "./format.js";
import { promotionTips } from "./promotion_tips.js";
import { on, state } from "./store.js";
import { onView, view } from "./url_state.js";
import { drawViewers } from "./viewers_chart.js";

/** @typedef {import("./store.js").CurvePoint} CurvePoint */
/** @typedef {import("./store.js").Decision} Decision */
/** @typedef {import("./store.js").Flight} Flight */
/** @typedef {{ flight: Flight, curve: CurvePoint[], promotions: Decision[] }} Details */

const FLIGHTS_MAX = 8;
/** Flights that are drawn while none is chosen. */
const DECIDED = 3;
const LEAVING = 3;
const REFRESH_MS = 3000;
const HEIGHT = 260;

/** Details of a flight as they were asked last. @type {Map<string, Details>} */
const details = new Map();
let chosen = /** @type {string[]} */ ([]);

/** Puts the charts on the page. */
export function showCharts() {
  const trend = new ChartFrame(byId("trend"), {
    title: "Inventory trend with promotion annotations",
    description: "Seats remaining of each flight over time, with a marker at each promotion",
    fileName: "inventory-trend",
    height: HEIGHT,
  });
  const pressure = new ChartFrame(byId("pressure"), {
    title: "Booking pressure as departure approaches",
    description: "Load factor of each flight over the time left to departure",
    fileName: "booking-pressure",
    height: HEIGHT,
  });
  const viewers = new ChartFrame(byId("viewers"), {
    title: "Viewers per minute",
    description: "People who looked at any flight, minute by minute",
    fileName: "viewers-per-minute",
    height: HEIGHT,
  });
  const drawFlights = () => {
    drawTrend(trend);
    drawPressure(pressure);
  };
  let asking = false;
  const refresh = async () => {
    if (asking || document.hidden) return;
    asking = true;
    try {
      const before = chosen.join();
      chosen = flightsToChart();
      const stale = chosen.filter((id) =>
        details.get(id)?.flight.metric_time !== state.flights.get(id)?.metric_time || !details.has(id)
      );
      await Promise.all(stale.map(async (id) => {
        const found = await ask(`/flights/${encodeURIComponent(id)}`).catch(() => undefined);
        if (found !== undefined) details.set(id, found);
      }));
      for (const id of details.keys()) if (!chosen.includes(id)) details.delete(id);
      if (stale.length > 0 || before !== chosen.join()) drawFlights();
      setText(byId("chart-flights"), chartedText());
    } finally {
      asking = false;
    }
  };
  setInterval(refresh, REFRESH_MS);
  onView(() => void refresh());
  on("connection", () => void refresh());
  on("minutes", () => drawViewers(viewers));
  drawFlights();
  drawViewers(viewers);
  void refresh();
}

/** Those that were chosen on the board, else some decided on last and some that leave next. */
function flightsToChart() {
  const wanted = view.charted.filter((id) => state.flights.has(id));
  if (wanted.length > 0) return wanted.slice(0, FLIGHTS_MAX);
  const decided = [...new Set(state.decisions.map(({ flight_id }) => flight_id))].filter((id) =>
    state.flights.has(id)
  );
  const next = [...state.flights.values()].filter(({ metric_time, phase }) =>
    metric_time !== null && phase === "scheduled"
  ).sort((a, b) => a.minutes_to_departure - b.minutes_to_departure);
  // Of those that leave, the ones with a promotion have more to show.
  const leaving = [...next.filter(({ promotion }) => promotion !== null), ...next]
    .map(({ flight_id }) => flight_id);
  return [...new Set([...decided.slice(0, DECIDED), ...leaving.slice(0, LEAVING)])];
}

function chartedText() {
  if (view.charted.length > 0) return `${chosen.length} flights chosen on the board`;
  return "Flights decided on last and flights that leave next; choose others by the boxes on the board";
}

const drawn = () => chosen.flatMap((id) => details.get(id) ?? []);
/** @param {Details} one */
const nameOf = ({ flight }) => flight.flight_id.split("_")[0] ?? flight.flight_id;

const NOTHING = "No flight to draw yet: the charts begin with the first bookings.";

/** @param {ChartFrame} frame */
function drawTrend(frame) {
  frame.draw(() => {
    const flights = drawn().filter(({ curve }) => curve.length > 0);
    if (flights.length === 0) return NOTHING;
    const tables = flights.flatMap(({ flight, curve, promotions }) => [
      [
        curve.map(({ metric_time }) => Date.parse(metric_time) / 1000),
        curve.map(({ booked_seats }) => flight.total_seats - booked_seats),
      ],
      [
        promotions.map(({ event_time }) => Date.parse(event_time) / 1000),
        promotions.map(({ discount_percentage }) => discount_percentage),
      ],
    ]);
    const data = uPlot.join(tables);
    const series = flights.flatMap((one, at) => [
      {
        label: nameOf(one),
        stroke: colorAt(at),
        width: 1.75,
        scale: "seats",
        spanGaps: true,
        points: { show: false },
      },
      {
        label: `${nameOf(one)} discount`,
        stroke: colorAt(at),
        scale: "discount",
        paths: () => null,
        points: { show: true, size: 11, width: 2, fill: colorAt(at) },
      },
    ]);
    const labels = flights.map((one, at) => ({ name: nameOf(one), series: 1 + 2 * at, color: colorAt(at) }));
    return {
      data,
      options: {
        legend: { show: false },
        tzDate: (/** @type {number} */ seconds) => utcDate(seconds),
        cursor: { drag: { x: true, y: false } },
        scales: {
          discount: { range: [0, 50] },
          seats: {
            range: (
              /** @type {any} */ _,
              /** @type {number} */ _min,
              /** @type {number} */ max,
            ) => [0, Math.max(10, max * 1.05)],
          },
        },
        axes: [
          axis(),
          axis({ scale: "seats", label: "Seats remaining", labelSize: 18, size: 48 }),
          axis({
            scale: "discount",
            side: 1,
            label: "Discount",
            labelSize: 18,
            size: 48,
            grid: { show: false },
            values: (/** @type {any} */ _, /** @type {number[]} */ ticks) => ticks.map((tick) => `${tick} %`),
          }),
        ],
        series: [{ label: "Time" }, ...series],
        padding: [null, LABEL_ROOM + 16, null, null],
        hooks: { draw: [directLabels(labels, { scale: "seats", end: "last", offset: 70 })] },
        plugins: [promotionTips(flights)],
      },
    };
  }, {
    table: () => [
      ["flight_id", "metric_time", "seats_remaining", "discount_percentage", "reason"],
      ...drawn().flatMap(({ flight, curve, promotions }) => [
        ...curve.map((
          point,
        ) => [flight.flight_id, point.metric_time, flight.total_seats - point.booked_seats, null, null]),
        ...promotions.map((
          decision,
        ) => [flight.flight_id, decision.event_time, null, decision.discount_percentage, reasonOf(decision)]),
      ]),
    ],
    summary:
      "Lines: seats remaining. Dots: promotions, by their discount; point at one for its reason. Times in UTC.",
  });
}

/** @param {ChartFrame} frame */
function drawPressure(frame) {
  frame.draw(() => {
    const flights = drawn().filter(({ curve }) => curve.length > 0);
    if (flights.length === 0) return NOTHING;
    const data = uPlot.join(flights.map(({ curve }) => {
      const points = curve.toSorted((a, b) => a.minutes_to_departure - b.minutes_to_departure);
      return [points.map((point) => point.minutes_to_departure), points.map((point) => point.load_factor)];
    }));
    const labels = flights.map((one, at) => ({ name: nameOf(one), series: 1 + at, color: colorAt(at) }));
    const shares = (/** @type {any} */ _, /** @type {number[]} */ ticks) =>
      ticks.map((tick) => percent(tick));
    return {
      data,
      options: {
        legend: { show: false },
        cursor: { drag: { x: true, y: false } },
        scales: {
          x: {
            time: false,
            dir: -1,
            // Down to the departure, however far off it is; into a part of it once that has been marked.
            range: (
              /** @type {any} */ plot,
              /** @type {number} */ min,
              /** @type {number} */ max,
            ) => [min <= (plot.data[0][0] ?? 0) ? 0 : min, max],
          },
          load: { range: [0, 1] },
        },
        axes: [
          axis({
            label: "To departure",
            labelSize: 18,
            values: (/** @type {any} */ _, /** @type {number[]} */ ticks) =>
              ticks.map((tick) =>
                tick <= 0 ? "departure" : untilDeparture(Math.round(tick)).replace(/ 0 (h|min)$/, "")
              ),
            incrs: [15, 30, 60, 120, 360, 720, 1440, 2880, 4320, 7200, 10080, 14400, 20160, 43200],
            space: 70,
          }),
          axis({ scale: "load", label: "Load factor", labelSize: 18, size: 48, values: shares }),
        ],
        series: [
          { label: "Minutes to departure" },
          ...flights.map((one, at) => ({
            label: nameOf(one),
            stroke: colorAt(at),
            width: 1.75,
            scale: "load",
            spanGaps: true,
            points: { show: false },
          })),
        ],
        padding: [null, LABEL_ROOM, null, null],
        hooks: { draw: [directLabels(labels, { scale: "load", end: "first" })] },
      },
    };
  }, {
    table: () => [
      ["flight_id", "metric_time", "minutes_to_departure", "load_factor"],
      ...drawn().flatMap(({ flight, curve }) =>
        curve.map((
          point,
        ) => [flight.flight_id, point.metric_time, point.minutes_to_departure, point.load_factor])
      ),
    ],
    summary: "Each line is a flight; departure is at the right edge.",
  });
}
