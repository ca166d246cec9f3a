/**
 * Holds what a replay gives against what was recorded: every output by its id, byte for byte. Metrics are kept as 64-bit
 * hashes by the place of their input, decisions as they are.
 *
 * @module
 */

import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { ByPlace, OffsetHashes } from "../verification/offset_sets.ts";
import { hash64, hashWords } from "../verification/text_hash.ts";
import { OUTPUT_TOPICS } from "./comparison_report.ts";
import type { ComparisonReport, OutputCounts, OutputDifference, OutputTopic } from "./comparison_report.ts";
import type { ReplayedOutput } from "./replayed_partition.ts";
import { outputTimeMs } from "./replayed_partition.ts";

/** Where an output's input stands, and the output's id. */
export interface OutputPlace {
  topic: string;
  partition: number;
  offset: number;
}

export interface ComparisonOptions {
  logId: string;
  /** `<name>/<version>` of the replayed policy. */
  policy: string;
  fromMs: number;
  toMs: number;
}

/** What is known before the first output is replayed. */
export interface ComparisonStart {
  /** The order in which the consumer took its records is known. */
  orderKnown: boolean;
  /** By topic: what was recorded first is gone. */
  beginningGone: ReadonlySet<OutputTopic>;
}

/** What is known once all was replayed. */
export interface ComparisonEnd {
  /** Whether the replay came to an output's input. */
  isReplayed: (place: OutputPlace) => boolean;
  historyMissing: boolean;
  /** The order of the oldest records is not known. */
  orderBegunLater: boolean;
}

const OUTPUT_ID = /^(.+)-(\d{1,9})-(\d{1,16})-(\d{1,6})@([0-9a-f]{8})$/;
const EXAMPLES_MAX = 10;

/** A difference before it is known why. */
interface DifferenceKind {
  topic: OutputTopic;
  kind: OutputDifference["kind"];
  policy: string | undefined;
  id: string;
}
const ID_FIELD = '"event_id":"';

/** Hashes by offset. */
interface Hashes {
  high: OffsetHashes;
  low: OffsetHashes;
}

export class Comparison {
  readonly #options: ComparisonOptions;
  readonly #logId8: string;
  readonly #metrics = new ByPlace<Hashes>(() => ({ high: new OffsetHashes(), low: new OffsetHashes() }));
  /** Recorded decisions that were not replayed yet, by id. */
  readonly #decisions = new Map<string, string>();
  readonly #policies = new Set<string>();
  /** Append time of the newest recorded metrics, by partition of the topic. */
  readonly #recordedToMs = new Map<number, number>();
  readonly #counts: Record<OutputTopic, OutputCounts>;
  /** By partition and topic: whether something replayed was recorded. */
  readonly #matched = new Set<string>();
  readonly #differences = new Map<
    string,
    { difference: Omit<DifferenceKind, "id">; count: number; ids: string[] }
  >();
  #start: ComparisonStart = { orderKnown: true, beginningGone: new Set() };
  #notOurs = 0;

  constructor(options: ComparisonOptions) {
    this.#options = options;
    this.#logId8 = options.logId.slice(0, 8);
    const counts = (): OutputCounts => ({
      equal: 0,
      different: 0,
      only_recorded: 0,
      only_replayed: 0,
      not_comparable: 0,
    });
    this.#counts = { inventory_metrics: counts(), promo_decisions: counts() };
  }

  /** Takes an output that was recorded; all of them before the first replayed one. */
  takeRecorded(
    topic: OutputTopic,
    record: { partition: number; timestampMs: number; value: string | null },
  ): void {
    const { value, partition, timestampMs } = record;
    if (value === null) return;
    if (topic === "inventory_metrics") {
      const known = this.#recordedToMs.get(partition) ?? -Infinity;
      if (timestampMs > known) this.#recordedToMs.set(partition, timestampMs);
    }
    const id = outputId(value);
    const place = placeOf(id, this.#logId8);
    if (place === undefined) {
      this.#notOurs++;
      return;
    }
    const timeMs = outputTimeMs(value);
    if (!(timeMs >= this.#options.fromMs && timeMs < this.#options.toMs)) return;
    if (topic === "promo_decisions") {
      this.#decisions.set(id!, value);
      const policy = policyOf(value);
      if (policy !== undefined) this.#policies.add(policy);
      return;
    }
    const { high, low } = this.#metrics.at("", place.topic, place.partition);
    hash64(value);
    high.set(place.offset, hashWords[0]! || 1);
    low.set(place.offset, hashWords[1]! || 1);
  }

  /** Says what is known of the replay, before its first output. */
  begin(start: ComparisonStart): void {
    this.#start = start;
  }

  /** Takes a replayed output within the time that is looked at. */
  takeReplayed({ topic, value }: ReplayedOutput, partition: number, inputMs: number): void {
    const id = outputId(value)!;
    const found = topic === "promo_decisions" ? this.#takeDecision(id, value) : this.#takeMetrics(id, value);
    const lane = `${topic}/${partition}`;
    if (found) {
      this.#matched.add(lane);
      return;
    }
    const gone = this.#start.beginningGone.has(topic) && !this.#matched.has(lane);
    const later = !this.#start.orderKnown && inputMs > (this.#recordedToMs.get(partition) ?? -Infinity);
    if (gone || later) this.#counts[topic].not_comparable++;
    else {
      this.#counts[topic].only_replayed++;
      this.#differs({ topic, kind: "only replayed", policy: undefined, id });
    }
  }

  #takeDecision(id: string, value: string): boolean {
    const recorded = this.#decisions.get(id);
    if (recorded === undefined) return false;
    this.#decisions.delete(id);
    this.#compared("promo_decisions", id, recorded === value, policyOf(recorded));
    return true;
  }

  #takeMetrics(id: string, value: string): boolean {
    const { topic, partition, offset } = placeOf(id, this.#logId8)!;
    const hashes = this.#metrics.existing("", topic, partition);
    const recorded = hashes?.high.get(offset) ?? 0;
    if (hashes === undefined || recorded === 0) return false;
    hash64(value);
    const equal = recorded === (hashWords[0]! || 1) && hashes.low.get(offset) === (hashWords[1]! || 1);
    hashes.high.set(offset, 0);
    hashes.low.set(offset, 0);
    this.#compared("inventory_metrics", id, equal, undefined);
    return true;
  }

  #compared(topic: OutputTopic, id: string, equal: boolean, policy: string | undefined): void {
    if (equal) this.#counts[topic].equal++;
    else {
      this.#counts[topic].different++;
      this.#differs({ topic, kind: "different", policy, id });
    }
  }

  #differs({ topic, kind, policy, id }: DifferenceKind): void {
    const key = `${topic}\n${kind}\n${policy ?? ""}`;
    let known = this.#differences.get(key);
    if (known === undefined) {
      this.#differences.set(key, known = { difference: { topic, kind, policy }, count: 0, ids: [] });
    }
    known.count++;
    if (known.ids.length < EXAMPLES_MAX) known.ids.push(id);
  }

  /** Judges what was taken. */
  conclude(end: ComparisonEnd): ComparisonReport {
    this.#judgeLeft(end);
    const compared = OUTPUT_TOPICS.reduce((sum, topic) => sum + this.#counts[topic].equal, 0);
    const report: ComparisonReport = {
      agrees: this.#differences.size === 0 && compared > 0,
      ...this.#counts,
      recorded_policies: [...this.#policies].sort(),
      not_ours: this.#notOurs,
      reasons: {},
      differences: [],
    };
    for (const { difference: { topic, kind, policy }, count, ids } of this.#differences.values()) {
      const why = this.#why(topic, policy, end);
      report.reasons[why] = (report.reasons[why] ?? 0) + count;
      for (const event_id of ids) report.differences.push({ topic, kind, event_id, why });
    }
    return report;
  }

  /** What was recorded and not replayed. */
  #judgeLeft({ isReplayed }: ComparisonEnd): void {
    const judge = (topic: OutputTopic, place: OutputPlace, id: string, policy?: string) => {
      if (isReplayed(place)) {
        this.#counts[topic].only_recorded++;
        this.#differs({ topic, kind: "only recorded", policy, id });
      } else this.#counts[topic].not_comparable++;
    };
    for (const { topic, partition, value } of this.#metrics.all()) {
      for (const offset of value.high) {
        const id = `${topic}-${partition}-${offset}-0@${this.#logId8}`;
        judge("inventory_metrics", { topic, partition, offset }, id);
      }
    }
    for (const [id, value] of this.#decisions) {
      judge("promo_decisions", placeOf(id, this.#logId8)!, id, policyOf(value));
    }
  }

  #why(topic: OutputTopic, policy: string | undefined, end: ComparisonEnd): string {
    const { policy: replayed } = this.#options;
    if (topic === "promo_decisions") {
      if (policy !== undefined && policy !== replayed) {
        return `recorded under ${policy}, replayed under ${replayed}`;
      }
      const others = [...this.#policies].filter((other) => other !== replayed).sort();
      if (others.length > 0) {
        return `the consumer ran under ${others.join(", ")} too, replayed under ${replayed}`;
      }
    }
    if (end.historyMissing) {
      return "the records before the first one that is left are missing, and the state that came of them";
    }
    if (!this.#start.orderKnown) return "the order in which the consumer took the records is not known";
    if (end.orderBegunLater) {
      return "the order in which the consumer took the oldest records is not known any more";
    }
    return "not explained: did the consumer run with other options (--max-promotions-per-flight, --promo-cooldown, --policy-options, --explore, MAX_EVENT_LEAD)?";
  }
}

/** An output's id, which stands in its text as the engine writes it; `undefined` where there is none. */
function outputId(value: string): string | undefined {
  const at = value.lastIndexOf(ID_FIELD);
  if (at === -1) return undefined;
  const start = at + ID_FIELD.length;
  return value.slice(start, value.indexOf('"', start));
}

/** The input's place; `undefined` where the id is not of the log. */
function placeOf(id: string | undefined, logId8: string): OutputPlace | undefined {
  const match = id === undefined ? null : OUTPUT_ID.exec(id);
  if (match === null || match[5] !== logId8) return undefined;
  return { topic: match[1]!, partition: Number(match[2]), offset: Number(match[3]) };
}

function policyOf(value: string): string | undefined {
  try {
    const { policy, decision_source } = JSON.parse(value) as Partial<PromotionTriggered>;
    return policy ?? decision_source;
  } catch {
    return undefined;
  }
}
