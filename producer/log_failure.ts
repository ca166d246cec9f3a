/** Telling the log's failures, which pass, from faults of the program, which do not. */

import { FencedError, ReplacedTopicError, UnknownTopicError } from "../event_log/event_log.ts";

/** The log did not do what it was asked; `cause` is why. Trying again later may help. */
export class LogFailure extends Error {
  override name = "LogFailure";

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/**
 * Waits for work of the log.
 *
 * @throws {LogFailure} when it fails; a fenced owner, a missing and a replaced topic are passed on as they are.
 */
export async function fromLog<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const passed = [FencedError, UnknownTopicError, ReplacedTopicError];
    if (passed.some((type) => error instanceof type)) throw error;
    throw new LogFailure(error);
  }
}
