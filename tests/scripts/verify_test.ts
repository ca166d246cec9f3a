/** `deno task verify` as a process: what it prints and how it ends. */

import { equal, match, throws } from "node:assert/strict";
import { UsageError } from "../../process/command_line.ts";
import { SETTINGS } from "../../process/settings.ts";
import { commandFor, PROJECT_DIR } from "../../scripts/launcher.ts";
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
