import { deepEqual, equal, ok } from "node:assert/strict";
import { lastWords, SupervisedProcess } from "../../scripts/_supervised_process.ts";

/** A supervised `deno eval` and what was heard of it; `heard()` resolves with the next thing. */
function supervise(code: string, args: string[] = []) {
  const lines: string[] = [];
  const levels: string[] = [];
  const waiting: (() => void)[] = [];
  const restarts: [number, number, number][] = [];
  const givenUp = Promise.withResolvers<{ code: number; failures: number; lastLines: string[] }>();
  const program = `data:text/javascript,${encodeURIComponent(code)}`;
  const process = new SupervisedProcess("trial", {
    args: ["run", "-q", "--no-config", "--no-prompt", ...args, program],
    env: {},
  }, {
    onMessage: ({ message, level }) => {
      lines.push(message);
      levels.push(level);
      waiting.splice(0).forEach((wake) => wake());
    },
    onRestart: (...restart) => void restarts.push(restart),
    onGiveUp: (code, failures, lastLines) => givenUp.resolve({ code, failures, lastLines }),
  });
  const said = async (text: string) => {
    while (!lines.includes(text)) await new Promise<void>((wake) => waiting.push(wake));
  };
  return { process, lines, levels, restarts, givenUp: givenUp.promise, said };
}

const DRAINING = `console.log("up"); for await (const _ of Deno.stdin.readable); console.log("drained");`;

Deno.test("SupervisedProcess stops a process by closing its standard input, and hands on its last lines", async () => {
  const { process, lines, restarts, said } = supervise(DRAINING);
  process.start();
  await said("up");
  equal(process.running, true);
  equal(await process.stop(60_000), false);
  deepEqual(lines, ["up", "drained"]);
  deepEqual(restarts, []);
  equal(process.running, false);
});

Deno.test("SupervisedProcess kills a process that does not stop within the deadline", async () => {
  const { process, said } = supervise(`console.log("up"); setInterval(() => {}, 1000);`);
  process.start();
  await said("up");
  equal(await process.stop(50), true);
});

Deno.test("SupervisedProcess starts a process again that died", async () => {
  const { process, lines, restarts, said } = supervise(DRAINING);
  process.start();
  await said("up");
  process.kill();
  lines.length = 0;
  await said("up");
  equal(restarts.length, 1);
  deepEqual(restarts[0]!.slice(1), [1000, 1]);
  ok(restarts[0]![0] !== 0);
  await process.stop(60_000);
});

Deno.test("SupervisedProcess does not start a process again that it was told to stop", async () => {
  const { process, lines, restarts, said } = supervise(`console.log("up"); Deno.exit(1);`);
  process.start();
  await said("up");
  while (restarts.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  equal(await process.stop(1000), false);
  process.start();
  equal(process.running, false);
  deepEqual(lines, ["up"]);
});

Deno.test("SupervisedProcess gives up at wrong usage and tells why", async () => {
  const { process, givenUp } = supervise(
    `console.log("fine"); console.error("✖ --seed is wrong"); Deno.exit(2);`,
  );
  process.start();
  deepEqual(await givenUp, { code: 2, failures: 1, lastLines: ["✖ --seed is wrong"] });
});

Deno.test("SupervisedProcess tells the child that closing its standard input means to stop, and wants no colours", async () => {
  const { process, lines } = supervise(
    `console.log(Deno.env.get("AIRLINE_STOP_ON_STDIN_CLOSE"), Deno.env.get("NO_COLOR"));`,
    ["--allow-env"],
  );
  process.start();
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await process.stop(60_000);
  deepEqual(lines, ["1 1"]);
});

Deno.test("SupervisedProcess hands messages on with their levels, those of the logger and others", async () => {
  const { process, lines, levels, said } = supervise(
    `const line = JSON.stringify({ time: new Date(0).toISOString(), level: "warn", process: "trial", message: "a\\nb" });
    console.log(line); console.log("plain"); console.error("raw"); for await (const _ of Deno.stdin.readable); console.log("end");`,
  );
  process.start();
  await said("raw");
  await said("plain");
  await process.stop(60_000);
  const of = (message: string) => levels[lines.indexOf(message)];
  deepEqual([of("a\nb"), of("plain"), of("raw"), of("end")], ["warn", "info", "error", "info"]);
});

Deno.test("SupervisedProcess stays small when a process floods it", async () => {
  const flood =
    `const line = "x".repeat(1000) + "\\n"; const bytes = new TextEncoder().encode(line.repeat(100));
    for (let at = 0; at < 300; at++) Deno.stdout.writeSync(bytes); console.log("end"); for await (const _ of Deno.stdin.readable);`;
  let lines = 0;
  const ended = Promise.withResolvers<void>();
  const process = new SupervisedProcess("flood", {
    args: ["run", "-q", "--no-config", `data:text/javascript,${encodeURIComponent(flood)}`],
    env: {},
  }, {
    onMessage: ({ message }) => message === "end" ? ended.resolve() : lines++,
    onRestart: () => {},
    onGiveUp: () => {},
  });
  process.start();
  await ended.promise;
  equal(lines, 30_000);
  await process.stop(60_000);
});

// lines, the ones that are shown
const LAST_WORDS: [string[], string[]][] = [
  [[], []],
  [["a", "b"], ["a", "b"]],
  [["1", "2", "3", "4", "5", "6", "7"], ["2", "3", "4", "5", "6", "7"]],
  [["✖ first", "again", "✖ The disk is full"], ["✖ The disk is full"]],
  [["x", "error: Uncaught", ..."123456789".split("")], ["error: Uncaught", "1", "2", "3", "4", "5"]],
];

for (const [lines, shown] of LAST_WORDS) {
  Deno.test(`lastWords() of ${JSON.stringify(lines)} begin with the last error`, () =>
    deepEqual(lastWords(lines), shown));
}
