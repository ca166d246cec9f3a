import { deepEqual, equal, rejects } from "node:assert/strict";
import { driveAgain } from "../../dead_letters/drive_again.ts";
import { readReplayNotes, REPLAYS_TOPIC } from "../../dead_letters/replay_notes.ts";
import { storedLetters } from "../../dead_letters/stored_letters.ts";
import { GROUPS } from "../../events/topics.ts";
import { FencedError } from "../../event_log/event_log.ts";
import type { EventLog, Transactor } from "../../event_log/event_log.ts";
import { PartitionScan } from "../../event_log/partition_scan.ts";
import { withLettersLog } from "./_letters_log.ts";

async function valuesOf(log: EventLog, topic: string): Promise<(string | null)[]> {
  const values: (string | null)[] = [];
  for (const range of await log.ranges([topic])) {
    const scan = await PartitionScan.open(log, range);
    while (await scan.fill()) values.push(scan.next()!.value);
    await scan.close();
  }
  return values;
}

const signal = new AbortController().signal;
const all = (log: EventLog) => ({ letters: () => storedLetters(log), signal });

Deno.test("driveAgain() appends each record once, whoever refused it and however often it is called", () =>
  withLettersLog(async (log, append) => {
    await append({ offset: 1, value: "{a" }, { offset: 1, value: "{a", group: GROUPS.lake }, {
      offset: 2,
      value: "{b",
    });
    await append({ offset: 1, value: "{a" });
    deepEqual(await driveAgain(log, all(log)), { driven: 2, before: 0 });
    deepEqual(await driveAgain(log, all(log)), { driven: 0, before: 2 });
    deepEqual((await valuesOf(log, "bookings")).sort(), ["{a", "{b"]);
    const notes = await readReplayNotes(log);
    deepEqual([...notes.keys()].sort(), [`${log.logId}/bookings-0-1`, `${log.logId}/bookings-0-2`]);
  }));

Deno.test("driveAgain() commits some at a time, in the order of the records", () =>
  withLettersLog(async (log, append) => {
    await append(...Array.from({ length: 250 }, (_, offset) => ({ offset, value: `{${offset}` })));
    const commits = countCommits(log);
    deepEqual(await driveAgain(commits.log, all(log)), { driven: 250, before: 0 });
    // The marker's and three of at most a hundred.
    equal(commits.count, 4);
    deepEqual(await valuesOf(log, "bookings"), Array.from({ length: 250 }, (_, offset) => `{${offset}`));
  }));

Deno.test("driveAgain() goes on when another one took over in the middle", () =>
  withLettersLog(async (log, append) => {
    await append(...Array.from({ length: 250 }, (_, offset) => ({ offset, value: `{${offset}` })));
    let others = 0;
    const intruded = countCommits(log, async (commit) => {
      if (commit === 3) others = (await driveAgain(log, all(log))).driven;
    });
    let fenced = 0;
    const result = await driveAgain(intruded.log, { ...all(log), onFenced: () => fenced++ });
    deepEqual([result, others, fenced], [{ driven: 100, before: 150 }, 150, 1]);
    equal((await valuesOf(log, "bookings")).length, 250);
  }));

Deno.test("driveAgain() counts a commit as its own whose answer was lost", () =>
  withLettersLog(async (log, append) => {
    await append({ offset: 1 });
    const lost = countCommits(log, undefined, (commit) => {
      if (commit === 2) throw new FencedError("the answer was lost");
    });
    deepEqual(await driveAgain(lost.log, all(log)), { driven: 1, before: 0 });
    equal((await valuesOf(log, "bookings")).length, 1);
  }));

Deno.test("driveAgain() keeps what is done when it is stopped or fails", () =>
  withLettersLog(async (log, append) => {
    await append(...Array.from({ length: 250 }, (_, offset) => ({ offset })));
    const stop = new AbortController();
    const stopped = countCommits(log, undefined, (commit) => {
      if (commit === 2) stop.abort();
    });
    await rejects(driveAgain(stopped.log, { ...all(log), signal: stop.signal }), { name: "AbortError" });
    const failing = countCommits(log, (commit) => {
      if (commit === 2) throw new Error("the disk is full");
    });
    await rejects(driveAgain(failing.log, all(log)), /the disk is full/);
    deepEqual(await driveAgain(log, all(log)), { driven: 150, before: 100 });
    equal((await valuesOf(log, "bookings")).length, 250);
    equal((await readReplayNotes(log)).size, 250);
  }));

Deno.test("readReplayNotes() finds none in a log that has no topic for them, and driveAgain() makes it", () =>
  withLettersLog(async (log, append) => {
    await log.deleteTopics([REPLAYS_TOPIC]);
    equal((await readReplayNotes(log)).size, 0);
    await append({ offset: 1 });
    deepEqual(await driveAgain(log, all(log)), { driven: 1, before: 0 });
    equal((await readReplayNotes(log)).size, 1);
  }));

/** The log, with something done before and after each commit, counted from 1. */
function countCommits(
  log: EventLog,
  before: (commit: number) => unknown = () => {},
  after: (commit: number) => void = () => {},
): { log: EventLog; count: number } {
  const counted = { log, count: 0 };
  counted.log = new Proxy(log, {
    get(target, name) {
      if (name !== "transactor") {
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (id: string): Promise<Transactor> => {
        const transactor = await target.transactor(id);
        return {
          id,
          async commit(transaction) {
            const commit = ++counted.count;
            await before(commit);
            await transactor.commit(transaction);
            after(commit);
          },
          close: () => transactor.close(),
        };
      };
    },
  });
  return counted;
}
