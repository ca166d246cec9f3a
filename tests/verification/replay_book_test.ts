/** verify and dead letters that were driven again. */

import { deepEqual, equal } from "node:assert/strict";
import { driveAgain } from "../../dead_letters/drive_again.ts";
import { noteRecord, readReplayNotes } from "../../dead_letters/replay_notes.ts";
import { storedLetters } from "../../dead_letters/stored_letters.ts";
import { deadLetterId, deadLetterOf, REPLAY_HEADERS } from "../../events/dead_letters.ts";
import { GROUPS } from "../../events/topics.ts";
import type { EventLog } from "../../event_log/event_log.ts";
import { PartitionScan } from "../../event_log/partition_scan.ts";
import type { VerificationReport } from "../../verification/report.ts";
import { withPipeline } from "./_small_pipeline.ts";
import type { SmallPipeline } from "./_small_pipeline.ts";

async function driveAll(pipeline: SmallPipeline): Promise<number> {
  const signal = new AbortController().signal;
  return await pipeline.withLog(async (log) =>
    (await driveAgain(log, { letters: () => storedLetters(log), signal })).driven
  );
}

async function processed(pipeline: SmallPipeline): Promise<VerificationReport> {
  await pipeline.consume();
  await pipeline.writeLake();
  await pipeline.runEtl();
  return await pipeline.verify({ complete: true });
}

function found(report: VerificationReport): string[] {
  return report.differences.map(({ where, kind, count }) => `${where}: ${count} ${kind}`);
}

Deno.test("records that were driven again and refused again agree, and are counted", () =>
  withPipeline(async (pipeline) => {
    // One with a price below zero and one that is torn, each refused by consumer and lake writer.
    equal(await driveAll(pipeline), 2);
    const report = await processed(pipeline);
    deepEqual(found(report), []);
    const torn = report.dead_letters.filter(({ reason }) => reason === "invalid_json");
    deepEqual(torn.map(({ group, sources, driven_again }) => [group, sources, driven_again]), [
      [GROUPS.engine, 2, 1],
      [GROUPS.lake, 2, 1],
    ]);
  }));

/** Any decision of the pipeline, as the producer refuses one of a flight that it does not sell. */
async function refuseOutput(log: EventLog, topic: string): Promise<void> {
  for (const range of await log.ranges([topic])) {
    const scan = await PartitionScan.open(log, range);
    if (!await scan.fill()) continue;
    const record = scan.head!;
    await scan.close();
    const refusal = { group: GROUPS.producerFeedback, logId: log.logId, reason: "unknown_flight" } as const;
    const appender = await log.appender();
    await appender.append([{
      topic: "dead_letters",
      key: deadLetterId(refusal.group, record),
      value: await deadLetterOf(record, { ...refusal, message: "Not on sale" }),
    }]);
    return;
  }
  throw new Error(`There is nothing in ${topic}`);
}

for (const topic of ["promo_decisions", "inventory_metrics"]) {
  Deno.test(`an output of ${topic} that one of its readers refused and that was driven again is no double`, () =>
    withPipeline(async (pipeline) => {
      await pipeline.withLog((log) => refuseOutput(log, topic));
      equal(await driveAll(pipeline), 3);
      deepEqual(found(await processed(pipeline)), []);
    }));
}

Deno.test("a record that was driven again twice is found", () =>
  withPipeline(async (pipeline) => {
    await driveAll(pipeline);
    const id = await pipeline.withLog(async (log) =>
      [...(await readReplayNotes(log)).values()][0]!.dead_letter_id
    );
    await pipeline.append([{
      topic: "bookings",
      key: "x",
      value: "{torn",
      headers: { [REPLAY_HEADERS.of]: id },
    }]);
    deepEqual(found(await processed(pipeline)), ["dead letters: 1 driven again twice"]);
  }));

Deno.test("a note without its record is found", () =>
  withPipeline(async (pipeline) => {
    await driveAll(pipeline);
    const [note] = await pipeline.withLog(async (log) => [...(await readReplayNotes(log)).values()]);
    await pipeline.append([
      noteRecord({ ...note!, offset: 4711, dead_letter_id: "inventory-engine-bookings-0-4711" }),
    ]);
    deepEqual(found(await processed(pipeline)), ["dead letters: 1 driven again and not there"]);
  }));
