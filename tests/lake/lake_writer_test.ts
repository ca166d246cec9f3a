import assert from "node:assert/strict";
import { ALL_TOPICS } from "../../events/topics.ts";
import type { EventLog } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { listRawFiles } from "../../lake/raw_files.ts";
import { startLakeWriter, stopLakeWriter, until } from "./_lake_process.ts";
import { booking, lakeLines, namesIn, withFolder } from "./_lake_support.ts";

interface Place {
  folder: string;
  raw: string;
  log: EventLog;
  env: { EVENT_LOG_FILE: string; LAKE_DIR: string };
}

/** Runs `body` with an embedded log that has its topics, in a folder of its own. */
function withLog(body: (place: Place) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = `${folder}/data/log.sqlite`;
    const log = await openSqliteEventLog({ file });
    try {
      await log.createTopics([...ALL_TOPICS]);
      const env = { EVENT_LOG_FILE: file, LAKE_DIR: `${folder}/lake` };
      await body({ folder, raw: `${folder}/lake/raw`, log, env });
    } finally {
      await log.close();
    }
  });
}

async function appendBookings(log: EventLog, from: number, count: number, length = 0): Promise<void> {
  const appender = await log.appender();
  const channel = "x".repeat(length);
  await appender.append(Array.from({ length: count }, (_, at) => ({
    topic: "bookings",
    key: `flight-${at % 7}`,
    value: booking(from + at, { channel }),
  })));
  await appender.close();
}

Deno.test("the lake writer says that it has started, shows its figures, and finishes what is open when stopped", () =>
  withLog(async ({ raw, log, env }) => {
    await appendBookings(log, 0, 100);
    const writer = startLakeWriter(env);
    const port = await writer.metricsPort();
    assert.match(writer.output(), /🪣 Lake ingestion started\n/);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    };
    await until(
      "it has read all",
      async () => /^lake_lag_records\{topic="bookings"\} 0$/m.test((await get("/metrics")).text),
    );
    assert.equal((await get("/readyz")).status, 200);
    // Nothing is finished yet, and no reader of *.jsonl sees a part.
    assert.deepEqual(await listRawFiles(raw, "bookings"), {
      sealed: [],
      covered: [],
      foreign: [],
      links: [],
    });
    await stopLakeWriter(writer);
    assert.equal((await lakeLines(raw, "bookings")).length, 100);
    assert.equal(
      (await log.committedOffsets("lake-writer", ["bookings"])).reduce((sum, { offset }) => sum + offset, 0),
      100,
    );
  }));

Deno.test("a second lake writer on the same folder is refused, until the first has gone", () =>
  withLog(async ({ raw, env, log }) => {
    const first = startLakeWriter(env);
    await first.metricsPort();
    const second = startLakeWriter(env);
    assert.equal(await second.ended, 1);
    assert.match(second.output(), /^✖ Another lake writer \(process \d+\) owns ".*raw"\. Stop it first.*\n$/);
    first.kill("SIGKILL");
    await first.ended;
    await appendBookings(log, 0, 5);
    const third = startLakeWriter(env, ["--seal-age", "100ms"]);
    await until("it works", async () => (await lakeLines(raw, "bookings")).length === 5);
    await stopLakeWriter(third);
  }));

Deno.test("a start without the topics says what to do", () =>
  withFolder(async (folder) => {
    const writer = startLakeWriter({ EVENT_LOG_FILE: `${folder}/log.sqlite`, LAKE_DIR: `${folder}/lake` });
    assert.equal(await writer.ended, 1);
    assert.match(writer.output(), /^✖ .*opics.*\n$/);
  }));

Deno.test("without the permission to write the lake, and only read it, the start is refused in one line", () =>
  withLog(async ({ folder, raw, log, env }) => {
    await appendBookings(log, 0, 5);
    await stopLakeWriter(await started(env));
    const before = await namesIn(`${raw}/bookings`);
    const writer = startLakeWriter(env, [], [
      `--allow-read=${folder}`,
      `--allow-write=${folder}/data`,
      "--allow-env",
      "--allow-net=127.0.0.1",
      "--allow-sys",
    ]);
    assert.equal(await writer.ended, 1);
    assert.match(
      writer.output(),
      /^✖ Cannot write the lake folder ".*": this process was started without the permission.*\n$/,
    );
    assert.deepEqual(await namesIn(`${raw}/bookings`), before);
  }));

async function started(env: Record<string, string>, args: string[] = []) {
  const writer = startLakeWriter(env, args);
  await writer.metricsPort();
  return writer;
}

/** Whether this machine lets us mount a file system, to have a small or read-only one. */
async function canMount(): Promise<boolean> {
  if (Deno.build.os !== "linux" || Deno.uid() !== 0) return false;
  const folder = await Deno.makeTempDir();
  const mounted = await run("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  if (mounted) await run("umount", [folder]);
  await Deno.remove(folder);
  return mounted;
}

async function run(command: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const ignore = !await canMount();

Deno.test({
  name: "a full disk pauses the writer, which says so, and goes on by itself with nothing torn or doubled",
  ignore,
  fn: () =>
    withLog(async ({ folder, raw, log, env }) => {
      await Deno.mkdir(`${folder}/lake`);
      assert.ok(await run("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", `${folder}/lake`]));
      try {
        const writer = await started(env, ["--seal-age", "200ms"]);
        const port = await writer.metricsPort();
        await appendBookings(log, 0, 100);
        await until("the first are there", async () => (await lakeLines(raw, "bookings")).length === 100);
        // 8 MB do not fit into 2 MiB.
        for (let from = 100; from < 1100; from += 100) await appendBookings(log, from, 100, 8000);
        const ready = async () => {
          const response = await fetch(`http://127.0.0.1:${port}/readyz`);
          return { status: response.status, text: await response.text() };
        };
        await until("it says that it is not ready", async () => (await ready()).status === 503);
        assert.match((await ready()).text, /the disk is full/);
        assert.ok(await run("mount", ["-o", "remount,size=64m", `${folder}/lake`]));
        await until("all are there", async () => (await lakeLines(raw, "bookings")).length >= 1100);
        await until("it is ready again", async () => (await ready()).status === 200);
        await stopLakeWriter(writer);
        const lines = await lakeLines(raw, "bookings");
        assert.equal(lines.length, 1100);
        assert.equal(new Set(lines.map(({ booking_id }) => booking_id)).size, 1100);
        assert.ok(!(await namesIn(`${raw}/bookings`)).some((name) => name.endsWith(".tmp")));
        assert.match(writer.output(), /the disk is full; free some space there\. Trying again in/);
      } finally {
        await run("umount", [`${folder}/lake`]);
      }
    }),
});

Deno.test({
  name: "a folder on a full disk or a read-only file system is refused at the start, in one line",
  ignore,
  fn: () =>
    withLog(async ({ folder, env }) => {
      await Deno.mkdir(`${folder}/lake`);
      assert.ok(await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", `${folder}/lake`]));
      try {
        await Deno.writeFile(`${folder}/lake/filler`, new Uint8Array(2_000_000)).catch(() => {});
        const full = startLakeWriter(env);
        assert.equal(await full.ended, 1);
        assert.match(full.output(), /^✖ Cannot write the lake folder ".*": the disk is full.*\n$/);
        await Deno.remove(`${folder}/lake/filler`);
        assert.ok(await run("mount", ["-o", "remount,ro", `${folder}/lake`]));
        const readOnly = startLakeWriter(env);
        assert.equal(await readOnly.ended, 1);
        assert.match(
          readOnly.output(),
          /^✖ Cannot write the lake folder ".*": the file system is read-only.*\n$/,
        );
      } finally {
        await run("umount", [`${folder}/lake`]);
      }
    }),
});
