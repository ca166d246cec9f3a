/** The embedded log's topics and partitions, and the offsets of groups. */

import { type Connection, type Database, explain, whileBusy } from "./_sqlite_database.ts";
import type { WriteQueue } from "./_sqlite_write_queue.ts";
import type {
  PartitionOffset,
  PartitionRange,
  SettingDifference,
  TopicDescription,
  TopicSettings,
  TopicSpec,
} from "./event_log.ts";
import { UnknownTopicError } from "./event_log.ts";

const PARTITIONS_MAX = 1024;

/** A topic with the ids of its partitions' rows, by partition number. Ids are never used again. */
export interface Topic {
  name: string;
  cleanup: "delete" | "compact";
  partitionIds: number[];
}

/** Knows the topics. What it remembers can be stale: a partition id that is gone says so. */
export class Catalog {
  readonly #database: Database;
  readonly #queue: WriteQueue;
  readonly #topics = new Map<string, Topic>();

  constructor(database: Database, queue: WriteQueue) {
    this.#database = database;
    this.#queue = queue;
  }

  /** @throws {UnknownTopicError} */
  topic(name: string): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const rows = this.#database.reading.rows<["delete" | "compact", number]>(
      `SELECT cleanup, partitions.id FROM topics JOIN partitions ON topic_id = topics.id
        WHERE name = ? ORDER BY partition`,
      name,
    );
    if (rows.length === 0) {
      throw new UnknownTopicError(`Topic "${name}" does not exist in the event log. Create the topics first`);
    }
    const topic: Topic = { name, cleanup: rows[0]![0], partitionIds: rows.map(([, id]) => id) };
    this.#topics.set(name, topic);
    return topic;
  }

  /** @throws {UnknownTopicError} when there is no such topic or partition */
  partitionId(name: string, partition: number): number {
    const { partitionIds } = this.topic(name);
    const id = partitionIds[partition];
    if (id === undefined) {
      throw new UnknownTopicError(
        `Topic "${name}" has no partition ${partition}, only 0 to ${partitionIds.length - 1}`,
      );
    }
    return id;
  }

  /** Forgets what it remembers. */
  forget(): void {
    this.#topics.clear();
  }

  async create(specs: TopicSpec[]): Promise<string[]> {
    specs.forEach(checkSpec);
    return await this.#queue.run((connection) =>
      specs.filter((spec) => createTopic(connection, spec)).map((s) => s.name)
    );
  }

  /** Takes the topics away at once; their batches are deleted later, bit by bit. */
  async delete(names: string[]): Promise<void> {
    this.forget();
    await this.#queue.run((connection) => {
      for (const name of names) {
        const id = connection.row<[number]>("SELECT id FROM topics WHERE name = ?", name)?.[0];
        if (id === undefined) continue;
        connection.run("INSERT INTO dropped_partitions SELECT id FROM partitions WHERE topic_id = ?", id);
        connection.run("DELETE FROM partitions WHERE topic_id = ?", id);
        connection.run("DELETE FROM topics WHERE id = ?", id);
        connection.run("DELETE FROM group_offsets WHERE topic = ?", name);
      }
    });
    this.forget();
  }

  list(): Promise<TopicDescription[]> {
    return this.#read((connection) =>
      connection.rows<[string, number]>("SELECT name, partitions FROM topics ORDER BY name")
        .map(([name, partitions]) => ({ name, partitions }))
    );
  }

  /** How topics that exist keep their records, under the names that a broker has for it. */
  settings(specs: TopicSpec[]): Promise<TopicSettings[]> {
    return this.#read((connection) => specs.flatMap((spec) => settingsOf(connection, spec)));
  }

  async applySettings(specs: TopicSpec[]): Promise<void> {
    specs.forEach(checkSpec);
    await this.#queue.run((connection) => {
      for (const { name, cleanup, retentionMs } of specs) {
        const change = "UPDATE topics SET cleanup = ?, retention_ms = ? WHERE name = ?";
        connection.run(change, cleanup, retentionMs, name);
      }
    });
    this.forget();
  }

  ranges(names: string[]): Promise<PartitionRange[]> {
    this.forget();
    return this.#read((connection) =>
      names.flatMap((topic) =>
        this.topic(topic).partitionIds.map((id, partition) => {
          const [start, end] = partitionRange(connection, id) ?? [0, 0];
          return { topic, partition, start, end };
        })
      )
    );
  }

  committedOffsets(group: string, topics: string[]): Promise<PartitionOffset[]> {
    return this.#read((connection) =>
      topics.flatMap((topic) =>
        connection.rows<[number, number]>(
          "SELECT partition, next_offset FROM group_offsets WHERE group_name = ? AND topic = ? ORDER BY partition",
          group,
          topic,
        ).map(([partition, offset]) => ({ topic, partition, offset }))
      )
    );
  }

  /** Throws where a position cannot be stored. */
  checkPositions(positions: PartitionOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      this.partitionId(topic, partition);
      if (!Number.isSafeInteger(offset) || offset < 0) {
        throw new RangeError(
          `Cannot commit offset ${offset} of ${topic}-${partition}: not a whole number from 0`,
        );
      }
    }
  }

  async #read<T>(work: (connection: Connection) => T): Promise<T> {
    const { file, reading } = this.#database;
    try {
      return await whileBusy(file, () => work(reading));
    } catch (error) {
      throw explain(error, file);
    }
  }
}

/** `[start, end)` of a partition; `undefined` when its topic was deleted. */
export function partitionRange(connection: Connection, id: number): [start: number, end: number] | undefined {
  return connection.row<[number, number]>("SELECT start_offset, end_offset FROM partitions WHERE id = ?", id);
}

/** Stores what a group has consumed; under the write lock. */
export function storeOffsets(connection: Connection, group: string, positions: PartitionOffset[]): void {
  for (const { topic, partition, offset } of positions) {
    connection.run(
      "INSERT OR REPLACE INTO group_offsets VALUES (?, ?, ?, ?)",
      group,
      topic,
      partition,
      offset,
    );
  }
}

function settingsOf(connection: Connection, spec: TopicSpec): TopicSettings[] {
  const { name } = spec;
  const select = "SELECT cleanup, retention_ms FROM topics WHERE name = ?";
  const row = connection.row<["delete" | "compact", number]>(select, name);
  if (row === undefined) return [];
  const [cleanup, retentionMs] = row;
  const differences: SettingDifference[] = [];
  if (cleanup !== spec.cleanup) {
    differences.push({ setting: "cleanup.policy", is: cleanup, wanted: spec.cleanup });
  }
  if (spec.cleanup === "delete" && retentionMs !== spec.retentionMs) {
    differences.push({
      setting: "retention.ms",
      is: String(retentionMs),
      wanted: String(spec.retentionMs),
    });
  }
  return [{ name, cleanup, retentionMs, differences }];
}

function createTopic(connection: Connection, spec: TopicSpec): boolean {
  const { name, partitions, cleanup, retentionMs } = spec;
  const added = connection.run(
    "INSERT OR IGNORE INTO topics (name, partitions, cleanup, retention_ms) VALUES (?, ?, ?, ?)",
    name,
    partitions,
    cleanup,
    retentionMs,
  );
  if (added === 0) return false;
  const id = connection.row<[number]>("SELECT id FROM topics WHERE name = ?", name)![0];
  for (let partition = 0; partition < partitions; partition++) {
    connection.run("INSERT INTO partitions (topic_id, partition) VALUES (?, ?)", id, partition);
  }
  return true;
}

function checkSpec({ name, partitions, retentionMs }: TopicSpec): void {
  if (!/^[a-zA-Z0-9._-]{1,249}$/.test(name)) {
    throw new RangeError(
      `Cannot create topic "${name}": a name has 1 to 249 letters, digits, ".", "_" and "-"`,
    );
  }
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new RangeError(
      `Cannot create topic "${name}" with ${partitions} partitions: 1 to ${PARTITIONS_MAX}`,
    );
  }
  if (!Number.isSafeInteger(retentionMs) || retentionMs < -1) {
    throw new RangeError(
      `Cannot create topic "${name}" with retentionMs ${retentionMs}: whole milliseconds or -1`,
    );
  }
}
