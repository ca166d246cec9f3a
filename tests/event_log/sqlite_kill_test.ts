import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { readAll } from "./_contract_support.ts";

const ROUNDS = 3;
const RECORDS_A_CALL = 25;

/** Starts a fixture; `killAfter` waits for that many printed numbers, kills it and returns all it printed. */
function startFixture(name: string, args: string[]) {
  const script = fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url));
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", script, ...args],
    stdout: "piped",
  }).spawn();
  return {
    killAfter: async (count: number): Promise<number[]> => {
      let text = "";
      let killed = false;
      for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        if (killed || text.split("\n").length <= count) continue;
        child.kill("SIGKILL");
        killed = true;
      }
      await child.status;
      assert.ok(killed, `${name} was killed, and did not end by itself`);
      return text.split("\n").slice(0, -1).map(Number);
    },
  };
}

Deno.test("processes that are killed in the middle of their work lose nothing acknowledged and tear nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "event-log-kill-"));
  try {
    const file = join(folder, "events.db");
    const log = await openSqliteEventLog({ file });
    await log.createTopics(["appended", "transacted"].map((name) => ({
      name,
      partitions: 3,
      cleanup: "delete",
      retentionMs: -1,
    })));
    const acknowledgedCalls: [string, number][] = [];
    let acknowledgedNumber = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const size = `${RECORDS_A_CALL}`;
      const writers = [0, 1].map((n) => `${round}/${n}`);
      const appenders = writers.map((writer) =>
        startFixture("append_until_killed.ts", [file, "appended", writer, size])
      );
      const transactor = startFixture("transact_until_killed.ts", [file, "transacted", "transactor", size]);
      const [numbers, ...calls] = await Promise.all([
        transactor.killAfter(30 + round * 7),
        ...appenders.map((appender, at) => appender.killAfter(30 + round * 5 + at * 3)),
      ]);
      calls.forEach((own, at) => own.forEach((call) => acknowledgedCalls.push([writers[at]!, call])));
      acknowledgedNumber = Math.max(acknowledgedNumber, ...numbers!);
    }

    const found = new Map<string, number[]>();
    for (const record of await readAll(log, "appended")) {
      const { writer, call, at } = JSON.parse(record.value!);
      const name = `${writer} ${call}`;
      found.set(name, [...found.get(name) ?? [], at]);
    }
    const whole = Array.from({ length: RECORDS_A_CALL }, (_, at) => at);
    for (const [writer, call] of acknowledgedCalls) {
      assert.ok(
        found.has(`${writer} ${call}`),
        `call ${call} of ${writer}, which was acknowledged, is there`,
      );
    }
    for (const [name, numbers] of found) {
      assert.deepEqual(numbers.toSorted((a, b) => a - b), whole, `call ${name} is whole`);
    }

    const committed = (await log.committedOffsets("transactor", ["transacted"]))[0]!.offset;
    assert.ok(committed >= acknowledgedNumber, "every acknowledged transaction is there");
    const numbers = (await readAll(log, "transacted")).map((record) => Number(record.value)).toSorted((
      a,
      b,
    ) => a - b);
    assert.deepEqual(numbers, Array.from({ length: committed }, (_, n) => n));
    await log.close();

    const database = new DatabaseSync(file);
    assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
    database.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
