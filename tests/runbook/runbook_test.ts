/** RUNBOOK.md: its commands exist, its links lead somewhere, and what is marked to be run is run, in order. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { PARTS, PROJECT_DIR } from "../../scripts/launcher.ts";
import { eventually, pipelineTest } from "../pipeline/_pipeline.ts";
import { composeFile } from "../scripts/_compose.ts";
import { commandBlocks, runbook } from "./_runbook.ts";
import type { CommandBlock } from "./_runbook.ts";
import { Shell } from "./_shell.ts";
import type { Terminal } from "./_shell.ts";

const START_DEADLINE_MS = 90_000;
/** "For a minute after a start", and as much again for a slow machine. */
const REPEAT_MS = 120_000;
/** Of a shell whose command was ended by Ctrl+C. */
const INTERRUPTED = 130;

Deno.test("a block without a marker, or with one that there is not, is refused", () => {
  throws(() => commandBlocks("```\ndeno task x\n```"), /line 1: the block is marked ""/);
  throws(() => commandBlocks("text\n```sh ran\ndeno task x\n```"), /line 2: .*"sh ran"/);
  deepEqual(commandBlocks('```sh start embedded until="a b" briefly\nx\n\ny\n```\n```env\nA=1\n```'), [
    {
      line: 2,
      kind: "start",
      pair: "embedded",
      until: "a b",
      briefly: true,
      repeat: false,
      commands: ["x", "y"],
    },
  ]);
});

Deno.test("every task that the runbook names is there", () => {
  const { tasks } = JSON.parse(Deno.readTextFileSync(`${PROJECT_DIR}/deno.json`));
  const named = new Set([...runbook().matchAll(/deno task ([a-z][\w:-]*)/g)].map(([, task]) => task!));
  deepEqual([...named].filter((task) => tasks[task] === undefined), []);
});

Deno.test("commands in containers name services and parts that there are", () => {
  const { services, volumes } = composeFile() as ReturnType<typeof composeFile> & { volumes: object };
  const commands = commandBlocks().filter(({ kind }) => kind === "docker").flatMap(({ commands }) =>
    commands
  );
  ok(commands.length > 10);
  for (const command of commands) {
    if (/^docker (tag|volume)/.test(command)) {
      const volume = /^docker volume rm airline_(\S+)/.exec(command)?.[1];
      ok(volume === undefined || Object.hasOwn(volumes, volume), command);
      continue;
    }
    const [, verb, rest = ""] = /^docker compose (\w+) ?(.*)$/.exec(command)!;
    const words = rest.split(" ").filter((word) => word !== "" && !word.startsWith("-"));
    if (verb === "run") {
      ok(Object.hasOwn(services, words[0]!) && Object.hasOwn(PARTS, words[1]!), command);
    } else if (verb === "cp") {
      ok(Object.hasOwn(services, words[0]!.split(":")[0]!), command);
    } else {
      ok(["up", "stop", "rm", "logs"].includes(verb!), command);
      deepEqual(words.filter((word) => !Object.hasOwn(services, word)), [], command);
    }
  }
});

Deno.test("every link within the runbook leads to a heading, every other to a file", () => {
  const text = runbook();
  const anchors = new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!.toLowerCase().replaceAll(/[^\p{L}\p{N}\- _]/gu, "").replaceAll(" ", "-")
    ),
  );
  for (const [all, target] of text.matchAll(/\]\(([^)]+)\)/g)) {
    if (target!.startsWith("#")) ok(anchors.has(target!.slice(1)), all);
    else if (!/^https?:/.test(target!)) ok(Deno.statSync(`${PROJECT_DIR}/${target}`).isFile, all);
  }
});

/** The terminals that are open, and what is run in them. */
class Session {
  readonly #shell: Shell;
  readonly #open = new Set<{ terminal: Terminal; briefly: boolean; where: string }>();

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  /** Starts what goes on, and waits until it is there; `briefly`: until {@link interrupt} is told so. */
  async start({ commands, line, until = "", briefly }: CommandBlock): Promise<void> {
    equal(commands.length, 1, `line ${line}: one terminal, one command`);
    const where = `RUNBOOK.md, line ${line}: ${commands[0]}`;
    const terminal = this.#shell.start(commands[0]!);
    this.#open.add({ terminal, briefly, where });
    let code: number | undefined;
    terminal.ended.then((ended) => code = ended);
    await eventually(
      `${where} says "${until}"`,
      () => terminal.output().includes(until) || code !== undefined,
      START_DEADLINE_MS,
      terminal.output,
    );
    // What has nothing more to do, such as the warehouse where Postgres is a real one, may end well.
    if (!terminal.output().includes(until)) equal(code, 0, `${where}\n${terminal.output()}`);
  }

  /** Runs commands to their end. */
  async run({ commands, line, repeat }: CommandBlock): Promise<void> {
    for (const command of commands) {
      const deadline = performance.now() + (repeat ? REPEAT_MS : 0);
      for (;;) {
        const terminal = this.#shell.start(command);
        const opened = { terminal, briefly: false, where: command };
        this.#open.add(opened);
        const code = await terminal.ended;
        this.#open.delete(opened);
        if (code === 0) break;
        if (performance.now() > deadline) {
          throw new Error(`RUNBOOK.md, line ${line}: ${command} ended with ${code}\n${terminal.output()}`);
        }
      }
    }
  }

  /** Ctrl+C in every terminal, or in those that were only needed briefly; they end in order. */
  async interrupt(which: "brief ones" | "all"): Promise<void> {
    const ending = [...this.#open].filter(({ briefly }) => which === "all" || briefly);
    for (const { terminal } of ending) terminal.interrupt();
    for (const opened of ending) {
      const code = await opened.terminal.ended;
      ok(
        code === 0 || code === INTERRUPTED,
        `${opened.where} ended with ${code}\n${opened.terminal.output()}`,
      );
      this.#open.delete(opened);
    }
  }

  /** Leaves nothing running. */
  async kill(): Promise<void> {
    for (const { terminal } of this.#open) terminal.kill();
    await Promise.all([...this.#open].map(({ terminal }) => terminal.ended));
  }
}

// The commands are the same in PowerShell; the test's own terminals are those of sh.
if (Deno.build.os !== "windows") {
  pipelineTest("every block of the runbook that is to be run works, one after another", async (pipeline) => {
    const session = new Session(await Shell.open(`${pipeline.folder}/project`, pipeline));
    try {
      for (const block of commandBlocks()) {
        if ((block.pair ?? pipeline.pair) !== pipeline.pair) continue;
        if (block.kind === "start") await session.start(block);
        if (block.kind !== "run") continue;
        await session.run(block);
        await session.interrupt("brief ones");
      }
      await session.interrupt("all");
    } finally {
      await session.kill();
    }
  });
}
