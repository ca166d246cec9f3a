/**
 * Reads gold tables without the library that wrote them: Parquet by hyparquet, in JavaScript.
 *
 * @module
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { parquetMetadataAsync, parquetRead } from "hyparquet";
import type { AsyncBuffer, FileMetaData } from "hyparquet";
import { readState, STATE_NAME } from "../etl/etl_state.ts";
import type { GoldColumn, GoldTable } from "../warehouse/gold_tables.ts";
import { goldCut } from "./cut.ts";
import type { LakePlace } from "./cut.ts";
import type { TableSnapshot } from "./table_comparison.ts";
import { canonicalJson, hundredths } from "./table_rows.ts";
import type { Cell } from "./text_hash.ts";

/** A gold table that cannot be read; the message says which and why. */
export class GoldUnreadableError extends Error {
  override name = "GoldUnreadableError";
}

/** A gold table as it stood at one moment; close it after use. */
export interface GoldSnapshot extends TableSnapshot {
  close(): void;
}

const PLACE_COLUMNS = ["_log", "_partition", "_offset"];
const OPEN_ATTEMPTS = 5;

/** Whether the ETL has built gold tables here. */
export async function goldIsThere(goldFolder: string): Promise<boolean> {
  return await readState(goldFolder) !== undefined;
}

/**
 * Opens a table and learns what it covers. The ETL replaces tables first and its state last, so a table may be ahead
 * of the state; rows beyond it carry their place and are told apart. A table is never behind.
 *
 * @throws {GoldUnreadableError}
 */
export async function openGold(goldFolder: string, table: GoldTable): Promise<GoldSnapshot> {
  const path = `${goldFolder}/${table.name}.parquet`;
  for (let attempt = 1;; attempt++) {
    const before = await readState(goldFolder);
    let descriptor: number;
    try {
      descriptor = openSync(path, "r");
    } catch (error) {
      throw new GoldUnreadableError(`Cannot open gold table "${path}": ${(error as Error).message}`);
    }
    const after = await readState(goldFolder);
    if (after !== undefined && before?.updated_at === after.updated_at) {
      try {
        return await snapshotOf(descriptor, path, table, goldCut(after));
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
    }
    closeSync(descriptor);
    if (attempt === OPEN_ATTEMPTS) {
      throw new GoldUnreadableError(
        `"${goldFolder}/${STATE_NAME}" is gone or changes again and again: run deno task etl, then verify again`,
      );
    }
  }
}

async function snapshotOf(
  descriptor: number,
  path: string,
  table: GoldTable,
  cut: GoldSnapshot["cut"],
): Promise<GoldSnapshot> {
  const file = bufferOf(descriptor);
  const unreadable = (error: unknown) =>
    new GoldUnreadableError(
      `Cannot read gold table "${path}": ${(error as Error).message}. Build it anew: deno task etl --full`,
    );
  let metadata: FileMetaData;
  try {
    metadata = await parquetMetadataAsync(file);
  } catch (error) {
    throw unreadable(error);
  }
  const present = new Set(metadata.schema.slice(1).map(({ name }) => name));
  const lacking = table.columns.find(({ name }) => !present.has(name));
  if (lacking !== undefined) throw unreadable(new Error(`it has no column "${lacking.name}"`));
  return {
    sink: "gold",
    table,
    cut,
    size: () => Promise.resolve(Number(metadata.num_rows)),
    async rows(take) {
      try {
        await readRows(file, metadata, table, present, take);
      } catch (error) {
        throw unreadable(error);
      }
    },
    close: () => closeSync(descriptor),
  };
}

/** Positioned reads: columns are read side by side. */
function bufferOf(descriptor: number): AsyncBuffer {
  const byteLength = fstatSync(descriptor).size;
  return {
    byteLength,
    slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start);
      for (let at = 0; at < bytes.length;) {
        const read = readSync(descriptor, bytes, at, bytes.length - at, start + at);
        if (read === 0) throw new Error("the file ends early");
        at += read;
      }
      return bytes.buffer;
    },
  };
}

async function readRows(
  file: AsyncBuffer,
  metadata: FileMetaData,
  table: GoldTable,
  present: ReadonlySet<string>,
  take: (row: Cell[], place?: LakePlace) => void,
): Promise<void> {
  const placeColumns = PLACE_COLUMNS.every((name) => present.has(name))
    ? PLACE_COLUMNS
    : present.has("_versions")
    ? ["_versions"]
    : [];
  const names = [...table.columns.map(({ name }) => name), ...placeColumns];
  const width = table.columns.length;
  let rowStart = 0;
  // One row group at a time: a part of one would be decoded from its start.
  for (const group of metadata.row_groups) {
    const rows = Number(group.num_rows);
    const columns = new Map<string, ArrayLike<unknown>[]>(names.map((name) => [name, []]));
    await parquetRead({
      file,
      metadata,
      columns: names,
      rowStart,
      rowEnd: rowStart + rows,
      compressors: { ZSTD: (input) => zstdDecompressSync(input) },
      parsers: { timestampFromMilliseconds: Number, stringFromBytes },
      onChunk: ({ columnName, columnData }) => columns.get(columnName)!.push(columnData),
    });
    const cursors = names.map((name) => valuesOf(columns.get(name)!));
    for (let index = 0; index < rows; index++) {
      const values = cursors.map((next) => next());
      take(
        table.columns.map((column, at) => cellOf(column, values[at])),
        placeOf(placeColumns, values, width),
      );
    }
    rowStart += rows;
  }
}

// A byte order mark at the start of a text belongs to it; hyparquet's own decoder takes it away.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function stringFromBytes(bytes: Uint8Array | undefined): string | undefined {
  return bytes && decoder.decode(bytes);
}

/** Hands over the values of one column one by one; it comes in several pieces. */
function valuesOf(pieces: ArrayLike<unknown>[]): () => unknown {
  let [piece, at] = [0, 0];
  return () => {
    while (piece < pieces.length && at >= pieces[piece]!.length) [piece, at] = [piece + 1, 0];
    return pieces[piece]?.[at++];
  };
}

function cellOf({ type }: GoldColumn, value: unknown): Cell {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "numeric(12,2)":
    case "numeric(5,2)":
      return hundredths(Number(value));
    case "integer":
    case "double precision":
      return Number(value);
    case "timestamp with time zone":
      return value instanceof Date ? value.getTime() : Number(value);
    case "jsonb":
      return canonicalJson(typeof value === "string" ? JSON.parse(value) : value);
    case "boolean":
    case "text":
      return value as Cell;
  }
}

/** Where a row comes from; of a flight, the latest of its events. */
function placeOf(columns: readonly string[], values: unknown[], width: number): LakePlace | undefined {
  if (columns.length === 3) {
    return {
      log: String(values[width]),
      partition: Number(values[width + 1]),
      offset: Number(values[width + 2]),
    };
  }
  if (columns.length === 0 || typeof values[width] !== "string") return undefined;
  const versions = Object.values(JSON.parse(values[width]) as Record<string, LakePlace>);
  const latest = versions.sort((a, b) => b.offset - a.offset)[0];
  return latest;
}
