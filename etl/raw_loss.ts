/** When tables must not be built anew of the lake: raw files that lost lines, a lake that is not there. */

import { StorageError } from "../lake/durable_files.ts";
import type { RawPlan } from "./raw_plan.ts";

/** Finished raw files have lost lines: to build the tables anew would drop rows that they hold. Nothing has changed. */
export class RawLossError extends StorageError {
  override name = "RawLossError";
}

/** @throws {RawLossError} when a plan holds files that have lost lines. */
export function refuseLoss(plans: readonly RawPlan[]): void {
  const lost = plans.flatMap((plan) => plan.lost.map((name) => `${plan.topic}/${name}`));
  if (lost.length === 0) return;
  const shown = lost.length > 3
    ? `${lost.slice(0, 3).join(", ")} and ${lost.length - 3} more`
    : lost.join(", ");
  throw new RawLossError(
    `Cannot build the tables anew: lines are lost of raw files ${shown}, and the tables may hold their rows. Nothing is ` +
      "changed. Restore the files; to go on without the lost lines: deno task etl --full --accept-loss",
  );
}

/** @throws {RawLossError} when all is to be built anew of nothing: the folder is more likely the wrong one. */
export function tellOfEmptyLake(
  rawFolder: string,
  plans: readonly RawPlan[],
  full: boolean,
  warn: (message: string) => void,
): void {
  if (plans.some(({ slices, heldUp }) => slices.length + heldUp.length > 0)) return;
  const remedy = "start the lake writer (deno task lake), or choose another folder by LAKE_DIR";
  if (full) {
    throw new RawLossError(
      `Cannot build the tables anew: there are no raw files in "${rawFolder}". Nothing is changed; ${remedy}`,
    );
  }
  warn(`There are no raw files in "${rawFolder}" yet, so the tables are empty: ${remedy}`);
}
