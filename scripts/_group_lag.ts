/** How far each consumer group is behind the log. */

import {
  ENGINE_INPUT_TOPICS,
  FLIGHT_DATA_TOPIC,
  GROUPS,
  LAKE_TOPICS,
  STREAM_EVENTS_TOPIC,
} from "../events/topics.ts";
import type { EventLog, PartitionOffset } from "../event_log/event_log.ts";
import type { Sql } from "../warehouse/connect.ts";
import type { RealtimeSchema } from "../warehouse/realtime.ts";

/** A group's place in one partition. */
export interface LagRow {
  group: string;
  topic: string;
  partition: number;
  /** The next record it takes; null where it has taken none yet. */
  position: number | null;
  end: number;
  /** On Kafka up to a few transaction markers may be among them. */
  lag_records: number;
}

/** What each group reads. The place of the minute windows is in their database. */
const GROUP_TOPICS: readonly { group: string; topics: readonly string[] }[] = [
  { group: GROUPS.engine, topics: [...ENGINE_INPUT_TOPICS, "inventory-engine-repartition"] },
  { group: GROUPS.lake, topics: LAKE_TOPICS },
  { group: GROUPS.producerFeedback, topics: ["promo_decisions"] },
  { group: GROUPS.summaries, topics: [FLIGHT_DATA_TOPIC] },
];

/** The groups' lag; topics that are missing are left out. `windows` are the places of {@link windowPositions}. */
export async function groupLag(log: EventLog, windows: readonly PartitionOffset[]): Promise<LagRow[]> {
  const there = new Set((await log.listTopics()).map(({ name }) => name));
  const rows: LagRow[] = [];
  const add = async (group: string, wanted: readonly string[], known?: readonly PartitionOffset[]) => {
    const topics = wanted.filter((topic) => there.has(topic));
    if (topics.length === 0) return;
    const [ranges, positions] = await Promise.all([
      log.ranges(topics),
      known ?? log.committedOffsets(group, topics),
    ]);
    for (const { topic, partition, start, end } of ranges) {
      const position = positions.find((one) => one.topic === topic && one.partition === partition)?.offset;
      const from = position === undefined ? start : Math.max(position, start);
      rows.push({
        group,
        topic,
        partition,
        position: position ?? null,
        end,
        lag_records: Math.max(0, end - from),
      });
    }
  };
  for (const { group, topics } of GROUP_TOPICS) await add(group, topics);
  await add(GROUPS.viewerMetrics, [STREAM_EVENTS_TOPIC], windows);
  return rows;
}

/** How far the minute windows are, from their own tables; nothing where there are none yet. */
export async function windowPositions(
  sql: Sql,
  schema: RealtimeSchema,
  logId: string,
): Promise<PartitionOffset[]> {
  const [there] = await sql`select to_regclass(${`${schema}.viewer_partition`}) is not null as yes`;
  if (there!.yes !== true) return [];
  const rows = await sql<{ partition: number; next_offset: number | null }[]>`
    select partition, next_offset from ${sql(schema)}.viewer_partition where log_id = ${logId}`;
  return rows.filter(({ next_offset }) => next_offset !== null).map(({ partition, next_offset }) => ({
    topic: STREAM_EVENTS_TOPIC,
    partition,
    offset: Number(next_offset),
  }));
}

/** Records behind, by group. */
export function lagByGroup(rows: readonly LagRow[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { group, lag_records } of rows) sums.set(group, (sums.get(group) ?? 0) + lag_records);
  return sums;
}
