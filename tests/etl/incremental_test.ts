import { deepEqual } from "node:assert/strict";
import fc from "fast-check";
import { booking, cancellation, metrics, promotion, scheduled, withLake } from "./_etl_support.ts";
import type { Fields, TestLake } from "./_etl_support.ts";

/** What happens, in three partitions; the ids come from few, so that many come twice and across partitions. */
const eventArbitrary = fc.record({
  partition: fc.integer({ min: 0, max: 2 }),
  kind: fc.constantFrom(
    "booking",
    "cancellation",
    "metrics",
    "promotion",
    "scheduled",
    "delayed",
    "departed",
    "broken",
  ),
  id: fc.integer({ min: 0, max: 5 }),
  number: fc.integer({ min: 0, max: 9 }),
});

type Happening = typeof eventArbitrary extends fc.Arbitrary<infer T> ? T : never;

const TOPIC: Record<string, string> = {
  booking: "bookings",
  cancellation: "bookings",
  broken: "bookings",
  metrics: "inventory_metrics",
  promotion: "promo_decisions",
  scheduled: "flight_lifecycle",
  delayed: "flight_lifecycle",
  departed: "flight_lifecycle",
};

function eventOf({ kind, id, number }: Happening): Fields | string {
  const flight_id = `BA${id}_2025-11-28`;
  const event_time = `2025-11-24T10:15:3${number}.000Z`;
  switch (kind) {
    case "booking":
      return booking(`B${id}`, {
        flight_id,
        event_time,
        total_price: number,
        passengers: Array.from({ length: number % 3 + 1 }, (_, at) => ({ passenger_id: `P${at}` })),
      });
    case "cancellation":
      return cancellation(`B${id}`, { event_time });
    case "metrics":
      return metrics({ flight_id, event_time, event_id: number < 5 ? null : `m${id}` });
    case "promotion":
      return promotion({
        flight_id,
        event_time,
        event_id: number < 5 ? null : `p${id}`,
        discount_percentage: number,
      });
    case "scheduled":
      return scheduled({ flight_id, event_time, total_seats: 100 + number });
    case "broken":
      return `{"broken":${number}`;
    default:
      return {
        event_type: kind === "delayed" ? "FlightDelayed" : "FlightDeparted",
        event_time,
        flight_id,
        delay_minutes: number,
        estimated_departure_time: event_time,
        actual_departure_time: event_time,
      };
  }
}

/** Appends happenings to a lake as files that go on where the partition's last one ended. */
class Appender {
  readonly #lake: TestLake;
  readonly #next = new Map<string, number>();

  constructor(lake: TestLake) {
    this.#lake = lake;
  }

  append(happenings: readonly Happening[]): void {
    const files = new Map<string, { topic: string; partition: number; events: (Fields | string)[] }>();
    for (const happening of happenings) {
      const topic = TOPIC[happening.kind]!;
      const place = `${topic}/${happening.partition}`;
      const file = files.get(place) ?? { topic, partition: happening.partition, events: [] };
      file.events.push(eventOf(happening));
      files.set(place, file);
    }
    for (const [place, { topic, partition, events }] of files) {
      const from = this.#next.get(place) ?? 0;
      this.#lake.seal(topic, events, { partition, from });
      this.#next.set(place, from + events.length);
    }
  }
}

Deno.test("the gold tables do not depend on how runs cut the lake", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(eventArbitrary, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(1, 2000, 64 * 1024 * 1024),
      async (runs, sliceBytes) => {
        await withLake(async (lake) => {
          const appender = new Appender(lake);
          const rejected: Record<string, number> = {};
          for (const happenings of runs) {
            appender.append(happenings);
            const summary = await lake.build({ sliceBytes });
            for (const [reason, count] of Object.entries(summary.rejected)) {
              rejected[reason] = (rejected[reason] ?? 0) + count;
            }
          }
          const [gold, lines] = [lake.gold(), lake.rejected("bookings")];
          const whole = await lake.build({ full: true });
          deepEqual(gold, lake.gold());
          deepEqual(rejected, whole.rejected);
          const order = (a: Fields, b: Fields) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
          deepEqual(lines.sort(order), lake.rejected("bookings").sort(order));
        });
      },
    ),
    { numRuns: 15, endOnFailure: true },
  );
});
