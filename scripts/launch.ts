/**
 * What the tasks call: `launch.ts <part> [arguments]` runs a part under its own permission set, fitted to the
 * configuration. Input, output and exit code are the part's own.
 */

import { join } from "node:path";
import { UsageError } from "../process/command_line.ts";
import { OperatorError, report } from "../process/run_process.ts";
import { withEnvFile } from "./env_file.ts";
import { commandFor, PARTS, PROJECT_DIR } from "./launcher.ts";
import type { PartName } from "./launcher.ts";

/** Runs the part and returns its exit code. */
async function launch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || !Object.hasOwn(PARTS, name)) {
    throw new UsageError(
      `There is no part "${name ?? ""}", expected one of ${Object.keys(PARTS).join(", ")}`,
    );
  }
  const env = withEnvFile(Deno.env.toObject(), PROJECT_DIR);
  const command = commandFor(name as PartName, rest, env);
  await installDependencies();
  return await run(command.args, command.env);
}

/** On the first run the libraries are fetched, and seen to be: the part itself is started without such notices. */
async function installDependencies(): Promise<void> {
  try {
    await Deno.stat(join(PROJECT_DIR, "node_modules", ".deno"));
  } catch {
    const code = await run(["install", "--frozen"], {});
    if (code !== 0) throw new OperatorError("Cannot fetch the libraries. Is the network there?");
  }
}

async function run(args: string[], env: Record<string, string>): Promise<number> {
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env,
    cwd: PROJECT_DIR,
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  // Ctrl+C reaches the part from the terminal too; it counts what comes within two seconds as one.
  const forward = (signal: Deno.Signal) => () => {
    try {
      if (Deno.build.os !== "windows") child.kill(signal);
    } catch {
      // It has ended already.
    }
  };
  const listeners = (Deno.build.os === "windows" ? ["SIGINT", "SIGBREAK"] : ["SIGINT", "SIGTERM"])
    .map((signal) => [signal, forward(signal as Deno.Signal)] as [Deno.Signal, () => void]);
  for (const [signal, listener] of listeners) Deno.addSignalListener(signal, listener);
  const status = await child.status;
  for (const [signal, listener] of listeners) Deno.removeSignalListener(signal, listener);
  return status.code;
}

try {
  Deno.exit(await launch(Deno.args));
} catch (error) {
  Deno.exit(report(error));
}
