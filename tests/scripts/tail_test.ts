import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import type { EventLog, LogRecord } from "../../event_log/event_log.ts";
import { recordLine, tail } from "../../scripts/tail.ts";
import type { TailOptions } from "../../scripts/tail.ts";
import { embedded, launch, launcher, withFolder } from "./_support.ts";

/** A log with a topic `trial` of two partitions and the values given by partition. */
async function withLog(
  values: string[][],
  body: (log: EventLog, file: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const file = `${folder}/log/event_log.sqlite`;
    const log = await openSqliteEventLog({ file });
    try {
      await log.createTopics([{ name: "trial", partitions: 2, cleanup: "delete", retentionMs: 3_600_000 }]);
      const appender = await log.appender();
      for (const [partition, list] of values.entries()) {
        if (list.length > 0) {
          await appender.append(
            list.map((value) => ({ topic: "trial", partition, key: `k${partition}`, value })),
          );
        }
      }
      await appender.close();
      await body(log, folder);
    } finally {
      await log.close();
    }
  });
}

async function printed(log: EventLog, options: Partial<TailOptions>): Promise<string[]> {
  const values: string[] = [];
  const print = (record: LogRecord) => values.push(record.value!) > 0;
  const signal = new AbortController().signal;
  await tail(log, { topic: "trial", fromBeginning: true, follow: false, signal, print, ...options });
  return values.sort();
}

Deno.test("tail() prints all there is from the beginning, or one partition, or so many", () =>
  withLog([["1", "2", "3"], ["4"]], async (log) => {
    deepEqual(await printed(log, {}), ["1", "2", "3", "4"]);
    deepEqual(await printed(log, { partition: 0 }), ["1", "2", "3"]);
    deepEqual(await printed(log, { partition: 0, max: 2 }), ["1", "2"]);
    deepEqual(await printed(log, { fromBeginning: false }), []);
  }));

Deno.test("tail() follows: it prints what comes, until it has printed so many", () =>
  withLog([["old"], []], async (log) => {
    const following = printed(log, { fromBeginning: false, follow: true, max: 2 });
    const appender = await log.appender();
    // What is appended before it has begun to follow is not new to it, so go on until it has its two.
    let done = false;
    following.finally(() => done = true);
    for (let number = 0; !done; number++) {
      await appender.append([{ topic: "trial", key: null, value: `new ${number}` }]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await appender.close();
    const values = await following;
    equal(values.length, 2);
    equal(values.every((value) => value.startsWith("new")), true);
  }));

Deno.test("tail() stops when nobody reads any more", () =>
  withLog([["1", "2", "3"], []], async (log) => {
    let calls = 0;
    await printed(log, { follow: true, print: () => ++calls < 2 });
    equal(calls, 2);
  }));

Deno.test("tail() names the topics and partitions that there are", () =>
  withLog([[], []], async (log) => {
    await rejects(printed(log, { topic: "trail" }), /There is no topic "trail"\. There are trial/);
    await rejects(printed(log, { partition: 2 }), /--partition is 2, but "trial" has 0 to 1/);
  }));

Deno.test("tail() says how to make topics in a log that has none", () =>
  withFolder(async (folder) => {
    const log = await openSqliteEventLog({ file: `${folder}/log.sqlite` });
    await rejects(printed(log, {}), /no topic "trial", and no other\. Create them: deno task topics/);
    await log.close();
  }));

Deno.test("recordLine() is the value, or partition, offset, time, key and value", () => {
  const record = { topic: "t", partition: 2, offset: 17, timestampMs: 0, key: null, value: '{"a":1}' };
  equal(recordLine(record, { metadata: false }), '{"a":1}');
  equal(recordLine(record, { metadata: true }), '2\t17\t1970-01-01T00:00:00.000Z\t-\t{"a":1}');
  equal(
    recordLine({ ...record, value: null, key: "k" }, { metadata: true }),
    "2\t17\t1970-01-01T00:00:00.000Z\tk\tnull",
  );
});

Deno.test("deno task tail prints only values to standard output, and errors with exit code 1", () =>
  withLog([['{"a":1}'], []], async (_, folder) => {
    const env = embedded(folder);
    const ended = await launch(["tail", "trial", "--from-beginning", "--max", "1"], env);
    deepEqual([ended.code, ended.out, ended.error], [0, '{"a":1}\n', ""]);
    const wrong = await launch(["tail", "nope"], env);
    deepEqual([wrong.code, wrong.out], [1, ""]);
    match(wrong.error, /^✖ There is no topic "nope"\. There are trial\n$/);
    equal((await launch(["tail"], env)).code, 2);
  }));

Deno.test({
  name: "deno task tail ends with code 0 when the launcher gets SIGTERM",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withLog([["first"], []], async (_, folder) => {
      const child = launcher(["tail", "trial", "--from-beginning"], embedded(folder)).spawn();
      const reader = child.stdout.getReader();
      equal(new TextDecoder().decode((await reader.read()).value), "first\n");
      child.kill("SIGTERM");
      equal((await child.status).code, 0);
      await reader.cancel();
      await child.stderr.cancel();
    }),
});
