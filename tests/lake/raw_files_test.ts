import assert from "node:assert/strict";
import fc from "fast-check";
import {
  adjoining,
  hourOf,
  listRawFiles,
  logId8Of,
  parseRawFileName,
  rawFileName,
} from "../../lake/raw_files.ts";
import type { RawFile, RawFileRange } from "../../lake/raw_files.ts";
import { withFolder } from "./_lake_support.ts";

const NAMES: [string, RawFileRange][] = [
  ["2025-11-28_14.1f3a9c2e.p2.000000001200-000000001450.jsonl", {
    hour: "2025-11-28_14",
    logId8: "1f3a9c2e",
    partition: 2,
    from: 1200,
    to: 1450,
    empty: false,
  }],
  ["2025-11-28_00.00000000.p0.000000000000-000000000001.empty", {
    hour: "2025-11-28_00",
    logId8: "00000000",
    partition: 0,
    from: 0,
    to: 1,
    empty: true,
  }],
  ["2025-11-28_23.abcdef01.p117.999999999999-1000000000000.jsonl", {
    hour: "2025-11-28_23",
    logId8: "abcdef01",
    partition: 117,
    from: 999_999_999_999,
    to: 1_000_000_000_000,
    empty: false,
  }],
];

for (const [name, range] of NAMES) {
  Deno.test(`the name ${name} is written and read`, () => {
    assert.equal(rawFileName(range), name);
    assert.deepEqual(parseRawFileName("raw/bookings", "bookings", name), {
      topic: "bookings",
      name,
      path: `raw/bookings/${name}`,
      ...range,
    });
  });
}

const NOT_OURS = [
  "2025-11-28_14.jsonl",
  "2025-11-28_14.1f3a9c2e.p2.jsonl",
  "2025-11-28_14.1f3a9c2e.p2.1200-1450.jsonl",
  "2025-11-28_14.1f3a9c2e.p2.000000001450-000000001450.jsonl",
  "2025-11-28_14.1f3a9c2e.p2.000000001451-000000001450.jsonl",
  "2025-11-28_14.1F3A9C2E.p2.000000001200-000000001450.jsonl",
  "2025-11-28_14.1f3a9c2e.p02.000000001200-000000001450.jsonl",
  "2025-11-28_14.1f3a9c2e.p2.9999999999999999-99999999999999999.jsonl",
  "2025-11-28_14.1f3a9c2e.p2.000000001200-000000001450.jsonl.gz",
  ".2025-11-28_14.1f3a9c2e.p2.000000001200-000000001450.jsonl",
  "x2025-11-28_14.1f3a9c2e.p2.000000001200-000000001450.jsonl",
];
for (const name of NOT_OURS) {
  Deno.test(`the name ${name} is not taken for ours`, () => {
    assert.equal(parseRawFileName("raw/bookings", "bookings", name), undefined);
  });
}

Deno.test("the part of the log's id in names is its first 8 hexadecimal digits", () => {
  assert.equal(logId8Of("1F3A9C2E-5b1d-4d36-8f0e-2f6f0d9f4c11"), "1f3a9c2e");
  assert.equal(logId8Of("1f3a-9c2e-5b1d"), "1f3a9c2e");
  assert.throws(() => logId8Of("zz1f3a"), /Log id "zz1f3a" has fewer than 8/);
});

Deno.test("hours are UTC", () => {
  assert.equal(hourOf(Date.UTC(2025, 10, 28, 23, 59, 59, 999)), "2025-11-28_23");
  assert.equal(hourOf(Date.UTC(2025, 10, 29)), "2025-11-29_00");
});

Deno.test("a listing sorts by log, partition and offset, and tells foreign files apart", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/bookings/2025.jsonl`, { recursive: true });
    const ours = [
      "2025-11-28_15.0aaaaaaa.p0.000000000000-000000000009.jsonl",
      "2025-11-28_14.1f3a9c2e.p0.000000000000-000000000100.jsonl",
      "2025-11-28_15.1f3a9c2e.p0.000000000100-000000000200.empty",
      "2025-11-28_13.1f3a9c2e.p2.000000000005-000000000010.jsonl",
      "2025-11-28_13.1f3a9c2e.p10.000000000000-000000000010.jsonl",
    ];
    const others = ["2025-11-28_14.jsonl", "another.jsonl"];
    const neither = ["_manifest.ndjson", ".2025-11-28_14.1f3a9c2e.p0.0badcafe.tmp", "notes.txt"];
    for (const name of [...ours, ...others, ...neither].reverse()) {
      await Deno.writeTextFile(`${folder}/bookings/${name}`, "");
    }
    const listing = await listRawFiles(folder, "bookings");
    assert.deepEqual(listing.sealed.map(({ name }) => name), ours);
    assert.deepEqual(listing.foreign, others);
    assert.deepEqual(await listRawFiles(folder, "seat_map"), {
      sealed: [],
      covered: [],
      foreign: [],
      links: [],
    });
  }));

function file(partition: number, from: number, to: number, logId8 = "1f3a9c2e"): RawFile {
  const range = { hour: "2025-11-28_14", logId8, partition, from, to, empty: false };
  return parseRawFileName("raw/bookings", "bookings", rawFileName(range))!;
}

Deno.test("adjoining() tells each gap and overlap, and keeps partitions and logs apart", () => {
  const place = { topic: "bookings", logId8: "1f3a9c2e", partition: 0 };
  assert.deepEqual(adjoining([]), []);
  assert.deepEqual(
    adjoining([file(0, 10, 20), file(0, 0, 10), file(1, 50, 60), file(0, 3, 5, "0badcafe")]),
    [],
  );
  assert.deepEqual(adjoining([file(0, 0, 10), file(0, 12, 20)]), [
    { kind: "gap", ...place, from: 10, to: 12 },
  ]);
  assert.deepEqual(adjoining([file(0, 0, 10), file(0, 8, 20), file(0, 20, 30)]), [
    { kind: "overlap", ...place, from: 8, to: 10 },
  ]);
  // The second lies within the first: the third adjoins the first's end, not the second's.
  assert.deepEqual(adjoining([file(0, 0, 30), file(0, 5, 10), file(0, 30, 40)]), [
    { kind: "overlap", ...place, from: 5, to: 10 },
  ]);
});

Deno.test("adjoining() finds no fault in any partition cut at any points, and every file left out of the middle", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 4, maxLength: 30 }),
    fc.nat(),
    (cuts, pick) => {
      const sorted = cuts.toSorted((a, b) => a - b);
      const files = sorted.slice(1).map((to, at) => file(0, sorted[at]!, to));
      assert.deepEqual(adjoining(files.toReversed()), []);
      const left = 1 + pick % (files.length - 2);
      const { from, to } = files[left]!;
      const breaks = adjoining(files.toSpliced(left, 1));
      assert.deepEqual(breaks.map(({ kind, from, to }) => ({ kind, from, to })), [{ kind: "gap", from, to }]);
    },
  ));
});
