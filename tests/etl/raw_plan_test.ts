import { deepEqual, equal, match } from "node:assert/strict";
import { planTopic } from "../../etl/raw_plan.ts";
import { MANIFEST_NAME } from "../../lake/manifest.ts";
import { rawFileName } from "../../lake/raw_files.ts";

const LINE = '{"event_type":"BookingCreated"}\n';

Deno.test("planTopic() leaves out a finished file that is not as long any more as its manifest says", async () => {
  const folder = await Deno.makeTempDir({ prefix: "airline-raw-plan-" });
  try {
    await Deno.mkdir(`${folder}/bookings`);
    const name = rawFileName({
      hour: "2025-11-28_14",
      logId8: "1f3a9c2e",
      partition: 0,
      from: 0,
      to: 2,
      empty: false,
    });
    await Deno.writeTextFile(`${folder}/bookings/${name}`, LINE + LINE);
    const entry = {
      name,
      lines: 2,
      bytes: 2 * LINE.length,
      sha256: "",
      min_event_time: null,
      max_event_time: null,
      log_id: "1f3a9c2e",
    };
    await Deno.writeTextFile(`${folder}/bookings/${MANIFEST_NAME}`, JSON.stringify(entry) + "\n");
    const empty = { topics: {} } as unknown as Parameters<typeof planTopic>[2];
    deepEqual((await planTopic(folder, "bookings", empty)).warnings, []);
    await Deno.writeTextFile(`${folder}/bookings/${name}`, LINE);
    const { warnings, files, lost } = await planTopic(folder, "bookings", empty);
    equal(files, 0);
    deepEqual(lost, [name]);
    equal(warnings.length, 1);
    match(warnings[0]!, /has 32 bytes, 64 when it was finished/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
