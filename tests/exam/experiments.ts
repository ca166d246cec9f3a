/** All experiments of the reliability exam, by number. */

import type { Experiment } from "./experiment.ts";
import { experiment as lakeWriterKilled } from "./07_lake_writer_killed.ts";
import { experiment as connectionLost } from "./11_connection_lost.ts";
import { experiment as soak } from "./14_soak.ts";

export const EXPERIMENTS: readonly Experiment[] = ([lakeWriterKilled, connectionLost, soak] as Experiment[]).toSorted((
  a,
  b,
) => a.number - b.number);
