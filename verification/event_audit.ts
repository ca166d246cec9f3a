/**
 * What must hold between events, wherever they are: takes every event once, from the lake or, where the lake does not
 * have it yet, from the log.
 *
 * @module
 */

import type { BookingEvent } from "../events/bookings.ts";
import type { DeadLetter } from "../events/dead_letters.ts";
import { EventError } from "../events/event_error.ts";
import { parseInstant } from "../events/instant.ts";
import type { CabinInventoryMetrics } from "../events/inventory_metrics.ts";
import { parseEvent } from "../events/parse_event.ts";
import type { AirlineEvent, ParseOptions } from "../events/parse_event.ts";
import type { PromotionTriggered } from "../events/promo_decisions.ts";
import { GROUPS, LAKE_TOPICS } from "../events/topics.ts";
import type { EventLog, LogRecord, PartitionOffset } from "../event_log/event_log.ts";
import { logId8Of } from "../lake/raw_files.ts";
import { BookingBook } from "./booking_book.ts";
import type { EvaluationCounts, Explanation } from "./booking_book.ts";
import { DeadLetterBook } from "./dead_letter_book.ts";
import { EngineOutputs } from "./engine_outputs.ts";
import { EngineProgress, waitingPlaces } from "./engine_progress.ts";
import type { Findings } from "./findings.ts";
import type { LakeEvent } from "./lake_scan.ts";
import { readToEnd } from "./log_scan.ts";
import { OffsetSet } from "./offset_sets.ts";
import { ReplayBook } from "./replay_book.ts";

/** The topic of an input record, by its event's type. */
const INPUT_TOPIC: Partial<Record<AirlineEvent["event_type"], string>> = {
  FlightScheduled: "flight_lifecycle",
  FlightDelayed: "flight_lifecycle",
  FlightDeparted: "flight_lifecycle",
  FlightArrived: "flight_lifecycle",
  FlightCancelled: "flight_lifecycle",
  BookingCreated: "bookings",
  BookingCancelled: "bookings",
  CabinInventorySnapshot: "seat_inventory",
};

/** Where an event stands in a log. */
interface LogPlace {
  log: string;
  partition: number;
  offset: number;
  /** Append time; rarely asked for. */
  timestampMs: () => number;
}

/** The log that is read, and what it had at the start. */
interface AuditedLog {
  log: EventLog;
  logId8: string;
  topics: ReadonlySet<string>;
  progress: EngineProgress;
  lakeCommitted: readonly PartitionOffset[];
}

export class EventAudit {
  readonly outputs: EngineOutputs;
  readonly bookings: BookingBook;
  readonly deadLetters: DeadLetterBook;
  readonly replays: ReplayBook;
  readonly #findings: Findings;
  readonly #audited: AuditedLog | undefined;
  readonly #parseOptions: ParseOptions;
  /** By partition of `inventory_metrics`: the oldest record that is known. */
  readonly #metricsSince = new Map<number, LogPlace>();
  /** Records of `dead_letters` that are none, by partition: the lake leaves them out. */
  readonly #leftOut = new Map<number, OffsetSet>();
  #unjudged = 0;

  private constructor(
    findings: Findings,
    audited: AuditedLog | undefined,
    replays: ReplayBook,
    parseOptions: ParseOptions,
  ) {
    this.#parseOptions = parseOptions;
    this.#findings = findings;
    this.#audited = audited;
    this.outputs = new EngineOutputs(findings);
    this.bookings = new BookingBook(findings, this.outputs);
    this.replays = replays;
    this.deadLetters = new DeadLetterBook((letter) => replays.wasDrivenAgain(letter));
  }

  /** Begins: notes how far consumer and lake writer are. Outputs are to be taken after this, and inputs after them. */
  static async begin(
    findings: Findings,
    log: EventLog | undefined,
    parseOptions: ParseOptions,
  ): Promise<EventAudit> {
    const replays = await ReplayBook.begin(findings, log);
    if (log === undefined) return new EventAudit(findings, undefined, replays, parseOptions);
    const topics = new Set((await log.listTopics()).map(({ name }) => name));
    const progress = await EngineProgress.read(log, topics);
    const lakeTopics = LAKE_TOPICS.filter((topic) => topics.has(topic));
    const lakeCommitted = await log.committedOffsets(GROUPS.lake, lakeTopics);
    const audited = { log, logId8: logId8Of(log.logId), topics, progress, lakeCommitted };
    return new EventAudit(findings, audited, replays, parseOptions);
  }

  /** By partition of a topic: what the lake writer said at the beginning that it had written. */
  lakeCommitted(topic: string): Map<number, number> {
    const own = this.#audited!.lakeCommitted.filter((position) => position.topic === topic);
    return new Map(own.map(({ partition, offset }) => [partition, offset]));
  }

  /** Whether the log has a topic. */
  hasTopic(topic: string): boolean {
    return this.#audited?.topics.has(topic) ?? false;
  }

  /** Takes an event of the lake. */
  takeLine({ event, place, sealed, shownPlace }: LakeEvent): void {
    const timestampMs = () => parseInstant((event as unknown as { _timestamp: string })._timestamp);
    this.#take(event, sealed ? { ...place, timestampMs } : undefined, shownPlace);
  }

  /** Takes a record that the lake does not have: not yet, or not at all. */
  takeRecord(record: LogRecord): void {
    const { topic, partition, offset, timestampMs } = record;
    let event: AirlineEvent;
    try {
      ({ event } = parseEvent(record, this.#parseOptions));
    } catch (error) {
      // A value that is nested too deep breaks the parser itself.
      if (!(error instanceof EventError || error instanceof RangeError)) throw error;
      // Lake writer and consumer refuse it: it becomes a dead letter, unless it was meant to be one itself.
      if (topic === "dead_letters") this.#leaveOut(partition, offset);
      // Bad as it is, it tells that nothing before the next one has aged out.
      if (topic === "inventory_metrics") {
        this.#rememberOldest({
          log: this.#audited!.logId8,
          partition,
          offset,
          timestampMs: () => timestampMs,
        });
      }
      return;
    }
    const place = { log: this.#audited!.logId8, partition, offset, timestampMs: () => timestampMs };
    this.#take(event, place, () => `${topic}-${partition}-${offset}`);
  }

  /** Whether the lake rightly does without a record of the current log. */
  isRefused(topic: string, partition: number, offset: number): boolean {
    if (this.deadLetters.has(GROUPS.lake, this.#audited!.logId8, topic, partition, offset)) return true;
    return topic === "dead_letters" && this.#leftOut.get(partition)?.has(offset) === true;
  }

  /**
   * Judges what was taken.
   *
   * @param metricsRead By partition of `inventory_metrics`: where reading the log stopped.
   * @returns How the engine dealt with the bookings of the current log; `null` without a log.
   */
  async conclude(
    metricsRead: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): Promise<EvaluationCounts | null> {
    this.outputs.checkInputs(this.#audited?.logId8);
    if (this.#audited === undefined) return null;
    const { log, logId8, topics, progress } = this.#audited;
    await this.replays.conclude(log, signal);
    if (this.#unjudged > 0) {
      this.#findings.note(
        `engine: ${this.#unjudged} bookings are older than the metrics that log and lake still have: not judged`,
      );
    }
    const isRefused = (partition: number, offset: number) =>
      [GROUPS.engine, `${GROUPS.engine}-bookings`].some((group) =>
        this.deadLetters.has(group, logId8, "bookings", partition, offset)
      );
    let waiting = new Set<string>();
    let passedOn = new Set<string>();
    for (const { partition, offset } of this.bookings.unevaluated(logId8)) {
      if (isRefused(partition, offset)) continue;
      // Only where something is unexplained: all of the consumer's state has to be read.
      waiting = await waitingPlaces(log, topics, signal);
      passedOn = await progress.passedOn(log, topics, signal);
      await this.#takeLateOutputs(metricsRead, signal);
      break;
    }
    return this.bookings.conclude(logId8, ({ partition, offset }): Explanation => {
      const place = `bookings-${partition}-${offset}`;
      if (isRefused(partition, offset)) return "dead letter";
      if (waiting.has(place)) return "waiting";
      return passedOn.has(place) ? "not yet processed" : undefined;
    });
  }

  /** Outputs that came since: of events that waited for their flight, for one. */
  async #takeLateOutputs(metricsRead: ReadonlyMap<number, number>, signal: AbortSignal): Promise<void> {
    const topic = "inventory_metrics";
    const positions = Array.from(metricsRead, ([partition, offset]) => ({ topic, partition, offset }));
    await readToEnd(this.#audited!.log, positions, {
      take: (record) => this.takeRecord(record),
      signal,
    });
  }

  #take(event: AirlineEvent, record: LogPlace | undefined, shownPlace: () => string): void {
    switch (event.event_type) {
      case "CabinInventoryMetrics":
        if (record !== undefined && record.log === this.#audited?.logId8) this.#rememberOldest(record);
        this.#takeOutput("inventory_metrics", event, record, shownPlace);
        return;
      case "PromotionTriggered":
        this.#takeOutput("promo_decisions", event, record, shownPlace);
        return;
      case "DeadLetter":
        this.deadLetters.take(event as DeadLetter);
        return;
      case "SeatMapSnapshot":
        return;
      case "FlightScheduled":
        this.bookings.takeFlight(event);
        break;
      case "BookingCreated":
      case "BookingCancelled":
        this.bookings.take(event);
        if (record !== undefined && record.log === this.#audited?.logId8) this.#takeBooking(event, record);
    }
    if (record === undefined) return;
    this.outputs.addInput(record.log, INPUT_TOPIC[event.event_type]!, record.partition, record.offset);
  }

  #takeOutput(
    topic: string,
    event: CabinInventoryMetrics | PromotionTriggered,
    record: LogPlace | undefined,
    shownPlace: () => string,
  ): void {
    // Refused by one of its readers and driven again: the same output, which its new record stands for.
    if (
      record !== undefined && this.replays.isSuperseded(record.log, topic, record.partition, record.offset)
    ) {
      return;
    }
    this.outputs.take(event, record?.log ?? "", shownPlace);
  }

  #takeBooking(event: BookingEvent, { log, partition, offset, timestampMs }: LogPlace): void {
    for (const since of this.#metricsSince.values()) {
      // What came before the oldest metrics that are left: its own may be gone.
      if (since.offset > 0 && timestampMs() < since.timestampMs()) {
        this.#unjudged++;
        this.bookings.takeUnjudged(event);
        return;
      }
    }
    const isProcessed = this.#audited!.progress.hasProcessed(partition, offset);
    this.bookings.takeRecord(event, log, { partition, offset }, isProcessed);
  }

  #rememberOldest(place: LogPlace): void {
    const known = this.#metricsSince.get(place.partition);
    if (known === undefined || place.offset < known.offset) this.#metricsSince.set(place.partition, place);
  }

  #leaveOut(partition: number, offset: number): void {
    let offsets = this.#leftOut.get(partition);
    if (offsets === undefined) this.#leftOut.set(partition, offsets = new OffsetSet());
    offsets.add(offset);
  }
}
