/** `deno task verify` as a process: what it prints and how it ends. */

import { equal, match, throws } from "node:assert/strict";
import { UsageError } from "../../process/command_line.ts";
import { SETTINGS } from "../../process/settings.ts";
import { commandFor, PROJECT_DIR } from "../../scripts/launcher.ts";
import { freePort } from "../../process/free_port.ts";
import { OperatorError } from "../../process/run_process.ts";
import { watchVerification } from "../../scripts/_verify_watch.ts";
import { skippedParts } from "../../scripts/verify.ts";
import type { VerificationReport } from "../../verification/report.ts";
import { withPipeline } from "../verification/_small_pipeline.ts";

async function verify(
  root: string,
  args: string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env: Record<string, string> = Deno.env.toObject();
  for (const name of Object.keys(SETTINGS)) delete env[name];
  Object.assign(env, {
    EVENT_LOG_FILE: `${root}/log.sqlite`,
    LAKE_DIR: `${root}/lake`,
    // Nothing listens there.
    WAREHOUSE_PORT: "9",
  });
  const command = commandFor("verify", args, env);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: command.args,
    env: command.env,
    clearEnv: true,
    cwd: PROJECT_DIR,
    stdin: "null",
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("deno task verify ends with 0 where all agree, under its own permissions", () =>
  withPipeline(async ({ root }) => {
    const { code, stdout, stderr } = await verify(root, ["--skip", "warehouse", "--json", "--deep"]);
    equal(stderr, "");
    equal(code, 0);
    const report = JSON.parse(stdout) as VerificationReport;
    equal(report.agrees, true);
    equal(report.parts.warehouse.state, "skipped");
  }));

Deno.test("deno task verify ends with 1 and names the part that is away", () =>
  withPipeline(async ({ root }) => {
    const { code, stdout } = await verify(root, []);
    equal(code, 1);
    match(stdout, /✖ warehouse: absent\n.*The embedded warehouse does not answer/);
  }));

Deno.test("deno task verify makes nothing where there is nothing", async () => {
  const root = await Deno.makeTempDir();
  try {
    const { code, stdout } = await verify(root, []);
    equal(code, 1);
    match(stdout, /There is no event log at .* yet: create it with deno task topics/);
    match(stdout, /There is no lake at .* yet/);
    equal([...Deno.readDirSync(root)].length, 0);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("deno task verify ends with 2 for a part that cannot be skipped", async () => {
  const { code, stderr } = await verify("/nowhere", ["--skip", "lake"]);
  equal(code, 2);
  match(stderr, /--skip is "lake", expected log, gold, warehouse/);
});

Deno.test("--skip takes several parts", () => {
  equal([...skippedParts("gold, warehouse")].join(), "gold,warehouse");
  equal(skippedParts(undefined).size, 0);
  throws(() => skippedParts("gold,silver"), UsageError);
});

Deno.test("watchVerification() serves what the last comparison found, and goes on after one that fails", async () => {
  const stop = new AbortController();
  const found = (differences: number) =>
    ({
      agrees: false,
      seconds: 2,
      differences: [{ kind: "absent" }, ...Array.from({ length: differences }, () => ({ kind: "missing" }))],
    }) as unknown as VerificationReport;
  const results = [() => found(0), () => {
    throw new OperatorError("The log is away");
  }, () => found(3)];
  const port = freePort();
  const page = async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const pages: string[] = [];
  let ready = 0;
  await watchVerification({
    everyMs: 1,
    metricsPort: port,
    async verify() {
      pages.push(await page());
      ready = (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
      return results.shift()!();
    },
    async onReport() {
      if (results.length > 0) return;
      pages.push(await page());
      stop.abort();
    },
  }, stop.signal);
  equal(ready, 503, "not ready after the failure");
  match(pages[0]!, /^verify_runs_total\{result="differs"\} 0$/m);
  match(pages[2]!, /^verify_runs_total\{result="failed"\} 1$/m);
  match(pages[2]!, /^verify_differences 0$/m);
  match(pages[3]!, /^verify_differences 3$/m);
  match(pages[3]!, /^verify_runs_total\{result="differs"\} 1$/m);
  match(pages[3]!, /^verify_runs_total\{result="agrees"\} 1$/m);
});
