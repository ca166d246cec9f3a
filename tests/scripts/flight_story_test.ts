import { match, ok, strictEqual } from "node:assert/strict";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import type { FlightScheduled } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { promotionHeldBackExample } from "../../events/policy_evaluations.ts";
import { promoDecisionExample } from "../../events/promo_decisions.ts";
import { CourseSampler, flightStory } from "../../scripts/_flight_story.ts";
import type { FlightRecords } from "../../scripts/_flight_story.ts";

const RECORDS: FlightRecords = {
  flightId: "BA210_2025-11-28",
  schedule: flightLifecycleExample as FlightScheduled,
  lifecycle: [],
  course: [inventoryMetricsExample],
  evaluations: 12,
  decisions: [promoDecisionExample],
  heldBack: [promotionHeldBackExample],
};

Deno.test("the story tells the flight, how it filled, what was decided and why, and what was held back", () => {
  const story = flightStory(RECORDS);
  match(story, /^BA210_2025-11-28: LHR to BOS, leaves 2025-11-28 14:00 UTC, 180 seats\n/);
  match(story, /How it filled \(12 evaluations\)\ntime +days before/);
  match(story, /2025-11-24 10:15 +4\.16 +1 +180 +0\.6 % +1 +61\.2 % +50\.4 % to 72 %\n/);
  match(
    story,
    /By the booking curves of 2025-11-23 it is expected to leave with 61\.2 % of its seats\. It is below its/,
  );
  match(
    story,
    /2025-11-24 10:15 {2}promoted: 25 % off, by RULE_ENGINE_ITERATION_2\/1\n +Load factor 0\.6 % is below/,
  );
  match(
    story,
    /11:15 {2}not promoted: 10 % were wanted by .*, held back by the maximum per flight\n +The flight has had 1/,
  );
  match(story, /\n1 promotion; held back: 1 × maximum_per_flight\.$/);
});

Deno.test("the story of a flight that no policy came near says how it stands", () => {
  const { forecast_load_factor: _unknown, ...metrics } = inventoryMetricsExample;
  const story = flightStory({ ...RECORDS, course: [metrics], decisions: [], heldBack: [] });
  match(story, /There is no forecast: the history of such flights is not known yet/);
  match(
    story,
    /No policy came near a promotion\. It stands at 0\.6 %, 4\.16 days before departure, with 1 booking/,
  );
});

Deno.test("a probability below one is told, and foreign text moves no cursor", () => {
  const story = flightStory({
    ...RECORDS,
    decisions: [{ ...promoDecisionExample, reason: "red\x1b[31m", propensity: 0.25 }],
  });
  ok(story.includes("red\\x1b[31m (done with a probability of 25 %)"));
});

Deno.test("CourseSampler keeps the last metrics before each reading day, and the newest", () => {
  const sampler = new CourseSampler();
  // Days 10.5 and 10.2 lie before the reading day of 10, 6.5 before that of 6; 0.01 before departure itself.
  for (const [days, seats] of [[10.5, 1], [10.2, 2], [6.5, 3], [0.2, 4], [0.01, 5], [0, 6]] as const) {
    sampler.take({
      ...inventoryMetricsExample,
      minutes_to_departure: Math.round(days * 1440),
      booked_seats: seats,
    });
  }
  strictEqual(sampler.course().map(({ booked_seats }) => booked_seats).join(), "2,3,4,6");
  strictEqual(sampler.count, 6);
});
