/** What a commit of the consumer says of the order in which it took its records. */

import { OperatorError } from "../process/run_process.ts";

export const ORDER_TOPIC = "inventory-engine-order";

/** One commit of one partition number; lists go by the place of a topic in `topics`. */
export interface OrderTaken {
  topics: string[];
  /** Where each topic's records begin, and where the next commit goes on. */
  from: number[];
  to: number[];
  /** Place of a topic and number of its records, one run after the other. */
  runs: [lane: number, records: number][];
}

/**
 * Reads a record of {@link ORDER_TOPIC}.
 *
 * @throws {OperatorError} for one that is not of this form.
 */
export function orderTaken(value: string | null, place: string): OrderTaken {
  try {
    const order = JSON.parse(value ?? "") as OrderTaken;
    const { topics, from, to, runs } = order;
    const lists = [topics, from, to].every((list) => Array.isArray(list) && list.length === topics.length);
    const whole = lists && Array.isArray(runs) && [...from, ...to].every(Number.isSafeInteger) &&
      runs.every(([lane, records]) => topics[lane] !== undefined && records > 0);
    if (whole) return order;
  } catch {
    // Told below.
  }
  throw new OperatorError(
    `Cannot read the order taken at ${place}: it is not what the consumer writes. Replay without it: --by-event-time`,
  );
}

/** Records of each topic in a commit. */
export function recordsByLane({ topics, runs }: OrderTaken): number[] {
  const records = topics.map(() => 0);
  for (const [lane, count] of runs) records[lane]! += count;
  return records;
}
