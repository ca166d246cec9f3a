/** Shared by the tests of what an operator runs: folders, free ports, processes of the project. */

import { fileURLToPath } from "node:url";

export const PROJECT_DIR = fileURLToPath(new URL("../..", import.meta.url));

/** Ports that nobody listens on now, one after another; as good as the machine can say. */
export function freePorts(count: number): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 12_000);
    try {
      for (let port = first; port < first + count; port++) {
        Deno.listen({ hostname: "127.0.0.1", port }).close();
      }
      return first;
    } catch {
      // One of them is taken.
    }
  }
  throw new Error(`Found no ${count} free ports in a row`);
}

/** Runs `body` with a folder that is removed afterwards. */
export async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "airline-test-" });
  try {
    await body(folder);
  } finally {
    // Children that were just stopped may still hold files on Windows.
    await Deno.remove(folder, { recursive: true }).catch(() => {});
  }
}

/** An environment whose data lies in `folder`, on embedded engines, with no file of settings. */
export function embedded(folder: string, env: Record<string, string> = {}): Record<string, string> {
  return {
    AIRLINE_ENV_FILE: "none",
    KAFKA_BROKERS: "",
    DATABASE_URL: "",
    EVENT_LOG_FILE: `${folder}/log/event_log.sqlite`,
    LAKE_DIR: `${folder}/lake`,
    WAREHOUSE_DIR: `${folder}/warehouse`,
    METRICS_HOST: "127.0.0.1",
    NO_COLOR: "1",
    ...env,
  };
}

/** What a process that ended said. */
export interface Ended {
  code: number;
  out: string;
  error: string;
}

/** Runs a part through the launcher, as its task does, to its end. */
export async function launch(args: string[], env: Record<string, string>): Promise<Ended> {
  const { code, stdout, stderr } = await launcher(args, env).output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

/** The launcher's command; it is called from the project's folder. */
export function launcher(
  args: string[],
  env: Record<string, string>,
  options: { stdin?: "null" | "piped" } = {},
): Deno.Command {
  const { stdin = "null" } = options;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=launcher", "scripts/launch.ts", ...args],
    env: { ...env, INIT_CWD: PROJECT_DIR },
    cwd: PROJECT_DIR,
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}
