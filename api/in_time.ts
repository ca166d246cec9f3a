/**
 * A deadline for the database's answers. A connection that has died in silence (a firewall that forgot it, a machine that
 * lost power) brings neither an answer nor an error, and whoever asked would wait for ever.
 *
 * @module
 */

/** Longer than a statement may take on a real server; the embedded one serves one client after another. */
const ANSWER_MS = 15_000;

/** No answer came in time. */
export class NoAnswerError extends Error {
  override name = "NoAnswerError";
}

/**
 * Waits for an answer no longer than `withinMs`.
 *
 * @throws {NoAnswerError}
 */
export async function inTime<T>(work: Promise<T>, withinMs = ANSWER_MS): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(
      new NoAnswerError(`The database has not answered within ${withinMs / 1000} s: ask again later`),
    );
  }, withinMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
