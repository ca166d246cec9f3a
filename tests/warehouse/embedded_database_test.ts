import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { openEmbeddedDatabase } from "../../warehouse/embedded_database.ts";
import { startMaintenance } from "../../warehouse/embedded_maintenance.ts";
import { makeWarehouseFolder } from "./_warehouse_support.ts";

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("openEmbeddedDatabase() keeps what was stored, and belongs to airline", async () => {
  const folder = await makeWarehouseFolder();
  const first = await openEmbeddedDatabase(folder);
  await first.engine.exec("create table kept as select 1 as a");
  await first.close();
  const second = await openEmbeddedDatabase(folder);
  deepEqual(
    (await second.engine.query("select current_database() as d, current_user as u, a from kept")).rows,
    [
      { d: "airline_dw", u: "airline", a: 1 },
    ],
  );
  await second.close();
  deepEqual(await names(folder), ["lock", "postgres", "stopped"]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openEmbeddedDatabase() never opens a folder twice", async () => {
  const folder = await makeWarehouseFolder();
  const first = await openEmbeddedDatabase(folder);
  await rejects(
    openEmbeddedDatabase(folder),
    /is open in another process \(process \d+\)\. Is deno task warehouse running/,
  );
  await first.close();
  await (await openEmbeddedDatabase(folder)).close();
  await Deno.remove(folder, { recursive: true });
});

const TORN: [string, (data: string) => Promise<void>][] = [
  ["a control file that is cut short", (data) => Deno.truncate(`${data}/global/pg_control`, 100)],
  ["settings that are no settings", (data) => Deno.writeTextFile(`${data}/postgresql.conf`, "\0\0\0\0")],
  ["another version", (data) => Deno.writeTextFile(`${data}/PG_VERSION`, "12\n")],
  ["a folder that is empty", async (data) => {
    await Deno.remove(data, { recursive: true });
    await Deno.mkdir(data);
  }],
];

for (const [damage, tear] of TORN) {
  Deno.test(`openEmbeddedDatabase() moves a database aside that does not open: ${damage}`, async () => {
    const folder = await makeWarehouseFolder();
    await tear(`${folder}/postgres`);
    const warnings: string[] = [];
    const database = await openEmbeddedDatabase(folder, { onWarning: (text) => warnings.push(text) });
    equal(warnings.length, 1);
    match(warnings[0]!, /does not open .* It was moved to ".*postgres-torn"; an empty one takes its place/);
    equal((await database.engine.query("select 1 as one")).rows.length, 1);
    await database.close();
    deepEqual(await names(folder), ["lock", "postgres", "postgres-torn", "stopped"]);
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("openEmbeddedDatabase() finds a torn table after a stop that was none", async () => {
  const folder = await makeWarehouseFolder();
  const first = await openEmbeddedDatabase(folder);
  await first.engine.exec(
    "create table fact_booking as select repeat('x', 100) as a from generate_series(1, 1000)",
  );
  const { rows } = await first.engine.query<{ file: string }>(
    "select pg_relation_filepath('fact_booking') as file",
  );
  await first.close();
  const file = await Deno.open(`${folder}/postgres/${rows[0]!.file}`, { write: true });
  await file.seek(8192 + 24, Deno.SeekMode.Start);
  await file.write(new Uint8Array(64).fill(255));
  file.close();
  await Deno.remove(`${folder}/stopped`);
  const warnings: string[] = [];
  const second = await openEmbeddedDatabase(folder, { onWarning: (text) => warnings.push(text) });
  equal(warnings.length, 1);
  match(warnings[0]!, /invalid page/);
  await second.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openEmbeddedDatabase() says that a folder cannot be written", async () => {
  const file = await Deno.makeTempFile();
  await rejects(
    openEmbeddedDatabase(`${file}/warehouse`),
    /Cannot write the warehouse's folder .*WAREHOUSE_DIR/,
  );
  await Deno.remove(file);
});

Deno.test("startMaintenance() keeps the engine's log from growing for ever", async () => {
  const folder = await makeWarehouseFolder();
  const { engine, close } = await openEmbeddedDatabase(folder);
  const redo = async () =>
    (await engine.query<{ at: string }>("select redo_lsn::text as at from pg_control_checkpoint()")).rows[0]!
      .at;
  let looks = 0;
  const looked: (() => void)[] = [];
  const stop = startMaintenance({
    exclusively: async (work) => {
      const result = await work(engine);
      looks++;
      looked.splice(0).forEach((resolve) => resolve());
      return result;
    },
  }, 10);
  const nextLook = () => new Promise<void>((resolve) => looked.push(resolve));
  await nextLook();
  const before = await redo();
  await nextLook();
  equal(await redo(), before, "nothing was written, nothing is done");
  await engine.exec("create table written (a text)");
  // About 100 MB of log.
  await engine.exec("insert into written select repeat('x', 1000) from generate_series(1, 90000)");
  await nextLook();
  await nextLook();
  equal(await redo() === before, false);
  await stop();
  const after = looks;
  await close();
  equal(looks, after);
  await Deno.remove(folder, { recursive: true });
});
