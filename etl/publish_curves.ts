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

/** Publishes the curves of the derived tables' day, if they are not. A log that is away is told by `warn`. */
export async function publishNewCurves(
  goldFolder: string,
  state: EtlState,
  openLog: OpenLog,
  warn: (message: string) => void,
): Promise<void> {
  const day = state.derived_day;
  if (day === undefined || state.published?.version === day) return;
  let log: EventLog | undefined;
  try {
    const curves = await curvesOf(goldFolder, day);
    // Nothing to be published needs no log.
    if (curves.length > 0) {
      log = await openLog();
      if (log === undefined) return;
      await publishCurves(log, curves);
    }
    state.published = { version: day, log_id: log?.logId ?? "" };
    await writeState(goldFolder, state);
  } catch (error) {
    warn(`The booking curves of ${day} are not published, the next run does it: ${(error as Error).message}`);
  } finally {
    await log?.close();
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
