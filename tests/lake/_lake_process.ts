/** The lake writer as a process of its own, for tests that kill it or take something away from it. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";

const SCRIPT = fileURLToPath(new URL("../../lake/lake_writer.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** How long a test waits for what must come. Generous: only a broken writer ever waits this long. */
export const PATIENCE_MS = 60_000;

/** Waits until `condition` holds. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited ${PATIENCE_MS} ms in vain until ${what}`);
    await delay(20);
  }
}

export interface LakeProcess {
  /** What it said so far, both streams. */
  output(): string;
  /** Port of its metrics, once it has said it. */
  metricsPort(): Promise<number>;
  kill(signal: Deno.Signal): void;
  /** The exit code, once it has ended; `null` where a signal ended it. */
  ended: Promise<number | null>;
}

/** Starts the writer. `permissions` replaces `-A`. */
export function startLakeWriter(
  env: Record<string, string>,
  args: string[] = [],
  permissions: string[] = ["-A"],
): LakeProcess {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      "--config",
      CONFIG,
      ...permissions,
      SCRIPT,
      "--metrics-port",
      "0",
      ...args,
    ],
    env: { KAFKA_BROKERS: "", NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const chunk of stream.pipeThrough(new TextDecoderStream())) text += chunk;
  };
  const collected = Promise.all([collect(child.stdout), collect(child.stderr)]);
  return {
    output: () => text,
    async metricsPort() {
      await until(`the writer says its port, after\n${text}`, () => /metrics on port \d+/.test(text));
      return Number(/metrics on port (\d+)/.exec(text)![1]);
    },
    kill: (signal) => child.kill(signal),
    ended: (async () => {
      const status = await child.status;
      await collected;
      return status.signal === null ? status.code : null;
    })(),
  };
}

/** Stops the writer as Ctrl+C does, and checks that it drains. */
export async function stopLakeWriter(writer: LakeProcess): Promise<void> {
  writer.kill("SIGINT");
  assert.equal(await writer.ended, 0, writer.output());
}
