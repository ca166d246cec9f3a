/**
 * All bookings: seats sold against seats that there are, and whether the engine evaluated each booking exactly once.
 *
 * @module
 */

import type { BookingEvent } from "../events/bookings.ts";
import type { FlightScheduled } from "../events/flight_lifecycle.ts";
import { parseInstant } from "../events/instant.ts";
import type { EngineOutputs } from "./engine_outputs.ts";
import type { Findings } from "./findings.ts";
import { KeyTable } from "./key_table.ts";

const CREATED = 1;
const CANCELLED = 2;
const CREATED_EVALUATED = 4;
const CANCELLED_EVALUATED = 8;
/** Came before the metrics that are left: whether it was evaluated cannot be told any more. */
const UNJUDGED = 16;

interface FlightSeats {
  totalSeats: number;
  /** Event time of the schedule that says so. */
  scheduleMs: number;
  soldSeats: number;
}

/** A record of topic `bookings` in the current log. */
export interface BookingRecord {
  partition: number;
  offset: number;
}

/** Why a booking has no metrics; `undefined` says that nothing explains it. */
export type Explanation = "dead letter" | "waiting" | "not yet processed" | undefined;

/** How the engine dealt with the bookings of the current log. */
export interface EvaluationCounts {
  evaluated: number;
  /** The same booking came before, or its cancellation did. */
  duplicates: number;
  dead_letters: number;
  waiting: number;
  not_yet_processed: number;
  missing: number;
}

export class BookingBook {
  readonly #findings: Findings;
  readonly #outputs: EngineOutputs;
  readonly #flights = new Map<string, FlightSeats>();
  readonly #bookings = new KeyTable();
  /** Bookings without metrics so far; flat lists, for there may be very many where the engine did not run. */
  readonly #open = {
    high: [] as number[],
    low: [] as number[],
    cancelled: [] as boolean[],
    partition: [] as number[],
    offset: [] as number[],
  };
  #evaluated = 0;
  #notYetProcessed = 0;

  constructor(findings: Findings, outputs: EngineOutputs) {
    this.#findings = findings;
    this.#outputs = outputs;
  }

  takeFlight({ flight_id, total_seats, event_time }: FlightScheduled): void {
    const scheduleMs = parseInstant(event_time);
    const known = this.#flights.get(flight_id);
    if (known === undefined) {
      this.#flights.set(flight_id, { totalSeats: total_seats, scheduleMs, soldSeats: 0 });
    } else if (scheduleMs >= known.scheduleMs) {
      known.totalSeats = total_seats;
      known.scheduleMs = scheduleMs;
    }
  }

  /** Takes a booking or a cancellation, from anywhere; each booking's seats count once. */
  take(event: BookingEvent): void {
    const cancels = event.event_type === "BookingCancelled";
    const slot = this.#bookings.add(`${event.flight_id}\n${event.booking_id}`);
    const flags = cancels ? CANCELLED : CREATED;
    if (this.#bookings.hasFlags(slot, flags)) return;
    this.#bookings.setFlags(slot, flags);
    const flight = this.#flights.get(event.flight_id);
    if (!cancels) {
      const seats = event.passengers.length;
      this.#bookings.setValueAt(slot, seats);
      if (flight !== undefined && !this.#bookings.hasFlags(slot, CANCELLED)) flight.soldSeats += seats;
    } else if (flight !== undefined) flight.soldSeats -= this.#bookings.valueAt(slot);
  }

  /** The same for a record of the current log that the engine must deal with; call {@link BookingBook.take} first. */
  takeRecord(event: BookingEvent, log: string, record: BookingRecord, isProcessed: boolean): void {
    const cancelled = event.event_type === "BookingCancelled";
    const slot = this.#bookings.add(`${event.flight_id}\n${event.booking_id}`);
    if (this.#outputs.hasMetrics(log, "bookings", record.partition, record.offset)) {
      this.#evaluated++;
      const flag = cancelled ? CANCELLED_EVALUATED : CREATED_EVALUATED;
      if (this.#bookings.hasFlags(slot, flag)) {
        this.#findings.add(
          "engine",
          "booking evaluated twice",
          `${event.booking_id} on ${event.flight_id}, again from bookings-${record.partition}-${record.offset}`,
        );
      }
      this.#bookings.setFlags(slot, flag);
      return;
    }
    if (!isProcessed) {
      this.#notYetProcessed++;
      return;
    }
    const [high, low] = this.#bookings.hashAt(slot);
    this.#open.high.push(high);
    this.#open.low.push(low);
    this.#open.cancelled.push(cancelled);
    this.#open.partition.push(record.partition);
    this.#open.offset.push(record.offset);
  }

  /** The same for a record whose metrics have aged out: it explains those of the same booking that came later. */
  takeUnjudged(event: BookingEvent): void {
    this.#bookings.setFlags(this.#bookings.add(`${event.flight_id}\n${event.booking_id}`), UNJUDGED);
  }

  /** Records without metrics that no other record of the same booking explains. */
  *unevaluated(log: string): Iterable<BookingRecord> {
    for (let index = 0; index < this.#open.offset.length; index++) {
      if (this.#stateOf(index, log) === "open") {
        yield { partition: this.#open.partition[index]!, offset: this.#open.offset[index]! };
      }
    }
  }

  /** Counts every booking of the current log, and finds those that nothing explains. */
  conclude(log: string, explain: (record: BookingRecord) => Explanation): EvaluationCounts {
    const counts: EvaluationCounts = {
      evaluated: this.#evaluated,
      duplicates: 0,
      dead_letters: 0,
      waiting: 0,
      not_yet_processed: this.#notYetProcessed,
      missing: 0,
    };
    for (let index = 0; index < this.#open.offset.length; index++) {
      const record = { partition: this.#open.partition[index]!, offset: this.#open.offset[index]! };
      const state = this.#stateOf(index, log);
      const explanation = state === "open" ? explain(record) : undefined;
      if (state === "evaluated") counts.evaluated++;
      else if (state === "duplicate") counts.duplicates++;
      else if (explanation === "dead letter") counts.dead_letters++;
      else if (explanation === "waiting") counts.waiting++;
      else if (explanation === "not yet processed") counts.not_yet_processed++;
      else {
        counts.missing++;
        this.#findings.add(
          "engine",
          "booking not evaluated",
          `bookings-${record.partition}-${record.offset} led to no metrics and is no dead letter`,
        );
      }
    }
    return counts;
  }

  /** No flight may have more seats sold than it has. */
  checkSeats(): { flights: number; bookings: number; soldSeats: number } {
    let soldSeats = 0;
    for (const [flightId, flight] of this.#flights) {
      soldSeats += flight.soldSeats;
      if (flight.soldSeats <= flight.totalSeats) continue;
      this.#findings.add(
        "seats",
        "flights oversold by their bookings",
        `${flightId} has ${flight.soldSeats} seats sold of ${flight.totalSeats}`,
      );
    }
    return { flights: this.#flights.size, bookings: this.#bookings.size, soldSeats };
  }

  #stateOf(index: number, log: string): "evaluated" | "duplicate" | "open" {
    const { high, low, cancelled, partition, offset } = this.#open;
    if (this.#outputs.hasMetrics(log, "bookings", partition[index]!, offset[index]!)) return "evaluated";
    const slot = this.#bookings.findHash([high[index]!, low[index]!]);
    // A booking that its cancellation overtook counts as known and is not evaluated.
    const others = cancelled[index] ? CANCELLED_EVALUATED : CREATED_EVALUATED | CANCELLED_EVALUATED;
    return this.#bookings.hasFlags(slot, others | UNJUDGED) ? "duplicate" : "open";
  }
}
