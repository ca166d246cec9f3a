/** The lab as a program: reports, resuming, bad input. */

import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { join } from "node:path";
import { digestOf } from "../../policy_lab/lab_choices.ts";
import { parseLabOptions } from "../../policy_lab/lab_options.ts";
import type { LabReport } from "../../policy_lab/lab_report.ts";
import { UsageError } from "../../process/command_line.ts";
import { choicesOf, lab, withFolder } from "./_support.ts";

const SMALL =
  "--policies RULE_ENGINE,RULE_ENGINE_ITERATION_2 --days 2 --flights-per-day 2 --history 0 --seed 3";

async function reports(folder: string): Promise<string[]> {
  const [run] = [...Deno.readDirSync(folder)];
  return await Promise.all(
    ["report.json", "report.md", "report.html"].map((name) =>
      Deno.readTextFile(join(folder, run!.name, name))
    ),
  );
}

Deno.test("the lab reports the same with one worker and with two, stopped and gone on, and keeps what is there", () =>
  withFolder(async (folder) => {
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    const whole = await lab(`${SMALL} --replications 6 --workers 1 --out ${one}`);
    equal(whole.code, 0, whole.text);
    match(whole.text, /RULE_ENGINE_ITERATION_2 +£/);
    equal((await lab(`${SMALL} --replications 3 --workers 2 --out ${two}`)).code, 0);
    const rest = await lab(`${SMALL} --replications 6 --workers 2 --out ${two}`);
    match(rest.text, /3 replications done before/);
    const [json, markdown, html] = await reports(one);
    deepEqual(await reports(two), [json, markdown, html]);
    const report = JSON.parse(json!) as LabReport;
    deepEqual(report.policies.map(({ name }) => name), ["none", "RULE_ENGINE", "RULE_ENGINE_ITERATION_2"]);
    equal(report.policies[0]!.incremental, null);
    const { dynamic, perfect } = report.bounds;
    ok(report.policies[0]!.revenue.mean < dynamic.mean && dynamic.mean < perfect.mean);
    for (const { histogram, curve, loadFactor } of report.policies) {
      ok(Math.abs(histogram.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
      ok(Math.abs(curve.at(-1)! - loadFactor.mean) < 1e-9);
    }
    match(markdown!, /\| RULE_ENGINE \| £/);
    ok(html!.startsWith("<!doctype html>") && !/(src|href)=|url\(|NaN|undefined|Infinity/.test(html!));
  }));

Deno.test("a run goes on behind a line that was cut off", () =>
  withFolder(async (folder) => {
    const args = `${SMALL} --replications 2 --out ${folder}`;
    equal((await lab(args)).code, 0);
    const before = await reports(folder);
    const [run] = [...Deno.readDirSync(folder)];
    const results = join(folder, run!.name, "replications.jsonl");
    const text = await Deno.readTextFile(results);
    await Deno.writeTextFile(results, text.slice(0, -20));
    match((await lab(args)).text, /1 replication done before/);
    deepEqual(await reports(folder), before);
  }));

const REFUSED: [args: string, message: RegExp][] = [
  ["--policies none,CHEAPEST", /--policies names "CHEAPEST", expected some of none, RULE_ENGINE/],
  ["--days 0", /--days/],
  ["--replications 1", /--replications/],
  ["--start-date 2025-02-30", /--start-date is "2025-02-30", expected a date/],
  ["--start-date 1850-01-01", /expected a date from 2000 to 2099/],
  ["--look-to-book 1", /--look-to-book/],
];
for (const [args, message] of REFUSED) {
  Deno.test(`the lab refuses ${args}`, () => {
    throws(
      () => parseLabOptions(args.split(" ")),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

Deno.test("none is always among the policies, first, and each only once", () => {
  const policies = (text: string) => parseLabOptions(["--policies", text]).choices.policies;
  deepEqual(policies("RULE_ENGINE,none, RULE_ENGINE"), ["none", "RULE_ENGINE"]);
  deepEqual(policies(""), ["none"]);
});

Deno.test("results belong to their choices; more replications add to them", async () => {
  const digest = await digestOf(choicesOf());
  equal(await digestOf(choicesOf({ replications: 500 })), digest);
  for (const changes of [{ seed: 2 }, { days: 4 }, { policies: ["none"] }, { historyDays: 7 }]) {
    ok(await digestOf(choicesOf(changes)) !== digest);
  }
});
