/**
 * Publishes the booking curves: each version to every partition of its topic, so that each engine of the consumer reads all of
 * it among its other input. What a run could not publish the next one does.
 *
 * @module
 */

import { bookingCurvesKey } from "../events/booking_curves.ts";
import type { BookingCurvesPublished } from "../events/booking_curves.ts";
import { BOOKING_CURVES_TOPIC } from "../events/topics.ts";
import type { EventLog, NewRecord } from "../event_log/event_log.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import { openEventLog } from "../process/open_event_log.ts";
import { kafkaSettings, setting } from "../process/settings.ts";
import { curvesOf } from "./derived_tables.ts";
import { writeState } from "./etl_state.ts";
import type { EtlState } from "./etl_state.ts";

/** Opens the event log; `undefined` where there is none yet. */
export type OpenLog = () => Promise<EventLog | undefined>;

/** Values of one commit at the most, in UTF-16 units, about. */
const COMMIT_UNITS_MAX = 2 * 1024 * 1024;
const TRANSACTOR = "booking-curves";
/** More marks than a version has commits. */
const MARKS_MAX = 100;

/** The log that the environment names; an embedded one only where it has been made. */
export async function openCurvesLog(): Promise<EventLog | undefined> {
  if (kafkaSettings() === undefined) {
    try {
      await Deno.stat(setting("EVENT_LOG_FILE")!);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }
  return await openEventLog("airline-etl");
}

export interface PublishOptions {
  openLog: OpenLog;
  /** Look whether the log is still the one that has them, as after it was reset. */
  anew: boolean;
  warn: (message: string) => void;
}

/**
 * Publishes the curves of the derived tables' day, if they are not: never twice in one log, since a replay is to find what
 * was read. A log that is away is told by `warn`.
 */
export async function publishNewCurves(
  goldFolder: string,
  state: EtlState,
  { openLog, anew, warn }: PublishOptions,
): Promise<void> {
  const { derived_day: day, published } = state;
  const isKnown = published !== undefined && published.version === day;
  if (day === undefined || (isKnown && !anew)) return;
  let log: EventLog | undefined;
  try {
    const curves = await curvesOf(goldFolder, day);
    // Nothing to be published needs no log.
    if (curves.length > 0) {
      log = await openLog();
      if (log === undefined || (isKnown && published.log_id === log.logId)) return;
      // A run that ended between publishing and noting it has done it already.
      if (!await arePublished(log, curves)) await publishCurves(log, curves);
    }
    state.published = { version: day, log_id: log?.logId ?? "" };
    await writeState(goldFolder, state);
  } catch (error) {
    warn(`The booking curves of ${day} are not published, the next run does it: ${(error as Error).message}`);
  } finally {
    await log?.close();
  }
}

/** Whether the last of these curves is among the newest records of the topic's first partition. */
async function arePublished(log: EventLog, curves: readonly BookingCurvesPublished[]): Promise<boolean> {
  if (!(await log.listTopics()).some(({ name }) => name === BOOKING_CURVES_TOPIC)) return false;
  const { version, route } = curves.at(-1)!;
  const [first] = await log.ranges([BOOKING_CURVES_TOPIC]);
  // Marks of transactions take offsets, too.
  const start = Math.max(first!.start, first!.end - 2 * curves.length - MARKS_MAX);
  const scan = await PartitionScan.open(log, { ...first!, start });
  try {
    while (scan.head !== undefined || await scan.fill()) {
      const { value } = scan.next()!;
      if (value?.includes(`"version":"${version}","route":${JSON.stringify(route)}`)) return true;
    }
    return false;
  } finally {
    await scan.close();
  }
}

/**
 * Publishes curves to every partition.
 *
 * @throws {Error} where the topic is missing.
 */
export async function publishCurves(log: EventLog, curves: readonly BookingCurvesPublished[]): Promise<void> {
  const topic = (await log.listTopics()).find(({ name }) => name === BOOKING_CURVES_TOPIC);
  if (topic === undefined) {
    throw new Error(`The log has no topic ${BOOKING_CURVES_TOPIC}. Create it with: deno task topics`);
  }
  const transactor = await log.transactor(TRANSACTOR);
  try {
    let records: NewRecord[] = [];
    let units = 0;
    for (const event of curves) {
      const value = JSON.stringify(event);
      for (let partition = 0; partition < topic.partitions; partition++) {
        records.push({ topic: topic.name, partition, key: bookingCurvesKey(event), value });
      }
      units += value.length * topic.partitions;
      if (units < COMMIT_UNITS_MAX) continue;
      await transactor.commit({ records });
      [records, units] = [[], 0];
    }
    if (records.length > 0) await transactor.commit({ records });
  } finally {
    await transactor.close();
  }
}
