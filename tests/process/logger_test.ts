import { deepEqual, equal } from "node:assert/strict";
import { RateLimitedLines } from "../../process/logger.ts";

Deno.test("RateLimitedLines prints so many a second and tells how many it left out", () => {
  const printed: string[] = [];
  let nowMs = 0;
  const lines = new RateLimitedLines({
    perSecondMax: 2,
    now: () => nowMs,
    print: (line) => printed.push(line),
  });
  for (const name of ["a", "b", "c", "d"]) lines.say(() => name);
  deepEqual(printed, ["a", "b"]);
  nowMs = 1000;
  lines.say(() => "e");
  deepEqual(printed, ["a", "b", "… and 2 more lines like this", "e"]);
  nowMs = 2000;
  lines.say(() => "f");
  deepEqual(printed.slice(4), ["f"]);
});

Deno.test("RateLimitedLines never makes a line that it does not print", () => {
  let made = 0;
  const lines = new RateLimitedLines({ perSecondMax: 1, now: () => 0, print: () => {} });
  for (let at = 0; at < 1000; at++) {
    lines.say(() => {
      made++;
      return "";
    });
  }
  equal(made, 1);
});
