/** The engine's state goes into records of the log, which takes about 1 MiB each: none may be larger. */

import { deepStrictEqual as deepEqual, ok } from "node:assert/strict";
import { booked, newEngine, run, scheduled } from "./_engine_driver.ts";

Deno.test("an event that is too large for the state does not wait", () => {
  const large = booked("BA1_2025-11-28", "b1", "2025-11-20T10:00:00.000Z");
  // Escaped once more in the state: a million bytes there, half a million as it came.
  large.event.padding = '"'.repeat(250_000);
  const { refusals, state } = run([large]);
  deepEqual(refusals, [{ reason: "too_large", offset: 0 }]);
  ok(![...state.keys()].some((key) => key.startsWith("waiting/")));
});

Deno.test("thousands of bookings of a flight in one step make entries that the log takes, and all come back", () => {
  const flight = "BA1_2025-11-28";
  const ids = Array.from({ length: 3000 }, (_, i) => `${"€".repeat(250)}${i}`);
  const bookings = ids.map((id) => booked(flight, id, "2025-11-20T10:00:00.000Z"));
  const { state } = run([scheduled(flight, "2025-11-28T14:00:00.000Z"), ...bookings]);
  for (const [key, value] of state) ok(new TextEncoder().encode(value).length < 900_000, key);
  const engine = newEngine();
  engine.restore([...state].map(([key, value]) => ({ key, value })));
  deepEqual(run(bookings, { engine }).outputs, []);
});
