/**
 * Experiment 9: the whole pipeline runs on small disks, one under each place that it writes to. One after the other is
 * filled up and freed. What writes there says that it is not ready, publishes nothing torn, loses nothing that it
 * acknowledged, and goes on by itself.
 *
 * @module
 */

import postgres from "postgres";
import type { Experiment, Round, RoundResult } from "./experiment.ts";
import { DiskRound } from "./_disk_round.ts";
import type { Place } from "./_disk_round.ts";
import { openExamPipeline } from "./_exam_pipeline.ts";
import { SmallDisk } from "./_small_disk.ts";
import { moveDatabase } from "./_small_tablespace.ts";

const PLACES: Record<Round["engine"], readonly Place[]> = {
  embedded: ["log", "lake", "gold", "warehouse"],
  kafka: ["lake", "gold", "warehouse"],
};
const MEBIBYTES: Record<Place, number> = { log: 512, lake: 256, gold: 128, warehouse: 512 };
async function run(round: Round): Promise<RoundResult> {
  const closers: (() => Promise<unknown>)[] = [];
  const disks = new Map<Place, SmallDisk>();
  // Not in the round's folder: another user's server must get to it.
  const root = `/tmp/airline-exam-disks-${crypto.randomUUID().slice(0, 8)}`;
  try {
    for (const place of PLACES[round.engine]) {
      const user = round.engine === "kafka" && place === "warehouse" ? "postgres" : undefined;
      const folder = place === "lake"
        ? `${root}/lake/raw`
        : place === "gold"
        ? `${root}/lake/gold`
        : `${root}/${place}`;
      const disk = await SmallDisk.mount(folder, {
        mebibytes: MEBIBYTES[place],
        ...(user === undefined ? {} : { user }),
      });
      disks.set(place, disk);
    }
    await Deno.mkdir(`${root}/lake/rejected`);
    const pipeline = await openExamPipeline(round, {
      warehouse: true,
      env: {
        EVENT_LOG_FILE: `${root}/log/event_log.sqlite`,
        LAKE_DIR: `${root}/lake`,
        WAREHOUSE_DIR: `${root}/warehouse/data`,
      },
    });
    closers.push(() => pipeline.close());
    let url = `postgres://airline:airline@127.0.0.1:${pipeline.env.WAREHOUSE_PORT}/airline_dw`;
    if (round.engine === "kafka") {
      url = pipeline.env.DATABASE_URL!;
      closers.push(await moveDatabase(pipeline, disks.get("warehouse")!));
      await pipeline.run("warehouse");
    }
    const disksRound = new DiskRound(round, pipeline, disks);
    closers.unshift(() => disksRound.abandon());
    await disksRound.begin();
    const places = PLACES[round.engine];
    for (let fault = 0; fault < round.faults; fault++) {
      round.signal.throwIfAborted();
      await disksRound.fillAndFree(places[fault % places.length]!);
      round.progress(fault + 1);
      // What is wrong already need not be waited for.
      if (disksRound.findings.violations.length > 0) return disksRound.result(fault + 1);
    }
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    closers.unshift(() => sql.end({ timeout: 1 }));
    await disksRound.finish(sql);
    return disksRound.result(round.faults);
  } finally {
    for (const close of closers) await close().catch((error) => round.say(`While ending: ${error.message}`));
    for (const disk of disks.values()) await disk.unmount();
    await Deno.remove(root, { recursive: true }).catch(() => {});
  }
}

/** See the module. */
export const experiment: Experiment = {
  number: 9,
  name: "disk-full",
  fault: "the disk under log, lake, gold or warehouse is full, then freed",
  mustHold: "nothing torn is published; not ready while full; goes on within 60 s by itself",
  engines: ["embedded", "kafka"],
  needs: (engine) => engine === "kafka" ? ["linux", "mount", "postgres"] : ["linux", "mount"],
  faults: { short: { embedded: 4, kafka: 3 }, full: { embedded: 40, kafka: 30 } },
  faultsPerRound: 20,
  run,
  controls: [
    {
      guard: "a file of which a write failed is given up",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "lake/segment_writer.ts",
        from: "() => writeAll(file, chunk));",
        to: "() => writeAll(file, chunk).catch(() => {}));",
      }],
      faults: 2,
    },
    {
      guard: "an ETL whose last run failed is not ready",
      engines: ["embedded", "kafka"],
      mutations: [{
        file: "etl/etl_runner.ts",
        from: "return `The last run failed: ${error instanceof Error ? error.message : String(error)}`;",
        to: "return undefined;",
      }],
      faults: 3,
    },
  ],
};
