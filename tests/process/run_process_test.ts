import { equal, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { STOP_ON_STDIN_CLOSE } from "../../process/run_process.ts";

const PROGRAM = fileURLToPath(new URL("_program.ts", import.meta.url));
const WINDOWS = Deno.build.os === "windows";

/** The program, as a child with pipes. */
function spawn(args: string[], env: Record<string, string> = {}): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-prompt", "--allow-env", PROGRAM, ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

async function run(args: string[]): Promise<{ code: number; out: string; error: string }> {
  const child = spawn(args);
  await child.stdin.close();
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), error: new TextDecoder().decode(stderr) };
}

/** Reads lines of a child as they are asked for. */
function linesOf(child: Deno.ChildProcess): () => Promise<string> {
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  return async () => {
    while (!rest.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) return rest;
      rest += value;
    }
    const [line] = rest.split("\n", 1);
    rest = rest.slice(line!.length + 1);
    return line!;
  };
}

Deno.test("runProcess() ends with the code that main returns", async () => {
  equal((await run(["code", "0"])).code, 0);
  equal((await run(["code", "7"])).code, 7);
});

// argument, exit code, standard output, standard error
const ENDINGS: [string, number, RegExp, RegExp][] = [
  ["operator", 1, /^$/, /^✖ The disk is full\. Make room\n$/],
  ["usage", 2, /^$/, /^✖ --count is wrong\n$/],
  ["help", 0, /^the help\n$/, /^$/],
  ["fault", 1, /^$/, /^✖ TypeError: not a function\n {4}at /],
  ["denied", 1, /^$/, /^✖ Requires read access to "\/etc\/hostname"[^\n]*\n$/],
];

for (const [what, code, out, error] of ENDINGS) {
  Deno.test(`runProcess() ends ${what} with code ${code} and says no more than a person needs`, async () => {
    const ended = await run([what]);
    equal(ended.code, code);
    match(ended.out, out);
    match(ended.error, error);
  });
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `runProcess() lets main drain at ${signal}, and a second one right after changes nothing`,
    ignore: WINDOWS,
    fn: async () => {
      const child = spawn(["wait"]);
      const line = linesOf(child);
      equal(await line(), "waiting");
      child.kill(signal);
      try {
        child.kill(signal);
      } catch {
        // It may have ended after the first.
      }
      equal(await line(), "drained");
      equal((await child.status).code, 0);
      await child.stdin.close().catch(() => {});
      await child.stderr.cancel();
      equal(await line(), "");
    },
  });
}

Deno.test({
  name: "runProcess() ends a program that hangs at a second Ctrl+C two seconds later",
  ignore: WINDOWS,
  fn: async () => {
    const child = spawn(["hang"]);
    const line = linesOf(child);
    equal(await line(), "waiting");
    child.kill("SIGINT");
    equal(await line(), "asked to stop");
    await new Promise((resolve) => setTimeout(resolve, 2100));
    child.kill("SIGINT");
    equal((await child.status).code, 1);
    await child.stdin.close().catch(() => {});
    match(await new Response(child.stderr).text(), /Stopped at once, without draining/);
    equal(await line(), "");
  },
});

Deno.test("runProcess() lets main drain when standard input closes below the supervisor, not at Ctrl+C", async () => {
  const child = spawn(["wait"], { [STOP_ON_STDIN_CLOSE]: "1" });
  const line = linesOf(child);
  equal(await line(), "waiting");
  if (!WINDOWS) child.kill("SIGINT");
  const ended = Promise.race([
    child.status.then(() => "ended"),
    new Promise((resolve) => setTimeout(resolve, 300, "runs")),
  ]);
  equal(await ended, "runs");
  await child.stdin.close();
  equal(await line(), "drained");
  equal((await child.status).code, 0);
  await child.stderr.cancel();
  equal(await line(), "");
});

Deno.test({
  name: "runProcess() lets main drain when a signal follows right after standard input closed",
  ignore: WINDOWS,
  fn: async () => {
    const child = spawn(["drain slowly"], { [STOP_ON_STDIN_CLOSE]: "1" });
    const line = linesOf(child);
    equal(await line(), "waiting");
    await child.stdin.close();
    equal(await line(), "asked to stop");
    child.kill("SIGTERM");
    equal(await line(), "drained");
    equal((await child.status).code, 0);
    await child.stderr.cancel();
    equal(await line(), "");
  },
});

Deno.test(
  "runProcess() goes on without the supervisor when standard input closes",
  { ignore: WINDOWS },
  async () => {
    const child = spawn(["wait"]);
    const line = linesOf(child);
    equal(await line(), "waiting");
    await child.stdin.close();
    const ended = Promise.race([
      child.status.then(() => "ended"),
      new Promise((resolve) => setTimeout(resolve, 300, "runs")),
    ]);
    equal(await ended, "runs");
    child.kill("SIGTERM");
    equal((await child.status).code, 0);
    await child.stderr.cancel();
    equal(await line(), "drained");
    equal(await line(), "");
  },
);
