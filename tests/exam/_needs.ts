/** What an experiment needs of this machine, and whether it is there. */

import type { ExamEngine, Experiment, Need } from "./experiment.ts";

const MISSING: Record<Need, string> = {
  linux: "needs Linux",
  mount: "needs to mount file systems, which takes root",
  "own-broker":
    "needs a Kafka broker of its own: Java, and EXAM_KAFKA_LIBS naming the folder of Kafka's jars",
  postgres: "needs a Postgres server on loopback in DATABASE_URL",
  strace: "needs strace",
  faketime: "needs faketime",
};

const known = new Map<Need, boolean>();

/** Why an experiment cannot run here on an engine; `undefined` where it can. */
export async function whyNot(experiment: Experiment, engine: ExamEngine): Promise<string | undefined> {
  const needs = experiment.needs(engine);
  if (engine === "kafka" && !needs.includes("own-broker") && !given("KAFKA_BROKERS")) {
    return "needs a Kafka broker on loopback in KAFKA_BROKERS";
  }
  for (const need of needs) {
    if (!known.has(need)) known.set(need, await isThere(need));
    if (!known.get(need)) return MISSING[need];
  }
  return undefined;
}

function given(name: string): boolean {
  return (Deno.env.get(name) ?? "") !== "";
}

async function isThere(need: Need): Promise<boolean> {
  switch (need) {
    case "linux":
      return Deno.build.os === "linux";
    case "mount":
      return await mayMount();
    case "own-broker":
      return given("EXAM_KAFKA_LIBS") && await runs("java", ["-version"]);
    case "postgres":
      return given("DATABASE_URL");
    case "strace":
      return await runs("strace", ["-V"]);
    case "faketime":
      return await runs("faketime", ["--version"]);
  }
}

async function mayMount(): Promise<boolean> {
  const folder = await Deno.makeTempDir({ prefix: "airline-exam-mount-" });
  try {
    if (!await runs("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder])) return false;
    return await runs("umount", [folder]);
  } finally {
    await Deno.remove(folder);
  }
}

async function runs(program: string, args: string[]): Promise<boolean> {
  try {
    const { success } = await new Deno.Command(program, { args, stdout: "null", stderr: "null" }).output();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
