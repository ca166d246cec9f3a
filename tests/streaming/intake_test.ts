import { deepEqual, equal } from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import type { LogRecord } from "../../event_log/event_log.ts";
import { intake, passedOnRecord } from "../../streaming/_intake.ts";

const OPTIONS = { repartitionTopic: "again", partitions: 3, eventLeadMsMax: Infinity };

Deno.test("a record that was driven again keeps the name of its dead letter when it is passed on", () => {
  const record: LogRecord = {
    topic: "bookings",
    partition: 1,
    offset: 7,
    timestampMs: 1_764_000_000_000,
    key: null,
    value: JSON.stringify(bookingExample),
    headers: { "replay-of": "inventory-engine-bookings-1-3", "origin-topic": "forged", trace: "abc" },
  };
  const { outcome } = intake(record, 0, OPTIONS);
  equal(outcome.kind, "pass on");
  const { headers, ...passedOn } = passedOnRecord(record, bookingExample.flight_id, "again");
  const arrived = intake(
    { ...passedOn, partition: 2, offset: 0, timestampMs: 0, headers: headers! },
    0,
    OPTIONS,
  );
  equal(arrived.outcome.kind, "event");
  deepEqual(arrived.origin.headers, { "replay-of": "inventory-engine-bookings-1-3" });
  const { topic, partition, offset } = arrived.origin;
  deepEqual([topic, partition, offset], ["bookings", 1, 7]);
});
