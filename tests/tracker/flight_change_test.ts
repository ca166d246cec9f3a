import assert from "node:assert/strict";
import { stepFlight } from "../../tracker/flight_change.ts";
import { flightData } from "./_summary_support.ts";

const MINUTE_MS = 60_000;
const step = (before: object, after: object) =>
  stepFlight(flightData(before), flightData(after), 10 * MINUTE_MS);
const LEFT = { status: "En Route / On Time", actual_out: "2025-11-28T12:05:00Z" };

Deno.test("a flight that was never told of is worth telling", () => {
  const flight = flightData();
  assert.deepEqual(stepFlight(undefined, flight, 0), { flight, reasons: ["first"] });
});

const CHANGES: [string, object, object, string[]][] = [
  ["another status", {}, { status: "Scheduled / Delayed" }, ["status"]],
  ["a cancellation", {}, { status: "Cancelled" }, ["status"]],
  ["leaving the gate", {}, LEFT, ["status", "left"]],
  ["arriving", LEFT, { ...LEFT, actual_in: "2025-11-28T14:00:00Z" }, ["arrived"]],
  ["ten minutes", {}, { scheduled_out: "2025-11-28T12:10:00Z" }, ["time"]],
  ["ten minutes less", {}, { scheduled_in: "2025-11-28T13:50:00Z" }, ["time"]],
  ["a mended time", LEFT, { ...LEFT, actual_out: "2025-11-28T12:20:00Z" }, ["time"]],
  ["a schedule that was not known", { scheduled_in: null }, {}, ["time"]],
  ["another destination", LEFT, { ...LEFT, destination: "MDW" }, ["route"]],
];
for (const [what, before, after, reasons] of CHANGES) {
  Deno.test(`${what} is worth telling`, () => {
    assert.deepEqual(step(before, after), { flight: flightData(after), reasons });
  });
}

const SAME: [string, object, object][] = [
  ["the same again", LEFT, LEFT],
  ["nine minutes", {}, { scheduled_out: "2025-11-28T12:09:59Z" }],
  ["a status in other letters", { status: "SCHEDULED" }, { status: "Scheduled" }],
  ["what a sender leaves out", {}, {
    origin: null,
    destination: null,
    scheduled_out: null,
    scheduled_in: null,
  }],
];
for (const [what, before, after] of SAME) {
  Deno.test(`${what} is nothing new`, () => assert.equal(step(before, after), "unchanged"));
}

Deno.test("small shifts add up: they are measured against what was told", () => {
  const shifted = (minutes: number) => flightData({ scheduled_out: `2025-11-28T12:0${minutes}:00Z` });
  assert.equal(stepFlight(flightData(), shifted(6), 8 * MINUTE_MS), "unchanged");
  assert.equal(typeof stepFlight(flightData(), shifted(8), 8 * MINUTE_MS), "object");
});

Deno.test("what was left out is kept when something else changes", () => {
  const outcome = step({}, { status: "Cancelled", origin: null, scheduled_out: null });
  assert.deepEqual(outcome, { flight: flightData({ status: "Cancelled" }), reasons: ["status"] });
});

Deno.test("a flight that left and by another record has not: that record is older", () => {
  assert.equal(step(LEFT, {}), "older");
  const arrived = { ...LEFT, status: "Arrived", actual_in: "2025-11-28T14:00:00Z" };
  assert.equal(step(arrived, LEFT), "older");
});
