/** What befalls the pipeline during a soak. Each fault returns once it is over; work may still have to come back. */

import postgres from "postgres";
import { eventually } from "./_exam_pipeline.ts";
import type { Random } from "./experiment.ts";
import { oneOf, wholeNumber } from "./_random.ts";
import { type Role, ROLES, type SoakPipeline } from "./_soak_pipeline.ts";

/** A kind of fault: its name, and how it is done. */
export interface SoakFault {
  name: string;
  inject: (soak: SoakPipeline, random: Random) => Promise<void>;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const pausedRole: SoakFault = {
  name: "a process is paused",
  inject: async (soak, random) => {
    const part = soak.part(oneOf(random, ROLES));
    part.signal("SIGSTOP");
    await pause(wholeNumber(random, 300, 3000));
    part.signal("SIGCONT");
  },
};

const secondKilled: SoakFault = {
  name: "a second consumer is killed",
  inject: async (soak, random) => {
    const second = soak.secondConsumer();
    await second.says("Partition");
    await pause(wholeNumber(random, 0, 2000));
    await second.kill();
    await pause(soak.sessionMs);
  },
};

const zombie: SoakFault = {
  name: "a second consumer is paused past its session and goes on",
  inject: async (soak, random) => {
    const second = soak.secondConsumer();
    await second.says("Partition");
    await pause(wholeNumber(random, 0, 500));
    second.signal("SIGSTOP");
    await pause(soak.sessionMs * 1.5);
    second.signal("SIGCONT");
    await pause(wholeNumber(random, 200, 1000));
    await second.stop();
  },
};

const etlKilled: SoakFault = {
  name: "an ETL run beside the runner's is killed",
  inject: async (soak, random) => {
    const run = soak.once("etl");
    await pause(wholeNumber(random, 200, 4000));
    await run.kill();
  },
};

const warehouseKilled: SoakFault = {
  name: "the embedded warehouse is killed",
  inject: (soak) => soak.killWarehouse(),
};

const connectionsEnded: SoakFault = {
  name: "Postgres ends the warehouse's connections",
  inject: async (soak) => {
    const sql = postgres(soak.pipeline.env.DATABASE_URL!, { max: 1, onnotice: () => {} });
    try {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()`;
    } finally {
      await sql.end();
    }
  },
};

const brokerKilled: SoakFault = {
  name: "the broker is killed",
  inject: async (soak, random) => {
    await soak.broker!.kill();
    await pause(wholeNumber(random, 0, 1500));
    await soak.broker!.restart();
    await eventually(
      "the broker serves its topics again",
      () => soak.progress().then(() => true, () => false),
    );
  },
};

const killed = (role: Role): SoakFault => ({
  name: `the ${role} is killed`,
  inject: (soak) => soak.killRole(role),
});

/** The faults that leave the processes alive whose memory is followed; those of the engine included. */
export function gentleFaults(soak: SoakPipeline): SoakFault[] {
  const engines = soak.pipeline.pair === "real"
    ? [connectionsEnded, ...(soak.broker === undefined ? [] : [brokerKilled])]
    : [warehouseKilled];
  return [pausedRole, pausedRole, secondKilled, zombie, etlKilled, ...engines];
}

/** All faults. */
export function roughFaults(soak: SoakPipeline): SoakFault[] {
  return [...gentleFaults(soak), ...ROLES.map(killed)];
}
