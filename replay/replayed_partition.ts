/** One partition number's engine in a replay: what goes in, and what comes out. */

import type { EventErrorReason } from "../events/event_error.ts";
import { parseInstant } from "../events/instant.ts";
import type { ParsedEvent } from "../events/parse_event.ts";
import type { LogRecord } from "../event_log/event_log.ts";
import { intake } from "../streaming/_intake.ts";
import type { IntakeOptions } from "../streaming/_intake.ts";
import type { RefusedRecord } from "../events/dead_letters.ts";
import type { EngineOutput } from "../streaming/engine_outputs.ts";
import type { InventoryEngine } from "../streaming/inventory_engine.ts";
import type { OutputTopic } from "./comparison_report.ts";
import { LEFT_OUT_MS } from "./lake_scan.ts";
import { WAITING_PREFIX } from "../streaming/waiting_events.ts";

/** An output of the engine, and its event time in milliseconds since 1970. */
export interface ReplayedOutput extends EngineOutput {
  topic: OutputTopic;
  timeMs: number;
}

export interface ReplayedPartitionOptions {
  partition: number;
  engine: InventoryEngine;
  intake: IntakeOptions;
  /** @param inputMs Append time of the newest record that was taken. */
  onOutput: (output: ReplayedOutput, partition: number, inputMs: number) => void;
  onRefusal: (reason: EventErrorReason | "left_out_by_lake") => void;
}

const TIME_FIELD = '"event_time":"';
const TIME_LENGTH = 24;

/** The event time of an output, which the engine writes in one form. */
export function outputTimeMs(value: string): number {
  const at = value.indexOf(TIME_FIELD) + TIME_FIELD.length;
  return parseInstant(value.slice(at, at + TIME_LENGTH));
}

export class ReplayedPartition {
  readonly partition: number;
  /** Records that wait for their flight, as `<topic>-<partition>-<offset>`. */
  readonly waiting = new Set<string>();
  readonly #options: ReplayedPartitionOptions;
  #inputMs = -Infinity;

  constructor(options: ReplayedPartitionOptions) {
    this.partition = options.partition;
    this.#options = options;
  }

  /** Takes a record as the consumer does: judges it by itself, and leaves to others what it passed on. */
  takeRecord(record: LogRecord): void {
    if (record.timestampMs === LEFT_OUT_MS && record.value === null) {
      this.#options.onRefusal("left_out_by_lake");
      return;
    }
    const { origin, outcome } = intake(record, 0, this.#options.intake);
    if (outcome.kind === "event") this.take(outcome.parsed, origin);
    else if (outcome.kind === "refuse") this.#options.onRefusal(outcome.reason);
  }

  /** Takes an event of this partition's flights. */
  take(parsed: ParsedEvent, record: RefusedRecord): void {
    if (record.timestampMs > this.#inputMs) this.#inputMs = record.timestampMs;
    this.#options.engine.apply(parsed, record);
  }

  /** Hands on what came of the records since the last call. */
  settle(): void {
    const { engine, onOutput, onRefusal } = this.#options;
    const { outputs, refusals, changes } = engine.take();
    for (const { topic, flightId, value } of outputs) {
      // What was held back is a note for people: decisions and metrics are what others go by.
      if (topic === "policy_evaluations") continue;
      onOutput({ topic, flightId, value, timeMs: outputTimeMs(value) }, this.partition, this.#inputMs);
    }
    for (const { reason } of refusals) onRefusal(reason);
    for (const { key, value } of changes) {
      if (!key.startsWith(WAITING_PREFIX)) continue;
      const place = key.slice(WAITING_PREFIX.length);
      if (value === null) this.waiting.delete(place);
      else this.waiting.add(place);
    }
  }
}
