/** A producer whose wall clock is set back; it has a log of its own, so that nobody waits for it. */

import { eventually, openExamPipeline } from "./_exam_pipeline.ts";
import { FakedClock } from "./_faked_clock.ts";
import type { Findings } from "./_findings.ts";
import type { Round } from "./experiment.ts";

const HOUR_SECONDS = 3600;
const STARTED_MS_MAX = 60_000;
const MORE_MS_MAX = 15_000;
const MORE_RECORDS = 10;
const SIMULATION = [
  "--start-date",
  "2026-03-02",
  "--speed",
  "5000",
  "--flights-per-day",
  "12",
  "--backfill",
  "0s",
];

/** A simulation with a date of its own goes on, whatever happens to the wall clock. */
export async function simulationGoesOn(round: Round, findings: Findings): Promise<void> {
  const pipeline = await openExamPipeline(round);
  try {
    const clock = await FakedClock.create(`${pipeline.folder}/producer.clock`);
    const producer = pipeline.start("producer", ["--metrics-port", "0", ...SIMULATION], clock.env);
    const sent = async () => (await pipeline.log.ranges(["bookings"])).reduce((sum, { end }) => sum + end, 0);
    const more = async () => {
      const before = await sent();
      const goesOn = async () => await sent() > before + MORE_RECORDS;
      await eventually("the producer sends more", goesOn, MORE_MS_MAX, () => producer.output.slice(-500));
    };
    // What it writes first is the past of its flights, for which it needs no clock.
    await producer.says("History of", STARTED_MS_MAX);
    await more();
    await clock.set(-HOUR_SECONDS);
    await clock.taken();
    findings.checked++;
    await more().catch(() =>
      findings.violation("The producer stands still since the wall clock was set back")
    );
    await producer.stop();
  } finally {
    await pipeline.close();
  }
}
