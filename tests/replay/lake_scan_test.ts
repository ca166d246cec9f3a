import { deepEqual, equal } from "node:assert/strict";
import { hasLakeFields, lakeLine } from "../../lake/lake_line.ts";
import { listRawFiles, rawFileName } from "../../lake/raw_files.ts";
import { recordOfLine } from "../../replay/lake_record.ts";
import { LakeScan } from "../../replay/lake_scan.ts";
import type { LakeScanOptions } from "../../replay/lake_scan.ts";
import { OffsetSet } from "../../verification/offset_sets.ts";

const PLACE = { partition: 2, offset: 17, timestampMs: Date.UTC(2026, 0, 5, 10) };

// value of the record
const VALUES = [
  '{"event_type":"BookingCreated","total_price":1.50}',
  "{}",
  '{"a":"_partition\\":1","b":{"_offset":3}}',
  '{"_offset":7,"a":1}',
  '{"a":1,"_partition":2,"_offset":17,"_timestamp":"2020-01-01T00:00:00.000Z"}',
  '{"_partition":2,"_offset":17,"_timestamp":"2026-01-05T10:00:00.000Z"}',
];

for (const value of VALUES) {
  Deno.test(`recordOfLine() gives back the record of ${value}`, () => {
    const line = lakeLine(value, PLACE, hasLakeFields(JSON.parse(value)));
    deepEqual(recordOfLine("bookings", line), { topic: "bookings", key: "", value, ...PLACE });
  });
}

Deno.test("recordOfLine() takes no line that does not end in the lake's fields", () => {
  for (const line of ["", "{torn", '{"event_type":"X"}', '{"_partition":1,"_offset":2}']) {
    equal(recordOfLine("bookings", line), undefined);
  }
});

const LOG = "1f3a9c2e";

/** A topic's folder with a file for each list of offsets; values are as long as asked for. */
async function withFiles(
  ranges: { from: number; to: number; offsets: number[] }[],
  body: (scan: (options?: Partial<LakeScanOptions>) => Promise<LakeScan>, folder: string) => Promise<void>,
  length = 0,
): Promise<void> {
  const rawFolder = await Deno.makeTempDir({ prefix: "airline-lake-scan-" });
  const folder = `${rawFolder}/bookings`;
  await Deno.mkdir(folder);
  for (const range of ranges) await writeFile(folder, range, length);
  try {
    await body(async (options = {}) => {
      const { sealed: files } = await listRawFiles(rawFolder, "bookings");
      return new LakeScan({ rawFolder, topic: "bookings", partition: 0, logId8: LOG, files, ...options });
    }, folder);
  } finally {
    await Deno.remove(rawFolder, { recursive: true });
  }
}

async function writeFile(
  folder: string,
  { from, to, offsets }: { from: number; to: number; offsets: number[] },
  length: number,
): Promise<void> {
  const name = rawFileName({
    hour: "2026-01-05_10",
    logId8: LOG,
    partition: 0,
    from,
    to,
    empty: offsets.length === 0,
  });
  const lines = offsets.map((offset) =>
    `${lakeLine(`{"n":${offset},"é":"${"é".repeat(length)}"}`, { ...PLACE, partition: 0, offset })}\n`
  );
  await Deno.writeTextFile(`${folder}/${name}`, lines.join(""));
}

/** What a scan hands over: offsets, those without a value in brackets. */
async function read(scan: LakeScan): Promise<string> {
  const found: string[] = [];
  while (await scan.fill()) {
    const { offset, value, key } = scan.next()!;
    found.push(value === null ? `[${offset}]` : key === null ? `${offset}?` : `${offset}`);
    if (value !== null) equal(JSON.parse(value).n, offset);
  }
  await scan.close();
  return found.join(" ");
}

const RANGES = [
  { from: 3, to: 6, offsets: [3, 5] },
  { from: 6, to: 9, offsets: [] },
  { from: 9, to: 12, offsets: [9, 10, 11] },
];

Deno.test("LakeScan reads file after file, and goes on where it is told to", () =>
  withFiles(RANGES, async (scan) => {
    const all = await scan();
    deepEqual([all.start, all.end], [3, 12]);
    equal(await read(all), "3 5 9 10 11");
    all.seek(5);
    equal(await read(all), "5 9 10 11");
    all.seek(12);
    equal(await read(all), "");
    equal(all.brokenLines, 0);
  }));

Deno.test("LakeScan gives refused records their places, and tells which had no key", () =>
  withFiles(RANGES, async (scan) => {
    const refused = new OffsetSet();
    for (const offset of [4, 7, 8, 10, 11, 20]) refused.add(offset);
    const keyless = new OffsetSet();
    keyless.add(5);
    equal(await read(await scan({ refused, keyless })), "3 [4] 5? [7] [8] 9 [10] [11]");
  }));

Deno.test("LakeScan reads lines that are longer than what it reads at once, and large files in bounded pieces", () =>
  withFiles(
    [{ from: 0, to: 3, offsets: [0, 1, 2] }],
    async (scan) => equal(await read(await scan()), "0 1 2"),
    400_000,
  ));

Deno.test("LakeScan goes on in the merged file when small ones are gone", () =>
  withFiles(RANGES, async (scan, folder) => {
    const reading = await scan();
    equal(await reading.fill(), true);
    equal(reading.next()!.offset, 3);
    for (const file of [...Deno.readDirSync(folder)]) await Deno.remove(`${folder}/${file.name}`);
    await writeFile(folder, { from: 3, to: 12, offsets: [3, 5, 9, 10, 11] }, 0);
    equal(await read(reading), "5 9 10 11");
  }));

Deno.test("LakeScan counts lines that are broken and passes over them", () =>
  withFiles([RANGES[0]!], async (scan, folder) => {
    const [{ name }] = [...Deno.readDirSync(folder)] as [Deno.DirEntry];
    await Deno.writeTextFile(`${folder}/${name}`, "{torn\n", { append: true });
    const reading = await scan();
    equal(await read(reading), "3 5");
    equal(reading.brokenLines, 1);
  }));
