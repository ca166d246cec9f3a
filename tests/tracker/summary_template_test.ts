import assert from "node:assert/strict";
import fc from "fast-check";
import type { FlightData } from "../../events/flight_data.ts";
import { checkSummary } from "../../tracker/summary_check.ts";
import { factsOf } from "../../tracker/flight_facts.ts";
import { templateSummary } from "../../tracker/summary_template.ts";
import { flightData } from "./_summary_support.ts";

const NOTHING = {
  origin: null,
  destination: null,
  scheduled_out: null,
  scheduled_in: null,
};
const OUT = "2025-11-28T12:25:00Z";

const TABLE: [Partial<FlightData>, string][] = [
  [{}, "from EWR to ORD is scheduled to leave at 12:00 UTC on 28 November 2025 and to arrive at 14:00 UTC."],
  [
    { scheduled_in: "2025-11-29T01:30:00Z" },
    "from EWR to ORD is scheduled to leave at 12:00 UTC on 28 November 2025 and to arrive at 01:30 UTC on 29 November 2025.",
  ],
  [
    { status: "Scheduled / Delayed" },
    "from EWR to ORD is delayed; it was scheduled to leave at 12:00 UTC on 28 November 2025 and to arrive at 14:00 UTC.",
  ],
  [
    { status: "En Route / On Time", actual_out: "2025-11-28T12:00:00Z" },
    "left EWR at 12:00 UTC on 28 November 2025, on time, and is on its way to ORD, where it is scheduled to arrive at 14:00 UTC.",
  ],
  [
    { status: "En Route / Delayed", actual_out: OUT },
    "left EWR at 12:25 UTC on 28 November 2025, 25 minutes late, and is on its way to ORD, where it is scheduled to arrive at 14:00 UTC; it is expected late.",
  ],
  [
    { status: "Landed / Taxiing", actual_out: "2025-11-28T11:59:00Z" },
    "left EWR at 11:59 UTC on 28 November 2025, 1 minute early, landed at ORD and is taxiing to its gate.",
  ],
  [
    { status: "Arrived / Delayed", actual_out: OUT, actual_in: "2025-11-28T15:20:00Z" },
    "from EWR arrived at ORD at 15:20 UTC on 28 November 2025, 1 hour 20 minutes late.",
  ],
  [
    { status: "Arrived / Gate Arrival", actual_out: OUT, actual_in: "2025-11-28T12:00:00Z" },
    "from EWR arrived at ORD at 12:00 UTC on 28 November 2025, 2 hours early.",
  ],
  [
    { status: "Cancelled" },
    "from EWR to ORD is cancelled; it was to leave at 12:00 UTC on 28 November 2025.",
  ],
  [
    { status: "Diverted", actual_out: OUT, destination: "MDW" },
    "left EWR at 12:25 UTC on 28 November 2025, 25 minutes late, and is on its way to MDW, where it is scheduled to arrive at 14:00 UTC. It is diverted; its destination is given as MDW.",
  ],
  [
    { ...NOTHING, status: "Result Unknown" },
    'is scheduled. Its status is given as "Result Unknown".',
  ],
  [{ ...NOTHING, status: "Cancelled" }, "is cancelled."],
  [
    { ...NOTHING, status: "Diverted", actual_out: OUT },
    "left at 12:25 UTC on 28 November 2025, and is under way. It is diverted.",
  ],
  [
    { ...NOTHING, status: "Arrived", actual_out: OUT, actual_in: "2025-11-28T14:00:00Z" },
    "arrived at 14:00 UTC on 28 November 2025.",
  ],
];
for (const [fields, expected] of TABLE) {
  Deno.test(`the template says that the flight ${expected.slice(0, 70)}`, () => {
    const facts = factsOf(flightData(fields));
    const text = templateSummary(facts);
    assert.equal(text, `Flight UAL1545 (UA1545) ${expected}`);
    // What the template writes is what would be taken of a model, but for a foreign status in quotes.
    assert.deepEqual(checkSummary(text, facts), { text });
  });
}

Deno.test("other people's words are left out of the text unless they are plain", () => {
  for (const status of ["<b>Gone</b>", "see http://evil.example", "call +1 555 0100", "Gone: ask me"]) {
    assert.doesNotMatch(templateSummary(factsOf(flightData({ status }))), /Gone|evil|555/);
  }
});

Deno.test("an airline without a known second designator has one name", () => {
  assert.match(templateSummary(factsOf(flightData({ ident: "XYZ12" }))), /^Flight XYZ12 from EWR/);
  assert.match(
    templateSummary(factsOf(flightData({ ident: "B61234" }))),
    /^Flight JBU1234 \(B61234\) from EWR/,
  );
  assert.match(templateSummary(factsOf(flightData({ ident: "N123AB" }))), /^Flight N123AB from EWR/);
});

Deno.test("whatever the flight, the template's text is one that would be taken of a model", () => {
  const time = fc.option(
    fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2027, 0) }).map((ms) => new Date(ms).toISOString()),
  );
  const airport = fc.option(fc.constantFrom("EWR", "KORD", "1G4", "SFO", "B6"));
  const flight = fc.record({
    ident: fc.constantFrom("UAL1545", "b61234", "DL1", "9E0012", "N123AB", "XYZ7", "AFR9999"),
    status: fc.constantFrom(
      "Scheduled",
      "En Route / Delayed",
      "Cancelled",
      "Diverted",
      "landed",
      "Arrived",
      "?!",
    ),
    origin: airport,
    destination: airport,
    scheduled_out: time,
    actual_out: time,
    scheduled_in: time,
    actual_in: time,
  });
  fc.assert(
    fc.property(flight, (fields) => {
      const facts = factsOf(flightData(fields));
      const text = templateSummary(facts);
      assert.deepEqual(checkSummary(text, facts), { text });
    }),
    { numRuns: 2000 },
  );
});
