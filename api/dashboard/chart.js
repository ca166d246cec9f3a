// @ts-check
/** One chart with its title, its messages, and its data to take along. */

import { csv, download, element, setText } from "./dom.js";

/** The chart library, which a script of its own has loaded. @type {any} */
export const uPlot = /** @type {any} */ (globalThis).uPlot;

/** Okabe and Ito's colours, which colour-blind readers tell apart; yellow is left out on white. */
const ON_LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f5aa2", "#8c8c8c"];
/** The same for a dark ground: blue is their light one, the others lighter where they would drown. */
const ON_DARK = ["#56b4e9", "#ee7d2b", "#2bb894", "#dc8fba", "#e69f00", "#f0e442", "#ab8fd6", "#a8a8a8"];

/** Whether the page is dark now, by the reader's choice here or the system's. */
export function isDark() {
  const { theme } = document.documentElement.dataset;
  return (theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
}

/** The colour of the line at a place in its chart, in the present theme. @param {number} at */
export function colorAt(at) {
  const colors = isDark() ? ON_DARK : ON_LIGHT;
  return colors[at % colors.length] ?? "#0072b2";
}

/**
 * @typedef {object} ChartOptions
 * @property {string} title
 * @property {string} description for who cannot see it
 * @property {string} fileName
 * @property {number} height
 */

/** uPlot's templates of dates, by the 24-hour clock and with the day first. @type {Record<string, string>} */
const DATE_PARTS = {
  "{h}:{mm}{aa}": "{HH}:{mm}",
  "{h}:{mm}:{ss}{aa}": "{HH}:{mm}:{ss}",
  "{h}{aa}": "{HH}:00",
  "{M}/{D}/{YY}": "{D} {MMM} {YYYY}",
  "{M}/{D}": "{D} {MMM}",
};

/** @param {string} template @param {string[]} [names] */
function fmtDate(template, names) {
  let fitted = template;
  for (const [from, to] of Object.entries(DATE_PARTS)) fitted = fitted.replaceAll(from, to);
  return uPlot.fmtDate(fitted, names);
}

/** A frame that holds a uPlot chart. */
export class ChartFrame {
  /** @type {any} */
  #plot;
  #ended = new AbortController();
  #resizes = new ResizeObserver(() => this.#resize());
  #holder;
  #message;
  #summary;
  #options;
  /** @type {() => (string | number | null)[][]} */
  #table = () => [];
  /** @type {(() => { data: any[], options: any } | string) | undefined} */
  #make;

  /** @param {HTMLElement} figure @param {ChartOptions} options */
  constructor(figure, options) {
    this.#options = options;
    const png = element("button", {
      type: "button",
      class: "quiet",
      text: "PNG",
      "aria-label": `Save ${options.title} as PNG`,
    });
    const table = element("button", {
      type: "button",
      class: "quiet",
      text: "CSV",
      "aria-label": `Save the data of ${options.title} as CSV`,
    });
    png.addEventListener("click", () => this.#savePng());
    table.addEventListener(
      "click",
      () => download(new Blob([csv(this.#table())], { type: "text/csv" }), `${options.fileName}.csv`),
    );
    this.#holder = element("div", { class: "plot", role: "img", "aria-label": options.description });
    this.#message = element("p", { class: "message", hidden: true });
    this.#summary = element("p", { class: "muted small" });
    figure.append(
      element("figcaption", {}, [
        element("h3", { text: options.title }),
        element("span", { class: "tools" }, [png, table]),
      ]),
      this.#holder,
      this.#message,
      this.#summary,
    );
    this.#resizes.observe(this.#holder);
    const { signal } = this.#ended;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw(), { signal });
    addEventListener("themechange", () => this.redraw(), { signal });
  }

  /** The frame is not on the page any more. */
  destroy() {
    this.#ended.abort();
    this.#resizes.disconnect();
    this.#make = undefined;
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  /**
   * Draws what `make` gives: data and options of uPlot, or a sentence why there is nothing to draw.
   * @param {() => { data: any[], options: any } | string} make
   * @param {{ table: () => (string | number | null)[][], summary?: string }} about
   */
  draw(make, { table, summary = "" }) {
    this.#make = make;
    this.#table = table;
    setText(this.#summary, summary);
    this.redraw();
  }

  redraw() {
    const made = this.#make?.();
    if (made === undefined) return;
    const text = typeof made === "string" ? made : "";
    setText(this.#message, text);
    this.#message.hidden = text === "";
    this.#holder.hidden = text !== "";
    this.#plot?.destroy();
    this.#plot = undefined;
    if (typeof made === "string") return;
    this.#plot = new uPlot({ fmtDate, ...this.#size(), ...made.options }, made.data, this.#holder);
  }

  #size() {
    return { width: Math.max(200, Math.floor(this.#holder.clientWidth)), height: this.#options.height };
  }

  #resize() {
    const size = this.#size();
    if (this.#plot !== undefined && this.#plot.width !== size.width) this.#plot.setSize(size);
  }

  #savePng() {
    const plot = this.#plot;
    if (plot === undefined) return;
    const source = /** @type {HTMLCanvasElement} */ (plot.ctx.canvas);
    const scale = devicePixelRatio;
    const head = 32 * scale;
    const canvas = element("canvas", { width: String(source.width), height: String(source.height + head) });
    const context = canvas.getContext("2d");
    if (context === null) return;
    const style = getComputedStyle(document.body);
    context.fillStyle = style.backgroundColor;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = style.color;
    context.font = `600 ${15 * scale}px ${style.fontFamily}`;
    context.fillText(this.#options.title, 12 * scale, 21 * scale);
    context.drawImage(source, 0, head);
    canvas.toBlob((blob) => blob !== null && download(blob, `${this.#options.fileName}.png`), "image/png");
  }
}

/** Colours of axes and grid in the present theme. */
export function axisColors() {
  const style = getComputedStyle(document.documentElement);
  return {
    name: style.getPropertyValue("--text").trim(),
    background: style.getPropertyValue("--background").trim(),
    text: style.getPropertyValue("--text-soft").trim(),
    grid: style.getPropertyValue("--hairline").trim(),
  };
}

/** An axis in the page's style. @param {object} [more] */
export function axis(more = {}) {
  const { text, grid } = axisColors();
  return {
    stroke: text,
    font: "12px system-ui, sans-serif",
    grid: { stroke: grid, width: 1 },
    ticks: { stroke: grid, width: 1, size: 4 },
    ...more,
  };
}

/** uPlot shows local times; this makes it show UTC. @param {number} seconds */
export function utcDate(seconds) {
  return uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC");
}

/** Room at the right edge of a chart for the names of its lines, in pixels. */
export const LABEL_ROOM = 76;
const LABEL_HEIGHT = 13;
const SWATCH = 8;

/**
 * Writes each line's name beside its end, apart from each other, in place of a legend.
 * @param {{ name: string, series: number, color: string }[]} labels
 * @param {{ scale: string, end: "first" | "last", offset?: number }} options which end of the data is the right one; with
 *   `offset` the names stand so many pixels from the plot, else right where their lines end
 */
export function directLabels(labels, { scale, end, offset }) {
  return (/** @type {any} */ plot) => {
    const { ctx, bbox } = plot;
    const edge = bbox.left + bbox.width;
    const ratio = devicePixelRatio;
    const placed = labels.flatMap(({ name, series, color }) => {
      const values = plot.data[series];
      const there = (/** @type {number | null | undefined} */ value) => value !== null && value !== undefined;
      const at = end === "last" ? values.findLastIndex(there) : values.findIndex(there);
      if (at < 0) return [];
      const x = offset === undefined
        ? Math.min(edge, plot.valToPos(plot.data[0][at], "x", true)) + 6 * ratio
        : edge + offset * ratio;
      return [{ name, color, x, y: plot.valToPos(values[at], scale, true) }];
    }).sort((a, b) => a.y - b.y);
    // From top to bottom each has its place; then the last ones are pushed up again so that none leaves the plot.
    const apart = LABEL_HEIGHT * ratio;
    placed.forEach((label, at) => label.y = Math.max(label.y, (placed[at - 1]?.y ?? -Infinity) + apart));
    let lowest = bbox.top + bbox.height + apart;
    for (const label of placed.toReversed()) lowest = label.y = Math.min(label.y, lowest - apart);
    ctx.save();
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    const colors = axisColors();
    ctx.strokeStyle = colors.background;
    ctx.lineWidth = 3 * ratio;
    ctx.lineJoin = "round";
    for (const { name, color, x, y } of placed) {
      // The colour stands beside the name: as text some of them would be hard to read.
      ctx.fillStyle = color;
      ctx.fillRect(x, y - 1.5 * ratio, SWATCH * ratio, 3 * ratio);
      // Lines may run behind it.
      ctx.strokeText(name, x + (SWATCH + 4) * ratio, y);
      ctx.fillStyle = colors.name;
      ctx.fillText(name, x + (SWATCH + 4) * ratio, y);
    }
    ctx.restore();
  };
}
