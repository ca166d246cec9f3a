/** A worker of the lab: told the choices, then one replication after another. */

import { type LabWorld, labWorld } from "./lab_world.ts";
import type { LabChoices } from "./lab_choices.ts";
import { type ReplicationResult, runReplication } from "./replication.ts";

/** What a worker is told. */
export type WorkerOrder = { choices: LabChoices } | { replication: number };

/** What it answers: ready for the first, or done with one. */
export type WorkerAnswer = { ready: true } | { result: ReplicationResult } | { error: string };

// The types of a worker's own scope are not among those of the project.
const scope = self as unknown as {
  onmessage: ((message: MessageEvent<WorkerOrder>) => void) | null;
  postMessage(answer: WorkerAnswer): void;
};

let world: LabWorld | undefined;

scope.onmessage = async ({ data }) => {
  try {
    if ("choices" in data) {
      world = await labWorld(data.choices);
      scope.postMessage({ ready: true });
    } else scope.postMessage({ result: runReplication(data.replication, world!) });
  } catch (error) {
    scope.postMessage({ error: error instanceof Error ? error.stack ?? error.message : String(error) });
  }
};
