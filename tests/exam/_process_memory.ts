/**
 * What a process keeps: its heap after a forced collection, asked over V8's inspector, and its open handles. Resident
 * memory says little of a leak, because V8 gives memory back when it likes.
 *
 * @module
 */

import type { Project } from "./_project_copy.ts";

/** Names the port on which a process of an {@link inspectable} project opens its inspector. */
export const INSPECTOR_PORT = "AIRLINE_EXAM_INSPECTOR_PORT";

const BYTES_PER_MIB = 1024 * 1024;
const ANSWER_MS_MAX = 20_000;

/** The same project; processes that are given {@link INSPECTOR_PORT} open their inspector there, on loopback. */
export function inspectable(project: Project): Project {
  return {
    folder: project.folder,
    commandFor(part, args, env) {
      const command = project.commandFor(part, args, env);
      const port = env[INSPECTOR_PORT];
      if (port === undefined) return command;
      const [subcommand, ...rest] = command.args;
      return { ...command, args: [subcommand!, `--inspect=127.0.0.1:${port}`, ...rest] };
    },
  };
}

/**
 * The heap in use after a collection, with the buffers beside it, in MiB.
 *
 * @throws {Error} When the process does not answer.
 */
export async function heapAfterCollectionMiB(inspectorPort: number): Promise<number> {
  const signal = AbortSignal.timeout(ANSWER_MS_MAX);
  const targets = await (await fetch(`http://127.0.0.1:${inspectorPort}/json`, { signal })).json();
  const socket = new WebSocket(targets[0].webSocketDebuggerUrl);
  try {
    await happened(socket, "open", signal);
    // What the first collection lets go of may free more.
    await ask(socket, 1, "HeapProfiler.collectGarbage", signal);
    await ask(socket, 2, "HeapProfiler.collectGarbage", signal);
    const { usedSize, backingStorageSize } = await ask(socket, 3, "Runtime.getHeapUsage", signal);
    return (Number(usedSize) + Number(backingStorageSize)) / BYTES_PER_MIB;
  } finally {
    socket.close();
    if (socket.readyState !== WebSocket.CLOSED) await happened(socket, "close", signal);
  }
}

async function ask(
  socket: WebSocket,
  id: number,
  method: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  socket.send(JSON.stringify({ id, method }));
  for (;;) {
    const { data } = await happened(socket, "message", signal) as MessageEvent<string>;
    const answer = JSON.parse(data);
    if (answer.id !== id) continue;
    if (answer.error !== undefined) {
      throw new Error(`The inspector refuses ${method}: ${answer.error.message}`);
    }
    return answer.result;
  }
}

function happened(
  socket: WebSocket,
  what: "open" | "message" | "close",
  signal: AbortSignal,
): Promise<Event> {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const fail = (reason: string) => {
      done.abort();
      reject(new Error(`The inspector at ${socket.url} ${reason}`));
    };
    const options = { signal: done.signal };
    socket.addEventListener(what, (event) => {
      done.abort();
      resolve(event);
    }, options);
    if (what !== "close") socket.addEventListener("close", () => fail("closed the connection"), options);
    signal.addEventListener("abort", () => fail(`did not answer within ${ANSWER_MS_MAX / 1000} s`), options);
  });
}

/** Figures of something over time, each taken at a moment of the steady clock. */
export class Samples {
  readonly #taken: { atMs: number; value: number }[] = [];

  add(atMs: number, value: number): void {
    this.#taken.push({ atMs, value });
  }

  /** The figures whose moment is one of those asked for. */
  where(isMeant: (atMs: number) => boolean): number[] {
    return this.#taken.filter(({ atMs }) => isMeant(atMs)).map(({ value }) => value);
  }
}

/** The middle of some figures; `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
