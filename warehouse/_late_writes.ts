/**
 * What npm:postgres 3.4.9 throws where nobody can catch it when a connection is lost, and what would end the process. The
 * query at hand is rejected by the loss too, so there is nothing more to be told.
 *
 * It puts small messages together and writes them a moment later; where the connection was lost in between, that write
 * throws outside of any promise. And it asks for the array types of a new connection by a query of its own, whose promise
 * nobody holds.
 */

let tolerated = false;

/** Whether an uncaught error is such a write. */
export function isLateWrite(error: unknown): boolean {
  return error instanceof TypeError &&
    /\bnextWrite\b.*[\\/]postgres[\\/]src[\\/]connection\.js/.test(error.stack ?? "");
}

/** Whether a rejection is that of the driver's own question for types. */
export function isLostTypesQuery(reason: unknown): boolean {
  const { code, query } = (reason ?? {}) as { code?: unknown; query?: unknown };
  // 57P01 to 57P03: the server is being stopped, or somebody has ended this session.
  return typeof code === "string" && /^(CONNECTION_|CONNECT_TIMEOUT|E[A-Z]+$|57P0[1-3]$)/.test(code) &&
    typeof query === "string" && query.includes("typarray");
}

/** Lets the process live on after such a write or rejection; everything else that is uncaught still ends it. */
export function tolerateLateWrites(): void {
  if (tolerated) return;
  tolerated = true;
  globalThis.addEventListener("error", (event) => {
    if (isLateWrite(event.error)) event.preventDefault();
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    if (isLostTypesQuery(event.reason)) event.preventDefault();
  });
}
