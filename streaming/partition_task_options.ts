/** What a partition's task is given, and what it tells. */

import type { EventLog, NewRecord, PartitionOffset } from "../event_log/event_log.ts";
import type { InventoryEngine } from "./inventory_engine.ts";

/** Told what a task does; for metrics and lines at the terminal. Must not throw. */
export interface PartitionTaskObserver {
  restored?(info: { partition: number; entries: number; durationMs: number; engine: InventoryEngine }): void;
  committed?(info: CommitInfo): void;
  /** All before these positions is committed: after a commit, and where only marks of transactions were passed. */
  reached?(positions: PartitionOffset[]): void;
  closed?(partition: number): void;
}

/** One commit. */
export interface CommitInfo {
  partition: number;
  /** Input records that this commit moved past. */
  inputs: number;
  outputs: NewRecord[];
  refusals: string[];
  passedOn: number;
  duplicates: number;
  durationMs: number;
  positions: PartitionOffset[];
}

export interface PartitionTaskOptions {
  log: EventLog;
  group: string;
  /** Input topics in merge order; the repartition topic is one of them. */
  topics: readonly string[];
  repartitionTopic: string;
  changelogTopic: string;
  orderTopic: string;
  /** Partitions of all these topics. */
  partitions: number;
  eventLeadMsMax: number;
  newEngine: () => InventoryEngine;
  observer?: PartitionTaskObserver;
  /** Commits at the latest this long after the first uncommitted record. Default 100 ms. */
  commitIntervalMs?: number;
  /** Commits at the latest after this many records. Default 5,000. */
  commitRecordsMax?: number;
}
