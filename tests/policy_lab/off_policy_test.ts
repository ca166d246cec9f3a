import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { liveDecisions } from "../../policy_lab/live_decisions.ts";
import { liveReport } from "../../policy_lab/live_report.ts";
import { type LoggedDecision, offPolicyEstimate } from "../../policy_lab/off_policy.ts";
import { randomKey, randomUnit } from "../../producer/random.ts";
import { withFolder } from "./_support.ts";

/**
 * Decisions of a policy that promotes always, with a share left to chance between promoting and not. Flights earn 1,000
 * with a promotion and 900 without, give or take 100.
 */
function logged(count: number, explore: number, judged: "promote" | "not", seed = 1): LoggedDecision[] {
  const key = randomKey(seed, "off policy");
  return Array.from({ length: count }, (_, n) => {
    const byChance = randomUnit(key, 1, n) < explore;
    const promoted = !byChance || randomUnit(key, 2, n) < 0.5;
    const noise = 200 * (randomUnit(key, 3, n) - 0.5);
    return {
      propensity: promoted ? 1 - explore / 2 : explore / 2,
      matches: promoted === (judged === "promote"),
      reward: (promoted ? 1000 : 900) + noise,
    };
  });
}

for (const [judged, truth] of [["promote", 1000], ["not", 900]] as const) {
  Deno.test(`IPS and SNIPS find what ${judged === "not" ? "no promotion" : "a promotion"} earns: 95 of 100 intervals hold it`, () => {
    const held = { ips: 0, snips: 0 };
    let narrower = 0;
    for (let seed = 1; seed <= 200; seed++) {
      const answer = offPolicyEstimate(logged(1000, 0.2, judged, seed));
      ok("ips" in answer);
      for (const name of ["ips", "snips"] as const) {
        const { low, high } = answer[name];
        if (low < truth && truth < high) held[name]++;
      }
      if (answer.snips.high - answer.snips.low < answer.ips.high - answer.ips.low) narrower++;
    }
    // 190 expected of 200, standard deviation 3.1.
    ok(held.ips >= 178 && held.snips >= 178, `${held.ips} and ${held.snips} of 200`);
    // The sum of the weights is left to chance: dividing by it takes that out.
    equal(narrower, 200);
  });
}

Deno.test("IPS, SNIPS and the effective sample size by hand", () => {
  // Weights 2 (fifty times) and 0: Σw = 100, Σw² = 200, so 50; IPS 100 × 30 / 100 = 30, SNIPS 30.
  const decisions = Array.from({ length: 100 }, (_, n): LoggedDecision => ({
    propensity: 0.5,
    matches: n % 2 === 0,
    reward: 30,
  }));
  const answer = offPolicyEstimate(decisions);
  ok("ips" in answer);
  equal(answer.effectiveSampleSize, 50);
  equal(answer.ips.mean, 30);
  equal(answer.snips.mean, 30);
  equal(answer.snips.low, 30);
});

const REFUSED: [what: string, decisions: LoggedDecision[], message: RegExp, size: number][] = [
  ["nothing happened", [], /No flight with a decision has left yet/, 0],
  ["nothing was left to chance", logged(500, 0, "promote"), /No decision was left to chance.*--explore/, 500],
  ["the other never happened", logged(500, 0, "not"), /No decision was left to chance/, 0],
  [
    "it happened too seldom",
    logged(200, 0.02, "not"),
    /weigh as much as .* alike, expected at least 30/,
    NaN,
  ],
];
for (const [what, decisions, message, size] of REFUSED) {
  Deno.test(`an answer is refused, with the effective sample size, where ${what}`, () => {
    const answer = offPolicyEstimate(decisions);
    ok("refused" in answer);
    match(answer.refused, message);
    if (!Number.isNaN(size)) ok(Math.abs(answer.effectiveSampleSize - size) < 1e-6);
  });
}

const at = (minute: number) => new Date(Date.UTC(2025, 10, 24, 0, minute)).toISOString();

Deno.test("live decisions are each flight's first, once it has left, with what was booked later and kept", () =>
  withFolder(async (folder) => {
    const log = await openSqliteEventLog({ file: join(folder, "log.db") });
    try {
      const topics = ["promo_decisions", "policy_evaluations", "bookings", "flight_lifecycle"];
      await log.createTopics(
        topics.map((name) => ({ name, partitions: 1, cleanup: "delete", retentionMs: -1 })),
      );
      const appender = await log.appender();
      const send = async (topic: string, flight_id: string, event: Record<string, unknown>) =>
        void await appender.append([{
          topic,
          key: flight_id,
          value: JSON.stringify({ flight_id, ...event }),
        }]);
      const booking = (flight: string, minute: number, booking_id: string, total_price: number) =>
        send("bookings", flight, {
          event_type: "BookingCreated",
          event_time: at(minute),
          booking_id,
          total_price,
        });
      await send("promo_decisions", "A", {
        event_type: "PromotionTriggered",
        event_time: at(10),
        propensity: 0.9,
      });
      await send("promo_decisions", "A", {
        event_type: "PromotionTriggered",
        event_time: at(20),
        propensity: 0.9,
      });
      await send("promo_decisions", "B", {
        event_type: "PromotionTriggered",
        event_time: at(10),
        propensity: 0.1,
        thresholds: { explore: 0.3 },
      });
      await send("policy_evaluations", "C", {
        event_type: "PromotionHeldBack",
        event_time: at(10),
        guard: "exploration",
        propensity: 0.1,
      });
      await send("policy_evaluations", "D", {
        event_type: "PromotionHeldBack",
        event_time: at(10),
        guard: "dilution",
      });
      await send("promo_decisions", "E", { event_type: "PromotionTriggered", event_time: at(10) });
      await booking("A", 5, "before", 1000);
      await booking("A", 11, "kept", 100);
      await booking("A", 21, "later", 50);
      await booking("A", 12, "back", 500);
      await send("bookings", "A", { event_type: "BookingCancelled", event_time: at(30), booking_id: "back" });
      await booking("C", 15, "c", 70);
      for (const flight of ["A", "B", "C", "D"]) {
        await send("flight_lifecycle", flight, { event_type: "FlightDeparted", event_time: at(60) });
      }
      await appender.close();
      const decisions = await liveDecisions(log, new AbortController().signal);
      deepEqual(
        decisions.map((
          { flightId, promoted, asWanted, propensity, revenueAfter },
        ) => [flightId, promoted, asWanted, propensity, revenueAfter]),
        [["A", true, true, 0.9, 150], ["B", true, false, 0.1, 0], ["C", false, false, 0.1, 70]],
      );
      const [count, policy, none] = liveReport(decisions);
      match(count!, /^3 flights have left after a decision; with 3 of them chance had a say$/);
      match(policy!, /^as the policy decides: no answer, effective sample size 1\.0\./);
      match(none!, /^no promotion: no answer/);
    } finally {
      await log.close();
    }
  }));
