/** `deno task start`, as its task runs it: piped, on embedded engines, with a small network of flights. */

import { equal, match, notEqual, ok } from "node:assert/strict";
import { openSqliteEventLog } from "../../event_log/sqlite_event_log.ts";
import { eachLine } from "../../scripts/_lines.ts";
import { embedded, freePorts, launch, launcher, withFolder } from "./_support.ts";

const WINDOWS = Deno.build.os === "windows";
/** Long enough for the slowest machine; nothing waits this long that works. */
const PATIENCE_MS = 120_000;

/** A running `deno task start` and its lines. */
class Started {
  readonly lines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #ended: Promise<Deno.CommandStatus>;
  #wake = () => {};

  constructor(args: string[], env: Record<string, string>) {
    // On Windows there are no signals to send: there it is stopped as a supervisor stops its own children.
    const stoppable = { ...env, ...(WINDOWS ? { AIRLINE_STOP_ON_STDIN_CLOSE: "1" } : {}) } as typeof env;
    const child = launcher(["start", ...args], stoppable, { stdin: "piped" }).spawn();
    this.#child = child;
    const take = (line: string) => {
      this.lines.push(line);
      this.#wake();
    };
    this.#ended = (async () => {
      const [status] = await Promise.all([
        child.status,
        eachLine(child.stdout, take),
        eachLine(child.stderr, take),
      ]);
      this.#wake();
      await child.stdin.close().catch(() => {});
      return status;
    })();
  }

  get text(): string {
    return this.lines.join("\n");
  }

  /** Waits until a line matches, and returns the match. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const timer = setTimeout(() => this.stop(), PATIENCE_MS);
    let running = true;
    this.#ended.then(() => running = false);
    try {
      while (true) {
        for (const line of this.lines) {
          const found = pattern.exec(line);
          if (found !== null) return found;
        }
        if (!running) throw new Error(`It ended without saying ${pattern}:\n${this.text}`);
        const woken = new Promise<void>((resolve) => this.#wake = resolve);
        await Promise.race([woken, this.#ended]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Asks it to stop, as Ctrl+C or `kill` does. */
  stop(): void {
    if (WINDOWS) this.#child.stdin.close().catch(() => {});
    else this.#child.kill("SIGTERM");
  }

  async ended(): Promise<number> {
    return (await this.#ended).code;
  }
}

const SMALL = ["--seed", "7", "--flights-per-day", "3", "--backfill", "1d", "--etl-every", "5s"];

function settings(folder: string): { env: Record<string, string>; args: string[]; metricsPort: number } {
  // Five for the metrics, one for the warehouse, one for the API.
  const first = freePorts(7);
  const env = embedded(folder, { WAREHOUSE_PORT: String(first + 5) });
  const ports = ["--metrics-ports-from", String(first), "--api-port", String(first + 6)];
  return { env, args: [...SMALL, ...ports], metricsPort: first };
}

/** Ids of all bookings in the log. */
async function bookingIds(file: string): Promise<string[]> {
  const log = await openSqliteEventLog({ file });
  const ids: string[] = [];
  try {
    const ranges = await log.ranges(["bookings"]);
    const reader = await log.reader({
      positions: ranges.map(({ topic, partition, start }) => ({ topic, partition, offset: start })),
    });
    for (
      let batches = await reader.poll();
      batches.length > 0;
      batches = await reader.poll({ maxWaitMs: 100 })
    ) {
      for (const { records } of batches) {
        for (const record of records) {
          const event = JSON.parse(record.value!);
          if (event.event_type === "BookingCreated") ids.push(event.booking_id);
        }
      }
    }
    await reader.close();
  } finally {
    await log.close();
  }
  return ids;
}

async function metric(port: number, name: string): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return [...page.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "gm"))]
    .reduce((sum, [, value]) => sum + Number(value), 0);
}

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!await condition()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test("deno task start runs everything, stops in order with code 0, and goes on at the next start", () =>
  withFolder(async (folder) => {
    const { env, args, metricsPort } = settings(folder);
    const first = new Started(args, env);
    await first.says(/^Everything runs, after [\d.]+ s\. To open:$/);
    for (
      const line of [
        `postgres://airline:airline@127.0.0.1:${metricsPort + 5}/airline_dw`,
        `http://127.0.0.1:${metricsPort}/metrics`,
        `http://127.0.0.1:${metricsPort + 6}/`,
      ]
    ) {
      ok(first.text.includes(line), first.text);
    }
    await first.says(/^producer +\| 🚀 Producer started/);
    await first.says(/^consumer +\| 🚦 Consumer started/);
    await first.says(/^lake +\| 🪣 Lake ingestion started/);
    await until(
      "the consumer has processed events",
      async () => await metric(metricsPort + 1, "consumer_events_processed_total") > 0,
    );
    const shown = await launch(["tail", "bookings", "--from-beginning", "--max", "1"], env);
    equal(JSON.parse(shown.out).event_type, "BookingCreated");

    const second = new Started(args, env);
    equal(await second.ended(), 1);
    match(
      second.text,
      /^✖ Another "deno task start" (\(process \d+\) )?works on ".*log"\. Stop it first, or .*EVENT_LOG_FILE$/m,
    );

    first.stop();
    equal(await first.ended(), 0, first.text);
    const order = ["producer", "consumer", "lake", "etl-runner", "warehouse"];
    const lastLines = order.map((name) => first.lines.findLastIndex((line) => line.startsWith(`${name} `)));
    ok(
      lastLines[0]! < lastLines[1]! && lastLines[1]! < lastLines[2]! && lastLines[2]! < lastLines[4]!,
      first.text,
    );
    match(
      first.lines.at(-1)!,
      /^Stopped after .*: [1-9][\d,]* events produced, .*To go on from here: deno task start/,
    );
    const before = await bookingIds(env.EVENT_LOG_FILE!);
    notEqual(before.length, 0);
    equal(new Set(before).size, before.length);

    const third = new Started(args, env);
    await third.says(/^Everything runs/);
    await third.says(/^etl-runner +\| .*📦 Writing fact_booking$/);
    third.stop();
    equal(await third.ended(), 0, third.text);
    const after = await bookingIds(env.EVENT_LOG_FILE!);
    equal(new Set(after).size, after.length);
    equal(before.every((id) => after.includes(id)), true);
  }));

Deno.test("deno task start ends with code 0 when it is stopped before everything runs", () =>
  withFolder(async (folder) => {
    const { env, args } = settings(folder);
    const started = new Started(args, env);
    await started.says(/^Event log: embedded$/);
    started.stop();
    equal(await started.ended(), 0, started.text);
  }));

Deno.test("deno task start ends everything when a part fails five times, and tells why", () =>
  withFolder(async (folder) => {
    const { env, args } = settings(folder);
    const file = `${folder}/week.csv`;
    await Deno.writeTextFile(file, "a,b\n1,2\n");
    const started = new Started([...args, "--flights", file, "--no-etl"], env);
    equal(await started.ended(), 1, started.text);
    match(started.text, /^start +\| producer ended with exit code 1 \(failure 1\) and starts again in 1 s$/m);
    match(started.text, /^start +\| producer ended with exit code 1 \(failure 4\) and starts again in 8 s$/m);
    match(started.text, /^✖ producer failed 5 times in a row, at last with exit code 1\. Its last lines:$/m);
    match(started.text, /^ +✖ Cannot read ".*week\.csv": line 1 lacks the columns/m);
    match(started.text, /^consumer +\| Consumer stopped/m);
  }));

Deno.test("deno task start does not try again what can never work", () =>
  withFolder(async (folder) => {
    const { env, args } = settings(folder);
    const started = new Started([...args, "--seed", "abc", "--no-etl"], env);
    equal(await started.ended(), 1, started.text);
    match(
      started.text,
      /^✖ producer failed, at last with exit code 2\. Its last lines:\n +✖ --seed is "abc"/m,
    );
    ok(!/starts again/.test(started.text));
  }));

Deno.test("deno task start names a port that is taken, and the option", () =>
  withFolder(async (folder) => {
    const { env, args, metricsPort } = settings(folder);
    const taken = Deno.listen({ hostname: "127.0.0.1", port: metricsPort + 2 });
    try {
      const ended = await launch(["start", ...args], env);
      equal(ended.code, 1);
      equal(
        ended.error,
        `✖ Port ${
          metricsPort + 2
        } on 127.0.0.1, needed for the metrics of lake, is taken. Stop the program that uses it, ` +
          `or choose another by --metrics-ports-from ${metricsPort + 102}\n`,
      );
    } finally {
      taken.close();
    }
  }));

// setting, its value below the test's folder, in which `file` is a file
const FOLDERS = [["EVENT_LOG_FILE", "file/log.sqlite"], ["LAKE_DIR", "file"], [
  "WAREHOUSE_DIR",
  "file/warehouse",
]] as const;

for (const [name, value] of FOLDERS) {
  Deno.test(`deno task start names a folder that cannot be written, and ${name}`, () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/file`, "");
      const { env, args } = settings(folder);
      const ended = await launch(["start", ...args], { ...env, [name]: `${folder}/${value}` });
      equal(ended.code, 1);
      match(
        ended.error,
        new RegExp(`^✖ Cannot write in the folder ".*file.*": .*choose another by ${name}\\n$`),
      );
    }));
}

const ENGINES = [
  ["KAFKA_BROKERS", "127.0.0.1:1", /^✖ [^\n]*127\.0\.0\.1:1[^\n]*\n$/],
  [
    "DATABASE_URL",
    "postgres://airline:secret@127.0.0.1:1/airline_dw",
    /^✖ (?![^\n]*secret)[^\n]*127\.0\.0\.1:1[^\n]*\n$/,
  ],
] as const;

for (const [name, value, message] of ENGINES) {
  Deno.test(`deno task start says in one line that the engine of ${name} does not answer`, () =>
    withFolder(async (folder) => {
      const { env, args } = settings(folder);
      const ended = await launch(["start", ...args], { ...env, [name]: value });
      equal(ended.code, 1, ended.out);
      match(ended.error, message);
    }));
}

Deno.test("deno task start refuses an option it does not know", () =>
  withFolder(async (folder) => {
    const ended = await launch(["start", "--sped", "2"], embedded(folder));
    equal(ended.code, 2);
    match(ended.error, /^✖ Unknown option '--sped' \(deno task start --help lists the options\)\n$/);
  }));
