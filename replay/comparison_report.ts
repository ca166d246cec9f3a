/** What a comparison of replayed with recorded outputs says; names are those of `--json`. */

/** Topics of the engine's outputs. */
export const OUTPUT_TOPICS = ["inventory_metrics", "promo_decisions"] as const;
export type OutputTopic = typeof OUTPUT_TOPICS[number];

/** How the outputs of one topic compare. */
export interface OutputCounts {
  /** The same byte for byte. */
  equal: number;
  different: number;
  /** Recorded, and not replayed. */
  only_recorded: number;
  /** Replayed, and not recorded. */
  only_replayed: number;
  /** Recorded of inputs that this replay did not come to, or replayed of inputs that came after the last recorded output. */
  not_comparable: number;
}

/** One output that is not the same. */
export interface OutputDifference {
  topic: OutputTopic;
  kind: "different" | "only recorded" | "only replayed";
  event_id: string;
  why: string;
}

export interface ComparisonReport {
  /** Nothing differs, and there was something to compare. */
  agrees: boolean;
  inventory_metrics: OutputCounts;
  promo_decisions: OutputCounts;
  /** Policies of the recorded decisions, `<name>/<version>`. */
  recorded_policies: string[];
  /** Outputs of other programs, or of another log: not compared. */
  not_ours: number;
  /** Why outputs differ, and how many. */
  reasons: Record<string, number>;
  /** The first of each kind. */
  differences: OutputDifference[];
}
