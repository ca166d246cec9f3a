// @ts-check
/** The chart of viewers a minute. */

import { axis, colorAt, uPlot, utcDate } from "./chart.js";
import { utcTime, whole } from "./format.js";
import { state } from "./store.js";

/** @typedef {import("./chart.js").ChartFrame} ChartFrame */

/** Viewers of all flights together, minute by minute. @param {ChartFrame} frame */
export function drawViewers(frame) {
  const minutes = () => [...state.minutes.values()].sort((a, b) => a.window_start < b.window_start ? -1 : 1);
  frame.draw(() => {
    // The minute that has just begun would look like a fall.
    const rows = minutes().filter(({ complete }) => complete);
    if (rows.length === 0) return "No viewers counted yet: viewer-metrics stores a row a minute and flight.";
    return {
      data: [
        rows.map(({ window_start }) => Date.parse(window_start) / 1000),
        rows.map(({ active_viewers }) => active_viewers),
      ],
      options: {
        legend: { show: false },
        tzDate: (/** @type {number} */ seconds) => utcDate(seconds),
        scales: {
          y: {
            range: (
              /** @type {any} */ _,
              /** @type {number} */ _min,
              /** @type {number} */ max,
            ) => [0, Math.max(5, max * 1.1)],
          },
        },
        axes: [axis(), axis({ size: 48, label: "Viewers", labelSize: 18 })],
        series: [
          { label: "Time" },
          {
            label: "Viewers",
            stroke: colorAt(0),
            width: 1.5,
            fill: `${colorAt(0)}22`,
            paths: uPlot.paths.stepped({ align: 1 }),
            points: { show: false },
          },
        ],
      },
    };
  }, {
    table: () => [
      ["window_start", "active_viewers", "flights_watched", "complete"],
      ...minutes().map((
        { window_start, active_viewers, streams, complete },
      ) => [window_start, active_viewers, streams, String(complete)]),
    ],
    summary: newestMinute(minutes()),
  });
}

/** @param {import("./store.js").MinuteTotal[]} rows */
function newestMinute(rows) {
  const newest = rows.findLast(({ complete }) => complete);
  return newest === undefined
    ? ""
    : `${utcTime(newest.window_start)}: ${whole(newest.active_viewers)} viewers on ${
      whole(newest.streams)
    } flights. Times in UTC.`;
}
