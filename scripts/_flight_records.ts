/** Gathers what the log says of one flight. */

import type { FlightLifecycleEvent } from "../events/flight_lifecycle.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { PromotionHeldBack } from "../events/policy_evaluations.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { POLICY_EVALUATIONS_TOPIC } from "../events/topics.ts";
import type { EventLog, LogRecord, PartitionRange } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";
import { PartitionScan } from "../event_log/partition_scan.ts";
import { OperatorError } from "../process/run_process.ts";
import { CourseSampler } from "./_flight_story.ts";
import type { FlightRecords } from "./_flight_story.ts";

/** Topics whose records of a flight lie in its partition. */
const BY_FLIGHT = ["inventory_metrics", "promo_decisions", POLICY_EVALUATIONS_TOPIC];
/** Python writes no keys: its lifecycle events may lie anywhere. */
const ANYWHERE = "flight_lifecycle";
const TOLD_EVERY = 10_000;

/**
 * Reads the log once.
 *
 * @param onRecords Told how many records of how many were read, from time to time.
 * @throws {OperatorError} where the log knows nothing of the flight.
 */
export async function flightRecords(
  log: EventLog,
  flightId: string,
  options: { signal: AbortSignal; onRecords?: (done: number, total: number) => void },
): Promise<FlightRecords> {
  const { signal, onRecords = () => {} } = options;
  const records: FlightRecords = {
    flightId,
    schedule: undefined,
    lifecycle: [],
    course: [],
    evaluations: 0,
    decisions: [],
    heldBack: [],
  };
  const course = new CourseSampler();
  const there = new Set((await log.listTopics()).map(({ name }) => name));
  const ranges = await log.ranges([ANYWHERE, ...BY_FLIGHT].filter((topic) => there.has(topic)));
  const partitions = Map.groupBy(ranges, ({ topic }) => topic);
  const places = ranges.filter(({ topic, partition }) =>
    topic === ANYWHERE || partition === partitionOf(flightId, partitions.get(topic)!.length)
  );
  const total = places.reduce((sum, { start, end }) => sum + end - start, 0);
  let done = 0;
  for (const place of places) {
    await scan(log, place, signal, (record) => {
      if (++done % TOLD_EVERY === 0) onRecords(done, total);
      take(records, course, flightId, record);
    });
  }
  records.course = course.course();
  records.evaluations = course.count;
  if (records.schedule === undefined && course.count === 0) {
    throw new OperatorError(
      `The log knows no flight "${flightId}". A flight's id looks like BA210_2025-11-28; those on sale: deno task tail flight_lifecycle --from-beginning --no-follow`,
    );
  }
  return records;
}

async function scan(
  log: EventLog,
  place: PartitionRange,
  signal: AbortSignal,
  take: (record: LogRecord) => void,
): Promise<void> {
  const scan = await PartitionScan.open(log, place, { signal });
  try {
    while (scan.head !== undefined || await scan.fill()) take(scan.next()!);
  } finally {
    await scan.close();
  }
}

function take(records: FlightRecords, course: CourseSampler, flightId: string, record: LogRecord): void {
  const { topic, key, value } = record;
  if (value === null || (key !== null && key !== flightId) || !value.includes(flightId)) return;
  let event;
  try {
    ({ event } = parseEvent(record, { eventLeadMsMax: Infinity }));
  } catch {
    return; // It is among the dead letters.
  }
  if ((event as { flight_id?: string }).flight_id !== flightId) return;
  if (topic === "inventory_metrics") course.take(event as CabinInventoryMetrics);
  else if (topic === POLICY_EVALUATIONS_TOPIC) records.heldBack.push(event as PromotionHeldBack);
  else if (topic === "promo_decisions") records.decisions.push(event as PromotionTriggered);
  else {
    const change = event as FlightLifecycleEvent;
    if (change.event_type === "FlightScheduled") records.schedule = change;
    records.lifecycle.push(change);
  }
}
