import assert from "node:assert/strict";
import { flightLifecycleExample } from "../../events/flight_lifecycle.ts";
import { inventoryMetricsExample } from "../../events/inventory_metrics.ts";
import { lakeLine } from "../../lake/lake_line.ts";
import { rawFileName } from "../../lake/raw_files.ts";
import { runReplay } from "../../replay/run_replay.ts";
import { engineOptions } from "../../streaming/engine_options.ts";

/** One raw file of a topic: the event, and a line that was torn. */
async function writeTopic(rawFolder: string, topic: string, event: object): Promise<void> {
  const range = { hour: "2025-11-20_10", logId8: "1f3a9c2e", partition: 0, from: 0, to: 2, empty: false };
  const place = { partition: 0, offset: 0, timestampMs: Date.UTC(2025, 10, 20, 10) };
  await Deno.mkdir(`${rawFolder}/${topic}`);
  await Deno.writeTextFile(
    `${rawFolder}/${topic}/${rawFileName(range)}`,
    `${lakeLine(JSON.stringify(event), place, false)}\n{torn\n`,
  );
}

Deno.test("a replay of a lake with broken lines says that it left them out, and how far it is with what it reads", async () => {
  const rawFolder = await Deno.makeTempDir({ prefix: "airline-replay-" });
  try {
    await writeTopic(rawFolder, "flight_lifecycle", flightLifecycleExample);
    await writeTopic(rawFolder, "inventory_metrics", inventoryMetricsExample);
    const steps: unknown[] = [];
    const report = await runReplay({
      source: "lake",
      rawFolder,
      engine: engineOptions({
        policy: "RULE_ENGINE",
        "max-promotions-per-flight": 1,
        "promo-cooldown": 60,
        "target-load-factor": 0.8,
        discounts: "10,25",
        "price-elasticity": 1.5,
        "minimum-fare": 40,
        "dilution-max": 0.9,
        explore: 0,
      }),
      eventLeadMsMax: 366 * 86_400_000,
      compare: true,
      onProgress: (...step) => steps.push(step),
    });
    assert.equal(report.records, 1);
    // One in the inputs, one in the recorded outputs.
    assert.ok(
      report.notes.some((note) => note.startsWith("Lines of the lake that are no records, left out: 2 ")),
      `${report.notes}`,
    );
    assert.deepEqual(steps[0], ["recorded outputs", 1, 2, "records"]);
  } finally {
    await Deno.remove(rawFolder, { recursive: true });
  }
});
