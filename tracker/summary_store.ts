/**
 * The port behind which summaries are kept: Postgres where one is given, else a file. What a commit stores, the summaries,
 * the changes that they tell of and how far the topic was read, is stored as one or not at all.
 *
 * A partition of the topic has one owner, told by its epoch: whoever takes it over raises it, and a former owner that does
 * not know yet, or that was stopped for an hour, can store nothing more.
 *
 * @module
 */

import type { FlightData } from "../events/flight_data.ts";
import type { SummarizedFlight } from "./flight_change.ts";
import type { TokenCounters } from "./token_budget.ts";

/** A partition as its new owner finds it. */
export interface ClaimedTopicPartition {
  logId: string;
  partition: number;
  epoch: number;
  /** Where to go on; null for a partition that was never read. */
  nextOffset: number | null;
}

/** A summary to be stored. */
export interface NewSummary {
  /** What it tells of; its `fa_flight_id` is the row's. */
  told: FlightData;
  /** By which it is asked for. */
  ident: string;
  text: string;
  modelUsed: string;
  tokensUsed: number | null;
  /** Milliseconds since 1970. */
  generatedMs: number;
  /** Changes that were told of before, as they were read, and with this one. */
  changesBefore: number;
  changes: number;
}

/** A summary that is kept. */
export interface StoredSummary {
  ident: string;
  faFlightId: string;
  text: string;
  /** Null where another program wrote it and did not say. */
  modelUsed: string | null;
  /** Milliseconds since 1970. */
  generatedMs: number;
}

/** See the module. */
export interface SummaryStore extends TokenCounters {
  /** Takes a partition over: from here on no former owner can store anything. */
  claim(logId: string, partition: number): Promise<ClaimedTopicPartition>;
  /** Those of the legs that have a summary, by `fa_flight_id`. */
  flights(ids: readonly string[]): Promise<Map<string, SummarizedFlight>>;
  /**
   * Stores summaries and place as one.
   *
   * @throws {FencedError} when another owner has the partition now.
   * @throws {ChangedSummaryError} when another one has changed a row since it was read.
   */
  commit(
    claim: ClaimedTopicPartition,
    commit: { nextOffset: number; summaries: readonly NewSummary[] },
  ): Promise<void>;
  /** The summary of the ident's leg that was told of last; of several at the same time the one that leaves last. */
  newest(ident: string): Promise<StoredSummary | undefined>;
  /** Whether it answers. @throws where it does not. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** Somebody else has written a row meanwhile: what was to be stored was made of something that is no more. */
export class ChangedSummaryError extends Error {
  override name = "ChangedSummaryError";
}
