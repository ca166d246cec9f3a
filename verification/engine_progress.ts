/**
 * How far the streaming consumer is: which records it has dealt with, which wait for their flight, and which it passed
 * on to another partition and has not taken there yet.
 *
 * @module
 */

import { GROUPS } from "../events/topics.ts";
import type { EventLog, PartitionOffset } from "../event_log/event_log.ts";
import { readToEnd } from "./log_scan.ts";

const CHANGELOG_TOPIC = "inventory-engine-changelog";
const REPARTITION_TOPIC = "inventory-engine-repartition";
const WAITING_PREFIX = "waiting/";

/** The consumer's positions at one moment; take it before its outputs are read. */
export class EngineProgress {
  readonly #positions: PartitionOffset[];

  private constructor(positions: PartitionOffset[]) {
    this.#positions = positions;
  }

  /** @param topics The topics that the log has. */
  static async read(log: EventLog, topics: ReadonlySet<string>): Promise<EngineProgress> {
    const positions: PartitionOffset[] = [];
    if (topics.has("bookings")) {
      const own = await log.committedOffsets(GROUPS.engine, ["bookings"]);
      // A topic of another partition count is passed on whole, by a group of its own.
      positions.push(...await log.committedOffsets(`${GROUPS.engine}-bookings`, ["bookings"]), ...own);
    }
    if (topics.has(REPARTITION_TOPIC)) {
      positions.push(...await log.committedOffsets(GROUPS.engine, [REPARTITION_TOPIC]));
    }
    return new EngineProgress(positions);
  }

  /** Whether the consumer has moved past a record of `bookings`. */
  hasProcessed(partition: number, offset: number): boolean {
    return this.#positions.some((position) =>
      position.topic === "bookings" && position.partition === partition && offset < position.offset
    );
  }

  /** Places (`<topic>-<partition>-<offset>`) that were passed on and not taken there when this was read. */
  async passedOn(log: EventLog, topics: ReadonlySet<string>, signal: AbortSignal): Promise<Set<string>> {
    const places = new Set<string>();
    if (!topics.has(REPARTITION_TOPIC)) return places;
    const positions = (await log.ranges([REPARTITION_TOPIC])).map(({ topic, partition, start }) => ({
      topic,
      partition,
      offset: Math.max(
        start,
        this.#positions.find((position) => position.topic === topic && position.partition === partition)
          ?.offset ?? start,
      ),
    }));
    await readToEnd(log, positions, {
      take({ headers = {} }) {
        places.add(`${headers["origin-topic"]}-${headers["origin-partition"]}-${headers["origin-offset"]}`);
      },
      signal,
    });
    return places;
  }
}

/** Places of the records that wait for their flight now, by the consumer's stored state. */
export async function waitingPlaces(
  log: EventLog,
  topics: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Set<string>> {
  const places = new Set<string>();
  if (!topics.has(CHANGELOG_TOPIC)) return places;
  const positions = (await log.ranges([CHANGELOG_TOPIC])).map(({ topic, partition, start }) => ({
    topic,
    partition,
    offset: start,
  }));
  await readToEnd(log, positions, {
    take({ key, value }) {
      if (key === null || !key.startsWith(WAITING_PREFIX)) return;
      const place = key.slice(WAITING_PREFIX.length);
      if (value === null) places.delete(place);
      else places.add(place);
    },
    signal,
  });
  return places;
}
