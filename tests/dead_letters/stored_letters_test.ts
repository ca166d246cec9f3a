import { deepEqual, equal } from "node:assert/strict";
import { RefusedRecords } from "../../dead_letters/refused_records.ts";
import { letterOf, storedLetters } from "../../dead_letters/stored_letters.ts";
import { GROUPS } from "../../events/topics.ts";
import { allLetters, letter, withLettersLog } from "./_letters_log.ts";

Deno.test("storedLetters() gives letters in the order in which they were stored, those of one moment by their records", () =>
  withLettersLog(async (log, append) => {
    const offsets = [9, 3, 7, 1, 8, 2, 6, 4, 5, 0];
    await append(...offsets.map((offset) => ({ offset })));
    await new Promise((resolve) => setTimeout(resolve, 3));
    await append({ offset: 12 }, { offset: 11 });
    const letters = await allLetters(log);
    deepEqual(letters.map(({ letter }) => letter.offset), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12]);
    equal(new Set(letters.map(({ partition }) => partition)).size > 1, true);
  }));

Deno.test("storedLetters() leaves out records that are no letters, and tells of them", () =>
  withLettersLog(async (log, append) => {
    const appender = await log.appender();
    for (const value of ["{torn", null, "7", '{"event_type":"DeadLetter"}']) {
      await appender.append([{ topic: "dead_letters", key: "x", value }]);
    }
    await append({ offset: 1 });
    let foreign = 0;
    let read = 0;
    const options = { onForeign: () => foreign++, onRecords: (records: number) => read += records };
    const letters = await Array.fromAsync(storedLetters(log, options));
    deepEqual([letters.length, foreign, read], [1, 4, 5]);
  }));

Deno.test("letterOf() takes letters whose value is text, bytes or nothing", async () => {
  for (
    const refusal of [{ offset: 1 }, { offset: 1, value: null }, { offset: 1, bytes: new Uint8Array([255]) }]
  ) {
    const whole = await letter(refusal);
    deepEqual(letterOf({ value: JSON.stringify(whole) }), whole);
  }
  equal(letterOf({ value: JSON.stringify({ ...await letter({ offset: 1 }), offset: -1.5 }) }), undefined);
});

Deno.test("RefusedRecords counts a record once, whoever refused it and however often", async () => {
  const counted = new RefusedRecords();
  const first = await letter({ offset: 1 });
  equal(counted.take(first, true), true);
  equal(counted.take(first, true), false);
  equal(counted.take(await letter({ offset: 1, group: GROUPS.lake }), true), true);
  equal(counted.take(await letter({ offset: 2, reason: "unknown_flight" }), false), true);
  equal(counted.take(await letter({ offset: 2, partition: 1, reason: "unknown_flight" }), false), true);
  equal(counted.take({ ...first, log_id: "another" }, false), true);
  deepEqual([counted.letters, counted.records, counted.drivenAgain], [6, 4, 1]);
  deepEqual(counted.counts(), [
    { reason: "invalid_json", letters: 4, records: 2, drivenAgain: 1 },
    { reason: "unknown_flight", letters: 2, records: 2, drivenAgain: 0 },
  ]);
  equal(counted.has(GROUPS.lake, first), true);
  equal(counted.has(GROUPS.lake, await letter({ offset: 2 })), false);
});
