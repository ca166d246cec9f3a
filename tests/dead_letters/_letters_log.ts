/** A log with dead letters in it. */

import { deadLetterId, deadLetterOf } from "../../events/dead_letters.ts";
import type { DeadLetter, RefusedRecord } from "../../events/dead_letters.ts";
import type { EventErrorReason } from "../../events/event_error.ts";
import { ALL_TOPICS, GROUPS } from "../../events/topics.ts";
import type { EventLog } from "../../event_log/event_log.ts";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { storedLetters } from "../../dead_letters/stored_letters.ts";
import type { StoredLetter } from "../../dead_letters/stored_letters.ts";

/** A refusal of a record of `bookings`. */
export interface Refusal extends Partial<RefusedRecord> {
  offset: number;
  group?: string;
  reason?: EventErrorReason;
}

export async function letterText(
  logId: string,
  { group = GROUPS.engine, reason, ...record }: Refusal,
): Promise<string> {
  return await deadLetterOf(
    {
      topic: "bookings",
      partition: 0,
      timestampMs: Date.UTC(2026, 0, 5),
      key: "BA1",
      value: "{torn",
      ...record,
    },
    { group, logId, reason: reason ?? "invalid_json", message: "It is torn" },
  );
}

/** Runs `body` with a log; `append` stores letters, all of a call at once. */
export async function withLettersLog(
  body: (log: EventLog, append: (...refusals: Refusal[]) => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-letters-" });
  const log = await openSqliteEventLog({ file: `${folder}/log.sqlite` });
  try {
    await log.createTopics([...ALL_TOPICS]);
    const appender = await log.appender();
    await body(log, async (...refusals) => {
      await appender.append(
        await Promise.all(refusals.map(async (refusal) => ({
          topic: "dead_letters",
          key: deadLetterId(refusal.group ?? GROUPS.engine, { topic: "bookings", partition: 0, ...refusal }),
          value: await letterText(log.logId, refusal),
        }))),
      );
    });
  } finally {
    await log.close();
    await Deno.remove(folder, { recursive: true });
  }
}

/** All letters of a log. */
export async function allLetters(log: EventLog): Promise<StoredLetter[]> {
  return await Array.fromAsync(storedLetters(log));
}

/** A letter as it is stored. */
export async function letter(refusal: Refusal): Promise<DeadLetter> {
  return JSON.parse(await letterText("1f3a9c2e-5b1d-4d36-8f0e-2f6f0d9f4c11", refusal));
}
