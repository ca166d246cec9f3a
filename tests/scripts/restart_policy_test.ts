import { deepEqual } from "node:assert/strict";
import { RestartPolicy } from "../../scripts/_restart_policy.ts";

Deno.test("RestartPolicy pauses 1, 2, 4 and 8 s, and gives up at the fifth failure in a row", () => {
  const policy = new RestartPolicy();
  deepEqual([1, 2, 3, 4, 5].map(() => policy.ended(100, 1)), [
    { restartAfterMs: 1000, failures: 1 },
    { restartAfterMs: 2000, failures: 2 },
    { restartAfterMs: 4000, failures: 3 },
    { restartAfterMs: 8000, failures: 4 },
    { giveUp: true, failures: 5 },
  ]);
});

Deno.test("RestartPolicy forgets the failures of a process that ran a minute", () => {
  const policy = new RestartPolicy();
  for (let failure = 0; failure < 4; failure++) policy.ended(59_999, 137);
  deepEqual(policy.ended(60_000, 1), { restartAfterMs: 1000, failures: 1 });
});

Deno.test("RestartPolicy starts a process again that ended well: it was to run on", () => {
  deepEqual(new RestartPolicy().ended(100, 0), { restartAfterMs: 1000, failures: 1 });
});

Deno.test("RestartPolicy gives up at once at wrong usage, which never mends itself", () => {
  deepEqual(new RestartPolicy().ended(100, 2), { giveUp: true, failures: 1 });
});
