import { equal, ok, rejects } from "node:assert/strict";
import { cp } from "node:fs/promises";
import { withStillWarehouse } from "../../backup/still_warehouse.ts";
import { lockFile } from "../../process/lock_file.ts";
import { EMBEDDED_DATABASE, openEmbeddedDatabase } from "../../warehouse/embedded_database.ts";
import { openWarehouse } from "../../warehouse/connect.ts";
import { PostgresServer } from "../../warehouse/postgres_server.ts";
import { makeWarehouseFolder } from "../warehouse/_warehouse_support.ts";

const { signal } = new AbortController();

async function withServed(
  body: (served: { folder: string; url: string }) => Promise<void>,
): Promise<void> {
  const folder = await makeWarehouseFolder();
  const database = await openEmbeddedDatabase(folder);
  const server = await PostgresServer.start(database.engine, { port: 0, database: EMBEDDED_DATABASE });
  try {
    await body({ folder, url: `postgres://airline:x@127.0.0.1:${server.port}/${EMBEDDED_DATABASE}` });
  } finally {
    await server.stop();
    await database.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a warehouse that runs stands still while its files are copied; the copy has all that was committed", () =>
  withServed(async ({ folder, url }) => {
    const warehouse = await openWarehouse({ url, embedded: true, applicationName: "test", max: 1 });
    const copy = await Deno.makeTempDir();
    try {
      await warehouse.sql`create table kept (n integer)`;
      await warehouse.sql`insert into kept select generate_series(1, 1000)`;
      let writing: Promise<unknown> | undefined;
      let written = false;
      ok(
        await withStillWarehouse(folder, url, async (data) => {
          writing = warehouse.sql`insert into kept values (0)`.then(() => written = true);
          await cp(data, `${copy}/postgres`, { recursive: true });
          equal(written, false);
        }, { signal }),
      );
      await writing;
      const opened = await openEmbeddedDatabase(copy);
      const { rows } = await opened.engine.query("select count(*)::int as n from kept");
      equal((rows[0] as { n: number }).n, 1000);
      await opened.close();
    } finally {
      await warehouse.close();
      await Deno.remove(copy, { recursive: true });
    }
  }));

Deno.test("a warehouse that is not the folder's is not taken for it, and one that does not run is locked", () =>
  withServed(async ({ folder, url }) => {
    const other = await makeWarehouseFolder();
    try {
      // Another cluster's, open in another process.
      const control = await Deno.readFile(`${other}/postgres/global/pg_control`);
      control[0]! ^= 1;
      await Deno.writeFile(`${other}/postgres/global/pg_control`, control);
      const { lock } = await lockFile(`${other}/lock`);
      await rejects(withStillWarehouse(other, url, () => Promise.resolve(), { signal }), /is not the one in/);
      lock!.close();
      let owner: string | undefined;
      const hold = async () => void ({ owner } = await lockFile(`${other}/lock`));
      equal(await withStillWarehouse(other, url, hold, { signal }), true);
      equal(typeof owner, "string");
      equal(await withStillWarehouse(`${folder}/none`, url, hold, { signal }), false);
    } finally {
      await Deno.remove(other, { recursive: true });
    }
  }));
