/**
 * Writes the load of `workload.ts` as a raw lake, with one metrics event per booking, for measuring the ETL:
 *
 * ```
 * deno run -A bench/generate_lake.ts <folder> [bookings]
 * ```
 *
 * Deterministic; files are named and cut by hour as the lake writer's are.
 *
 * @module
 */

import { partitionOf } from "../event_log/partitioner.ts";
import { PARTITIONS } from "../events/topics.ts";
import { lakeLine } from "../lake/lake_line.ts";
import { hourOf, rawFileName } from "../lake/raw_files.ts";
import { bookingRecords, BOOKINGS, flightRecords } from "./workload.ts";

const LOG_ID8 = "1f3a9c2e";

/** Collects one topic's lines by partition and writes a file whenever an hour of event time ends. */
class TopicFiles {
  readonly #folder: string;
  readonly #lines: string[][] = Array.from({ length: PARTITIONS }, () => []);
  readonly #next: number[] = new Array(PARTITIONS).fill(0);
  #hour = "";

  constructor(folder: string) {
    this.#folder = folder;
    Deno.mkdirSync(folder, { recursive: true });
  }

  add(key: string, value: string, timestampMs: number): void {
    const hour = hourOf(timestampMs);
    if (hour !== this.#hour) this.flush();
    this.#hour = hour;
    const partition = partitionOf(key, PARTITIONS);
    const offset = this.#next[partition]! + this.#lines[partition]!.length;
    this.#lines[partition]!.push(lakeLine(value, { partition, offset, timestampMs }));
  }

  flush(): void {
    for (const [partition, lines] of this.#lines.entries()) {
      if (lines.length === 0) continue;
      const from = this.#next[partition]!;
      const to = from + lines.length;
      const name = rawFileName({ hour: this.#hour, logId8: LOG_ID8, partition, from, to, empty: false });
      Deno.writeTextFileSync(`${this.#folder}/${name}`, `${lines.join("\n")}\n`);
      this.#next[partition] = to;
      this.#lines[partition] = [];
    }
  }
}

/** Writes `count` bookings, as many metrics events and the flights below `rawFolder`. */
function generateLake(rawFolder: string, count = BOOKINGS): void {
  const flights = new TopicFiles(`${rawFolder}/flight_lifecycle`);
  for (const { key, value } of flightRecords()) {
    flights.add(key!, value!, Date.parse(JSON.parse(value!).event_time));
  }
  flights.flush();
  const bookings = new TopicFiles(`${rawFolder}/bookings`);
  const metrics = new TopicFiles(`${rawFolder}/inventory_metrics`);
  const booked = new Map<string, number>();
  let number = 0;
  for (const { key, value } of bookingRecords(count)) {
    const { event_time, flight_id } = JSON.parse(value!);
    const timeMs = Date.parse(event_time);
    bookings.add(key!, value!, timeMs);
    const seats = (booked.get(flight_id) ?? 0) + 1;
    booked.set(flight_id, seats);
    const event = {
      event_type: "CabinInventoryMetrics",
      event_time,
      flight_id,
      booked_seats: seats,
      total_seats: 180,
      load_factor: Math.round(Math.min(1, seats / 180) * 1000) / 1000,
      minutes_to_departure: 1440 + seats % 600,
      days_to_departure: 1.25,
      booking_velocity_per_hour: seats % 60,
      event_id: `bookings-${number % PARTITIONS}-${number++}-0@${LOG_ID8}`,
    };
    metrics.add(flight_id, JSON.stringify(event), timeMs);
  }
  bookings.flush();
  metrics.flush();
}

if (import.meta.main) generateLake(`${Deno.args[0]}/raw`, Number(Deno.args[1] ?? BOOKINGS));
