/** The embedded log opened without the right to write, as programs do that only look. */

import { deepEqual, equal, rejects } from "node:assert/strict";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import type { EventLog } from "../../event_log/event_log.ts";

const TOPIC = { name: "trial", partitions: 1, cleanup: "delete", retentionMs: -1 } as const;

async function withLog(body: (log: EventLog, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-read-only-" });
  const log = await openSqliteEventLog({ file: `${folder}/log.sqlite` });
  try {
    await log.createTopics([TOPIC]);
    const appender = await log.appender();
    await appender.append([{ topic: "trial", key: null, value: "first" }]);
    await body(log, folder);
  } finally {
    await log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function valuesOf(log: EventLog): Promise<(string | null)[]> {
  const reader = await log.reader({ positions: [{ topic: "trial", partition: 0, offset: 0 }] });
  const batches = await reader.poll({ maxWaitMs: 100 });
  await reader.close();
  return batches.flatMap(({ records }) => records.map(({ value }) => value));
}

Deno.test("a log that is opened read-only has the same id and records, and takes no change", () =>
  withLog(async (log, folder) => {
    const reading = await openSqliteEventLog({ file: `${folder}/log.sqlite`, readOnly: true });
    equal(reading.logId, log.logId);
    deepEqual(await valuesOf(reading), ["first"]);
    const appender = await log.appender();
    await appender.append([{ topic: "trial", key: null, value: "second" }]);
    deepEqual(await valuesOf(reading), ["first", "second"]);
    const own = await reading.appender();
    await rejects(own.append([{ topic: "trial", key: null, value: "third" }]), /may only be read/);
    await rejects(reading.createTopics([{ ...TOPIC, name: "other" }]), /may only be read/);
    await reading.close();
    deepEqual(await valuesOf(log), ["first", "second"]);
  }));

Deno.test("a log that its writer left in the middle can be opened read-only", () =>
  withLog(async (_log, folder) => {
    await Deno.mkdir(`${folder}/left`);
    // What a kill leaves behind: the file and what was written ahead, without the index that its owner shared.
    for (const ending of ["", "-wal"]) {
      await Deno.copyFile(`${folder}/log.sqlite${ending}`, `${folder}/left/log.sqlite${ending}`);
    }
    const reading = await openSqliteEventLog({ file: `${folder}/left/log.sqlite`, readOnly: true });
    deepEqual(await valuesOf(reading), ["first"]);
    await reading.close();
  }));

Deno.test("nothing is made where there is no log to be opened read-only", async () => {
  const folder = await Deno.makeTempDir({ prefix: "airline-read-only-" });
  const file = `${folder}/none/log.sqlite`;
  await rejects(
    openSqliteEventLog({ file, readOnly: true }),
    /^LogUnavailableError: Cannot use the event log/,
  );
  deepEqual([...Deno.readDirSync(folder)], []);
  await Deno.writeFile(`${folder}/empty.sqlite`, new Uint8Array());
  await rejects(
    openSqliteEventLog({ file: `${folder}/empty.sqlite`, readOnly: true }),
    /There is no event log in .* yet: create it with deno task topics/,
  );
  await Deno.remove(folder, { recursive: true });
});
