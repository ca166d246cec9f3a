import assert from "node:assert/strict";
import { CallBudget } from "../../tracker/call_budget.ts";
import type { SharedCounter } from "../../tracker/call_budget.ts";
import { BudgetSpentError } from "../../tracker/flight_source.ts";

const MINUTE_MS = 60_000;

async function spentFor(budget: CallBudget): Promise<number> {
  try {
    await budget.take();
  } catch (error) {
    if (error instanceof BudgetSpentError) return error.retryAfterSeconds;
    throw error;
  }
  return 0;
}

Deno.test("a minute's budget is back with the next minute, a day's with the next day", async () => {
  // 23:58:30 UTC: two whole windows of a minute end before the day does.
  let nowMs = 24 * 60 * MINUTE_MS - 1.5 * MINUTE_MS;
  const budget = new CallBudget({ perMinute: 2, perDay: 3, now: () => nowMs });
  assert.deepEqual([await spentFor(budget), await spentFor(budget), await spentFor(budget)], [0, 0, 30]);
  nowMs += 30_000;
  assert.deepEqual([await spentFor(budget), await spentFor(budget)], [0, 60]);
  assert.equal(budget.leftToday, 0);
  nowMs += MINUTE_MS;
  assert.equal(budget.leftToday, 3);
  assert.equal(await spentFor(budget), 0);
});

Deno.test("a clock that is set back gives nothing again", async () => {
  let nowMs = 10 * MINUTE_MS;
  const budget = new CallBudget({ perMinute: 1, perDay: 100, now: () => nowMs });
  assert.equal(await spentFor(budget), 0);
  nowMs -= 5 * MINUTE_MS;
  assert.ok(await spentFor(budget) > 0);
});

Deno.test("a budget of nothing lets nothing through", async () => {
  assert.ok(await spentFor(new CallBudget({ perMinute: 0, perDay: 0, now: () => 0 })) > 0);
});

/** What several processes share, in memory. */
function counter(): SharedCounter & { away: boolean; keys: Map<string, number> } {
  return {
    away: false,
    keys: new Map(),
    increment(key) {
      if (this.away) return Promise.resolve(undefined);
      this.keys.set(key, (this.keys.get(key) ?? 0) + 1);
      return Promise.resolve(this.keys.get(key));
    },
  };
}

Deno.test("instances that share a counter share the budget, and a restart gives nothing again", async () => {
  let nowMs = 0;
  const shared = counter();
  const instance = () => new CallBudget({ perMinute: 2, perDay: 3, shared, now: () => nowMs });
  const [one, two] = [instance(), instance()];
  assert.deepEqual([await spentFor(one), await spentFor(two)], [0, 0]);
  assert.deepEqual([await spentFor(one), await spentFor(two), await spentFor(instance())], [60, 60, 60]);
  // What a minute refused is not taken off the day.
  nowMs += MINUTE_MS;
  assert.equal(await spentFor(instance()), 0);
  nowMs += MINUTE_MS;
  assert.equal(await spentFor(instance()), 24 * 60 * 60 - 120);
});

Deno.test("while the counter is away each process keeps to the budget by itself", async () => {
  const shared = counter();
  shared.away = true;
  const budget = new CallBudget({ perMinute: 2, perDay: 100, shared, now: () => 0 });
  const spent = await Promise.all(Array.from({ length: 50 }, () => spentFor(budget)));
  assert.equal(spent.filter((seconds) => seconds === 0).length, 2);
});
