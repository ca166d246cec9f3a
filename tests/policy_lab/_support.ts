/** A small lab. */

import type { LabChoices } from "../../policy_lab/lab_choices.ts";

/** Three days of three flights. */
export function choicesOf(changes: Partial<LabChoices> = {}): LabChoices {
  return {
    policies: ["none", "RULE_ENGINE_ITERATION_2"],
    days: 3,
    replications: 3,
    seed: 1,
    flightsPerDay: 3,
    horizonDays: 14,
    historyDays: 0,
    lookToBook: 10,
    targetLoadFactor: 0.8,
    startDate: "2025-11-24",
    model: undefined,
    ...changes,
  };
}

/** A folder for the length of a test. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "policy_lab_" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the lab as `deno task lab` does, under its permissions. */
export async function lab(args: string): Promise<{ code: number; text: string }> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-P=launcher", "scripts/launch.ts", "lab", ...args.split(" ")],
    env: { NO_COLOR: "1" },
  }).output();
  const text = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
  return { code: output.code, text };
}
