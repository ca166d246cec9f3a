/**
 * Experiment 8: the power fails. Real processes run under strace; what they did to their files is replayed up to a
 * drawn moment, dropping what no fsync had made safe, and log, lake, gold tables and warehouse are opened from what is
 * left. Nothing that was acknowledged is missing, nothing torn counts as whole, and everything goes on.
 *
 * @module
 */

import type { Experiment, Round, RoundResult } from "./experiment.ts";
import { CutRound } from "./_cut_round.ts";
import { openExamPipeline } from "./_exam_pipeline.ts";
import { MERGE_AT_ONCE } from "./_merging_lake.ts";
import { placesIn, runScene } from "./_power_cut_scene.ts";
import { copyProject } from "./_project_copy.ts";
import { checkOrder } from "./_write_order.ts";

async function run(round: Round): Promise<RoundResult> {
  // The names in the trace are those that the processes were given.
  const folder = `${await Deno.realPath(round.folder)}/disk`;
  await Deno.mkdir(folder);
  const project = await copyProject(`${round.folder}/project`, MERGE_AT_ONCE, { from: round.project });
  const pipeline = await openExamPipeline({ ...round, project }, {
    warehouse: true,
    env: { ...placesIn(folder), ...(round.engine === "embedded" ? {} : { DATABASE_URL: "" }) },
  });
  try {
    const scene = await runScene({ ...round, project }, pipeline, folder);
    const cuts = new CutRound(round, pipeline, scene);
    const order = checkOrder(scene.journal);
    cuts.findings.checked += order.checked;
    for (const violation of order.violations) cuts.findings.violation(violation);
    // What is wrong already need not be waited for.
    for (let number = 0; number < round.faults && cuts.findings.violations.length === 0; number++) {
      round.signal.throwIfAborted();
      await cuts.cut(number);
      round.progress(number + 1);
    }
    const { changes } = scene.journal;
    const merges = changes.filter((one) => one.kind === "rename" && one.fromName.endsWith(".merged")).length;
    const figures = { changes: changes.length, published: order.checked, merges };
    return { faults: round.faults, ...cuts.findings.result(), recoveryMs: cuts.recoveryMs, figures };
  } finally {
    await pipeline.close();
  }
}

/** See the module. */
export const experiment: Experiment = {
  number: 8,
  name: "power-cut",
  fault: "power cut: what was not synced is dropped, in part or in full",
  mustHold:
    "acknowledged rows survive in log and lake; embedded warehouse and gold are made anew from the lake",
  engines: ["embedded", "kafka"],
  needs: () => ["linux", "strace"],
  faults: { short: { embedded: 16, kafka: 16 }, full: { embedded: 500, kafka: 300 } },
  faultsPerRound: 100,
  run,
  controls: [
    {
      guard: "the embedded log syncs before it acknowledges",
      engines: ["embedded"],
      mutations: [{
        file: "event_log/_sqlite_database.ts",
        from: "PRAGMA synchronous = FULL;",
        to: "PRAGMA synchronous = NORMAL;",
      }],
      faults: 3,
    },
    {
      guard: "a raw file is synced before it gets its name",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "lake/segment_writer.ts",
        from: 'await onStorage("write", this.#temporary, () => file.sync());',
        to: "",
      }],
      faults: 1,
    },
    {
      guard: "a raw file's name is synced before its range is committed",
      engines: ["embedded"],
      mutations: [{
        file: "lake/segment_writer.ts",
        from: "await syncFolder(this.#folder);",
        to: "void syncFolder;",
      }],
      faults: 8,
    },
    {
      guard: "a gold table is synced before it gets its name",
      engines: ["embedded", "kafka"],
      mutations: [{ file: "etl/gold_table.ts", from: "await file.sync();", to: "" }],
      faults: 1,
    },
    {
      guard: "the warehouse says that it has stopped only when all is on the disk",
      engines: ["embedded"],
      mutations: [{
        file: "warehouse/_folder_marks.ts",
        from: "await syncAll(folder);",
        to: "void syncAll;",
      }],
      faults: 1,
    },
  ],
};
