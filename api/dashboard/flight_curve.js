// @ts-check
/** The booking curve of one flight. */

import { axis, axisColors, colorAt, directLabels, LABEL_ROOM, uPlot, utcDate } from "./chart.js";
import { percent } from "./format.js";

/** @typedef {import("./chart.js").ChartFrame} ChartFrame */
/** @typedef {import("./store.js").Flight} Flight */
/** @typedef {import("./store.js").CurvePoint} CurvePoint */
/** @typedef {import("./store.js").Decision} Decision */

/**
 * How a flight filled: its load factor, what is usual, promotions, and what is expected at departure.
 * @param {ChartFrame} frame
 * @param {{ flight: Flight, curve: CurvePoint[], promotions: Decision[] }} details
 */
export function drawCurve(frame, { flight, curve, promotions }) {
  const expected = flight.phase === "scheduled" ? flight.forecast : null;
  const departure = Date.parse(flight.scheduled_departure_time) / 1000;
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
      expected === null ? [[], []] : [[departure], [expected.load_factor]],
    ]);
    const labels = [
      { name: "Flight", series: 1, color: colorAt(0) },
      { name: "Usual", series: 2, color: axisColors().text },
    ];
    return {
      data,
      options: {
        legend: { show: false },
        tzDate: (/** @type {number} */ seconds) => utcDate(seconds),
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
          {
            label: "Forecast",
            stroke: colorAt(0),
            paths: () => null,
            points: { show: true, size: 9, width: 2, fill: axisColors().background },
          },
        ],
        padding: [null, LABEL_ROOM, null, null],
        hooks: {
          draw: [directLabels(labels, { scale: "y", end: "last" })],
          drawSeries: [(/** @type {any} */ plot, /** @type {number} */ series) => {
            // Below its point.
            if (series === 3 && expected !== null) drawRange(plot, departure, expected);
          }],
        },
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
    summary: [
      promotions.length === 0 ? "" : "Dots: promotions.",
      "Dashed: what is usual so long before departure.",
      expected === null ? "" : "Ring and bar: what is expected at departure, four times out of five.",
      "Times in UTC.",
    ].filter((sentence) => sentence !== "").join(" "),
  });
}

/**
 * A bar from the low to the high end of what is expected.
 * @param {any} plot @param {number} seconds @param {NonNullable<Flight["forecast"]>} expected
 */
function drawRange(plot, seconds, { load_factor_low, load_factor_high }) {
  const { ctx } = plot;
  const x = plot.valToPos(seconds, "x", true);
  ctx.save();
  ctx.strokeStyle = colorAt(0);
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = 5 * devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, plot.valToPos(Math.min(1, load_factor_high), "y", true));
  ctx.lineTo(x, plot.valToPos(load_factor_low, "y", true));
  ctx.stroke();
  ctx.restore();
}
