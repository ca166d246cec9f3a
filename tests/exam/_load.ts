/**
 * What the pipeline is loaded with while it is disturbed: flights that are put on sale, sell, are cancelled or leave;
 * bookings, cancellations, repetitions, late ones, ones that come before their flights, snapshots, and bad records.
 * Seeded and without end. Event times rise, so that the order of a partition number is that of event time.
 *
 * @module
 */

import type { EventLog, NewRecord } from "../../event_log/event_log.ts";
import { oneOf, randomOf, wholeNumber } from "./_random.ts";
import type { Random } from "./experiment.ts";

/** A load's shape. */
export interface LoadOptions {
  /** Flights on sale at a time. Default 40. */
  flights?: number;
  /** Event time from one record to the next at the most, milliseconds. Default 800. */
  eventStepMsMax?: number;
  /** Share of records without a key, as other producers send them: they are passed on by flight. Default 0. */
  keylessShare?: number;
  /** Share of records that cannot be taken. Default 0.002. */
  badShare?: number;
}

const START_MS = Date.UTC(2026, 0, 5);
const HOUR_MS = 3_600_000;
const CARRIERS = ["BA", "AF", "LH", "U2", "FR", "IB"];
const SEATS = [98, 156, 180, 220];
const BOOKINGS_REMEMBERED = 400;
const OVER_REMEMBERED = 5;

/** One flight on sale. */
interface SoldFlight {
  id: string;
  seats: number;
  departureMs: number;
  /** How often it is drawn, against others: some flights hardly sell. */
  weight: number;
}

/** The next record with the share of each kind, in the order of {@link Load.next}'s draws. */
const SHARES = {
  cancel: 0.06,
  repeat: 0.03,
  snapshot: 0.03,
  delay: 0.005,
  over: 0.008,
  late: 0.004,
  early: 0.003,
};

/** An endless, seeded load: the same seed gives the same records, whenever they are asked for. */
export class Load {
  readonly #random: Random;
  readonly #options: Required<LoadOptions>;
  readonly #flights: SoldFlight[] = [];
  readonly #over: SoldFlight[] = [];
  readonly #bookings: { id: string; flight: string; record: NewRecord }[] = [];
  /** Records that come before anything else is drawn. */
  readonly #next: NewRecord[] = [];
  #timeMs = START_MS;
  #flightNumber = 0;
  #bookingNumber = 0;

  constructor(seed: number, options: LoadOptions = {}) {
    this.#random = randomOf(seed, "load");
    this.#options = { flights: 40, eventStepMsMax: 800, keylessShare: 0, badShare: 0.002, ...options };
  }

  /** The next `count` records, in event-time order. */
  take(count: number): NewRecord[] {
    return Array.from({ length: count }, () => this.#record());
  }

  #record(): NewRecord {
    const record = this.#next.shift() ?? this.#draw();
    if (this.#random() < this.#options.keylessShare) return { ...record, key: null };
    return record;
  }

  #draw(): NewRecord {
    this.#timeMs += 1 + Math.floor(this.#random() * this.#options.eventStepMsMax);
    if (this.#flights.length < this.#options.flights) return this.#schedule();
    let draw = this.#random();
    const falls = (share: number) => (draw -= share) < 0;
    if (falls(this.#options.badShare)) return this.#bad();
    if (falls(SHARES.cancel) && this.#bookings.length > 0) {
      return this.#cancel(oneOf(this.#random, this.#bookings));
    }
    if (falls(SHARES.repeat) && this.#bookings.length > 0) return oneOf(this.#random, this.#bookings).record;
    if (falls(SHARES.snapshot)) return this.#snapshot(this.#anyFlight());
    if (falls(SHARES.delay)) return this.#delay(oneOf(this.#random, this.#flights));
    if (falls(SHARES.over)) return this.#end();
    if (falls(SHARES.late) && this.#over.length > 0) return this.#book(oneOf(this.#random, this.#over));
    if (falls(SHARES.early)) return this.#bookBeforeFlight();
    return this.#book(this.#anyFlight());
  }

  #anyFlight(): SoldFlight {
    const total = this.#flights.reduce((sum, { weight }) => sum + weight, 0);
    let at = this.#random() * total;
    return this.#flights.find(({ weight }) => (at -= weight) < 0) ?? this.#flights.at(-1)!;
  }

  #newFlight(): SoldFlight {
    const number = this.#flightNumber++;
    const departureMs = this.#timeMs + wholeNumber(this.#random, 26, 9 * 24) * HOUR_MS;
    const day = new Date(departureMs).toISOString().slice(0, 10);
    return {
      id: `${CARRIERS[number % CARRIERS.length]}${100 + number}_${day}`,
      seats: oneOf(this.#random, SEATS),
      departureMs,
      weight: this.#random() < 0.3 ? 0.05 : 0.2 + this.#random(),
    };
  }

  #event(topic: string, flightId: string, fields: Record<string, unknown>): NewRecord {
    const { event_type, ...rest } = fields;
    const value = {
      event_type,
      event_time: new Date(this.#timeMs).toISOString(),
      flight_id: flightId,
      ...rest,
    };
    return { topic, key: flightId, value: JSON.stringify(value) };
  }

  #schedule(flight = this.#newFlight()): NewRecord {
    this.#flights.push(flight);
    const departure = new Date(flight.departureMs).toISOString();
    return this.#event("flight_lifecycle", flight.id, {
      event_type: "FlightScheduled",
      airline_code: flight.id.slice(0, 2),
      origin_airport: "LHR",
      destination_airport: "BOS",
      scheduled_departure_time: departure,
      scheduled_arrival_time: new Date(flight.departureMs + 7 * HOUR_MS).toISOString(),
      aircraft_type: "A320",
      total_seats: flight.seats,
      cabins: [{ cabin_code: "Y", seat_count: flight.seats }],
    });
  }

  #book(flight: SoldFlight): NewRecord {
    const id = `B${this.#bookingNumber++}-${flight.id}`;
    const passengers = Array.from({ length: wholeNumber(this.#random, 1, 4) }, (_, at) => ({
      passenger_id: `P${at}-${id}`,
      seat_id: null,
      cabin_code: "Y",
    }));
    const record = this.#event("bookings", flight.id, {
      event_type: "BookingCreated",
      booking_id: id,
      channel: "WEB",
      fare_bucket: oneOf(this.#random, ["Y", "M", "K"]),
      currency: "GBP",
      total_price: 140 * passengers.length,
      passengers,
    });
    this.#bookings.push({ id, flight: flight.id, record });
    if (this.#bookings.length > BOOKINGS_REMEMBERED) this.#bookings.shift();
    return record;
  }

  #cancel({ id, flight }: { id: string; flight: string }): NewRecord {
    return this.#event("bookings", flight, { event_type: "BookingCancelled", booking_id: id });
  }

  #snapshot(flight: SoldFlight): NewRecord {
    return this.#event("seat_inventory", flight.id, {
      event_type: "CabinInventorySnapshot",
      time_to_departure_minutes: Math.floor((flight.departureMs - this.#timeMs) / 60_000),
      cabins: [{ cabin_code: "Y", fare_buckets: [{ bucket: "K", available_seats: 9, price: 140 }] }],
      currency: "GBP",
    });
  }

  #delay(flight: SoldFlight): NewRecord {
    return this.#event("flight_lifecycle", flight.id, {
      event_type: "FlightDelayed",
      delay_minutes: 30,
      estimated_departure_time: new Date(flight.departureMs + HOUR_MS / 2).toISOString(),
    });
  }

  /** A flight leaves or is cancelled; another takes its place. */
  #end(): NewRecord {
    const [flight] = this.#flights.splice(wholeNumber(this.#random, 0, this.#flights.length), 1);
    this.#over.push(flight!);
    if (this.#over.length > OVER_REMEMBERED) this.#over.shift();
    if (this.#random() < 0.3) {
      return this.#event("flight_lifecycle", flight!.id, { event_type: "FlightCancelled" });
    }
    return this.#event("flight_lifecycle", flight!.id, {
      event_type: "FlightDeparted",
      actual_departure_time: new Date(this.#timeMs).toISOString(),
      delay_minutes: 0,
    });
  }

  /** A booking, its repetition and a cancellation of a flight that is only scheduled some records later. */
  #bookBeforeFlight(): NewRecord {
    const flight = this.#newFlight();
    const first = this.#book(flight);
    this.#timeMs += 1;
    this.#next.push(this.#cancel({ id: `never-${flight.id}`, flight: flight.id }), first);
    this.#timeMs += 1;
    this.#next.push(this.#schedule(flight));
    return first;
  }

  #bad(): NewRecord {
    const flight = oneOf(this.#random, this.#flights);
    const whole = this.#book(flight);
    this.#bookings.pop();
    const event = JSON.parse(whole.value!);
    const value = oneOf(this.#random, [
      "{not json",
      "[]",
      "",
      JSON.stringify({ ...event, total_price: -5 }),
      JSON.stringify({ ...event, passengers: [] }),
      JSON.stringify({ ...event, event_time: "yesterday" }),
      JSON.stringify({ ...event, event_type: "BookingDreamt" }),
    ]);
    return { ...whole, value };
  }
}

const FEED_INTERVAL_MS = 50;

/** What {@link keepFeeding} runs. */
export interface Feed {
  /** Records appended so far, each acknowledged. */
  appended(): number;
  /** Stops; resolves with the number of records appended, or throws what made an append fail. */
  stop(): Promise<number>;
}

/** Appends a load at a rate until it is stopped. Works on beside whatever is done to the processes. */
export function keepFeeding(log: EventLog, load: Load, options: { perSecond: number }): Feed {
  let stopping = false;
  let appended = 0;
  const run = async () => {
    const appender = await log.appender();
    try {
      const startedMs = performance.now();
      while (!stopping) {
        const due = Math.floor((performance.now() - startedMs) / 1000 * options.perSecond) - appended;
        // After a stall the rate is made up for in pieces.
        const count = Math.min(due, options.perSecond);
        if (count > 0) {
          await appender.append(load.take(count));
          appended += count;
        }
        await new Promise((resolve) => setTimeout(resolve, FEED_INTERVAL_MS));
      }
    } finally {
      await appender.close();
    }
  };
  const done = run();
  done.catch(() => {});
  return {
    appended: () => appended,
    stop: async () => {
      stopping = true;
      await done;
      return appended;
    },
  };
}
