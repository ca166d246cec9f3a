/**
 * Brings the gold tables up to the lake: reads what is new, merges it, remembers how far it came.
 *
 * The order is the same in RUNBOOK.md; a crash anywhere leaves whole files, and the next run mends the rest:
 * 1 read new raw files into typed parts, 2 replace each table that has news, 3 store rejected lines, 4 once a day is over
 * replace the tables that are derived from these, 5 replace the state.
 *
 * @module
 */

import { onStorage } from "../lake/durable_files.ts";
import { removeIfThere } from "../process/files.ts";
import type { LakeFolders } from "../process/settings.ts";
import { buildDerived } from "./derived_tables.ts";
import { dimFlight, flightLifecycleTopic } from "./dim_flight.ts";
import { emptyState, readState, STATE_NAME, topicState, writeState } from "./etl_state.ts";
import type { EtlState } from "./etl_state.ts";
import { factBooking } from "./fact_booking.ts";
import { factBookingCancellation } from "./fact_booking_cancellation.ts";
import { factInventoryMetrics } from "./fact_inventory_metrics.ts";
import { factPromotions } from "./fact_promotions.ts";
import type { FactTable } from "./fact_table.ts";
import { goldIsOurs, mergeFacts, mergeFlights } from "./gold_table.ts";
import type { GoldFolders } from "./gold_table.ts";
import { planTopic } from "./raw_plan.ts";
import type { RawPlan, RawSlice } from "./raw_plan.ts";
import { RawReader, UnreadableFileError, VanishedFileError } from "./raw_reader.ts";
import type { RawTopic } from "./raw_topic.ts";
import { RawLossError, refuseLoss, tellOfEmptyLake } from "./raw_loss.ts";
import { RejectedLines } from "./rejected_lines.ts";

export { RawLossError };

/** The fact tables, in the order in which they are written. */
export const FACT_TABLES: readonly FactTable[] = [
  factBooking,
  factBookingCancellation,
  factInventoryMetrics,
  factPromotions,
];

/** The topics that tables are made of. */
const ETL_TOPICS: readonly RawTopic[] = [
  flightLifecycleTopic,
  ...new Set(FACT_TABLES.map(({ topic }) => topic)),
];

/** The run was told to stop before its tables were written: nothing has changed. */
export class RunStoppedError extends Error {
  override name = "RunStoppedError";
}

/** What became of one table. */
export interface TableSummary {
  table: string;
  /** Rows that are new or changed. */
  newRows: number;
  rows: number;
  seconds: number;
}

export interface GoldSummary {
  /** Whether everything was built anew from the lake. */
  rebuilt: boolean;
  files: number;
  lines: number;
  tables: TableSummary[];
  /** Rejected lines of this run by reason. */
  rejected: Record<string, number>;
  /** Whether raw files could not be read: their partitions wait. */
  partial: boolean;
  seconds: { read: number; write: number };
  state: EtlState;
}

export interface GoldOptions {
  full?: boolean;
  /** How far an event time may lie beyond its append time. Default 7 days. */
  eventLeadMsMax?: number;
  signal?: AbortSignal;
  warn?: (message: string) => void;
  /** Told before a table is written. */
  onWrite?: (table: string) => void;
  /** Told as raw bytes are read, of `total`. */
  onRead?: (bytes: number, total: number) => void;
  /** Raw bytes that are read at once. */
  sliceBytes?: number;
  /** Go on without the lines that finished raw files have lost. */
  acceptLoss?: boolean;
  /** Told at each step's end; lets a test end the process there. */
  onStep?: (step: string) => void;
}

/** Brings the gold tables up to the lake. The caller holds the lock of the gold folder. */
export async function buildGold(lake: LakeFolders, options: GoldOptions = {}): Promise<GoldSummary> {
  const { full = false, signal, warn = () => {}, onStep = () => {} } = options;
  const folders: GoldFolders = { gold: lake.gold, work: `${lake.gold}/_work` };
  const stored = await readState(lake.gold);
  const fresh = full || stored === undefined || !await tablesAreThere(lake.gold, warn);
  const state = fresh ? emptyState() : stored;
  // What others have read stays said, whatever is built anew here.
  if (fresh && stored?.published !== undefined) state.published = stored.published;
  const plans: RawPlan[] = [];
  for (const topic of ETL_TOPICS) plans.push(await planTopic(lake.raw, topic.name, state, options));
  if (fresh && (full || stored !== undefined)) refuseLoss(plans);
  if (fresh) tellOfEmptyLake(lake.raw, plans, full, warn);
  // Without a state a crash from here on leads to a rebuild again, not to a mixture of old and new.
  if (fresh) await removeIfThere(`${lake.gold}/${STATE_NAME}`);
  await onStorage("write the gold folder", folders.work, async () => {
    await removeIfThere(folders.work, { recursive: true });
    await Deno.mkdir(folders.work, { recursive: true });
  });
  const summary: GoldSummary = {
    rebuilt: fresh,
    files: 0,
    lines: 0,
    tables: [],
    rejected: {},
    partial: false,
    seconds: { read: 0, write: 0 },
    state,
  };
  const rejectedLines: RejectedLines[] = [];
  try {
    for (const warning of plans.flatMap(({ warnings }) => warnings)) warn(warning);
    const total = plans.reduce((sum, { bytes }) => sum + bytes, 0);
    let read = 0;
    for (const [index, topic] of ETL_TOPICS.entries()) {
      const own = topicState(state, topic.name);
      const rejected = new RejectedLines(lake.rejected, topic.name, own.rejectedBytes);
      rejectedLines.push(rejected);
      const started = performance.now();
      const parts = await readTopic(topic, plans[index]!, {
        state,
        replan: () => planTopic(lake.raw, topic.name, state, options),
        rejected,
        workFolder: folders.work,
        summary,
        warn,
        onSlice: (bytes) => options.onRead?.(read += bytes, total),
        ...(signal === undefined ? {} : { signal }),
        ...(options.eventLeadMsMax === undefined ? {} : { eventLeadMsMax: options.eventLeadMsMax }),
      });
      summary.seconds.read += secondsSince(started);
      onStep(`read ${topic.name}`);
      const writing = performance.now();
      await writeTables(topic, parts, folders, fresh, summary, options);
      summary.seconds.write += secondsSince(writing);
      for (const part of parts) await Deno.remove(part);
      own.rejectedBytes = await rejected.commit();
      for (const [reason, count] of rejected.counts) {
        summary.rejected[reason] = (summary.rejected[reason] ?? 0) + count;
      }
      onStep(`rejected ${topic.name}`);
    }
    const derivedDay = await buildDerived(folders, state.derived_day, options);
    const derived = derivedDay !== undefined && derivedDay !== state.derived_day;
    if (derived) state.derived_day = derivedDay;
    onStep("derived");
    state.updated_at = new Date().toISOString();
    if (fresh || derived || summary.files > 0) await writeState(lake.gold, state);
    onStep("state");
  } finally {
    for (const lines of rejectedLines) lines.close();
    await removeIfThere(folders.work, { recursive: true });
  }
  return summary;
}

/** Whether the tables are there as the state left them. */
async function tablesAreThere(gold: string, warn: (message: string) => void): Promise<boolean> {
  for (const { name, schema } of [dimFlight, ...FACT_TABLES]) {
    if (await goldIsOurs(gold, name, schema)) continue;
    warn(
      `Gold table "${gold}/${name}.parquet" is missing or has other columns than ours: all tables are built anew from the lake`,
    );
    return false;
  }
  return true;
}

interface TopicRun {
  state: EtlState;
  rejected: RejectedLines;
  workFolder: string;
  summary: GoldSummary;
  signal?: AbortSignal;
  warn: (message: string) => void;
  onSlice: (bytes: number) => void;
  /** What is new beyond the state now. */
  replan: () => Promise<RawPlan>;
}

/** A topic's lake is listed again when a file is gone, at most so often: the lake writer merges rarely. */
const REPLANS_MAX = 10;

async function readTopic(topic: RawTopic, plan: RawPlan, run: TopicRun): Promise<string[]> {
  const reader = new RawReader(topic, run);
  const own = topicState(run.state, topic.name);
  const waiting = new Set<string>();
  const parts: string[] = [];
  run.summary.partial ||= plan.heldUp.length > 0;
  let slices: readonly RawSlice[] = plan.slices;
  let replans = 0;
  for (let at = 0; at < slices.length; at++) {
    const slice = slices[at]!;
    if (run.signal?.aborted) {
      throw new RunStoppedError("Stopped before the tables were written: the next run does it all");
    }
    const place = slice.kind === "sealed" ? `${slice.logId8}/${slice.partition}` : slice.name;
    if (!waiting.has(place)) {
      const mark = await run.rejected.mark();
      try {
        const read = await reader.read(slice);
        parts.push(...read.parts);
        run.summary.lines += read.lines;
        if (slice.kind === "foreign") {
          own.foreign[slice.name] = { bytes: read.nextByte, generation: slice.generation };
          run.summary.files++;
        } else {
          (own.positions[slice.logId8] ??= {})[slice.partition] = slice.to;
          run.summary.files += slice.files.length;
        }
      } catch (error) {
        if (!(error instanceof UnreadableFileError)) throw error;
        await run.rejected.rollback(mark);
        if (error instanceof VanishedFileError && replans++ < REPLANS_MAX) {
          // Most likely it was merged with others: then one is there now that holds its lines.
          const again = await run.replan();
          for (const text of again.warnings) if (!plan.warnings.includes(text)) run.warn(text);
          slices = again.slices;
          at = -1;
          continue;
        }
        // Positions say "everything before is in the tables": nothing behind the file is taken before it.
        run.warn(error.message);
        run.summary.partial = true;
        waiting.add(place);
      }
    }
    run.onSlice(slice.bytes);
  }
  return parts;
}

async function writeTables(
  topic: RawTopic,
  parts: readonly string[],
  folders: GoldFolders,
  fresh: boolean,
  summary: GoldSummary,
  options: GoldOptions,
): Promise<void> {
  const merges = topic === flightLifecycleTopic
    ? [{ name: dimFlight.name as string, merge: mergeFlights }]
    : FACT_TABLES.filter((table) => table.topic === topic).map((table) => ({
      name: table.name,
      merge: mergeFacts.bind(undefined, table),
    }));
  for (const { name, merge } of merges) {
    const started = performance.now();
    const { newRows, rows } = await merge(parts, folders, { fresh, onWrite: options.onWrite });
    summary.tables.push({ table: name, newRows, rows, seconds: secondsSince(started) });
    options.onStep?.(`table ${name}`);
  }
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}
