/**
 * What becomes of each record of one partition of `stream.events`: counted, passed on, or refused.
 *
 * An event is judged late where it landed. One that was on time there can still come too late where it is counted: its
 * minute is final because the partition that passed it on was silent for longer than is waited for, or because it lies
 * beyond the retention. That is late as well: a dead letter with the same reason, counted once, by the partition that
 * would have counted the event.
 *
 * @module
 */

import { EventError } from "../events/event_error.ts";
import type { EventErrorReason } from "../events/event_error.ts";
import type { RefusedRecord } from "../events/dead_letters.ts";
import { formatInstant } from "../events/instant.ts";
import { parseStreamEvent } from "../events/stream_events.ts";
import type { ParsedStreamEvent } from "../events/stream_events.ts";
import type { LogRecord, NewRecord } from "../event_log/event_log.ts";
import { partitionOf } from "../event_log/partitioner.ts";
import { originOf, passedOnRecord } from "./_intake.ts";
import { isTooLarge, VALUE_BYTES_MAX } from "./_record_size.ts";
import { WATERMARK_MS } from "./partition_watermark.ts";
import type { PartitionWatermark } from "./partition_watermark.ts";
import type { StateSink, ViewerWindows } from "./viewer_windows.ts";

export interface ViewerIntakeOptions {
  topic: string;
  partition: number;
  /** Partitions of the topic. */
  partitions: number;
  repartitionTopic: string;
  repartitionPartitions: number;
  eventLeadMsMax: number;
}

/** What was taken since the last commit. */
export interface ViewerInputs {
  /** Records moved past. */
  records: number;
  /** What their values hold together, in UTF-16 units. */
  units: number;
  counted: number;
  duplicates: number;
  passedOn: NewRecord[];
  refusals: { record: RefusedRecord; reason: EventErrorReason; message: string }[];
}

/** Steps records into the windows and collects what is to be appended to the log. */
export class ViewerIntake {
  readonly #windows: ViewerWindows;
  readonly #watermark: PartitionWatermark;
  readonly #state: StateSink;
  readonly #options: ViewerIntakeOptions;
  #inputs: ViewerInputs = noInputs();

  constructor(
    windows: ViewerWindows,
    watermark: PartitionWatermark,
    state: StateSink,
    options: ViewerIntakeOptions,
  ) {
    this.#windows = windows;
    this.#watermark = watermark;
    this.#state = state;
    this.#options = options;
  }

  /** What was taken since {@link ViewerIntake.clear}. */
  get inputs(): Readonly<ViewerInputs> {
    return this.#inputs;
  }

  clear(): void {
    this.#inputs = noInputs();
  }

  /** A record of the topic itself: here it is judged whether it is late. */
  takeOwn(record: LogRecord, nowMs: number): void {
    this.#inputs.records++;
    this.#inputs.units += record.value?.length ?? 0;
    try {
      const event = parseStreamEvent(record, this.#options);
      const { watermarkMs } = this.#watermark;
      if (!this.#watermark.take(event.eventTimeMs)) throw late(event, watermarkMs);
      this.#windows.advance(event.eventTimeMs);
      const home = partitionOf(event.streamId, this.#options.partitions);
      if (home === this.#options.partition) this.#apply(event, nowMs);
      else this.#passOn(record, event.streamId, home);
    } catch (error) {
      this.#refuse(record, error);
    }
  }

  /** A record that another partition has passed on. */
  takePassedOn(record: LogRecord, nowMs: number): void {
    this.#inputs.records++;
    this.#inputs.units += record.value?.length ?? 0;
    let origin: RefusedRecord = record;
    try {
      origin = originOf(record, [this.#options.topic]);
      const event = parseStreamEvent(origin, { eventLeadMsMax: Infinity });
      const home = partitionOf(event.streamId, this.#options.partitions);
      // Where there are fewer partitions to pass on by, several share one.
      if (home !== this.#options.partition) return;
      if (!this.#watermark.received(origin.partition, origin.offset, event.eventTimeMs, nowMs)) return;
      this.#apply(event, nowMs);
    } catch (error) {
      this.#refuse(origin, error);
    }
  }

  #apply(event: ParsedStreamEvent, nowMs: number): void {
    const outcome = this.#windows.apply(event, nowMs, this.#state);
    if (outcome === "counted") this.#inputs.counted++;
    else if (outcome === "duplicate") this.#inputs.duplicates++;
    else throw final(event, this.#windows.cutMs);
  }

  #passOn(record: LogRecord, streamId: string, home: number): void {
    // Kept as it came, a record that only just fitted would not fit with a key and the headers of its origin.
    if (isTooLarge(record.value!)) {
      throw new EventError(
        "too_large",
        `A record in another partition than its stream's is passed on, which takes up to ${VALUE_BYTES_MAX} bytes`,
      );
    }
    this.#watermark.passedOn();
    const { repartitionTopic, repartitionPartitions } = this.#options;
    this.#inputs.passedOn.push({
      ...passedOnRecord(record, streamId, repartitionTopic),
      partition: home % repartitionPartitions,
    });
  }

  #refuse(record: RefusedRecord, error: unknown): void {
    if (!(error instanceof EventError)) throw error;
    this.#inputs.refusals.push({ record, reason: error.reason, message: error.message });
  }
}

function noInputs(): ViewerInputs {
  return { records: 0, units: 0, counted: 0, duplicates: 0, passedOn: [], refusals: [] };
}

function late(event: ParsedStreamEvent, watermarkMs: number): EventError {
  return new EventError(
    "late",
    `Event time ${formatInstant(event.eventTimeMs)} is before ${
      formatInstant(watermarkMs)
    }, the watermark of its partition (${WATERMARK_MS / 60_000} minutes behind its newest event)`,
  );
}

function final(event: ParsedStreamEvent, cutMs: number): EventError {
  return new EventError(
    "late",
    `Event time ${formatInstant(event.eventTimeMs)} is before ${
      formatInstant(cutMs)
    }: on time where it landed, but the minutes of its stream are final up to there`,
  );
}
