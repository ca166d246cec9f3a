import { deepEqual, equal, match, ok } from "node:assert/strict";
import { booking, withLake } from "./_etl_support.ts";
import type { TestLake } from "./_etl_support.ts";

const PATIENCE_MS = 60_000;

/** A program of the ETL as a process under its permission set, on a lake. */
class Program {
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  output = "";

  constructor(script: string, args: string[], lake: TestLake, env: Record<string, string> = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "--no-prompt",
        `--allow-read=${lake.root},warehouse,node_modules`,
        `--allow-write=${lake.folders.gold},${lake.folders.rejected}`,
        "--allow-net=127.0.0.1",
        "--allow-env=LAKE_DIR,DATABASE_URL,WAREHOUSE_PORT,METRICS_HOST,NO_COLOR,AIRLINE_STOP_ON_STDIN_CLOSE",
        "--ignore-env",
        "--allow-sys=cpus,hostname,networkInterfaces",
        "--allow-ffi=node_modules",
        script,
        ...args,
      ],
      env: { LAKE_DIR: lake.root, AIRLINE_STOP_ON_STDIN_CLOSE: "1", DATABASE_URL: "", ...env },
      cwd: new URL("../..", import.meta.url),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const collect = async (stream: ReadableStream<Uint8Array>) => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) this.output += text;
    };
    this.#read = Promise.all([collect(this.#child.stdout), collect(this.#child.stderr)]).then(() => {});
  }

  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const untilMs = Date.now() + PATIENCE_MS;
    while (!await condition()) {
      if (Date.now() > untilMs) throw new Error(`${what} did not come about:\n${this.output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#read;
    return code;
  }

  async stop(): Promise<number> {
    await this.#child.stdin.close().catch(() => {});
    return await this.ended();
  }
}

async function figures(output: string): Promise<string> {
  const port = /metrics on port (\d+)/.exec(output)![1];
  return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

const RUNNER = ["--every", "1s", "--first-after", "0s", "--metrics-port", "0", "--skip-warehouse"];

Deno.test("the runner runs the ETL again and again, serves its figures and stops with exit code 0", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1"), "broken"]);
    const runner = new Program("etl/etl_runner.ts", RUNNER, lake);
    try {
      await runner.until("a first run", () => runner.output.includes("2 lines: 1 new row, 1 rejected"));
      lake.seal("bookings", [booking("B2")], { from: 2 });
      await runner.until("a second run", () => runner.output.includes("1 line: 1 new row, 0 rejected"));
      const port = /metrics on port (\d+)/.exec(runner.output)![1];
      await runner.until("readiness", async () => {
        const response = await fetch(`http://127.0.0.1:${port}/readyz`);
        await response.body?.cancel();
        return response.ok;
      });
      const text = await figures(runner.output);
      match(text, /^etl_rows_total\{table="fact_booking"\} 2$/m);
      match(text, /^etl_rejected_rows_total\{reason="invalid_json"\} 1$/m);
      match(text, /^etl_runs_total\{result="success"\} [1-9]/m);
      match(text, /^etl_runs_total\{result="failed"\} 0$/m);
      match(text, /^etl_last_success_timestamp_seconds 1\d{9}/m);
      match(text, /^etl_last_duration_seconds \d/m);
    } finally {
      equal(await runner.stop(), 0, runner.output);
    }
    deepEqual(lake.rows("fact_booking").map((row) => row.booking_id), ["B1", "B2"]);
  }));

Deno.test("a run that fails is counted, told at /readyz and made up for by the next", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1")]);
    // A file in the place of the folder: the gold tables cannot be written there.
    await Deno.remove(lake.folders.gold, { recursive: true });
    await Deno.writeTextFile(lake.folders.gold, "");
    const runner = new Program("etl/etl_runner.ts", RUNNER, lake);
    try {
      await runner.until("a failure", () => runner.output.includes("✖ Cannot write the gold folder"));
      const port = /metrics on port (\d+)/.exec(runner.output)![1];
      const response = await fetch(`http://127.0.0.1:${port}/readyz`);
      equal(response.status, 503);
      match(await response.text(), /The last run failed: Cannot write the gold folder/);
      match(await figures(runner.output), /^etl_runs_total\{result="failed"\} [1-9]/m);
      await Deno.remove(lake.folders.gold);
      await runner.until("a good run", () => runner.output.includes("1 line: 1 new row"));
    } finally {
      equal(await runner.stop(), 0, runner.output);
    }
  }));

Deno.test("the runner refuses a pattern that is none, with exit code 2", () =>
  withLake(async (lake) => {
    const runner = new Program("etl/etl_runner.ts", ["--cron", "sometimes"], lake);
    equal(await runner.stop(), 2);
    match(runner.output, /✖ --cron is "sometimes"/);
  }));

Deno.test("deno task etl prints a line for each table it writes and a summary, and --json one object", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1"), "broken"]);
    const first = new Program("etl/build_warehouse.ts", ["--skip-warehouse"], lake);
    equal(await first.ended(), 0, first.output);
    for (const table of ["dim_flight", "fact_booking", "fact_inventory_metrics", "fact_promotions"]) {
      ok(first.output.includes(`📦 Writing ${table}\n`), first.output);
    }
    match(first.output, /Rebuilt from 1 raw file with 2 lines: 1 new row, 1 rejected \(invalid_json 1;/);
    match(first.output, /Reading [\d.]+ s, writing [\d.]+ s, loading [\d.]+ s, in all [\d.]+ s/);
    const second = new Program("etl/build_warehouse.ts", ["--skip-warehouse", "--json"], lake);
    equal(await second.ended(), 0, second.output);
    const { ok: good, rows_read, rows_new, tables } = JSON.parse(second.output);
    deepEqual([good, rows_read, rows_new, tables.fact_booking], [true, 0, 0, { rows_new: 0, rows: 1 }]);
  }));

Deno.test("deno task etl without its warehouse writes the gold tables and ends with exit code 1", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1")]);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    listener.close();
    const program = new Program("etl/build_warehouse.ts", [], lake, { WAREHOUSE_PORT: String(port) });
    equal(await program.ended(), 1);
    match(
      program.output,
      /✖ The gold tables are written, the warehouse is not: The embedded warehouse does not answer/,
    );
    equal(lake.rows("fact_booking").length, 1);
  }));

Deno.test("deno task etl can read the lake's raw events, not write them", () =>
  withLake(async (lake) => {
    lake.seal("bookings", [booking("B1")]);
    const status = await Deno.stat(`${lake.folders.raw}/bookings`);
    const program = new Program("etl/build_warehouse.ts", ["--skip-warehouse", "--full"], lake);
    equal(await program.ended(), 0, program.output);
    deepEqual((await Deno.stat(`${lake.folders.raw}/bookings`)).mtime, status.mtime);
  }));
