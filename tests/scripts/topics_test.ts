import { deepEqual, equal, match } from "node:assert/strict";
import { ALL_TOPICS } from "../../events/topics.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { listTopics } from "../../scripts/topics.ts";
import { embedded, launch, withFolder } from "./_support.ts";

Deno.test("deno task topics creates what is missing, lists what is there, and lists only with --list", () =>
  withFolder(async (folder) => {
    const env = embedded(folder);
    const before = await launch(["topics", "--list"], env);
    equal(before.code, 0, before.error);
    match(before.out, /^flight_lifecycle +missing +30 d +0 +flights scheduled/m);
    match(before.out, new RegExp(`^${ALL_TOPICS.length} missing\\. Create them: deno task topics$`, "m"));
    const created = await launch(["topics"], env);
    match(created.out, /^topic +partitions +kept +records +what it carries$/m);
    match(created.out, /^bookings +3 +30 d +0 +created +seats sold and given back$/m);
    match(created.out, /^inventory-engine-changelog +3 +compacted +0 +created +internal$/m);
    const again = await launch(["topics", "--json"], env);
    const rows = JSON.parse(again.out);
    equal(rows.length, ALL_TOPICS.length);
    equal(rows.some((row: { created: boolean }) => row.created), false);
    equal(again.error, "");
  }));

Deno.test("deno task topics shows how long topics are kept as it stands, says what differs, and mends it", () =>
  withFolder(async (folder) => {
    const env = embedded(folder);
    await Deno.mkdir(`${folder}/log`);
    const log = await openSqliteEventLog({ file: env.EVENT_LOG_FILE! });
    await log.createTopics([{ name: "bookings", partitions: 3, cleanup: "delete", retentionMs: 86_400_000 }]);
    await log.close();
    const shown = await launch(["topics"], env);
    match(shown.out, /^bookings +3 +1 d +0 +seats sold and given back$/m);
    match(
      shown.error,
      /^⚠ bookings: retention\.ms is 86400000 \(1 d\), the pipeline wants 2592000000 \(30 d\)$/m,
    );
    match(shown.error, /deno task topics --apply$/m);
    const rows = JSON.parse((await launch(["topics", "--json"], env)).out);
    equal(rows.find(({ topic }: { topic: string }) => topic === "bookings").retention_days, 1);
    const mended = await launch(["topics", "--apply"], env);
    match(mended.out, /^bookings +3 +30 d +0/m);
    equal(mended.error, "");
    equal((await launch(["topics", "--list", "--apply"], env)).code, 2);
  }));

Deno.test("listTopics() counts the records of each topic", () =>
  withFolder(async (folder) => {
    const log = await openSqliteEventLog({ file: `${folder}/log.sqlite` });
    try {
      await listTopics(log, { create: true });
      const appender = await log.appender();
      await appender.append(["a", "b", "c"].map((key) => ({ topic: "bookings", key, value: "{}" })));
      await appender.close();
      const rows = await listTopics(log, { create: false });
      deepEqual(rows.filter(({ records }) => records > 0).map(({ topic, records }) => [topic, records]), [[
        "bookings",
        3,
      ]]);
    } finally {
      await log.close();
    }
  }));

Deno.test("deno task topics says in one line when no broker answers", () =>
  withFolder(async (folder) => {
    const ended = await launch(["topics"], embedded(folder, { KAFKA_BROKERS: "127.0.0.1:1" }));
    equal(ended.code, 1);
    match(ended.error, /^✖ [^\n]*127\.0\.0\.1:1[^\n]*\n$/);
  }));
