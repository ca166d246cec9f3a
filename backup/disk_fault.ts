/** Faults of a disk in an operator's words. */

import { OperatorError } from "../process/run_process.ts";

const FAULTS: [RegExp, string][] = [
  [/os error 28\b|No space left/, "the disk is full: free some space there"],
  [/os error 122\b/, "the disk quota is used up: free some space there"],
  [/os error 30\b/, "the file system is read-only: mount it for writing, or choose another folder"],
];

/**
 * Runs `work`, which writes to `folder`.
 *
 * @throws {OperatorError} instead of what the operating system says of a disk, or of a right that is missing.
 */
export async function onDisk<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const reason = error instanceof Deno.errors.PermissionDenied
      ? "this user may not write there: allow it, or choose another folder"
      : FAULTS.find(([pattern]) => pattern.test(error.message))?.[1];
    if (reason === undefined) throw error;
    throw new OperatorError(`Cannot write below "${folder}": ${reason}`, { cause: error });
  }
}
