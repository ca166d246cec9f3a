/**
 * The port that carries events. Two adapters implement it: `kafka_event_log.ts` and `sqlite_event_log.ts`;
 * one contract test suite (`tests/event_log/`) runs on both.
 *
 * A log holds topics; a topic holds numbered partitions; a partition is a sequence of records whose offsets
 * rise by at least one (transaction markers leave gaps on Kafka). The same key always lands in the same
 * partition number, on both engines (Kafka's default murmur2 partitioner).
 *
 * The port's heart is a transaction: outputs, state (records of a compacted topic) and input offsets are
 * committed as one by a {@link Transactor}, whose id fences every earlier owner of the same id.
 * Readers only ever see committed records.
 *
 * @module
 */

import type { TopicSpec } from "../events/topics.ts";

export type { TopicSpec };

/** One partition of one topic. */
export interface TopicPartition {
  topic: string;
  partition: number;
}

/** A position in a partition: the offset of the next record to be read. */
export interface PartitionOffset extends TopicPartition {
  offset: number;
}

/** The offsets that a partition holds: `[start, end)`. On Kafka `end` also counts transaction markers. */
export interface PartitionRange extends TopicPartition {
  start: number;
  end: number;
}

/** A record as it was read. */
export interface LogRecord extends TopicPartition {
  offset: number;
  /** Append time, milliseconds since 1970 UTC. */
  timestampMs: number;
  key: string | null;
  /** The value as text; `null` is a tombstone. Where the bytes are not UTF-8, a lossy decoding. */
  value: string | null;
  /** Set only where the value's bytes are not valid UTF-8: the bytes as they came. */
  bytes?: Uint8Array;
  headers?: Record<string, string>;
}

/** A record to be appended. Without `partition`, the key decides; without a key, any partition. */
export interface NewRecord {
  topic: string;
  partition?: number;
  key: string | null;
  value: string | null;
  headers?: Record<string, string>;
}

/** Records of one partition in offset order, as a {@link Reader} hands them over. Never empty. */
export interface RecordBatch extends TopicPartition {
  records: LogRecord[];
  /** Where reading goes on after this batch. */
  nextOffset: number;
  /** The partition's end as last seen; `nextOffset < endOffset` says that more may be there already. */
  endOffset: number;
  /** By when the records had been read, of `performance.now()`; to be compared with {@link Reader.endSeenMs}. */
  seenMs: number;
}

/** A topic as it stands in the log. */
export interface TopicDescription {
  name: string;
  partitions: number;
}

/** A setting of a topic that is not as its spec wants it. */
export interface SettingDifference {
  /** As the broker calls it, such as `retention.ms`. */
  setting: string;
  is: string;
  wanted: string;
}

/** How a topic keeps its records, as it stands in the log; `null` where this user may not see it. */
export interface TopicSettings {
  name: string;
  /** `delete`, `compact`, or both. */
  cleanup: string | null;
  /** Milliseconds; -1 keeps for ever. */
  retentionMs: number | null;
  differences: SettingDifference[];
}

/** Appends records durably, without a transaction. */
export interface Appender {
  /**
   * Appends in order and returns once every record is stored (`acks=all`; fsync on the embedded log).
   *
   * @throws {RecordTooLargeError} when one record exceeds the log's limit; nothing of the call is stored then
   *   on the embedded log, and on Kafka nothing of the refused request.
   */
  append(records: NewRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** What one transaction stores: all of it or nothing. */
export interface Transaction {
  records: NewRecord[];
  /** Offsets that `group` has consumed up to (the next to be read). */
  offsets?: { group: string; positions: PartitionOffset[] };
}

/**
 * A fenced transactional writer. Opening one with the same id again fences all earlier ones: their next commit
 * throws {@link FencedError} and stores nothing. After any error the transactor is of no use: close it, drop the
 * state that depended on it, and open a new one.
 */
export interface Transactor {
  readonly id: string;
  commit(transaction: Transaction): Promise<void>;
  close(): Promise<void>;
}

/** Reads partitions from given positions; belongs to one caller; calls must not overlap. */
export interface Reader {
  /**
   * The next committed records of any partition that is not paused, waiting up to `maxWaitMs` for the first.
   * Returns an empty list when there is nothing new. Bounded: at most about `maxBytes` of values per call.
   */
  poll(options?: { maxWaitMs?: number; signal?: AbortSignal }): Promise<RecordBatch[]>;
  /**
   * When a look at the topic's partitions began (of `performance.now()`) that found nothing beyond what has been
   * handed over; `undefined` where more is known to be there, committed or on its way. It tells whether a record
   * of another topic may be processed without overtaking one of this.
   */
  endSeenMs(topic: string): number | undefined;
  /**
   * Where reading a partition goes on, once all that was fetched has been handed over; else `undefined`. Behind the last
   * record it passes transaction markers, which no batch tells of.
   */
  nextOffset(place: TopicPartition): number | undefined;
  /** Goes on at `offset`. Records that were fetched before and not handed over yet are dropped. */
  seek(position: PartitionOffset): void;
  /** Stops handing over records of a topic's partitions until {@link Reader.resume}; bounds memory. */
  pause(topics: string[]): void;
  resume(topics: string[]): void;
  close(): Promise<void>;
}

export interface ReaderOptions {
  positions: PartitionOffset[];
  /** About how many bytes of values one poll returns and the reader buffers. Default 4 MiB. */
  maxBytes?: number;
}

/** A partition number that this member of the group owns: partition *p* of every topic of the group. */
export interface AssignedPartition {
  partition: number;
  /** Reads partition `partition` of the group's topics (and companions); all start paused until sought. */
  reader: Reader;
}

export interface GroupOptions {
  group: string;
  /** Input topics. A member owns a partition number across all of them. */
  topics: string[];
  /** Topics of the same partition count that are read only while restoring (changelogs). */
  companionTopics?: string[];
  /** Silence after which a member is taken for dead. Default 10,000 ms. */
  sessionTimeoutMs?: number;
  maxBytes?: number;
}

/** One process's place in a consumer group. */
export interface GroupMember {
  /**
   * Runs `handler` for each partition number while it is assigned to this member, several at once. `signal`
   * aborts when the partition is taken away or the member closes; the handler then returns promptly. When the
   * handler throws while still assigned, it is started again after a growing pause (`onError` is told; partition -1
   * stands for the whole group, which then joins again).
   * Resolves when `signal` of the options aborts and all handlers have returned.
   */
  run(
    handler: (assigned: AssignedPartition, signal: AbortSignal) => Promise<void>,
    options: { signal: AbortSignal; onError?: (error: unknown, partition: number) => void },
  ): Promise<void>;
  /** Whether the group has let this member in and said which partitions it has, be they none. */
  joined(): boolean;
  /** Partition numbers that are assigned now. */
  assigned(): number[];
  close(): Promise<void>;
}

/** The event log. */
export interface EventLog {
  readonly engine: "sqlite" | "kafka";
  /**
   * Made when the log is created; part of output ids, manifests and watermarks, so that a reset log, whose
   * offsets start again, is never mistaken for the old one. Throws before {@link EventLog.createTopics} has run.
   */
  readonly logId: string;
  /** Creates the topics that are missing; returns their names. Idempotent, and safe when several do it at once. */
  createTopics(specs: TopicSpec[]): Promise<string[]>;
  listTopics(): Promise<TopicDescription[]>;
  deleteTopics(names: string[]): Promise<void>;
  /** How the topics that exist keep their records, and where that differs from the specs. */
  topicSettings(specs: TopicSpec[]): Promise<TopicSettings[]>;
  /** Brings the settings of topics that exist to the specs. Programs that run may go by the old ones until they end. */
  applySettings(specs: TopicSpec[]): Promise<void>;
  /**
   * Makes sure that topics are the ones that {@link EventLog.createTopics} made or found: one that was deleted and
   * made again by other means has offsets that begin again, and whatever remembers offsets would take new records for
   * known ones.
   *
   * @throws {ReplacedTopicError}
   */
  checkIdentity(topics: readonly string[]): Promise<void>;
  /** What each partition of the topics holds. Throws {@link UnknownTopicError}. */
  ranges(topics: string[]): Promise<PartitionRange[]>;
  /** The positions a group has committed; partitions without one are left out. */
  committedOffsets(group: string, topics: string[]): Promise<PartitionOffset[]>;
  /** Stores positions outside a transaction (for monitoring by sinks that keep their own offsets). */
  commitOffsets(group: string, positions: PartitionOffset[]): Promise<void>;
  appender(): Promise<Appender>;
  transactor(id: string): Promise<Transactor>;
  reader(options: ReaderOptions): Promise<Reader>;
  member(options: GroupOptions): Promise<GroupMember>;
  close(): Promise<void>;
}

/** Another owner has opened a transactor with the same id: what this one had is not valid any more. */
export class FencedError extends Error {
  override name = "FencedError";
}

/** A topic that does not exist in the log. */
export class UnknownTopicError extends Error {
  override name = "UnknownTopicError";
}

/** A topic was deleted and made again by other means than the log's own: offsets of it that are remembered are wrong. */
export class ReplacedTopicError extends Error {
  override name = "ReplacedTopicError";
}

/** A record above the log's size limit. */
export class RecordTooLargeError extends Error {
  override name = "RecordTooLargeError";
}

/** The log cannot be reached or opened; the message says what to do. */
export class LogUnavailableError extends Error {
  override name = "LogUnavailableError";
}
