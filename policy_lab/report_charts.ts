/** The charts of the report, as SVG text; colours are classes of the page. */

import type { LabReport, PolicyReport } from "./lab_report.ts";
import { intervalOf, percentOf, signedMoney } from "./shown_figures.ts";
import { drawing, element, label, scaleOf, ticksOf } from "./svg.ts";

const WIDTH = 960;

/** The class of a policy's colour, by its place. */
export function colourOf(at: number): string {
  return `p${Math.min(at, 7)}`;
}

function thousands(pounds: number): string {
  if (pounds === 0) return "0";
  const size = Math.abs(pounds);
  const text = size >= 1e6
    ? `£${Number((size / 1e6).toPrecision(3))} M`
    : size >= 1000
    ? `£${Number((size / 1000).toPrecision(3))} k`
    : `£${Math.round(size)}`;
  return `${pounds < 0 ? "−" : "+"}${text}`;
}

/** What each policy earns against `none`, with its interval. */
export function gainChart({ policies }: LabReport): string {
  const shown = policies.flatMap((policy, at) => policy.incremental === null ? [] : [{ policy, at }]);
  const ends = shown.flatMap(({ policy: { incremental } }) =>
    [incremental!.low, incremental!.high, incremental!.mean].filter(Number.isFinite)
  );
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  const pad = (high - low || 1) * 0.06;
  const rowHeight = 40;
  const [left, right, top] = [250, 720, 8];
  const bottom = top + shown.length * rowHeight;
  const x = scaleOf([low - pad, high + pad], [left, right]);
  const parts: string[] = [];
  for (const tick of ticksOf(low - pad, high + pad, 5)) {
    parts.push(
      element("line", { x1: x(tick), x2: x(tick), y1: top, y2: bottom, class: tick === 0 ? "zero" : "grid" }),
      label(x(tick), bottom + 20, thousands(tick), { anchor: "middle", class: "axis" }),
    );
  }
  for (const [row, { policy: { name, incremental }, at }] of shown.entries()) {
    const y = top + (row + 0.5) * rowHeight;
    const { mean } = incremental!;
    const from = Number.isFinite(incremental!.low) ? incremental!.low : mean;
    const to = Number.isFinite(incremental!.high) ? incremental!.high : mean;
    parts.push(
      label(left - 16, y + 5, name, { anchor: "end", class: "name" }),
      element("line", { x1: x(from), x2: x(to), y1: y, y2: y, class: `interval ${colourOf(at)}` }),
      element("circle", { cx: x(mean), cy: y, r: 6, class: `dot ${colourOf(at)}` }),
      label(right + 16, y + 1, signedMoney(mean), { class: "value" }),
      label(right + 16, y + 16, intervalOf(incremental!, signedMoney), { class: "axis" }),
    );
  }
  return drawing(WIDTH, bottom + 28, "Revenue against no promotions, with 95 % intervals", parts.join(""));
}

/** The same beside what could be had at most. */
export function boundChart({ policies, bounds }: LabReport): string {
  const none = policies[0]!.revenue.mean;
  const rows = [
    ...policies.flatMap(({ name, revenue }, at) =>
      at === 0 ? [] : [{ name, gain: revenue.mean - none, colour: colourOf(at) }]
    ),
    { name: "dynamic program", gain: bounds.dynamic.mean - none, colour: "bound" },
    { name: "perfect information", gain: bounds.perfect.mean - none, colour: "bound" },
    { name: "linear program", gain: bounds.linear.mean - none, colour: "bound" },
  ];
  const rowHeight = 30;
  const [left, right, top] = [250, 780, 8];
  const bottom = top + rows.length * rowHeight;
  const low = Math.min(0, ...rows.map(({ gain }) => gain));
  const high = Math.max(...rows.map(({ gain }) => gain));
  const x = scaleOf([low, high], [left, right]);
  const parts = ticksOf(low, high, 5).flatMap((tick) => [
    element("line", { x1: x(tick), x2: x(tick), y1: top, y2: bottom, class: tick === 0 ? "zero" : "grid" }),
    label(x(tick), bottom + 20, thousands(tick), { anchor: "middle", class: "axis" }),
  ]);
  for (const [row, { name, gain, colour }] of rows.entries()) {
    const y = top + (row + 0.5) * rowHeight;
    const width = Math.max(1.5, Math.abs(x(gain) - x(0)));
    parts.push(
      label(left - 16, y + 5, name, { anchor: "end", class: colour === "bound" ? "name muted" : "name" }),
      element("rect", { x: Math.min(x(gain), x(0)), y: y - 7, width, height: 14, class: `bar ${colour}` }),
      label(Math.max(x(gain), x(0)) + 10, y + 5, signedMoney(gain), { class: "value" }),
    );
  }
  return drawing(WIDTH, bottom + 28, "Revenue above none, beside its bounds", parts.join(""));
}

/** Mean load factor by days before departure; below, the difference to `none` in percentage points. */
export function curveChart({ policies, curveDays }: LabReport): string {
  const [left, right] = [64, 700];
  const [top, bottom, belowTop, belowBottom] = [12, 250, 300, 420];
  const x = scaleOf([curveDays[0]!, 0], [left, right]);
  const most = Math.min(1, Math.ceil(Math.max(...policies.flatMap(({ curve }) => curve)) * 10) / 10);
  const y = scaleOf([0, most], [bottom, top]);
  const parts: string[] = [];
  for (const tick of ticksOf(0, most, 4)) {
    parts.push(
      element("line", { x1: left, x2: right, y1: y(tick), y2: y(tick), class: "grid" }),
      label(left - 10, y(tick) + 4, percentOf(tick, 0), { anchor: "end", class: "axis" }),
    );
  }
  const days = ticksOf(0, curveDays[0]!, 7);
  for (const day of days) {
    parts.push(
      label(x(day), belowBottom + 20, day === 0 ? "departure" : `${day} d`, {
        anchor: "middle",
        class: "axis",
      }),
    );
  }
  const base = policies[0]!.curve;
  const gaps = policies.map(({ curve }) => curve.map((load, at) => (load - base[at]!) * 100));
  const low = Math.min(-0.2, ...gaps.flat());
  const high = Math.max(0.2, ...gaps.flat());
  const gapY = scaleOf([low, high], [belowBottom, belowTop]);
  for (const tick of ticksOf(low, high, 3)) {
    parts.push(
      element("line", {
        x1: left,
        x2: right,
        y1: gapY(tick),
        y2: gapY(tick),
        class: tick === 0 ? "zero" : "grid",
      }),
      label(left - 10, gapY(tick) + 4, `${tick > 0 ? "+" : ""}${Number(tick.toFixed(1))}`.replace("-", "−"), {
        anchor: "end",
        class: "axis",
      }),
    );
  }
  parts.push(label(left, belowTop - 14, "Difference to none, percentage points", { class: "axis" }));
  const lines = (values: readonly number[], scale: (value: number) => number) =>
    values.map((value, at) => `${x(curveDays[at]!).toFixed(1)},${scale(value).toFixed(1)}`).join(" ");
  // The first is drawn last, so that what is equal to it shows as it.
  for (const [at, { curve }] of [...policies.entries()].reverse()) {
    parts.push(element("polyline", { points: lines(curve, y), class: `line ${colourOf(at)}` }));
    if (at > 0) {
      parts.push(element("polyline", { points: lines(gaps[at]!, gapY), class: `line ${colourOf(at)}` }));
    }
  }
  parts.push(
    ...endLabels(
      policies.map(({ name, curve }, at) => ({
        name: `${name} ${percentOf(curve.at(-1)!)}`,
        y: y(curve.at(-1)!),
        at,
      })),
      right,
    ),
    ...endLabels(
      policies.slice(1).map(({ name }, index) => ({
        name,
        y: gapY(gaps[index + 1]!.at(-1)!),
        at: index + 1,
      })),
      right,
    ),
  );
  return drawing(
    WIDTH,
    belowBottom + 32,
    "Booking curves: mean load factor by days before departure",
    parts.join(""),
  );
}

/** Names at the ends of lines, moved apart where they would meet. */
function endLabels(ends: { name: string; y: number; at: number }[], right: number): string[] {
  const gap = 17;
  const sorted = ends.toSorted((a, b) => a.y - b.y);
  const middle = sorted.reduce((sum, { y }) => sum + y, 0) / (sorted.length || 1);
  const places: number[] = [];
  for (const { y } of sorted) places.push(Math.max(y, (places.at(-1) ?? -Infinity) + gap));
  // Pushed apart downwards only: half of that is taken back.
  const shift = places.reduce((sum, place) => sum + place, 0) / (places.length || 1) - middle;
  return sorted.map(({ name, y, at }, index) =>
    element("line", {
      x1: right,
      x2: right + 14,
      y1: y,
      y2: places[index]! - shift,
      class: `leader ${colourOf(at)}`,
    }) +
    element("circle", { cx: right + 18, cy: places[index]! - shift, r: 3.5, class: colourOf(at) }) +
    label(right + 28, places[index]! - shift + 4, name, { class: "end" })
  );
}

/** How full flights leave, one small chart a policy; the outline is `none`. */
export function histogramChart(policy: PolicyReport, at: number, none: PolicyReport, most: number): string {
  const [width, height] = [300, 150];
  const [left, right, top, bottom] = [8, 292, 10, 122];
  const x = scaleOf([0, policy.histogram.length], [left, right]);
  const y = scaleOf([0, most], [bottom, top]);
  const bars = policy.histogram.map((share, bin) =>
    element("rect", {
      x: x(bin) + 1,
      y: y(share),
      width: x(1) - x(0) - 2,
      height: Math.max(0, bottom - y(share)),
      class: `bar ${colourOf(at)}`,
    }, element("title", {}, `${bin * 5}–${bin * 5 + 5} % full: ${percentOf(share)} of the flights`))
  );
  const outline = none.histogram.map((share, bin) =>
    `${x(bin).toFixed(1)},${y(share).toFixed(1)} ${x(bin + 1).toFixed(1)},${y(share).toFixed(1)}`
  ).join(" ");
  const axis = [0, 0.25, 0.5, 0.75, 1].map((share) =>
    label(x(share * policy.histogram.length), bottom + 18, percentOf(share, 0), {
      anchor: share === 0 ? "start" : share === 1 ? "end" : "middle",
      class: "axis",
    })
  );
  return drawing(
    width,
    height,
    `Load factors at departure under ${policy.name}`,
    bars.join("") + (at === 0 ? "" : element("polyline", { points: outline, class: "outline" })) +
      element("line", { x1: left, x2: right, y1: bottom, y2: bottom, class: "zero" }) + axis.join(""),
  );
}
