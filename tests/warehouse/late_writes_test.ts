import { equal, rejects } from "node:assert/strict";
import { isLateWrite, isLostTypesQuery } from "../../warehouse/_late_writes.ts";
import { openWarehouse, WarehouseUnavailableError } from "../../warehouse/connect.ts";

function typeErrorAt(place: string): TypeError {
  const error = new TypeError("Cannot read properties of null (reading 'write')");
  error.stack = `TypeError: ${error.message}\n    at ${place}`;
  return error;
}

Deno.test("only the driver's own late write is let pass", () => {
  const driver = "file:///p/node_modules/.deno/postgres@3.4.9/node_modules/postgres/src/connection.js:255:22";
  equal(isLateWrite(typeErrorAt(`Immediate.nextWrite (${driver})`)), true);
  equal(isLateWrite(typeErrorAt(`Immediate.handle (${driver})`)), false);
  equal(isLateWrite(typeErrorAt("Immediate.nextWrite (file:///p/etl/run.ts:1:1)")), false);
  equal(isLateWrite(new Error(typeErrorAt(`Immediate.nextWrite (${driver})`).stack)), false);
});

Deno.test("only the driver's own question for types is let go unanswered", () => {
  const query = "\n      select b.oid, b.typarray\n      from pg_catalog.pg_type a";
  const lost = (fields: object) => isLostTypesQuery(Object.assign(new Error("lost"), fields));
  equal(lost({ code: "CONNECTION_DESTROYED", query }), true);
  equal(lost({ code: "ECONNRESET", query }), true);
  equal(lost({ code: "57P01", query }), true);
  equal(lost({ code: "42501", query }), false);
  equal(lost({ code: "CONNECTION_DESTROYED", query: "select 1" }), false);
  equal(isLostTypesQuery(undefined), false);
});

Deno.test("a server that is silent after the login is unavailable, and no error is left over", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ready = new Uint8Array([..."R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"].map((text) => text.charCodeAt(0)));
  const serving = (async () => {
    for await (const client of listener) {
      const buffer = new Uint8Array(1024);
      if (await client.read(buffer) !== null) await client.write(ready);
      while (await client.read(buffer).catch(() => null) !== null);
      client.close();
    }
  })();
  await rejects(
    openWarehouse({
      url: `postgres://airline@127.0.0.1:${listener.addr.port}/db?sslmode=disable&connect_timeout=1`,
      embedded: false,
      applicationName: "test",
      max: 1,
    }),
    WarehouseUnavailableError,
  );
  listener.close();
  await serving;
});
