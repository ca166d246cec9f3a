/** The feedback loop: promotions that were decided raise demand on their flights. */

import type { EventLog, LogRecord, NewRecord, PartitionOffset } from "../event_log/event_log.ts";
import { deadLetterId, deadLetterOf } from "../events/dead_letters.ts";
import { EventError, type EventErrorReason } from "../events/event_error.ts";
import { parseEvent, type ParseOptions } from "../events/parse_event.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { GROUPS } from "../events/topics.ts";
import { promotionsRecord } from "./producer_state.ts";
import type { Simulation } from "./simulation.ts";

export const DECISIONS_TOPIC = "promo_decisions";
const DEFAULT_FARE_BUCKET = "K";
const BUFFERED_RECORDS_MAX = 2000;

/** What a batch of decisions led to. */
export interface FeedbackResult {
  /** Entries of the state and dead letters, to be committed with the offsets. */
  records: NewRecord[];
  applied: number;
  /** Decisions that came too late or said nothing new. */
  ignored: string[];
  refused: EventErrorReason[];
}

/** Applies decisions to the simulation, in their order. */
export async function applyDecisions(
  simulation: Simulation,
  decisions: readonly LogRecord[],
  logId: string,
  options: ParseOptions = {},
): Promise<FeedbackResult> {
  const result: FeedbackResult = { records: [], applied: 0, ignored: [], refused: [] };
  for (const record of decisions) {
    try {
      const decision = parseEvent(record, options).event as PromotionTriggered;
      const outcome = simulation.promote(
        decision.flight_id,
        decision.discount_percentage,
        decision.target_fare_bucket ?? DEFAULT_FARE_BUCKET,
      );
      if (outcome.effect === "applied") {
        result.records.push(promotionsRecord(decision.flight_id, outcome.promotions));
        result.applied++;
      } else if (outcome.effect === "unknown_flight") {
        throw new EventError(
          "unknown_flight",
          `Flight "${decision.flight_id}" is not on sale in this simulation, the promotion has no effect`,
        );
      } else {
        result.ignored.push(outcome.effect);
      }
    } catch (error) {
      if (!(error instanceof EventError)) throw error;
      const { reason, message } = error;
      const refusal = { group: GROUPS.producerFeedback, logId, reason, message };
      result.records.push({
        topic: "dead_letters",
        key: deadLetterId(GROUPS.producerFeedback, record),
        value: await deadLetterOf(record, refusal),
      });
      result.refused.push(reason);
    }
  }
  return result;
}

/** Reads decisions beside the producer's own work; holds at most some thousand. */
export class DecisionListener {
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;
  #buffered: LogRecord[] = [];
  #positions = new Map<number, PartitionOffset>();
  #failure: unknown;
  #taken: (() => void) | undefined;

  private constructor(reader: Awaited<ReturnType<EventLog["reader"]>>) {
    this.#reading = (async () => {
      try {
        while (!this.#stop.signal.aborted) {
          for (const batch of await reader.poll({ maxWaitMs: 500, signal: this.#stop.signal })) {
            for (const record of batch.records) this.#buffered.push(record);
            const { topic, partition, nextOffset: offset } = batch;
            this.#positions.set(partition, { topic, partition, offset });
          }
          while (this.#buffered.length >= BUFFERED_RECORDS_MAX && !this.#stop.signal.aborted) {
            await new Promise<void>((resolve) => this.#taken = resolve);
          }
        }
      } catch (error) {
        this.#failure = error;
      } finally {
        await reader.close();
      }
    })();
  }

  /** Listens from the group's committed offsets on, else from the start. */
  static async open(log: EventLog): Promise<DecisionListener> {
    const committed = await log.committedOffsets(GROUPS.producerFeedback, [DECISIONS_TOPIC]);
    const positions = (await log.ranges([DECISIONS_TOPIC])).map(({ topic, partition, start }) => ({
      topic,
      partition,
      offset: Math.max(
        start,
        committed.find((position) => position.partition === partition)?.offset ?? start,
      ),
    }));
    return new DecisionListener(await log.reader({ positions }));
  }

  /**
   * The decisions that came since the last call, and the offsets to commit with what they lead to.
   *
   * Rejects with what reading failed with.
   */
  // deno-lint-ignore require-await -- so that a failure rejects
  async take(): Promise<{ decisions: LogRecord[]; positions: PartitionOffset[] }> {
    if (this.#failure !== undefined) throw this.#failure;
    const taken = { decisions: this.#buffered, positions: [...this.#positions.values()] };
    this.#buffered = [];
    this.#positions = new Map();
    this.#taken?.();
    return taken;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#taken?.();
    await this.#reading;
  }
}
