import { deepEqual } from "node:assert/strict";
import { RetryNotes } from "../../streaming/_retry_notes.ts";

function notes() {
  const lines: string[] = [];
  const clock = { nowMs: 0 };
  const push = (line: string) => void lines.push(line);
  return { lines, clock, notes: new RetryNotes({ warn: push, info: push }, () => clock.nowMs) };
}

Deno.test("three partitions that cannot reach the database for a minute are two lines", () => {
  const { lines, clock, notes: told } = notes();
  for (; clock.nowMs < 60_000; clock.nowMs += 2000) {
    for (const partition of [0, 1, 2]) told.failed(`Partition ${partition}`, "the connection is refused");
  }
  for (const partition of [2, 0, 1]) told.recovered(`Partition ${partition}`);
  // 30 rounds of three.
  deepEqual(lines, [
    "Partition 0 begins again: the connection is refused",
    "Going on after 90 failures in 60.0 s: Partition 0, Partition 1, Partition 2",
  ]);
});

Deno.test("another reason is told as it comes, and the same one every ten minutes", () => {
  const { lines, clock, notes: told } = notes();
  told.failed("Partition 0", "refused");
  told.failed("Partition 0", "no answer");
  clock.nowMs = 9 * 60_000;
  told.failed("Partition 0", "refused");
  clock.nowMs = 10 * 60_000;
  told.failed("Partition 0", "refused");
  deepEqual(lines, [
    "Partition 0 begins again: refused",
    "Partition 0 begins again (attempt 2): no answer",
    "Partition 0 begins again (attempt 4): refused",
  ]);
});

Deno.test("what fails right after it went well is not told each time, and who never failed does not go on", () => {
  const { lines, clock, notes: told } = notes();
  told.recovered("Partition 1");
  for (; clock.nowMs < 50_000; clock.nowMs += 10_000) {
    told.failed("Partition 0", "refused");
    told.recovered("Partition 0");
  }
  deepEqual(lines, [
    "Partition 0 begins again: refused",
    "Going on after one failure in 0.0 s: Partition 0",
  ]);
  clock.nowMs = 70_000;
  told.failed("Partition 0", "refused");
  deepEqual(lines.at(-1), "Partition 0 begins again: refused");
});
