/** Warehouses for tests: always an embedded one, and a database of its own on the Postgres of DATABASE_URL. */

import { cp } from "node:fs/promises";
import { openWarehouse } from "../../warehouse/connect.ts";
import type { Warehouse } from "../../warehouse/connect.ts";
import { parseDatabaseUrl } from "../../warehouse/database_address.ts";
import { EMBEDDED_DATABASE, openEmbeddedDatabase } from "../../warehouse/embedded_database.ts";
import { PostgresServer } from "../../warehouse/postgres_server.ts";
import type { PostgresServerOptions } from "../../warehouse/postgres_server.ts";

/** A warehouse's address, and what ends it. */
export interface TestWarehouse {
  url: string;
  embedded: boolean;
  open(max?: number): Promise<Warehouse>;
  stop(): Promise<void>;
}

let template: Promise<string> | undefined;

/** A folder with an empty database: making one takes seconds, copying it a fraction. */
function emptyDatabase(): Promise<string> {
  return template ??= (async () => {
    const folder = await Deno.makeTempDir({ prefix: "airline-warehouse-template-" });
    globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
    const database = await openEmbeddedDatabase(folder);
    await database.close();
    return folder;
  })();
}

/** A folder of its own with an empty database in it. */
export async function makeWarehouseFolder(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "airline-warehouse-" });
  await cp(await emptyDatabase(), folder, { recursive: true });
  return folder;
}

/** An embedded warehouse that is empty, with its server. */
export async function startEmbedded(
  options: Partial<PostgresServerOptions> = {},
): Promise<TestWarehouse & { server: PostgresServer }> {
  const folder = await makeWarehouseFolder();
  const database = await openEmbeddedDatabase(folder);
  const server = await PostgresServer.start(database.engine, {
    port: 0,
    database: EMBEDDED_DATABASE,
    ...options,
  });
  const url = `postgres://airline:airline@127.0.0.1:${server.port}/${EMBEDDED_DATABASE}`;
  return {
    url,
    embedded: true,
    server,
    open: (max = 2) => openWarehouse({ url, embedded: true, applicationName: "airline-test", max }),
    async stop() {
      await server.stop();
      await database.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** A database of its own on the Postgres of DATABASE_URL. */
async function startReal(given: string): Promise<TestWarehouse> {
  const address = parseDatabaseUrl(given);
  if (!["127.0.0.1", "localhost", "::1"].includes(address.host)) {
    throw new Error(`Tests only use a Postgres on loopback, DATABASE_URL names ${address.host}`);
  }
  const name = `airline_test_${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;
  const admin = await openWarehouse({ url: given, embedded: false, applicationName: "airline-test", max: 1 });
  await admin.sql.unsafe(`create database ${name}`);
  const user = encodeURIComponent(address.user);
  const url = `postgres://${user}:${
    encodeURIComponent(address.password)
  }@${address.host}:${address.port}/${name}`;
  return {
    url,
    embedded: false,
    open: (max = 2) => openWarehouse({ url, embedded: false, applicationName: "airline-test", max }),
    async stop() {
      await admin.sql.unsafe(`drop database if exists ${name} with (force)`);
      await admin.close();
    },
  };
}

/** Runs `test` on an embedded warehouse and, where DATABASE_URL is given, on a real one. */
export function onEachWarehouse(name: string, test: (warehouse: TestWarehouse) => Promise<void>): void {
  const given = Deno.env.get("DATABASE_URL") ?? "";
  const engines: [string, () => Promise<TestWarehouse>, boolean][] = [
    ["embedded", () => startEmbedded(), false],
    ["Postgres of DATABASE_URL", () => startReal(given), given === ""],
  ];
  for (const [engine, start, ignore] of engines) {
    Deno.test({
      name: `${name} (${engine})`,
      ignore,
      async fn() {
        const warehouse = await start();
        try {
          await test(warehouse);
        } finally {
          await warehouse.stop();
        }
      },
    });
  }
}
