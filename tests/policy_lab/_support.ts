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
    startDate: "2025-11-24",
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
