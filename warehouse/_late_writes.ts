/**
 * npm:postgres 3.4.9 puts small messages together and writes them a moment later; where the connection was lost in
 * between, that write throws outside of any promise and would end the process. The query itself is rejected by the
 * loss, so there is nothing more to be told.
 */

let tolerated = false;

/** Whether an uncaught error is such a write. */
export function isLateWrite(error: unknown): boolean {
  return error instanceof TypeError &&
    /\bnextWrite\b.*[\\/]postgres[\\/]src[\\/]connection\.js/.test(error.stack ?? "");
}

/** Lets the process live on after such a write; everything else that is uncaught still ends it. */
export function tolerateLateWrites(): void {
  if (tolerated) return;
  tolerated = true;
  globalThis.addEventListener("error", (event) => {
    if (isLateWrite(event.error)) event.preventDefault();
  });
}
