/** `deno task test:containers` with a docker of our own that writes down what it is asked. */

import { deepEqual, equal, match } from "node:assert/strict";
import { delimiter } from "node:path";
import { PROJECT_DIR, withFolder } from "./_support.ts";

const WINDOWS = Deno.build.os === "windows";

/** A folder with a `docker` that logs its arguments and ports, and fails at the word `failing`. */
async function fakeDocker(folder: string, failing = "never"): Promise<void> {
  const script = `#!/bin/sh
echo "$* ($KAFKA_PORT $POSTGRES_PORT $REDIS_PORT)" >> "${folder}/calls"
case "$*" in *" ${failing} "*) echo "no such image" >&2; exit 17;; esac
`;
  await Deno.writeTextFile(`${folder}/docker`, script, { mode: 0o755 });
}

/** A test that writes down which engines it was given. */
const trial = (folder: string) =>
  `Deno.test("engines", () => {
  const names = ["KAFKA_BROKERS", "DATABASE_URL", "REDIS_URL"];
  Deno.writeTextFileSync("${folder}/given", names.map((name) => Deno.env.get(name)).join(" "));
});
`;

async function run(path: string, args: string[]): Promise<{ code: number; out: string; error: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "-P=containers", "scripts/test_containers.ts", ...args],
    cwd: PROJECT_DIR,
    env: { PATH: path, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

const PATH = Deno.env.get("PATH") ?? "";
const CALL = /compose --project-name airline-test --file compose\.yaml (\w+)/;

Deno.test({
  name: "deno task test:containers brings the engines up, runs the tests on them and takes them down",
  ignore: WINDOWS,
  fn: () =>
    withFolder(async (folder) => {
      await fakeDocker(folder);
      await Deno.writeTextFile(`${folder}/trial_test.ts`, trial(folder));
      const ended = await run(`${folder}${delimiter}${PATH}`, [`${folder}/trial_test.ts`]);
      equal(ended.code, 0, ended.error + ended.out);
      const calls = (await Deno.readTextFile(`${folder}/calls`)).trim().split("\n");
      match(calls[0]!, /^compose version/);
      const [, kafka, postgres, redis] = /kafka postgres redis \((\d+) (\d+) (\d+)\)$/.exec(calls[1]!)!;
      deepEqual(calls.slice(1).map((call) => CALL.exec(call)![1]), ["up", "down"]);
      match(calls[1]!, /up --wait --wait-timeout 180 kafka/);
      match(calls[2]!, /down --volumes/);
      equal(
        await Deno.readTextFile(`${folder}/given`),
        `127.0.0.1:${kafka} postgres://airline:airline@127.0.0.1:${postgres}/airline_dw redis://127.0.0.1:${redis}`,
      );
    }),
});

Deno.test({
  name: "deno task test:containers takes the engines down when they do not come up, and fails",
  ignore: WINDOWS,
  fn: () =>
    withFolder(async (folder) => {
      await fakeDocker(folder, "up");
      const ended = await run(`${folder}${delimiter}${PATH}`, []);
      equal(ended.code, 1);
      match(ended.error, /✖ The engines did not come up \(docker compose ended with code 17\)/);
      const calls = (await Deno.readTextFile(`${folder}/calls`)).trim().split("\n");
      match(calls.at(-1)!, / down /);
    }),
});

Deno.test({
  name: "deno task test:containers fails where a test fails, and takes the engines down",
  ignore: WINDOWS,
  fn: () =>
    withFolder(async (folder) => {
      await fakeDocker(folder);
      await Deno.writeTextFile(
        `${folder}/trial_test.ts`,
        `Deno.test("no", () => { throw new Error("no"); });`,
      );
      const ended = await run(`${folder}${delimiter}${PATH}`, [`${folder}/trial_test.ts`]);
      equal(ended.code, 1);
      match((await Deno.readTextFile(`${folder}/calls`)).trim().split("\n").at(-1)!, / down /);
    }),
});

Deno.test("deno task test:containers says what to do without docker", () =>
  withFolder(async (folder) => {
    const ended = await run(folder, []);
    equal(ended.code, 1);
    match(
      ended.error,
      /^✖ There is no "docker compose" here\. Install Docker with Compose 2, or .*deno task test\n$/,
    );
  }));
