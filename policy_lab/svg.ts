/** Little helpers for charts as SVG text. */

/** Text that means itself in HTML and SVG. */
export function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}

/** An element; numbers among the attributes are given to one decimal. */
export function element(
  name: string,
  attributes: Record<string, string | number>,
  content = "",
): string {
  const text = Object.entries(attributes)
    .map(([key, value]) =>
      ` ${key}="${typeof value === "number" ? String(Math.round(value * 10) / 10) : escaped(value)}"`
    )
    .join("");
  return content === "" ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

/** A text at a place; `anchor` is start, middle or end. */
export function label(
  x: number,
  y: number,
  text: string,
  options: { anchor?: "start" | "middle" | "end"; class?: string } = {},
): string {
  const { anchor = "start" } = options;
  const attributes = {
    x,
    y,
    "text-anchor": anchor,
    ...(options.class === undefined ? {} : { class: options.class }),
  };
  return element("text", attributes, escaped(text));
}

/** A whole drawing that is as wide as its place; the title is read out. */
export function drawing(width: number, height: number, title: string, content: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">${content}</svg>`;
}

/** Maps a value linearly to a place. */
export type Scale = (value: number) => number;

/** A linear scale from values to places. */
export function scaleOf(
  [from, to]: readonly [number, number],
  [start, end]: readonly [number, number],
): Scale {
  const span = to - from || 1;
  return (value) => start + (value - from) / span * (end - start);
}

/** About `count` round values in a range: steps of 1, 2 or 5 times a power of ten. */
export function ticksOf(from: number, to: number, count: number): number[] {
  const rough = (to - from) / count;
  if (!(rough > 0)) return [from];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let n = Math.ceil(from / step - 1e-9); n * step <= to + step * 1e-9; n++) ticks.push(n * step);
  return ticks;
}
