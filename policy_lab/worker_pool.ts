/** Runs replications on all cores. */

import type { LabChoices } from "./lab_choices.ts";
import type { WorkerAnswer, WorkerOrder } from "./lab_worker.ts";
import type { ReplicationResult } from "./replication.ts";

export interface PoolOptions {
  workers: number;
  /** Told of each replication as it comes, in any order. */
  onResult: (result: ReplicationResult) => void;
  /** Ends the run; replications that are not done are lost. */
  stop: AbortSignal;
}

/**
 * Runs the replications of these numbers; returns when all are done or `stop` aborts. A result depends on the choices
 * and its number only, not on how many workers there are.
 *
 * @throws {Error} what a worker failed with.
 */
export async function runOnWorkers(
  choices: LabChoices,
  replications: readonly number[],
  { workers, onResult, stop }: PoolOptions,
): Promise<void> {
  const waiting = [...replications];
  const pool = Array.from(
    { length: Math.min(workers, replications.length) },
    () => new Worker(new URL("./lab_worker.ts", import.meta.url), { type: "module" }),
  );
  try {
    await Promise.all(pool.map((worker) =>
      new Promise<void>((done, failed) => {
        const tell = (order: WorkerOrder) => worker.postMessage(order);
        const next = () => {
          const replication = stop.aborted ? undefined : waiting.shift();
          if (replication === undefined) done();
          else tell({ replication });
        };
        stop.addEventListener("abort", () => done());
        worker.onerror = (event) => {
          event.preventDefault();
          failed(new Error(`A worker of the lab failed: ${event.message}`));
        };
        worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
          if ("error" in data) return failed(new Error(data.error));
          if ("result" in data) onResult(data.result);
          next();
        };
        tell({ choices });
      })
    ));
  } finally {
    for (const worker of pool) worker.terminate();
  }
}
