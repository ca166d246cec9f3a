import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { bookingExample } from "../../events/bookings.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import type { LogRecord } from "../../event_log/event_log.ts";
import { intake } from "../../streaming/_intake.ts";

const OPTIONS = { repartitionTopic: "passed-on", partitions: 3, eventLeadMsMax: Infinity };
const ORIGIN = { "origin-partition": "1", "origin-offset": "7", "origin-timestamp-ms": "1764000000000" };

function passedOn(event: object, headers?: Record<string, string>): LogRecord {
  const record = { topic: "passed-on", partition: 0, offset: 4, timestampMs: 0, key: "BA210_2025-11-28" };
  return { ...record, value: JSON.stringify(event), ...(headers === undefined ? {} : { headers }) };
}

function outcomeOf(event: object, headers?: Record<string, string>) {
  const { outcome, origin } = intake(passedOn(event, headers), 0, OPTIONS);
  return [outcome.kind === "refuse" ? outcome.reason : outcome.kind, origin.topic, origin.offset];
}

Deno.test("intake() takes a record that was passed on for the one that it was", () => {
  deepStrictEqual(outcomeOf(bookingExample, { ...ORIGIN, "origin-topic": "bookings" }), [
    "event",
    "bookings",
    7,
  ]);
});

Deno.test("intake() refuses what a stranger wrote among the records passed on, under its own place", () => {
  deepStrictEqual(outcomeOf(bookingExample), ["missing_field", "passed-on", 4]);
  const headers = { ...ORIGIN, "origin-topic": "inventory_metrics" };
  deepStrictEqual(outcomeOf(inventoryMetricsExample, headers), ["out_of_range", "passed-on", 4]);
});

Deno.test("intake() refuses a value nested deeper than any stack", () => {
  const nested = "[".repeat(100_000) + '"\\u0000"' + "]".repeat(100_000);
  const value = JSON.stringify(bookingExample).replace("{", `{"note":${nested},`);
  const record = { ...passedOn({}), topic: "bookings", value };
  const { outcome } = intake(record, 0, OPTIONS);
  strictEqual(outcome.kind === "refuse" ? outcome.reason : outcome.kind, "nul_character");
});
