/**
 * In which order the input records of one partition number were taken, as the consumer recorded it with each commit, and
 * whether that record is whole: ranges adjoin, and every record is in exactly one.
 *
 * @module
 */

import type { LogRecord } from "../../event_log/event_log.ts";

/** What one commit wrote. */
interface OrderEntry {
  topics: string[];
  from: number[];
  to: number[];
  /** Place of the topic in `topics`, and how many of its records came then. */
  runs: [number, number][];
}

/** The order, and what is wrong with its record. */
export interface TakenOrder {
  records: LogRecord[];
  /** Input records that no commit has taken. */
  untaken: LogRecord[];
  violations: string[];
}

/**
 * The order in which a consumer takes the records of a partition number that nobody disturbs and that finds all of them
 * there: of the records that come next in each topic, the one of the earliest event time; a record that is not an event
 * of this partition number comes as soon as it is the next of its topic.
 *
 * @param inputs By input topic, in the consumer's order of topics.
 * @param timeMsOf A record's event time; `undefined` where it is refused or passed on.
 */
export function undisturbedOrder(
  inputs: Map<string, LogRecord[]>,
  timeMsOf: (record: LogRecord) => number | undefined,
): LogRecord[] {
  const lanes = [...inputs.values()].map((records) => ({
    records,
    timesMs: records.map((record) => timeMsOf(record) ?? -Infinity),
    next: 0,
  }));
  const order: LogRecord[] = [];
  for (;;) {
    const open = lanes.filter(({ records, next }) => next < records.length);
    if (open.length === 0) return order;
    const lane = open.reduce((best, one) => one.timesMs[one.next]! < best.timesMs[best.next]! ? one : best);
    order.push(lane.records[lane.next++]!);
  }
}

/**
 * Puts the input records of a partition number into the order in which they were taken.
 *
 * @param entries Records of the order topic's partition, by offset.
 * @param inputs By input topic, the records of the partition, by offset.
 */
export function takenOrder(entries: readonly LogRecord[], inputs: Map<string, LogRecord[]>): TakenOrder {
  const result: TakenOrder = { records: [], untaken: [], violations: [] };
  const lanes = new Map([...inputs].map(([topic, records]) => [topic, { records, next: 0, to: 0 }]));
  for (const { value, offset, partition } of entries) {
    const at = `the order of partition ${partition} at offset ${offset}`;
    const { topics, from, to, runs } = JSON.parse(value!) as OrderEntry;
    const own = topics.map((topic) => lanes.get(topic)!);
    for (const [place, lane] of own.entries()) {
      if (from[place] !== lane.to) {
        const known = `${topics[place]} goes on at ${from[place]}, the commit before ended at ${lane.to}`;
        result.violations.push(`In ${at} ranges do not adjoin: ${known}`);
      }
      lane.to = to[place]!;
    }
    for (const [place, count] of runs) {
      const lane = own[place]!;
      const taken = lane.records.slice(lane.next, lane.next + count);
      if (taken.length < count || taken.some((record) => record.offset >= lane.to)) {
        result.violations.push(
          `In ${at} ${count} records of ${topics[place]} are taken, its range holds fewer`,
        );
      }
      for (const record of taken) result.records.push(record);
      lane.next += taken.length;
    }
    for (const [place, lane] of own.entries()) {
      const left = lane.records.findIndex((record, index) => index >= lane.next && record.offset < lane.to);
      if (left >= 0) {
        result.violations.push(`In ${at} the range of ${topics[place]} holds records that were not taken`);
      }
    }
  }
  for (const lane of lanes.values()) result.untaken.push(...lane.records.slice(lane.next));
  return result;
}
