/** What a verification says; `--json` prints it as it is, so names are those of the wire. */

import type { EvaluationCounts } from "./booking_book.ts";
import type { DeadLetterCount } from "./dead_letter_book.ts";
import type { Difference } from "./findings.ts";

/** The parts of the pipeline that are compared. */
export const PART_NAMES = ["log", "lake", "gold", "warehouse"] as const;
export type VerifiedPart = typeof PART_NAMES[number];

/** Whether a part could be looked at. */
export interface PartReport {
  state: "read" | "skipped" | "absent";
  /** Where it is, or why it could not be read. */
  detail: string;
}

/** One topic in log and lake. Numbers of a part that was not read are `null`. */
export interface TopicReport {
  topic: string;
  /** Records in the log, within retention. */
  log_records: number | null;
  /** Files of the lake writer. */
  lake_files: number;
  lake_lines: number;
  /** Lines in files that other programs write. */
  foreign_lines: number;
  /** Different ids (bookings, outputs, flights, dead letters); `null` where the topic's events have none. */
  distinct_ids: number | null;
  /** Records that the lake writer refused. */
  dead_letters: number;
  /** Records that the lake's files do not cover yet. */
  not_yet_written: number | null;
  /** Lines whose records have aged out of the log. */
  aged_out: number | null;
  agrees: boolean;
}

/** One table in one sink. */
export interface SinkReport {
  rows: number;
  /** Rows that the lake makes expect, as far as the sink says it has come. */
  expected_rows: number;
  /** Events of the lake that the sink has not taken yet. */
  not_yet_written: number;
  /** Rows beyond what the sink says it holds: an ETL run is under way, or was cut off. */
  rows_beyond: number;
  agrees: boolean;
}

export interface TableReport {
  table: string;
  gold: SinkReport | null;
  warehouse: SinkReport | null;
}

/** Revenue in one currency, as decimal text. */
export interface RevenueReport {
  sink: "gold" | "warehouse";
  currency: string;
  /** Sum of `passenger_price`. */
  passenger_prices: string;
  /** Sum of `total_price`, each booking once. */
  booking_prices: string;
  /** The same by the lake. */
  expected: string;
  agrees: boolean;
}

export interface VerificationReport {
  agrees: boolean;
  verified_at: string;
  seconds: number;
  log_id: string | null;
  parts: Record<VerifiedPart, PartReport>;
  topics: TopicReport[];
  tables: TableReport[];
  revenue: RevenueReport[];
  engine: {
    outputs: number;
    outputs_of_other_programs: number;
    promotions: number;
    flights_with_promotions: number;
    max_promotions_per_flight: number;
    /** Bookings and cancellations of the current log; `null` without a log. */
    bookings: EvaluationCounts | null;
  };
  seats: { flights: number; sold: number };
  dead_letters: DeadLetterCount[];
  differences: Difference[];
  notes: string[];
}
