/** pg_dump and pg_restore of a server's own version, and how they are told where it is. */

import { join } from "node:path";
import { OperatorError } from "../process/run_process.ts";
import { setting } from "../process/settings.ts";
import type { DatabaseAddress } from "../warehouse/database_address.ts";

const LAST_LINES = 5;
const LOCK_TIMEOUT_MS = 60_000;
const EXECUTABLE = Deno.build.os === "windows" ? ".exe" : "";

/** The two programs that are used. */
export type PostgresProgram = "pg_dump" | "pg_restore";

/**
 * The path of a program of Postgres's major version.
 *
 * @throws {OperatorError} where none of `POSTGRES_BIN` has that version.
 */
export async function programOf(program: PostgresProgram, major: number): Promise<string> {
  const found: string[] = [];
  for (const folder of (setting("POSTGRES_BIN") ?? "").split(",").filter((folder) => folder !== "")) {
    const path = join(folder, program + EXECUTABLE);
    try {
      const { stdout, success } = await new Deno.Command(path, {
        args: ["--version"],
        stdout: "piped",
        stderr: "null",
      }).output();
      const version = Number(/(\d+)(?:\.|devel|beta|rc|\s|$)/.exec(new TextDecoder().decode(stdout))?.[1]);
      if (success && version === major) return path;
      if (success) found.push(`${path} of version ${version}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.NotCapable)) throw error;
    }
  }
  const there = found.length === 0 ? "there is none" : `there is ${found.join(", ")}`;
  throw new OperatorError(
    `The server is Postgres ${major}, and its ${program} is needed: ${there}. Install the client programs of Postgres ` +
      `${major}, or name their folder by POSTGRES_BIN`,
  );
}

/** The address as the programs read it: nothing of it is on a command line, where others could see it. */
export function programEnvironment(address: DatabaseAddress): Record<string, string> {
  return {
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user,
    PGPASSWORD: address.password,
    PGDATABASE: address.database,
    PGSSLMODE: address.sslMode,
    ...(address.sslRootCertFile === undefined ? {} : { PGSSLROOTCERT: address.sslRootCertFile }),
    ...(address.sslCertFile === undefined ? {} : { PGSSLCERT: address.sslCertFile }),
    ...(address.sslKeyFile === undefined ? {} : { PGSSLKEY: address.sslKeyFile }),
    PGCONNECT_TIMEOUT: String(Math.max(2, Math.ceil(address.connectTimeoutMs / 1000))),
    PGAPPNAME: "airline-backup",
    // Somebody who keeps a table locked is not waited for all night.
    PGOPTIONS: `${address.options ?? ""} -c lock_timeout=${LOCK_TIMEOUT_MS}`.trim(),
  };
}

/** A running program: its output, its input where it takes one, and its end. */
export interface RunningProgram {
  stdout: ReadableStream<Uint8Array>;
  stdin: WritableStream<Uint8Array> | undefined;
  /** Resolves at its end. @throws {OperatorError} with its last words where it failed. */
  ended: Promise<void>;
  kill(): void;
}

/** Starts a program with nothing but the address in its environment. */
export function startProgram(
  path: string,
  args: string[],
  address: DatabaseAddress,
  options: { input: boolean },
): RunningProgram {
  const child = new Deno.Command(path, {
    args,
    clearEnv: true,
    env: programEnvironment(address),
    stdin: options.input ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = (async () => {
    const [{ success, code }, words] = await Promise.all([child.status, new Response(child.stderr).text()]);
    if (success) return;
    const said = words.trim().split("\n").slice(-LAST_LINES).join("; ");
    throw new OperatorError(`${path} failed with exit code ${code}: ${said}`);
  })();
  ended.catch(() => {});
  return {
    stdout: child.stdout,
    stdin: options.input ? child.stdin : undefined,
    ended,
    kill: () => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
    },
  };
}
