import assert from "node:assert/strict";
import { planMerges } from "../../lake/merge_plan.ts";
import { parseRawFileName, rawFileName } from "../../lake/raw_files.ts";
import type { RawFile } from "../../lake/raw_files.ts";

const LIMITS = { belowBytes: 100, bytesMax: 250, afterMs: 5 * 60_000 };

function file(hour: string, from: number, to: number, partition = 0, logId8 = "1f3a9c2e"): RawFile {
  const name = rawFileName({ hour, logId8, partition, from, to, empty: false });
  return parseRawFileName("raw/bookings", "bookings", name)!;
}

/** The ranges of the groups; every file has 10 bytes but those that `bytes` names by where they begin. */
function merged(files: RawFile[], now: string, bytes: Record<number, number> = {}): number[][][] {
  const sizeOf = ({ from }: RawFile) => bytes[from] ?? 10;
  return planMerges(files, sizeOf, LIMITS, Date.parse(now)).map((group) =>
    group.map(({ from, to }) => [from, to])
  );
}

const DAY = [
  file("2025-11-28_14", 0, 5),
  file("2025-11-28_14", 5, 9),
  file("2025-11-28_15", 9, 12),
  file("2025-11-28_15", 12, 20),
  file("2025-11-29_00", 20, 30),
];

Deno.test("planMerges() leaves the hour alone that is not over, and for some minutes more", () => {
  assert.deepEqual(merged(DAY, "2025-11-28T15:04:59Z"), []);
  assert.deepEqual(merged(DAY, "2025-11-28T15:05:00Z"), [[[0, 5], [5, 9]]]);
});

Deno.test("planMerges() merges hours that are over, each for itself, and the day once it is over", () => {
  assert.deepEqual(merged(DAY, "2025-11-28T18:00:00Z"), [[[0, 5], [5, 9]], [[9, 12], [12, 20]]]);
  assert.deepEqual(merged(DAY, "2025-11-29T00:04:59Z"), [[[0, 5], [5, 9]], [[9, 12], [12, 20]]]);
  assert.deepEqual(merged(DAY, "2025-11-29T00:05:00Z"), [[[0, 5], [5, 9], [9, 12], [12, 20]]]);
});

const NEVER: [string, RawFile[]][] = [
  ["a gap", [file("2025-11-28_14", 0, 5), file("2025-11-28_14", 6, 9)]],
  ["another partition", [file("2025-11-28_14", 0, 5), file("2025-11-28_14", 5, 9, 1)]],
  ["another log", [file("2025-11-28_14", 0, 5, 0, "0badcafe"), file("2025-11-28_14", 5, 9)]],
  ["an overlap", [file("2025-11-28_14", 0, 5), file("2025-11-28_14", 4, 9)]],
  ["another day", [file("2025-11-28_14", 0, 5), file("2025-11-29_14", 5, 9)]],
];
for (const [what, files] of NEVER) {
  Deno.test(`planMerges() merges nothing across ${what}`, () => {
    assert.deepEqual(merged(files, "2025-12-24T00:00:00Z"), []);
  });
}

Deno.test("planMerges() leaves large files as they are and makes none that is too large", () => {
  const now = "2025-12-24T00:00:00Z";
  assert.deepEqual(merged(DAY, now, { 5: 100 }), [[[9, 12], [12, 20]]]);
  // 99 + 99 + 99 bytes are more than 250.
  assert.deepEqual(merged(DAY, now, { 0: 99, 5: 99, 9: 99 }), [[[0, 5], [5, 9]], [[9, 12], [12, 20]]]);
});

Deno.test("planMerges() asks for the size of no file that has no neighbour", () => {
  const lonely = [file("2025-11-28_14", 0, 5), file("2025-11-29_14", 5, 9), file("2025-11-30_14", 9, 10)];
  const sizeOf = () => assert.fail("nobody needs it");
  assert.deepEqual(planMerges(lonely, sizeOf, LIMITS, Date.parse("2025-12-24T00:00:00Z")), []);
});
