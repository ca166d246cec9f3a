import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { type InnerBench, withLog } from "./_sqlite_support.ts";

const MEBIBYTE = 1024 * 1024;

async function write({ queue }: InnerBench, mebibytes: number): Promise<void> {
  for (let written = 0; written < mebibytes; written++) {
    const sql = "INSERT OR REPLACE INTO filler VALUES (1, randomblob(?))";
    await queue.run((connection) => connection.run(sql, MEBIBYTE), MEBIBYTE);
  }
}

Deno.test("the write-ahead file grows while a reader stands still, and is used again afterwards", () =>
  withLog(async (bench) => {
    const { database, queue } = bench;
    const walBytes = () => statSync(`${database.file}-wal`).size;
    await queue.run((connection) => connection.exec("CREATE TABLE filler (id INTEGER PRIMARY KEY, b)"));
    database.reading.exec("BEGIN");
    database.reading.rows("SELECT * FROM filler");
    await write(bench, 48);
    const blockedBytes = walBytes();
    assert.ok(blockedBytes > 40 * MEBIBYTE, "nothing can be taken out while it is read");
    database.reading.exec("COMMIT");
    await write(bench, 48);
    assert.ok(walBytes() < blockedBytes + 16 * MEBIBYTE, `${walBytes()} bytes`);
  }));
