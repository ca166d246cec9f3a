/** All experiments of the reliability exam, by number. */

import type { Experiment } from "./experiment.ts";
import { experiment as lakeWriterKilled } from "./07_lake_writer_killed.ts";

export const EXPERIMENTS: readonly Experiment[] = ([lakeWriterKilled] as Experiment[]).toSorted((a, b) =>
  a.number - b.number
);
