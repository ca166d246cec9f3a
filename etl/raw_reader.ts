/**
 * Reads slices of the lake into typed Parquet parts, which is all that the tables are made of.
 *
 * The fast way hands a slice's files to Polars whole. Where that fails, or what it read is not what the files hold (line
 * count, places, checks), each file is tried alone, and what fails again is read line by line.
 *
 * @module
 */

import pl from "nodejs-polars";
import type { LazyDataFrame } from "nodejs-polars";
import { EVENT_LEAD_MS_MAX } from "../events/parse_event.ts";
import { onStorage, writeAll } from "../lake/durable_files.ts";
import type { RawFile } from "../lake/raw_files.ts";
import { readCarefully } from "./careful_lines.ts";
import { foreignLog } from "./etl_state.ts";
import { byteOfOffset, scanLines } from "./line_scan.ts";
import type { ForeignSlice, RawSlice, SealedSlice } from "./raw_plan.ts";
import { instantOf, PLACE_FIELDS } from "./raw_topic.ts";
import type { RawTopic } from "./raw_topic.ts";
import type { RejectedLines } from "./rejected_lines.ts";

/** A raw file that cannot be read: the message says which and why. */
export class UnreadableFileError extends Error {
  override name = "UnreadableFileError";
}

/** A raw file that was listed is gone: removed, or merged with others into one that is there now. */
export class VanishedFileError extends UnreadableFileError {
  override name = "VanishedFileError";
}

/** A finished file, or the part of it that no run has read. */
interface NewLines {
  file: RawFile;
  lines: number;
  /** Where Polars finds the lines. */
  path: string;
  /** Where they begin in the file. */
  fromByte: number;
}

/** What reading a slice gave. */
export interface SliceRead {
  lines: number;
  /** Parquet files of typed events. */
  parts: string[];
  /** Foreign slices: where the next run goes on in the file. */
  nextByte: number;
}

/** Files of raw lines are readable for Polars by `*.jsonl`-like names only; parts lie beside them. */
export class RawReader {
  readonly #topic: RawTopic;
  readonly #rejected: RejectedLines;
  readonly #workFolder: string;
  readonly #eventLeadMsMax: number;
  #count = 0;

  constructor(
    topic: RawTopic,
    options: { workFolder: string; rejected: RejectedLines; eventLeadMsMax?: number },
  ) {
    this.#topic = topic;
    this.#rejected = options.rejected;
    this.#workFolder = options.workFolder;
    this.#eventLeadMsMax = options.eventLeadMsMax ?? EVENT_LEAD_MS_MAX;
  }

  /**
   * Reads one slice.
   *
   * @throws {UnreadableFileError} when a file is gone or cannot be read; nothing of the slice counts then.
   */
  async read(slice: RawSlice): Promise<SliceRead> {
    return slice.kind === "sealed" ? await this.#readSealed(slice) : await this.#readForeign(slice);
  }

  #path(ending: string): string {
    return `${this.#workFolder}/${this.#topic.name}.${this.#count++}.${ending}`;
  }

  async #readSealed(slice: SealedSlice): Promise<SliceRead> {
    const result: SliceRead = { lines: 0, parts: [], nextByte: 0 };
    const fast: NewLines[] = [];
    const careful: NewLines[] = [];
    for (const file of slice.files) {
      if (file.empty) continue;
      const fromByte = file.from < slice.from
        ? await readable(file.path, () => byteOfOffset(file.path, slice.from))
        : 0;
      const { lines, plain } = await readable(file.path, () => scanLines(file.path, fromByte));
      result.lines += lines;
      if (lines === 0) continue;
      if (!plain) careful.push({ file, lines, path: file.path, fromByte });
      else if (fromByte === 0) fast.push({ file, lines, path: file.path, fromByte });
      else fast.push({ file, lines, path: await this.#tailOf(file, fromByte), fromByte });
    }
    const part = await this.#readFast(slice, fast);
    if (part !== undefined) result.parts.push(part);
    else if (fast.length === 1) careful.push(fast[0]!);
    else {
      for (const one of fast) {
        const own = await this.#readFast(slice, [one]);
        if (own === undefined) careful.push(one);
        else result.parts.push(own);
      }
    }
    for (const { file, fromByte } of careful) {
      const { logId8, partition } = slice;
      const from = Math.max(file.from, slice.from);
      const read = await this.#readCarefully({
        kind: "sealed",
        name: file.name,
        path: file.path,
        logId8,
        partition,
        from,
        to: file.to,
        fromByte,
      });
      if (read.part !== undefined) result.parts.push(read.part);
    }
    return result;
  }

  /** A copy of what stands behind `fromByte`: Polars reads whole files only. */
  async #tailOf(file: RawFile, fromByte: number): Promise<string> {
    const path = this.#path("ndjson");
    await readable(file.path, async () => {
      using source = await Deno.open(file.path);
      await source.seek(fromByte, Deno.SeekMode.Start);
      await this.#stored(() => Deno.writeFile(path, source.readable));
    });
    return path;
  }

  #stored<T>(work: () => Promise<T>): Promise<T> {
    return onStorage("write the gold folder", this.#workFolder, work);
  }

  /** The part of the files, or `undefined` when there is none or they need a closer look. */
  async #readFast(slice: SealedSlice, files: NewLines[]): Promise<string | undefined> {
    if (files.length === 0) return undefined;
    const nested = Object.entries(this.#topic.nested ?? {});
    const fields = {
      ...this.#topic.fields,
      ...Object.fromEntries(nested.map(([name]) => [name, pl.String])),
      _partition: pl.Int32,
      _offset: pl.Int64,
      _timestamp: pl.String,
    };
    // An event time too far ahead of its append time becomes one that is missing, which no check lets pass.
    const ahead = pl.col("event_time").cast(pl.Int64)
      .gt(instantOf("_timestamp").cast(pl.Int64).add(this.#eventLeadMsMax));
    const scans = files.map(({ path }) => pl.scanJson(path, { schema: fields, inferSchemaLength: 0 }));
    const lines = scans.length === 1 ? scans[0]! : pl.concat(scans);
    const part = this.#path("parquet");
    try {
      await this.#sink(
        this.#topic.typed(lines).withColumns(
          ...nested.map(([name, type]) => pl.col(name).str.jsonDecode(type).alias(name)),
          pl.when(ahead).then(pl.lit(null)).otherwise(pl.col("event_time")).alias("event_time"),
          pl.lit(slice.logId8).alias("_log"),
        ),
        part,
      );
    } catch {
      // A broken line, a wrong type: Polars says neither which nor why. The careful way does.
      return undefined;
    }
    const offset = pl.col("_offset");
    const good = this.#topic.usable
      .and(pl.col("_partition").eq(slice.partition))
      .and(offset.gtEq(Math.max(files[0]!.file.from, slice.from)))
      .and(offset.lt(files.at(-1)!.file.to));
    const [check] = (await pl.scanParquet(part).select(
      pl.len().alias("lines"),
      good.fillNull(pl.lit(false)).cast(pl.Int32).sum().alias("good"),
      offset.diff(1, "drop").min().alias("step"),
    ).collect({ streaming: true })).toRecords() as { lines: number; good: number; step: number | null }[];
    const expected = files.reduce((total, { lines }) => total + lines, 0);
    const fits = check!.lines === expected && check!.good === expected && (check!.step ?? 1) >= 1;
    if (fits) return part;
    await Deno.remove(part);
    return undefined;
  }

  /** Writes typed events with the same columns in the same order, whichever way they were read. */
  async #sink(events: LazyDataFrame, part: string): Promise<void> {
    const { fields, nested } = this.#topic;
    const columns = Object.keys({ ...fields, ...nested, ...PLACE_FIELDS });
    await events.select(...columns.map((name) => pl.col(name)))
      .sinkParquet(part, { compression: "lz4", statistics: false }).collect();
  }

  async #readForeign({ name, path, generation, fromByte, toByte }: ForeignSlice): Promise<SliceRead> {
    const read = await this.#readCarefully({
      kind: "foreign",
      name,
      path,
      log: foreignLog(name, generation),
      fromByte,
      toByte,
    });
    return {
      lines: read.lines,
      parts: read.part === undefined ? [] : [read.part],
      nextByte: read.nextByte,
    };
  }

  async #readCarefully(source: Parameters<typeof readCarefully>[0]) {
    const cleanedPath = this.#path("ndjson");
    const cleaned = await this.#stored(() =>
      Deno.open(cleanedPath, { write: true, create: true, truncate: true })
    );
    let read;
    try {
      const write = (bytes: Uint8Array) => this.#stored(() => writeAll(cleaned, bytes));
      read = await readCarefully(source, this.#topic, write, {
        rejected: this.#rejected,
        eventLeadMsMax: this.#eventLeadMsMax,
      });
    } catch (error) {
      throw unreadable(source.path, error);
    } finally {
      cleaned.close();
    }
    if (read.taken === 0) {
      await Deno.remove(cleanedPath);
      return { ...read, part: undefined };
    }
    const part = this.#path("parquet");
    const fields = { ...this.#topic.fields, ...this.#topic.nested, ...PLACE_FIELDS };
    const lines = this.#topic.typed(pl.scanJson(cleanedPath, { schema: fields, inferSchemaLength: 0 }));
    await this.#stored(() => this.#sink(lines, part));
    await Deno.remove(cleanedPath);
    return { ...read, part };
  }
}

async function readable<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** An error of the operating system about a raw file, in words; any other error as it is. */
function unreadable(path: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) {
    return new VanishedFileError(
      `Raw file "${path}" went away while the lake was read: the tables will go on without it; when it is back, run with --full`,
    );
  }
  const system = typeof (error as { code?: unknown }).code === "string" ||
    error instanceof Deno.errors.PermissionDenied;
  return system
    ? new UnreadableFileError(
      `Cannot read raw file "${path}": ${
        (error as Error).message
      }. Its partition waits for it; all others go on`,
    )
    : error;
}
