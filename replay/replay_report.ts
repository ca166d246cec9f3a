/** What a replay says; `--json` prints it as it is. */

import type { ComparisonReport } from "./comparison_report.ts";

export interface ReplayReport {
  source: "lake" | "log";
  /** `<name>/<version>`. */
  policy: string;
  log_id: string;
  /** What was reported, by event time; `null` is without an end. */
  from: string | null;
  to: string | null;
  order: "as taken" | "by event time";
  /** Commits of the consumer that were taken again; 0 by event time. */
  commits: number;
  records: number;
  /** Records that the consumer took and that are nowhere any more. */
  records_missing: number;
  /** Commits whose records the lake does not hold yet. */
  commits_left: number;
  /** Append time of the oldest record that was taken. */
  first_record_at: string | null;
  /** Outputs of the time that was asked for. */
  metrics: number;
  decisions: number;
  /** By percent. */
  decisions_by_discount: Record<string, number>;
  flights_with_decisions: number;
  /** Records refused, of all times, by reason. */
  refused: Record<string, number>;
  seconds: number;
  /** State of before the first record is missing. */
  history_missing: boolean;
  /** The oldest records were taken by event time: their order has aged out of the log. */
  order_begins_later: boolean;
  /** `null` where it was not asked for. */
  comparison: ComparisonReport | null;
  notes: string[];
}
