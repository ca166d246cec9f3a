import { deepEqual, equal } from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { EVENT_LEAD_MS_MAX } from "../../events/parse_event.ts";
import { LEFT_OUT_MS } from "../../replay/lake_scan.ts";
import { foldByEventTime } from "../../replay/merged_fold.ts";
import { ArrayScan } from "./_array_scan.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 10, minute)).toISOString();
const flight = (minute: number) => ({
  value: JSON.stringify({ ...flightLifecycleExample, event_time: at(minute) }),
});
const booking = (minute: number) => ({
  value: JSON.stringify({ ...bookingExample, event_time: at(minute) }),
});

async function fold(scans: ArrayScan[], until?: (scan: { topic: string }) => number) {
  const taken: string[] = [];
  const refused: string[] = [];
  const records = await foldByEventTime({
    scans,
    eventLeadMsMax: EVENT_LEAD_MS_MAX,
    take: (_, { topic, partition, offset }) => taken.push(`${topic[0]}${partition}-${offset}`),
    refuse: (reason) => refused.push(reason),
    signal: new AbortController().signal,
    ...(until === undefined ? {} : { until }),
  });
  return { taken: taken.join(" "), refused, records };
}

Deno.test("foldByEventTime() takes by event time, offsets in their order, and the first list where times are the same", async () => {
  const { taken, records } = await fold([
    new ArrayScan("flight_lifecycle", 0, [flight(5), flight(1), flight(9)]),
    new ArrayScan("bookings", 0, [booking(2), booking(5), booking(7)]),
    new ArrayScan("bookings", 1, [booking(0)]),
  ]);
  equal(taken, "b1-0 b0-0 f0-0 f0-1 b0-1 b0-2 f0-2");
  equal(records, 7);
});

Deno.test("foldByEventTime() refuses what is no event, and tells what the lake had left out", async () => {
  const { taken, refused, records } = await fold([
    new ArrayScan("bookings", 0, [{ value: "{torn" }, booking(1), { value: null, timestampMs: LEFT_OUT_MS }]),
  ]);
  equal(taken, "b0-1");
  deepEqual(refused, ["invalid_json", "left_out_by_lake"]);
  equal(records, 3);
});

Deno.test("foldByEventTime() ends each list where it is told to", async () => {
  const { taken } = await fold(
    [
      new ArrayScan("flight_lifecycle", 0, [flight(1), flight(2)]),
      new ArrayScan("bookings", 0, [booking(0), booking(3)]),
    ],
    ({ topic }) => topic === "bookings" ? 1 : Infinity,
  );
  equal(taken, "b0-0 f0-0 f0-1");
});
