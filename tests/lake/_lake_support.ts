/** For the lake's tests: folders that go away, one run of the writer, and what is in the lake afterwards. */

import assert from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import { deadLetterExample } from "../../events/dead_letters.ts";
import { keepWriting } from "../../lake/keep_writing.ts";
import type { KeepWritingOptions } from "../../lake/keep_writing.ts";
import { lakeMetrics } from "../../lake/lake_metrics.ts";
import { adjoining, listRawFiles } from "../../lake/raw_files.ts";
import type { RawFile } from "../../lake/raw_files.ts";
import { Registry } from "../../process/metrics_server.ts";
import type { ArrayLog } from "./_array_log.ts";

/** Runs `body` with a folder that is removed afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "lake-test-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The `number`th booking, as its text travels. */
export function booking(number: number, fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...bookingExample, booking_id: `booking-${number}`, ...fields });
}

/** A dead letter, as its text travels. */
export function deadLetter(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...deadLetterExample, ...fields });
}

/** What one run of the writer said and counted. */
export interface Run {
  said: string[];
  warned: string[];
  problems: (string | undefined)[];
  /** A sample's value, such as `metric("lake_events_written_total", { topic: "bookings" })`; 0 where it is not. */
  metric(name: string, labels?: Record<string, string>): Promise<number>;
}

/** Runs the writer over `log` until a poll finds nothing. */
export async function writeLake(
  log: ArrayLog,
  rawFolder: string,
  options: Partial<KeepWritingOptions> = {},
): Promise<Run> {
  const registry = new Registry();
  const run: Run = {
    said: [],
    warned: [],
    problems: [],
    async metric(name, labels = {}) {
      const values = (await registry.getSingleMetric(name)!.get()).values;
      return values.find((sample) => Object.entries(labels).every(([k, v]) => sample.labels[k] === v))
        ?.value ?? 0;
    },
  };
  const stop = new AbortController();
  log.stopWhenQuiet = stop;
  await keepWriting({
    openLog: () => Promise.resolve(log),
    rawFolder,
    topics: ["bookings", "dead_letters"],
    group: "lake-writer",
    limits: { bytes: 1e9, events: 1e9, ageMs: 1e9 },
    metrics: lakeMetrics(registry),
    say: (message) => run.said.push(message),
    warn: (message) => run.warned.push(message),
    onProblem: (reason) => run.problems.push(reason),
    retryPauseMs: { first: 1, max: 4 },
    ...options,
  }, stop.signal);
  return run;
}

/** A line of the lake, parsed. */
export interface LakeLine extends Record<string, unknown> {
  _partition: number;
  _offset: number;
  _timestamp: string;
}

/** The lines of one file. */
export async function linesOf(file: RawFile): Promise<LakeLine[]> {
  const text = await Deno.readTextFile(file.path);
  assert.ok(text === "" || text.endsWith("\n"), `${file.name} ends with a whole line`);
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

/**
 * All lines of a topic, after checking what must hold always: ranges adjoin, each line stands in the file whose
 * range covers it, offsets rise.
 */
export async function lakeLines(rawFolder: string, topic: string): Promise<LakeLine[]> {
  const { sealed } = await listRawFiles(rawFolder, topic);
  assert.deepEqual(adjoining(sealed), []);
  const all: LakeLine[] = [];
  for (const file of sealed) {
    let last = file.from - 1;
    const lines = await linesOf(file);
    assert.equal(lines.length === 0, file.empty, `${file.name} says whether it is empty`);
    for (const line of lines) {
      assert.equal(line._partition, file.partition);
      assert.ok(line._offset > last && line._offset < file.to, `offset ${line._offset} fits ${file.name}`);
      last = line._offset;
    }
    all.push(...lines);
  }
  return all;
}

/** Every name in a topic's folder, sorted. */
export async function namesIn(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) names.push(entry.name);
  return names.sort();
}
