/**
 * How `stop`, `status` and `logs` find what `start` or `tracker` runs, from another terminal: three small files beside
 * the log files.
 *
 * ```
 * data/logs/start.lock   held while it runs
 * data/logs/start.json   what it runs: its parts and their addresses
 * data/logs/start.stop   somebody asks it to stop
 * ```
 *
 * @module
 */

import { join } from "node:path";
import { isThere, removeIfThere } from "../process/files.ts";
import { lockFile } from "../process/lock_file.ts";
import { OperatorError } from "../process/run_process.ts";

/** The tasks that run several processes. */
export const SUPERVISORS = ["start", "tracker"] as const;
export type Supervisor = typeof SUPERVISORS[number];

/** How a process can be asked for its health. */
export type ProbeKind = "pipeline" | "api" | "warehouse" | "service";

/** A process that a supervisor runs. */
export interface RunningPart {
  name: string;
  kind: ProbeKind;
  /** `127.0.0.1:8002`; of the warehouse that of Postgres's protocol. */
  address: string;
}

/** What a supervisor runs. */
export interface RunRecord {
  supervisor: Supervisor;
  pid: number;
  started_at: string;
  /** As it was called. */
  command: string;
  parts: RunningPart[];
}

const LOOK_INTERVAL_MS = 250;
/** Those who only look whether the lock is held hold it for a moment themselves. */
const LOCK_WAIT_MS = 1000;

/** A supervisor's own hold on its files. */
export interface Run {
  /** Aborts when somebody asks it to stop. */
  readonly stopAsked: AbortSignal;
  /** To be called when all has stopped. */
  end(): Promise<void>;
}

/**
 * Takes the files of a supervisor and tells what it runs; the operating system gives the lock back, however it ends.
 *
 * @throws {OperatorError} when another one has them.
 */
export async function beginRun(folder: string, record: RunRecord): Promise<Run> {
  const { supervisor } = record;
  const path = (ending: string) => join(folder, `${supervisor}.${ending}`);
  const { lock, owner } = await lockFile(path("lock"), { waitMs: LOCK_WAIT_MS });
  if (lock === undefined) {
    const who = owner === "" ? "" : ` (${owner})`;
    throw new OperatorError(
      `Another "deno task ${supervisor}"${who} keeps its logs in "${folder}". Stop it first (deno task stop), or give ` +
        "this one a folder of its own by EVENT_LOG_FILE",
    );
  }
  await removeIfThere(path("stop"));
  await Deno.writeTextFile(path("json"), `${JSON.stringify(record, null, 2)}\n`);
  const asked = new AbortController();
  const timer = setInterval(async () => {
    if (!asked.signal.aborted && await isThere(path("stop")).catch(() => false)) asked.abort();
  }, LOOK_INTERVAL_MS);
  return {
    stopAsked: asked.signal,
    async end() {
      clearInterval(timer);
      await removeIfThere(path("stop"));
      await removeIfThere(path("json"));
      lock.close();
    },
  };
}

/** What a supervisor runs now; `undefined` where it does not run. */
export async function runningNow(folder: string, supervisor: Supervisor): Promise<RunRecord | undefined> {
  if (!await isHeld(join(folder, `${supervisor}.lock`))) return undefined;
  try {
    return JSON.parse(await Deno.readTextFile(join(folder, `${supervisor}.json`))) as RunRecord;
  } catch {
    // It begins or ends at this moment.
    return { supervisor, pid: 0, started_at: new Date().toISOString(), command: "", parts: [] };
  }
}

/** Where the parts of what runs, or ran last, can be asked; for who is to be allowed to. */
export function runningAddresses(folder: string): string[] {
  return SUPERVISORS.flatMap((supervisor) => {
    try {
      const { parts } = JSON.parse(Deno.readTextFileSync(join(folder, `${supervisor}.json`))) as RunRecord;
      return parts.map(({ address }) => address).filter((address) => ADDRESS.test(address));
    } catch {
      return [];
    }
  });
}

/** Host and port as permission lists take them. */
const ADDRESS = /^(?:\[[0-9a-fA-F:]+\]|[a-zA-Z0-9_.-]+):\d{1,5}$/;

async function isHeld(path: string): Promise<boolean> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const free = await file.tryLock(false);
  file.close();
  return !free;
}

/** Asks a supervisor to stop and waits until it has; `false` where it has not within `deadlineMs`. */
export async function askToStop(
  folder: string,
  supervisor: Supervisor,
  options: { deadlineMs: number; signal: AbortSignal },
): Promise<boolean> {
  await Deno.writeTextFile(join(folder, `${supervisor}.stop`), "");
  const untilMs = performance.now() + options.deadlineMs;
  while (await isHeld(join(folder, `${supervisor}.lock`))) {
    if (performance.now() > untilMs || options.signal.aborted) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL_MS));
  }
  return true;
}
