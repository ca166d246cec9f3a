import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LogUnavailableError, RecordTooLargeError, UnknownTopicError } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { withFolder, withLog } from "./_sqlite_support.ts";

function saying(...words: string[]) {
  return (error: unknown) =>
    error instanceof LogUnavailableError && words.every((word) => error.message.includes(word));
}

Deno.test("openSqliteEventLog() makes the folder, and a log keeps its id and records", () =>
  withFolder(async (folder) => {
    const file = join(folder, "deep", "down", "events.db");
    const log = await openSqliteEventLog({ file });
    await log.createTopics([{ name: "t", partitions: 1, cleanup: "delete", retentionMs: -1 }]);
    await (await log.appender()).append([{ topic: "t", key: "k", value: "v" }]);
    await log.close();
    const again = await openSqliteEventLog({ file });
    assert.equal(again.logId, log.logId);
    assert.deepEqual(await again.ranges(["t"]), [{ topic: "t", partition: 0, start: 0, end: 1 }]);
    await again.close();
    await again.close();
  }));

Deno.test("several that open a new log at once agree on its id", () =>
  withFolder(async (folder) => {
    const file = join(folder, "events.db");
    const logs = await Promise.all(Array.from({ length: 8 }, () => openSqliteEventLog({ file })));
    assert.equal(new Set(logs.map((log) => log.logId)).size, 1);
    for (const log of logs) await log.close();
  }));

Deno.test("a log of a newer format is refused, and left as it is", () =>
  withFolder(async (folder) => {
    const file = join(folder, "events.db");
    await (await openSqliteEventLog({ file })).close();
    const database = new DatabaseSync(file);
    database.exec("UPDATE meta SET value = '999' WHERE key = 'format_version'");
    database.close();
    await assert.rejects(() => openSqliteEventLog({ file }), saying("999", file));
  }));

Deno.test("a database of something else is refused, and left as it is", () =>
  withFolder(async (folder) => {
    const file = join(folder, "other.db");
    const database = new DatabaseSync(file);
    database.exec("CREATE TABLE theirs (a)");
    await assert.rejects(() => openSqliteEventLog({ file }), saying("something else", file));
    assert.deepEqual(database.prepare("SELECT name FROM sqlite_schema").all().map((row) => row.name), [
      "theirs",
    ]);
    database.close();
  }));

Deno.test("a file that is no database is refused", () =>
  withFolder(async (folder) => {
    const file = join(folder, "events.db");
    writeFileSync(file, "This is a text of more than a hundred characters. ".repeat(40));
    await assert.rejects(() => openSqliteEventLog({ file }), saying("not a database", file));
  }));

Deno.test("a folder that cannot be made is named", () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, "file"), "");
    const file = join(folder, "file", "events.db");
    await assert.rejects(() => openSqliteEventLog({ file }), saying("folder", file));
  }));

Deno.test("a full disk is said so, takes the whole transaction back, and work goes on once there is room", () =>
  withLog(async ({ database, queue }) => {
    await queue.run((connection) => connection.exec("CREATE TABLE filler (b)"));
    const pages = database.writing.row<[number]>("PRAGMA page_count")![0];
    database.writing.row(`PRAGMA max_page_count = ${pages + 2}`);
    const small = queue.run((connection) => connection.run("INSERT INTO filler VALUES (zeroblob(10))"));
    const large = queue.run((connection) => connection.run("INSERT INTO filler VALUES (zeroblob(1000000))"));
    await assert.rejects(() => large, saying("disk is full"));
    await small.catch(saying("disk is full")); // Stored or refused, but told the truth.
    const stored = (await Promise.allSettled([small]))[0].status === "fulfilled" ? 1 : 0;
    assert.deepEqual(database.reading.row("SELECT count(*) FROM filler"), [stored]);
    database.writing.row("PRAGMA max_page_count = 1000000");
    await queue.run((connection) => connection.run("INSERT INTO filler VALUES (zeroblob(1000000))"));
    assert.deepEqual(database.reading.row("SELECT count(*) FROM filler"), [stored + 1]);
  }));

Deno.test("a log that may only be read says so when it is written to", () =>
  withLog(async ({ database, queue }) => {
    database.writing.exec("PRAGMA query_only = ON");
    await assert.rejects(
      () => queue.run((connection) => connection.run("DELETE FROM topics")),
      saying("only be read"),
    );
    database.writing.exec("PRAGMA query_only = OFF");
  }));

Deno.test("a write job that throws takes only itself back", () =>
  withLog(async ({ database, queue }) => {
    const insert = (id: string) =>
      queue.run((connection) => {
        connection.run("INSERT INTO transactors VALUES (?, 1)", id);
        if (id === "bad") throw new Error("no");
        return id;
      });
    const results = await Promise.allSettled([insert("first"), insert("bad"), insert("last")]);
    assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
    assert.deepEqual(database.reading.rows("SELECT id FROM transactors ORDER BY id"), [["first"], ["last"]]);
  }));

Deno.test("a write waits for another process's lock", () =>
  withLog(async ({ log, database }) => {
    database.writing.exec("BEGIN IMMEDIATE");
    let created = false;
    const waiting = log.createTopics([{ name: "t", partitions: 1, cleanup: "delete", retentionMs: -1 }])
      .then((names) => {
        created = true;
        return names;
      });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(!created);
    database.writing.exec("COMMIT");
    assert.deepEqual(await waiting, ["t"]);
  }));

Deno.test("an appender goes on when another process deleted its topic and made it again", () =>
  withFolder(async (folder) => {
    const file = join(folder, "events.db");
    const [log, other] = [await openSqliteEventLog({ file }), await openSqliteEventLog({ file })];
    const spec = { name: "t", partitions: 1, cleanup: "delete" as const, retentionMs: -1 };
    await log.createTopics([spec]);
    const appender = await log.appender();
    await appender.append([{ topic: "t", key: "k", value: "before" }]);
    const reader = await log.reader({ positions: [{ topic: "t", partition: 0, offset: 1 }] });
    await other.deleteTopics(["t"]);
    await assert.rejects(() => appender.append([{ topic: "t", key: "k", value: "lost" }]), UnknownTopicError);
    await other.createTopics([{ ...spec, partitions: 2 }]);
    await appender.append([{ topic: "t", partition: 1, key: "k", value: "after" }]);
    assert.deepEqual((await other.ranges(["t"])).map(({ end }) => end), [0, 1]);
    await assert.rejects(() => reader.poll(), UnknownTopicError, "what it read is gone");
    await log.close();
    await other.close();
  }));

Deno.test("the size limit counts bytes of key, value and headers, and nothing of a refused call is stored", () =>
  withFolder(async (folder) => {
    const log = await openSqliteEventLog({ file: join(folder, "events.db"), maxRecordBytes: 30 });
    await log.createTopics([{ name: "t", partitions: 1, cleanup: "delete", retentionMs: -1 }]);
    const appender = await log.appender();
    const good = { topic: "t", key: "12345", value: "é".repeat(12) }; // 5 + 24 = 29 bytes
    await appender.append([good]);
    for (const record of [{ ...good, value: "é".repeat(13) }, { ...good, headers: { h: "x" } }]) {
      await assert.rejects(() => appender.append([good, record]), RecordTooLargeError);
    }
    assert.equal((await log.ranges(["t"]))[0]!.end, 1);
    await log.close();
  }));

Deno.test("closing the log ends readers that wait and members that run", () =>
  withFolder(async (folder) => {
    const log = await openSqliteEventLog({ file: join(folder, "events.db") });
    await log.createTopics([{ name: "t", partitions: 1, cleanup: "delete", retentionMs: -1 }]);
    const reader = await log.reader({ positions: [{ topic: "t", partition: 0, offset: 0 }] });
    const polling = reader.poll({ maxWaitMs: 3_600_000 });
    const member = await log.member({ group: "g", topics: ["t"] });
    const running = member.run(
      async ({ reader, partition }, signal) => {
        reader.seek({ topic: "t", partition, offset: 0 });
        while (!signal.aborted) await reader.poll({ maxWaitMs: 3_600_000, signal });
      },
      { signal: new AbortController().signal },
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    await log.close();
    assert.deepEqual(await polling, []);
    await running;
    await assert.rejects(() => reader.poll(), saying("closed"));
    await assert.rejects(() => log.listTopics(), saying("closed"));
  }));
