/**
 * Runs lake sessions until told to stop: what fails at the first start ends the program with one clear line;
 * what fails later (a broker away, a full disk) is waited out, and the next session goes on where the lake ends.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import { type EventLog, ReplacedTopicError } from "../event_log/event_log.ts";
import { OperatorError } from "../process/run_process.ts";
import { StorageError } from "./durable_files.ts";
import { FileMerger } from "./file_merger.ts";
import { prepareTopicFolders } from "./lake_folder.ts";
import type { LakeMetrics } from "./lake_metrics.ts";
import { LakeSession } from "./lake_session.ts";
import type { SealLimits } from "./lake_session.ts";
import { repairManifest } from "./manifest.ts";
import { finishMerges } from "./merge_files.ts";
import type { MergeLimits } from "./merge_plan.ts";
import { listRawFiles } from "./raw_files.ts";
import type { SealedSegment } from "./segment_writer.ts";
import { otherLogs, otherLogsWarning } from "./other_logs.ts";
import { LakeAheadError, startPositions } from "./start_positions.ts";
import type { StartPosition } from "./start_positions.ts";

export interface KeepWritingOptions {
  openLog: () => Promise<EventLog>;
  rawFolder: string;
  topics: readonly string[];
  group: string;
  limits: SealLimits;
  /** Which finished files are merged; without it none are. */
  merging?: MergeLimits;
  metrics: LakeMetrics;
  /** See `LakeSessionOptions`. */
  eventLeadMsMax?: number;
  /** See `StartOptions`. */
  fromBeginning?: boolean;
  /** Told once the first session is about to read. */
  onStarted?: () => void;
  onSealed?: (topic: string, sealed: SealedSegment) => void;
  /** Told the reason when work stops for a while, and `undefined` when it goes on. */
  onProblem?: (reason: string | undefined) => void;
  /** Told when the log answered. */
  onHeard?: () => void;
  say?: (message: string) => void;
  warn?: (message: string) => void;
  /** See `LakeSessionOptions`. */
  now?: () => number;
  /** Pauses after a failure: doubled each time up to the maximum, and for a failing disk up to 5 seconds. */
  retryPauseMs?: { first: number; max: number };
}

const STORAGE_PAUSE_MS_MAX = 5000;

/**
 * Writes until `signal` aborts; what is open is finished then.
 *
 * @throws {OperatorError} when the first start cannot use the lake's folder, or the lake is ahead of the log.
 * @throws {LogUnavailableError | UnknownTopicError} when the first start cannot use the log.
 * @throws {ReplacedTopicError} when a topic was deleted and made again.
 */
export async function keepWriting(options: KeepWritingOptions, signal: AbortSignal): Promise<void> {
  const { first, max } = options.retryPauseMs ?? { first: 1000, max: 30_000 };
  let started = false;
  let trouble: "log" | "storage" | undefined;
  let pauseMs = first;
  const goingOn = () => {
    if (trouble === undefined) return;
    trouble = undefined;
    options.onProblem?.(undefined);
    options.say?.("Going on: the lake is written again");
  };
  const progressed = () => {
    pauseMs = first;
    goingOn();
  };
  while (!signal.aborted) {
    try {
      await runSession(options, signal, {
        starting() {
          const first = !started;
          if (first) options.onStarted?.();
          started = true;
          return first;
        },
        progressed,
        heard() {
          options.onHeard?.();
          // A disk proves itself only by a finished file.
          if (trouble === "log") goingOn();
        },
      });
    } catch (error) {
      // Waiting does not bring back a topic that was replaced.
      if (!started || error instanceof ReplacedTopicError) throw forOperator(error);
      if (signal.aborted) {
        options.warn?.(
          `Stopped with ranges open, which the next start reads again: ${(error as Error).message}`,
        );
        return;
      }
      trouble = error instanceof StorageError ? "storage" : "log";
      const reason = (error as Error).message;
      if (trouble === "storage") pauseMs = Math.min(pauseMs, STORAGE_PAUSE_MS_MAX);
      options.onProblem?.(reason);
      options.warn?.(`${reason}. Trying again in ${pauseMs / 1000} s; nothing is lost`);
      await delay(pauseMs, undefined, { signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, max);
    }
  }
}

async function runSession(
  options: KeepWritingOptions,
  signal: AbortSignal,
  on: { starting: () => boolean; progressed: () => void; heard: () => void },
): Promise<void> {
  const { rawFolder, topics, group, limits, metrics, onSealed, say, warn } = options;
  const removed = await prepareTopicFolders(rawFolder, topics);
  if (removed > 0) {
    say?.(`Removed ${removed} unfinished files of an earlier run; their records are read again`);
  }
  for (const topic of topics) {
    const { changed, warnings } = await finishMerges(rawFolder, topic);
    if (changed > 0) say?.(`Finished the merging of files of ${topic} that an earlier run had begun`);
    for (const warning of warnings) warn?.(warning);
  }
  const log = await options.openLog();
  try {
    await log.checkIdentity(topics);
    const positions = await startPositions(log, options);
    for (const topic of topics) {
      const repaired = await repairManifest(rawFolder, topic, log.logId);
      if (repaired > 0) say?.(`Repaired the manifest of ${topic}: ${repaired} lines`);
      metrics.files.set({ topic }, (await listRawFiles(rawFolder, topic)).sealed.length);
    }
    tellStart(positions, options);
    const session = new LakeSession(log, {
      rawFolder,
      group,
      positions,
      limits,
      metrics,
      ...mergerOf(options, log.logId),
      ...(warn === undefined ? {} : { warn }),
      ...(options.eventLeadMsMax === undefined ? {} : { eventLeadMsMax: options.eventLeadMsMax }),
      ...(options.now === undefined ? {} : { now: options.now }),
      onSealed(topic, sealed) {
        on.progressed();
        onSealed?.(topic, sealed);
      },
      onQuiet: on.progressed,
      onHeard: on.heard,
    });
    if (on.starting()) {
      const warning = otherLogsWarning(rawFolder, await otherLogs(rawFolder, topics, log.logId));
      if (warning !== undefined) warn?.(warning);
    }
    await session.run(signal);
  } finally {
    await log.close();
  }
}

function mergerOf(options: KeepWritingOptions, logId: string): { merger?: FileMerger } {
  const { rawFolder, topics, merging, metrics, warn, now = () => performance.now() } = options;
  if (merging === undefined) return {};
  return {
    merger: new FileMerger({
      rawFolder,
      topics,
      logId,
      limits: merging,
      metrics,
      now,
      ...(warn === undefined ? {} : { warn }),
    }),
  };
}

/** What a person must know about where it goes on. */
function tellStart(positions: readonly StartPosition[], options: KeepWritingOptions): void {
  const { say, warn, metrics, group } = options;
  const taken = positions.filter(({ source }) => source === "group");
  if (taken.length > 0) {
    const places = taken.map(({ topic, partition, offset }) => `${topic}/${partition} at ${offset}`).join(
      ", ",
    );
    say?.(
      `The lake has no file of this log for ${taken.length} partitions: taking over at the offsets of group ` +
        `${group} (${places}); --from-beginning reads them from their start`,
    );
  }
  for (const { topic, partition, offset, lostRecords } of positions) {
    if (lostRecords === 0) continue;
    metrics.lostRecords.inc({ topic }, lostRecords);
    warn?.(
      `Offsets ${
        offset - lostRecords
      } to ${offset} of ${topic}/${partition} are gone from the log: its retention ` +
        "removed them before the lake had them. Keep the lake writer running, or raise the retention",
    );
  }
}

function forOperator(error: unknown): unknown {
  return error instanceof StorageError || error instanceof LakeAheadError
    ? new OperatorError(error.message)
    : error;
}
