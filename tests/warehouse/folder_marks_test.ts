import { deepEqual, equal, match } from "node:assert/strict";
import { markRunning, markStopped } from "../../warehouse/_folder_marks.ts";
import { openEmbeddedDatabase } from "../../warehouse/embedded_database.ts";
import { makeWarehouseFolder } from "./_warehouse_support.ts";

Deno.test("a folder's marks tell a stop in order from a process that ended and from a power cut", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.mkdir(`${folder}/postgres/base`, { recursive: true });
  await Deno.writeTextFile(`${folder}/postgres/base/1`, "rows");
  const started = 1_700_000_000;
  // An earlier version left no mark of a running one.
  equal(await markRunning(folder, started), "process ended");
  // The same start of the machine, read anew a little differently.
  equal(await markRunning(folder, started + 2), "process ended");
  equal(await markRunning(folder, started + 60), "power cut");
  await markStopped(folder);
  deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).toSorted(), ["postgres", "stopped"]);
  // However long the machine was down.
  equal(await markRunning(folder, started + 100_000), "in order");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("openEmbeddedDatabase() does not trust a folder that was open when the machine went down", async () => {
  const folder = await makeWarehouseFolder();
  const first = await openEmbeddedDatabase(folder);
  await first.engine.exec("create table public.kept (id integer)");
  await first.close();
  // Killed on a machine that went on: what is there counts.
  await Deno.remove(`${folder}/stopped`);
  await Deno.writeTextFile(`${folder}/running`, String(Math.round(Date.now() / 1000 - Deno.osUptime())));
  const second = await openEmbeddedDatabase(folder);
  await second.engine.exec("select * from public.kept");
  await second.close();
  await Deno.remove(`${folder}/stopped`);
  await Deno.writeTextFile(`${folder}/running`, "1700000000");
  const warnings: string[] = [];
  const third = await openEmbeddedDatabase(folder, { onWarning: (text) => warnings.push(text) });
  match(
    warnings.join(),
    /does not open \(the machine went down while it was open\).*the next ETL run fills it/,
  );
  const { rows } = await third.engine.query("select to_regclass('public.kept') is null as gone");
  deepEqual(rows, [{ gone: true }]);
  await third.close();
  await Deno.remove(folder, { recursive: true });
});
