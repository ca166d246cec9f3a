/** Chance in the engine: each draw is one decision of a flight, and a replay or a restored engine draws the same. */

import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import type { StateChange } from "../../streaming/state_change.ts";
import { newEngine, run, scheduled, snapshot } from "./_engine_driver.ts";

const FLIGHTS = Array.from({ length: 60 }, (_, n) => `F${n}_2025-11-28`);
/** Each flight wants 25 % at the first of its two snapshots. */
const INPUTS = [
  ...FLIGHTS.map((flight) => scheduled(flight, "2025-11-28T14:00:00.000Z")),
  ...FLIGHTS.map((flight) => snapshot(flight, "2025-11-24T14:00:00Z")),
  ...FLIGHTS.map((flight) => snapshot(flight, "2025-11-24T16:00:00Z")),
];

const exploring = () => newEngine({ explore: 1 });

Deno.test("where chance decides all, each flight has one draw, and no promotion is one of its answers", () => {
  const { outputs } = run(INPUTS, { engine: exploring() });
  const drawn = new Map<string, string[]>();
  for (const { topic, event } of outputs) {
    if (topic === "inventory_metrics" || event.guard === "maximum_per_flight") continue;
    strictEqual(event.propensity, 1 / 3);
    const answer = topic === "promo_decisions" ? String(event.discount_percentage) : String(event.guard);
    drawn.set(String(event.flight_id), [...drawn.get(String(event.flight_id)) ?? [], answer]);
  }
  strictEqual(drawn.size, FLIGHTS.length);
  for (const answers of drawn.values()) strictEqual(answers.length, 1);
  deepStrictEqual([...new Set([...drawn.values()].flat())].sort(), ["10", "25", "exploration"]);
});

Deno.test("a restored engine draws as one that never stopped, and another log draws otherwise", () => {
  const commitAfter = () => true;
  const whole = run(INPUTS, { engine: exploring(), commitAfter });
  const cut = FLIGHTS.length + 30;
  const before = run(INPUTS.slice(0, cut), { engine: exploring(), commitAfter });
  const engine = exploring();
  engine.restore(Array.from(before.state, ([key, value]): StateChange => ({ key, value })));
  const after = run(INPUTS.slice(cut), { engine, state: before.state, firstOffset: cut, commitAfter });
  deepStrictEqual([...before.outputs, ...after.outputs], whole.outputs);
  const decided = (logId: string) =>
    run(INPUTS, { engine: newEngine({ explore: 1, logId }) }).outputs
      .filter(({ topic }) => topic === "promo_decisions")
      .map(({ event }) => `${event.flight_id} ${event.discount_percentage}`).join();
  ok(decided("1f3a9c2e-5b1d") !== decided("2f3a9c2e-5b1d"));
});

Deno.test("without exploring nothing is left to chance", () => {
  const { outputs } = run(INPUTS);
  const promotions = outputs.filter(({ topic }) => topic === "promo_decisions");
  strictEqual(promotions.length, FLIGHTS.length);
  for (const { event } of promotions) deepStrictEqual([event.discount_percentage, event.propensity], [25, 1]);
});
