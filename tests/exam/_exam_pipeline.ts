/** The pipeline of one round: topics, prefix and database of its own; its processes end with the round. */

import { eventually, openPipeline, Part, Pipeline } from "../pipeline/_pipeline.ts";
import { putWarehouse } from "./_prepared_warehouse.ts";
import { EXAM_POINT, pointLine } from "./_project_copy.ts";
import type { Round } from "./experiment.ts";
import type { PartName } from "../../scripts/launcher.ts";

export { eventually, Part };

/** What differs from the round's usual engines. */
export interface ExamPipelineOptions {
  /** Brokers of the round's own, in place of `KAFKA_BROKERS`. Their topics are left when the pipeline is closed. */
  brokers?: string[];
  /** A database server, in place of `DATABASE_URL`; a database of its own is made there. */
  databaseUrl?: string;
  /** Partitions of topics that are to have others than usual. */
  partitions?: Record<string, number>;
  /** Further variables of the processes; they win. */
  env?: Record<string, string>;
  /** Whether an embedded warehouse will be started: then its empty database is there already. */
  warehouse?: true;
}

/** A {@link Pipeline}, and how to put a hand on its processes. */
export interface ExamPipeline extends Pipeline {
  /** Starts a part of a copy that stops at the `pass`-th time it comes to a named point: for ever, or for `waitMs`. */
  startTo(point: string, pass: number, name: PartName, args?: string[], waitMs?: number): Part;
}

/** Opens the pipeline of a round. It runs the processes of `round.project`; at Ctrl+C they are killed. */
export async function openExamPipeline(
  round: Round,
  options: ExamPipelineOptions = {},
): Promise<ExamPipeline> {
  round.signal.throwIfAborted();
  const pipeline = await openPipeline(round.engine === "kafka" ? "real" : "embedded", {
    project: round.project,
    parentFolder: round.folder,
    ...options,
    leaveTopics: options.brokers !== undefined,
  });
  if (options.warehouse && pipeline.pair === "embedded") await putWarehouse(pipeline.env.WAREHOUSE_DIR!);
  const abort = () => void pipeline.killParts();
  round.signal.addEventListener("abort", abort, { once: true });
  const close = pipeline.close.bind(pipeline);
  return Object.assign(pipeline, {
    startTo: (point: string, pass: number, name: PartName, args: string[] = [], waitMs?: number) => {
      const place = waitMs === undefined ? `${point}:${pass}` : `${point}:${pass}:${waitMs}`;
      return pipeline.start(name, args, { [EXAM_POINT]: place });
    },
    close: async () => {
      round.signal.removeEventListener("abort", abort);
      await close();
    },
  });
}

/** Whether a process stopped at the point that it was started to. */
export function isAtPoint(part: Part, point: string): boolean {
  return part.output.includes(pointLine(point));
}

/** What a process uses now, as Linux tells it. */
export interface Usage {
  residentMiB: number;
  /** Open files, sockets and the like. */
  handles: number;
}

/** What a process uses now; `undefined` once it has ended. */
export function usageOf(part: Part): Usage | undefined {
  try {
    const status = Deno.readTextFileSync(`/proc/${part.pid}/status`);
    const kibibytes = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0);
    const handles = [...Deno.readDirSync(`/proc/${part.pid}/fd`)].length;
    return { residentMiB: kibibytes / 1024, handles };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
