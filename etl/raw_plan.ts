/**
 * What is new in the lake: the raw files that no run has read yet, cut into slices that fit into memory.
 *
 * @module
 */

import { readManifest } from "../lake/manifest.ts";
import { adjoining, listRawFiles } from "../lake/raw_files.ts";
import type { RawFile } from "../lake/raw_files.ts";
import { topicState } from "./etl_state.ts";
import type { EtlState } from "./etl_state.ts";

/** Files of one partition of one log that adjoin in offset order: what is read at once. */
export interface SealedSlice {
  kind: "sealed";
  topic: string;
  logId8: string;
  partition: number;
  files: RawFile[];
  /** Offsets below were read before. */
  from: number;
  to: number;
  bytes: number;
}

/** A stretch of a file that another program writes, up to the end of its last whole line. */
export interface ForeignSlice {
  kind: "foreign";
  topic: string;
  name: string;
  path: string;
  /** See `ForeignPosition`. */
  generation: number;
  fromByte: number;
  /** The file's size when it was listed; a line that is cut off there waits for the next run. */
  toByte: number;
  bytes: number;
}

export type RawSlice = SealedSlice | ForeignSlice;

/** The new part of one topic. */
export interface RawPlan {
  topic: string;
  slices: RawSlice[];
  files: number;
  bytes: number;
  /** What an operator should know: gaps, files that shrank. */
  warnings: string[];
  /** Files that hold up their partition: they have lost lines, or must not be read. Each has its warning. */
  heldUp: string[];
  /** Those of {@link RawPlan.heldUp} that have lost lines. */
  lost: string[];
}

/** Raw bytes that are read at once: about 250 MB of memory while they are parsed. */
const SLICE_BYTES = 64 * 1024 * 1024;
/** Files that are scanned together. */
const SLICE_FILES = 256;

export interface PlanOptions {
  sliceBytes?: number;
  /** Go on without the lines that finished files have lost; otherwise their partitions wait for them. */
  acceptLoss?: boolean;
}

/** Lists what of `topic` is new since `state`. */
export async function planTopic(
  rawFolder: string,
  topic: string,
  state: EtlState,
  options: PlanOptions = {},
): Promise<RawPlan> {
  const { sliceBytes = SLICE_BYTES, acceptLoss = false } = options;
  const { positions, foreign: foreignPositions } = topicState(state, topic);
  const { sealed, foreign, links } = await listRawFiles(rawFolder, topic);
  const plan: RawPlan = { topic, slices: [], files: 0, bytes: 0, warnings: [], heldUp: [], lost: [] };
  const fresh = sealed.filter((file) => file.to > (positions[file.logId8]?.[file.partition] ?? 0));
  warnOfGaps(plan, fresh, positions);
  const { entries } = await readManifest(`${rawFolder}/${topic}`);
  const heldUp = new Set<string>();
  let slice: SealedSlice | undefined;
  for (const file of fresh) {
    const place = `${file.logId8}/${file.partition}`;
    if (heldUp.has(place)) continue;
    if (links.includes(file.name)) {
      holdUp(plan, file.name, `${linkText(file.path)} Its partition waits for it; all others go on`);
      heldUp.add(place);
      continue;
    }
    // A file that is gone or cannot be read is told of when it is read.
    const size = file.empty ? 0 : await sizeOf(file.path);
    const sealedBytes = entries.get(file.name)?.bytes;
    if (size !== undefined && sealedBytes !== undefined && size !== sealedBytes) {
      const change = `Raw file "${file.path}" has ${size} bytes, ${sealedBytes} when it was finished`;
      if (size < sealedBytes && !acceptLoss) {
        holdUp(
          plan,
          file.name,
          `${change}: lines are lost. Its partition waits until the file is restored, all others go on; ` +
            "to go on without the lost lines: deno task etl --accept-loss",
        );
        plan.lost.push(file.name);
        heldUp.add(place);
        continue;
      }
      plan.warnings.push(
        `${change}: the tables go on with what it holds; when it is restored, run with --full`,
      );
    }
    const bytes = size ?? 0;
    const joins = slice !== undefined && slice.logId8 === file.logId8 && slice.partition === file.partition &&
      slice.bytes + bytes <= sliceBytes && slice.files.length < SLICE_FILES && slice.to <= file.from;
    if (!joins) {
      const next: number = Math.max(
        positions[file.logId8]?.[file.partition] ?? 0,
        slice !== undefined && slice.logId8 === file.logId8 && slice.partition === file.partition
          ? slice.to
          : 0,
      );
      if (file.to <= next) continue;
      const { logId8, partition, to } = file;
      slice = { kind: "sealed", topic, logId8, partition, files: [], from: next, to, bytes: 0 };
      plan.slices.push(slice);
    }
    slice!.files.push(file);
    slice!.to = file.to;
    slice!.bytes += bytes;
    plan.bytes += bytes;
    plan.files++;
  }
  for (const name of foreign) {
    const path = `${rawFolder}/${topic}/${name}`;
    if (links.includes(name)) {
      holdUp(plan, name, linkText(path));
      continue;
    }
    const toByte = await sizeOf(path);
    if (toByte === undefined) {
      plan.warnings.push(`Raw file "${path}" cannot be read: it waits for the next run`);
      continue;
    }
    let { bytes: fromByte, generation } = foreignPositions[name] ?? { bytes: 0, generation: 1 };
    if (toByte < fromByte) {
      plan.warnings.push(
        `Raw file "${path}" shrank from ${fromByte} to ${toByte} bytes: it is read again from its start`,
      );
      fromByte = 0;
      generation++;
    }
    if (toByte === fromByte) continue;
    plan.slices.push({
      kind: "foreign",
      topic,
      name,
      path,
      generation,
      fromByte,
      toByte,
      bytes: toByte - fromByte,
    });
    plan.bytes += toByte - fromByte;
    plan.files++;
  }
  return plan;
}

/** A link passes the permissions of this process: lines of any file could come into the tables and what is rejected. */
function linkText(path: string): string {
  return `Raw file "${path}" is a symbolic link, which could lead to any file: it is not read. Put the file itself there.`;
}

function holdUp(plan: RawPlan, name: string, warning: string): void {
  plan.heldUp.push(name);
  plan.warnings.push(warning);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return undefined;
  }
}

/** Ranges adjoin by name: one that is missing was deleted, and no later run can tell what it held. */
function warnOfGaps(
  plan: RawPlan,
  fresh: readonly RawFile[],
  positions: Record<string, Record<string, number>>,
) {
  const gaps: { logId8: string; partition: number; from: number; to: number }[] = adjoining(fresh)
    .filter((brk) => brk.kind === "gap");
  const begun = new Set<string>();
  for (const { logId8, partition, from } of fresh) {
    const place = `${logId8}/${partition}`;
    const next = positions[logId8]?.[partition];
    if (!begun.has(place) && next !== undefined && from > next) {
      gaps.push({ logId8, partition, from: next, to: from });
    }
    begun.add(place);
  }
  for (const gap of gaps) {
    plan.warnings.push(
      `No raw file of ${plan.topic} holds offsets ${gap.from} to ${
        gap.to - 1
      } of partition ${gap.partition} ` +
        `(log ${gap.logId8}): the tables go on without them; when the file is back, run with --full`,
    );
  }
}
