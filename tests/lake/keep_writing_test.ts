import assert from "node:assert/strict";
import fc from "fast-check";
import { UnknownTopicError } from "../../event_log/event_log.ts";
import { ArrayLog, logIsAway } from "./_array_log.ts";
import type { Call } from "./_array_log.ts";
import { booking, lakeLines, namesIn, withFolder, writeLake } from "./_lake_support.ts";

const TOPICS = { bookings: 2, dead_letters: 1 };

function logOf(count: number): ArrayLog {
  const log = new ArrayLog(TOPICS);
  for (let n = 0; n < count; n++) log.put("bookings", n % 2, n % 10 === 9 ? `broken ${n}` : booking(n));
  return log;
}

/** What the lake must hold of {@link logOf}: each good record once, each broken one as a letter. */
async function checkLake(raw: string, count: number): Promise<void> {
  const lines = await lakeLines(raw, "bookings");
  assert.equal(new Set(lines.map(({ booking_id }) => booking_id)).size, count * 0.9);
  assert.equal(lines.length, count * 0.9);
  const ids = (await lakeLines(raw, "dead_letters")).map(({ dead_letter_id }) => dead_letter_id);
  assert.equal(new Set(ids).size, count / 10);
  assert.ok(!(await namesIn(`${raw}/bookings`)).some((name) => name.endsWith(".tmp")));
}

/** Makes the calls of these numbers fail (counted from 1 over all calls of that kind). */
function failing(log: ArrayLog, call: Call, numbers: number[]): void {
  let count = 0;
  const before = log.beforeCall;
  log.beforeCall = (made) => {
    before(made);
    if (made === call && numbers.includes(++count)) logIsAway();
  };
}

Deno.test("a log that is away for a while is waited for; what was read already is finished meanwhile", () =>
  withFolder(async (raw) => {
    const log = logOf(100);
    failing(log, "poll", [3]);
    const sealed: string[] = [];
    const run = await writeLake(log, raw, {
      onSealed: (topic, { lines }) => sealed.push(`${topic} ${lines}`),
    });
    // Two polls of 7 records a partition came before; partition 1 holds the broken ones.
    assert.deepEqual(sealed.slice(0, 2), ["bookings 14", "bookings 12"]);
    assert.deepEqual(run.problems, ["Cannot reach the log", undefined]);
    assert.deepEqual(run.warned, ["Cannot reach the log. Trying again in 0.001 s; nothing is lost"]);
    await checkLake(raw, 100);
    assert.equal(await run.metric("lake_events_written_total", { topic: "bookings" }), 90);
  }));

Deno.test("a lake that holds another log's files says so once a start, and what to do", () =>
  withFolder(async (raw) => {
    const log = logOf(10);
    await writeLake(log, raw);
    assert.deepEqual((await writeLake(log, raw)).warned, []);
    const other = new ArrayLog(TOPICS, "77777777-5b1d-4d36-8f0e-2f6f0d9f4c11");
    other.put("bookings", 0, booking(1));
    // Fails once, so that a second session is begun.
    failing(other, "poll", [1]);
    const { warned } = await writeLake(other, raw);
    const told = warned.filter((line) => line.includes("another event log"));
    assert.equal(told.length, 1, warned.join("\n"));
    assert.match(told[0]!, /the files of another event log \(1f3a9c2e\)\. If it was deleted.*start afresh/);
  }));

Deno.test("pauses grow while the log stays away, and begin anew after it was back", () =>
  withFolder(async (raw) => {
    const log = logOf(20);
    failing(log, "poll", [1, 2, 3, 4, 6]);
    const run = await writeLake(log, raw);
    assert.deepEqual(run.warned.map((line) => /in ([\d.]+) s/.exec(line)![1]), [
      "0.001",
      "0.002",
      "0.004",
      "0.004",
      "0.001",
    ]);
    await checkLake(raw, 20);
  }));

Deno.test("while the log does not take dead letters, no range that leaves records out is finished", () =>
  withFolder(async (raw) => {
    const log = logOf(20);
    failing(log, "append", [1, 2, 3]);
    const run = await writeLake(log, raw, { limits: { bytes: 1e9, events: 5, ageMs: 1e9 } });
    assert.ok(run.warned.length >= 1);
    await checkLake(raw, 20);
    assert.equal(await run.metric("lake_dead_letters_total", { reason: "invalid_json" }), 2);
  }));

Deno.test("what cannot be finished at the stop is told, leaves nothing behind, and is read again", () =>
  withFolder(async (raw) => {
    const log = logOf(100);
    log.beforeCall = (call) => {
      if (call === "append") logIsAway();
    };
    const run = await writeLake(log, raw);
    assert.deepEqual(run.warned, [
      "Stopped with ranges open, which the next start reads again: Cannot reach the log",
    ]);
    assert.deepEqual(await namesIn(`${raw}/bookings`), []);
    log.beforeCall = () => {};
    await writeLake(log, raw);
    await checkLake(raw, 100);
  }));

Deno.test("a group whose offsets cannot be committed is told once and does not hold up the lake", () =>
  withFolder(async (raw) => {
    const log = logOf(100);
    failing(log, "commitOffsets", [1, 2, 3, 4, 5]);
    let nowMs = 0;
    const run = await writeLake(log, raw, {
      limits: { bytes: 1e9, events: 5, ageMs: 1e9 },
      now: () => nowMs += 100,
    });
    assert.deepEqual(run.warned, [
      "Cannot commit the offsets of group lake-writer (the lake does not need them): Cannot reach the log",
    ]);
    await checkLake(raw, 100);
  }));

Deno.test("whatever calls fail, every record is in the lake once", async () => {
  const calls = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      calls,
      calls,
      calls,
      fc.integer({ min: 1, max: 30 }),
      (polls, appends, commits, events) =>
        withFolder(async (raw) => {
          const log = logOf(100);
          failing(log, "poll", polls);
          failing(log, "append", appends);
          failing(log, "commitOffsets", commits);
          const options = { limits: { bytes: 1e9, events, ageMs: 1e9 } };
          await writeLake(log, raw, options);
          // What failed while stopping is done by the next start.
          log.beforeCall = () => {};
          await writeLake(log, raw, options);
          await checkLake(raw, 100);
        }),
    ),
    { numRuns: 40, endOnFailure: true },
  );
});

Deno.test("what the first start cannot use ends it, and is not waited for", () =>
  withFolder(async (raw) => {
    await assert.rejects(
      writeLake(logOf(10), raw, { openLog: () => Promise.reject(new UnknownTopicError("No topic")) }),
      { name: "UnknownTopicError" },
    );
    await Deno.remove(`${raw}/bookings`);
    await Deno.writeTextFile(`${raw}/bookings`, "a file where a folder must be");
    await assert.rejects(writeLake(logOf(10), raw), {
      name: "OperatorError",
      message: /^Cannot write the lake folder ".*bookings"/,
    });
  }));

Deno.test("a topic's folder that somebody removes is made again and filled from the log", () =>
  withFolder(async (raw) => {
    const log = logOf(100);
    let polls = 0;
    log.beforeCall = (call) => {
      if (call === "poll" && ++polls === 3) Deno.removeSync(`${raw}/bookings`, { recursive: true });
    };
    const run = await writeLake(log, raw, {
      fromBeginning: true,
      limits: { bytes: 1e9, events: 5, ageMs: 1e9 },
    });
    assert.match(run.problems[0]!, /^Cannot make|^Cannot finish|^Cannot write/);
    assert.equal(run.problems.at(-1), undefined);
    await checkLake(raw, 100);
  }));
