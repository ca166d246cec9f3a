/** Medians and the table of a bench's figures. */

/** What the runs of one stage on one engine gave. */
export interface Figure {
  stage: string;
  engine: string;
  /** Median, least and most of the runs. */
  eventsPerSecond: number;
  eventsPerSecondMin: number;
  eventsPerSecondMax: number;
  seconds: number;
  cpuSeconds: number;
  residentBytesMax: number;
}

/** The middle value; of an even number of values, the lower of the two. */
export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

/** The figures as a Markdown table. */
export function tableOf(figures: Figure[]): string {
  const thousands = (value: number) => Math.round(value).toLocaleString("en");
  const rows = figures.map((figure) =>
    [
      figure.stage,
      figure.engine,
      thousands(figure.eventsPerSecond),
      `${thousands(figure.eventsPerSecondMin)}–${thousands(figure.eventsPerSecondMax)}`,
      figure.seconds.toFixed(1),
      figure.cpuSeconds === 0 ? "–" : figure.cpuSeconds.toFixed(1),
      figure.residentBytesMax === 0 ? "–" : thousands(figure.residentBytesMax / 2 ** 20),
    ].join(" | ")
  );
  return [
    "| stage | engine | events/s | min–max | seconds | CPU seconds | resident MiB |",
    "|---|---|--:|--:|--:|--:|--:|",
    ...rows.map((row) => `| ${row} |`),
  ].join("\n");
}
