/**
 * Asking again after errors that pass, with growing pauses, up to a deadline.
 *
 * @module
 */

import { isRetriable } from "./_kafka_errors.ts";

/** How long and how often to ask again. */
export interface RetryOptions {
  /** Milliseconds after which the last error is thrown. */
  deadlineMs: number;
  /** First pause; doubles up to `pauseMsMax`. Default 20. */
  pauseMs?: number;
  /** Default 500. */
  pauseMsMax?: number;
  signal?: AbortSignal;
  retriable?: (error: unknown) => boolean;
}

/** Calls `attempt` until it succeeds, fails for good, is aborted, or the deadline has passed. */
export async function retrying<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { deadlineMs, pauseMsMax = 500, signal, retriable = isRetriable } = options;
  let pauseMs = options.pauseMs ?? 20;
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (!retriable(error) || performance.now() + pauseMs > endMs) throw error;
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }
}

/** Waits; returns early, without throwing, when `signal` aborts. */
export function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = setTimeout(finish, durationMs);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
