/** Takes a partition number's records in the order in which the consumer took them. */

import type { LogRecord } from "../event_log/event_log.ts";
import { orderTaken, recordsByLane } from "./order_taken.ts";
import type { OrderTaken } from "./order_taken.ts";
import type { RecordScan } from "./record_scan.ts";

export interface OrderedFoldOptions {
  /** The order's records of the partition number. */
  orders: RecordScan;
  /** Opens an input topic's partition; called once for each. */
  openScan: (topic: string) => Promise<RecordScan>;
  /** Takes the next record. */
  take: (record: LogRecord) => void;
  /** A commit is whole. */
  settle: () => void;
  signal: AbortSignal;
}

/** How far it came. */
export interface OrderedFold {
  commits: number;
  records: number;
  /** Records that the consumer took and that are nowhere any more. */
  missing: number;
  /** Commits that were left: the source does not hold their records yet. */
  left: number;
  /** By topic: where the next commit would go on. */
  positions: Map<string, number>;
}

/**
 * Folds commit by commit. A record that is gone leaves its place empty; what was there first is gone first.
 *
 * @throws {OperatorError} for an order that cannot be read.
 * @throws {Error} where a source holds more records than the consumer took: it is not the one that it read.
 */
export async function foldInOrder(options: OrderedFoldOptions): Promise<OrderedFold> {
  const { orders, take, settle, signal } = options;
  const scans = new Map<string, RecordScan>();
  const result: OrderedFold = { commits: 0, records: 0, missing: 0, left: 0, positions: new Map() };
  try {
    while (await orders.fill()) {
      signal.throwIfAborted();
      const record = orders.next()!;
      if (result.left > 0) {
        result.left++;
        continue;
      }
      const order = orderTaken(record.value, `${orders.topic}-${orders.partition}-${record.offset}`);
      const lanes: LogRecord[][] = [];
      const counts = recordsByLane(order);
      for (let lane = 0; lane < counts.length && result.left === 0; lane++) {
        const found = await recordsOf(order, lane, counts[lane]!);
        if (found === "not there yet") result.left = 1;
        else lanes.push(found);
      }
      if (result.left > 0) continue;
      const next = lanes.map((found, lane) => found.length - counts[lane]!);
      result.missing += next.reduce((missing, at) => missing - at, 0);
      for (const [lane, records] of order.runs) {
        for (let taken = 0; taken < records; taken++) {
          const at = next[lane]!++;
          if (at >= 0) take(lanes[lane]![at]!);
        }
        result.records += records;
      }
      order.topics.forEach((topic, lane) => result.positions.set(topic, order.to[lane]!));
      result.commits++;
      settle();
    }
  } finally {
    for (const scan of scans.values()) await scan.close();
  }
  result.records -= result.missing;
  return result;

  async function recordsOf(
    { topics, from, to }: OrderTaken,
    lane: number,
    count: number,
  ): Promise<LogRecord[] | "not there yet"> {
    if (count === 0) return [];
    const topic = topics[lane]!;
    let scan = scans.get(topic);
    if (scan === undefined) scans.set(topic, scan = await options.openScan(topic));
    // The consumer's group was set back by hand: it took these again.
    if (from[lane]! < (result.positions.get(topic) ?? 0)) scan.seek(from[lane]!);
    const found: LogRecord[] = [];
    while ((scan.head !== undefined || await scan.fill()) && scan.head!.offset < to[lane]!) {
      const record = scan.next()!;
      if (record.offset >= from[lane]!) found.push(record);
    }
    if (found.length > count) {
      throw new Error(
        `${topic}-${scan.partition} holds ${found.length} records from offset ${from[lane]} to ${
          to[lane]
        }, and the consumer took ${count}: these are not the records that it read`,
      );
    }
    return found.length < count && scan.end < to[lane]! ? "not there yet" : found;
  }
}
