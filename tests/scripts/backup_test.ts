/** `deno task backup` and `deno task restore` as processes under their own permissions, and backups by the ETL runner. */

import { deepEqual, equal, match } from "node:assert/strict";
import { freePort } from "../../process/free_port.ts";
import { commandFor, stoppable } from "../../scripts/launcher.ts";
import { Part } from "../pipeline/_pipeline.ts";
import { embedded, launch, PROJECT_DIR, withFolder } from "./_support.ts";

/** A folder whose embedded log has its topics. */
async function withLog(body: (env: Record<string, string>, folder: string) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const env = embedded(folder, {
      BACKUP_DIR: `${folder}/backups`,
      TRACKER_SUMMARIES_FILE: `${folder}/tracker/summaries.sqlite`,
      PIPELINE_PROCESSES: "none",
      WAREHOUSE_PORT: String(freePort()),
    });
    const { code, error } = await launch(["topics"], env);
    equal(code, 0, error);
    await body(env, folder);
  });
}

Deno.test("deno task backup makes, lists and verifies backups; restore asks, and takes a file elsewhere, too", () =>
  withLog(async (env, folder) => {
    match((await launch(["backup", "--list"], env)).out, /There is no backup in .* yet/);
    equal((await launch(["restore", "latest"], env)).code, 1);
    const made = await launch(["backup", "--json"], env);
    equal(made.code, 0, made.error);
    const { id, parts } = JSON.parse(made.out);
    deepEqual(parts.map(({ name }: { name: string }) => name), ["log"]);
    match((await launch(["backup", "--list"], env)).out, new RegExp(`^${id} +log`, "m"));
    match((await launch(["backup", "--verify", "latest"], env)).out, /is whole: \d+ pieces? fit/);

    const asked = await launch(["restore", id], env);
    equal(asked.code, 2);
    match(asked.out, /There is data already, which this overwrites:/);
    match(asked.error, /give --yes/);
    await Deno.remove(`${folder}/log`, { recursive: true });
    await Deno.rename(`${folder}/backups`, `${folder}/elsewhere`);
    const file = `${folder}/elsewhere/${id}.backup.json`;
    const restored = await launch(["restore", file], env);
    equal(restored.code, 0, restored.error);
    match(restored.out, /✔ .* is restored: log;/);
    const topics = await launch(["topics", "--list"], env);
    equal(topics.out.includes("missing"), false);
    equal((await launch(["restore", "2020-01-01T00-00-00.000Z"], env)).code, 1);
  }));

Deno.test("deno task backup says that there is nothing to back up", () =>
  withFolder(async (folder) => {
    const env = embedded(folder, {
      BACKUP_DIR: `${folder}/backups`,
      TRACKER_SUMMARIES_FILE: `${folder}/tracker/summaries.sqlite`,
    });
    const ended = await launch(["backup"], env);
    equal(ended.code, 1);
    match(ended.error, /^✖ There is nothing to back up yet/);
  }));

Deno.test("the ETL runner makes backups at their times, under its own permissions, and counts them", () =>
  withLog(async (env, folder) => {
    await Deno.mkdir(`${folder}/lake/raw`, { recursive: true });
    const args = ["--metrics-port", "0", "--skip-warehouse", "--every", "1h", "--backup-cron", "* * * * * *"];
    const command = commandFor("etl-runner", args, { ...Deno.env.toObject(), ...env });
    const child = new Deno.Command(Deno.execPath(), {
      args: command.args,
      env: stoppable(command.env),
      cwd: PROJECT_DIR,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const runner = new Part("etl-runner", child);
    try {
      await runner.says("💾 Backup ");
      const port = /metrics on port (\d+)/.exec(runner.output)![1];
      const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      match(page, /^backup_last_success_timestamp_seconds [1-9]/m);
      match(page, /^backup_failures_total 0$/m);
    } finally {
      equal(await runner.stop(), 0, runner.output);
    }
    equal((await launch(["backup", "--list"], env)).code, 0);
  }));
