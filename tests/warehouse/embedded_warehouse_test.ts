import { equal, match, rejects } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { freePort } from "../../process/free_port.ts";
import { openWarehouse } from "../../warehouse/connect.ts";
import { makeWarehouseFolder, onEachWarehouse } from "./_warehouse_support.ts";

const PROGRAM = fileURLToPath(new URL("../../warehouse/embedded_warehouse.ts", import.meta.url));
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WINDOWS = Deno.build.os === "windows";

interface Running {
  child: Deno.ChildProcess;
  /** Standard output and standard error, as far as they have come. */
  said: () => string;
  /** Resolves when the text was said; throws where the process ends without. */
  says: (text: string) => Promise<void>;
  end: () => Promise<{ code: number; said: string }>;
}

/** Runs the process with the rights that it has in production, on a folder and a port of its own. */
function run(folder: string, port: number, options: { args?: string[]; databaseUrl?: string } = {}): Running {
  const { args = [], databaseUrl = "" } = options;
  const hosts = databaseUrl === "" ? [`127.0.0.1:${port}`, "127.0.0.1:0"] : [new URL(databaseUrl).host];
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-q",
      "--no-prompt",
      `--allow-read=${folder},${ROOT}warehouse,${ROOT}node_modules`,
      `--allow-write=${folder}`,
      `--allow-net=${hosts.join()}`,
      "--allow-sys=osUptime",
      "--allow-env=WAREHOUSE_DIR,WAREHOUSE_PORT,DATABASE_URL,AIRLINE_READER_PASSWORD,METRICS_HOST,NO_COLOR,AIRLINE_STOP_ON_STDIN_CLOSE",
      "--ignore-env",
      PROGRAM,
      ...args,
    ],
    env: {
      WAREHOUSE_DIR: folder,
      WAREHOUSE_PORT: `${port}`,
      DATABASE_URL: databaseUrl,
      AIRLINE_READER_PASSWORD: "",
      AIRLINE_STOP_ON_STDIN_CLOSE: "1",
      NO_COLOR: "1",
    },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  let told = Promise.withResolvers<void>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      said += text;
      told.resolve();
      told = Promise.withResolvers();
    }
  };
  const ended = Promise.all([child.status, read(child.stdout), read(child.stderr)]).then(([{ code }]) => {
    told.resolve();
    return { code, said };
  });
  let over = false;
  void ended.then(() => over = true);
  return {
    child,
    said: () => said,
    async says(text) {
      while (!said.includes(text)) {
        if (over) throw new Error(`The process ended without saying "${text}":\n${said}`);
        await told.promise;
      }
    },
    async end() {
      await child.stdin.close().catch(() => {});
      return await ended;
    },
  };
}

async function ask(port: number, question: string): Promise<Record<string, unknown>[]> {
  const { sql, close } = await openWarehouse({
    url: `postgres://airline:airline@127.0.0.1:${port}/airline_dw`,
    embedded: true,
    applicationName: "airline-test",
    max: 1,
  });
  try {
    return [...await sql.unsafe(question)];
  } finally {
    await close();
  }
}

Deno.test("deno task warehouse serves, survives kill -9, and is alone with its folder", async () => {
  const folder = await makeWarehouseFolder();
  const port = freePort();
  const first = run(folder, port, { args: ["--metrics-port", "0"] });
  await first.says("Embedded warehouse ready: postgres://airline@127.0.0.1");
  await first.says("/metrics");
  match(
    first.said(),
    /Migrations applied: etl_state, chart_views, booking_curves\nTables created: dim_flight, fact_booking, /,
  );
  const metricsPort = Number(/http:\/\/127\.0\.0\.1:(\d+)\/metrics/.exec(first.said())![1]);
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  match(metrics, /warehouse_connections 0/);
  await ask(port, "insert into dim_flight (flight_id) values ('BA1_2025-11-28')");

  const second = await run(folder, freePort()).end();
  equal(second.code, 1);
  match(
    second.said,
    /^✖ The warehouse's folder .* is open in another process \(process \d+\)\. Is deno task warehouse running/,
  );
  const elsewhere = await makeWarehouseFolder();
  const third = await run(elsewhere, port).end();
  equal(third.code, 1);
  match(third.said, /^✖ Port \d+ on 127\.0\.0\.1 is taken\..* choose another port by WAREHOUSE_PORT\n$/);

  first.child.kill("SIGKILL");
  await first.end();
  const fourth = run(folder, port);
  await fourth.says("Embedded warehouse ready");
  equal((await ask(port, "select flight_id from dim_flight"))[0]!.flight_id, "BA1_2025-11-28");
  equal(fourth.said().includes("Migrations applied"), false);
  const { code, said } = await fourth.end();
  equal(code, 0, said);
  match(said, /Embedded warehouse stopped\n$/);
  await Deno.remove(folder, { recursive: true });
  await Deno.remove(elsewhere, { recursive: true });
});

Deno.test({
  name: "deno task warehouse makes its database, and stops in order at SIGTERM",
  ignore: WINDOWS,
  async fn() {
    const parent = await Deno.makeTempDir();
    const folder = `${parent}/new`;
    const port = freePort();
    const running = run(folder, port);
    await running.says("Embedded warehouse ready");
    running.child.kill("SIGTERM");
    await running.says("Embedded warehouse stopped");
    const { code, said } = await running.end();
    equal(code, 0, said);
    equal((await Deno.stat(`${folder}/stopped`)).isFile, true);
    await Deno.remove(parent, { recursive: true });
  },
});

async function command(name: string, args: string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(name, { args, stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

Deno.test("deno task warehouse on a full disk ends with the reason, and keeps what was committed", async () => {
  const folder = await Deno.makeTempDir();
  if (!await command("mount", ["-t", "tmpfs", "-o", "size=200m", "tmpfs", folder])) {
    // Not root, or another system: there is no small disk to be had.
    return await Deno.remove(folder);
  }
  try {
    const port = freePort();
    const first = run(folder, port);
    await first.says("Embedded warehouse ready");
    await ask(port, "insert into dim_flight (flight_id) values ('kept')");
    const filling =
      "insert into dim_flight (flight_id) select repeat('x', 900) || n from generate_series(1, 900000) n";
    await rejects(ask(port, filling));
    const { code, said } = await first.end();
    equal(code, 1);
    match(
      said,
      /✖ The engine of the embedded warehouse has stopped \(.*No space left on device\): mend that/,
    );
    await command("mount", ["-o", "remount,size=2g", folder]);
    const second = run(folder, port);
    await second.says("Embedded warehouse ready");
    equal(second.said().includes("does not open"), false);
    equal((await ask(port, "select flight_id from dim_flight"))[0]!.flight_id, "kept");
    equal((await second.end()).code, 0);
  } finally {
    await command("umount", [folder]);
    await Deno.remove(folder);
  }
});

Deno.test("deno task warehouse says what is wrong with its options", async () => {
  const { code, said } = await run("/nowhere", 1, { args: ["--metrics-port", "many"] }).end();
  equal(code, 2);
  match(said, /^✖ --metrics-port is "many", expected a whole number from 0 to 65535\n$/);
});

onEachWarehouse("with DATABASE_URL, deno task warehouse brings that database up to date", async (test) => {
  const folder = await Deno.makeTempDir();
  const first = await run(folder, 1, { databaseUrl: test.url }).end();
  equal(first.code, 0, first.said);
  match(first.said, /^DATABASE_URL is set: the warehouse is Postgres at 127\.0\.0\.1:\d+, database airline/);
  match(first.said, /Migrations applied: etl_state, chart_views, booking_curves\n/);
  match(first.said, /✔ Schema and roles are up to date; no embedded warehouse is needed\n$/);
  const second = await run(folder, 1, { databaseUrl: test.url }).end();
  equal(second.code, 0, second.said);
  equal(second.said.includes("applied"), false);
  const { sql, close } = await test.open(1);
  equal((await sql`select count(*) from dim_flight`)[0]!.count, 0);
  if (!test.embedded) await sql`drop owned by airline_reader`;
  await close();
  await Deno.remove(folder, { recursive: true });
});
