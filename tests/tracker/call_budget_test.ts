import assert from "node:assert/strict";
import { CallBudget } from "../../tracker/call_budget.ts";
import { BudgetSpentError } from "../../tracker/flight_source.ts";

const MINUTE_MS = 60_000;

function spentFor(budget: CallBudget): number {
  try {
    budget.take();
  } catch (error) {
    if (error instanceof BudgetSpentError) return error.retryAfterSeconds;
    throw error;
  }
  return 0;
}

Deno.test("a minute's budget is back with the next minute, a day's with the next day", () => {
  // 23:58:30 UTC: two whole windows of a minute end before the day does.
  let nowMs = 24 * 60 * MINUTE_MS - 1.5 * MINUTE_MS;
  const budget = new CallBudget({ perMinute: 2, perDay: 3, now: () => nowMs });
  assert.deepEqual([spentFor(budget), spentFor(budget), spentFor(budget)], [0, 0, 30]);
  nowMs += 30_000;
  assert.deepEqual([spentFor(budget), spentFor(budget)], [0, 60]);
  assert.equal(budget.leftToday, 0);
  nowMs += MINUTE_MS;
  assert.equal(budget.leftToday, 3);
  assert.equal(spentFor(budget), 0);
});

Deno.test("a clock that is set back gives nothing again", () => {
  let nowMs = 10 * MINUTE_MS;
  const budget = new CallBudget({ perMinute: 1, perDay: 100, now: () => nowMs });
  assert.equal(spentFor(budget), 0);
  nowMs -= 5 * MINUTE_MS;
  assert.ok(spentFor(budget) > 0);
});

Deno.test("a budget of nothing lets nothing through", () => {
  assert.ok(spentFor(new CallBudget({ perMinute: 0, perDay: 0, now: () => 0 })) > 0);
});
