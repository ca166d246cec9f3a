/** Asking the person at the terminal before something that cannot be taken back. */

import { UsageError } from "../process/command_line.ts";

/**
 * Asks, and returns whether the answer is yes; anything else, the end of the input and Ctrl+C are no.
 *
 * @throws {UsageError} where nobody can be asked, since input comes from elsewhere.
 */
export async function confirmed(question: string, signal: AbortSignal): Promise<boolean> {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError("Without a terminal nobody can be asked: give --yes to go ahead");
  }
  Deno.stderr.writeSync(new TextEncoder().encode(`${question} [y/N] `));
  const buffer = new Uint8Array(256);
  const stopped = new Promise<null>((resolve) =>
    signal.addEventListener("abort", () => resolve(null), { once: true })
  );
  const read = await Promise.race([Deno.stdin.read(buffer), stopped]);
  return read !== null && /^\s*(y|yes)\s*$/i.test(new TextDecoder().decode(buffer.subarray(0, read)));
}
