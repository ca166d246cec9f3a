/** What must hold before anything is started; each failure is one line that says what and how to mend it. */

import { join, resolve } from "node:path";
import { lockFile } from "../process/lock_file.ts";
import { OperatorError } from "../process/run_process.ts";
import { eachLine } from "./_lines.ts";
import type { ProcessCommand } from "./launcher.ts";
import { PROJECT_DIR } from "./launcher.ts";

/** A folder that the pipeline writes, and the setting that places it. */
export interface DataFolder {
  path: string;
  setting: string;
}

/**
 * Makes the folders and tries each by a file.
 *
 * @throws {OperatorError} naming folder and setting.
 */
export async function makeFolders(folders: DataFolder[]): Promise<void> {
  for (const { path, setting } of folders) {
    const probe = join(path, `.probe-${Deno.pid}`);
    try {
      await Deno.mkdir(path, { recursive: true });
      await Deno.writeTextFile(probe, "");
      await Deno.remove(probe);
    } catch (error) {
      const reason = (error as Error).message.replace(/\(os error.*$/, "").split(",")[0]!.trim();
      throw new OperatorError(
        `Cannot write in the folder "${resolve(PROJECT_DIR, path)}": ${reason}. ` +
          `Allow writing to it, or choose another by ${setting}`,
      );
    }
  }
}

/** A port that a process will listen on. */
export interface NeededPort {
  hostname: string;
  port: number;
  /** What for: `the producer's metrics`. */
  purpose: string;
  /** How to choose another: `--metrics-ports-from 8101`. */
  remedy: string;
}

/**
 * Looks whether the ports are free.
 *
 * @throws {OperatorError} naming port, purpose and option.
 */
export function checkPorts(ports: NeededPort[]): void {
  for (const { hostname, port, purpose, remedy } of ports) {
    try {
      Deno.listen({ hostname, port }).close();
    } catch (error) {
      const taken = error instanceof Deno.errors.AddrInUse;
      const what = taken ? "is taken" : `cannot be opened (${(error as Error).message})`;
      const stop = taken ? "Stop the program that uses it, or choose" : "Choose";
      throw new OperatorError(
        `Port ${port} on ${hostname}, needed for ${purpose}, ${what}. ${stop} another by ${remedy}`,
      );
    }
  }
}

/**
 * Takes the folders for this start; given back when the process ends, however it ends.
 *
 * @throws {OperatorError} when another one has them.
 */
export async function lockFolders(folders: DataFolder[]): Promise<void> {
  for (const { path, setting } of folders) {
    // Kept open as long as the process lives: closing it gives the lock back.
    const { lock, owner } = await lockFile(join(path, ".start.lock"));
    if (lock === undefined) {
      const who = owner === "" ? "" : ` (${owner})`;
      throw new OperatorError(
        `Another "deno task start"${who} works on "${resolve(PROJECT_DIR, path)}". ` +
          `Stop it first, or give this one a folder of its own by ${setting}`,
      );
    }
  }
}

const LAST_LINES = 12;

/**
 * Runs a part to its end and returns what it printed last.
 *
 * @throws {OperatorError} with the part's own words when it fails, or does not end within the deadline.
 */
export async function runToEnd(
  name: string,
  command: ProcessCommand,
  options: { deadlineMs: number; signal: AbortSignal },
): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: command.args,
    env: command.env,
    cwd: PROJECT_DIR,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let late = false;
  const kill = () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  const timer = setTimeout(() => {
    late = true;
    kill();
  }, options.deadlineMs);
  options.signal.addEventListener("abort", kill, { once: true });
  const lines: string[] = [];
  const [{ success }] = await Promise.all([
    child.status,
    eachLine(child.stderr, (line) => {
      if (line.trim() !== "") lines.push(line);
      if (lines.length > LAST_LINES) lines.shift();
    }),
  ]);
  clearTimeout(timer);
  options.signal.removeEventListener("abort", kill);
  if (success || options.signal.aborted) return;
  const said = lines.join("\n").replace(/^✖ /, "");
  const reason = late ? `no answer within ${options.deadlineMs / 1000} s` : "";
  throw new OperatorError(
    [reason === "" ? "" : `Cannot run "deno task ${name}": ${reason}`, said].filter((part) => part !== "")
      .join("\n"),
  );
}
