/** What a load is told of its transaction; a connection that dies in silence is the reliability exam's. */

import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import type { SqlTransaction, Warehouse } from "../../warehouse/connect.ts";
import { LoadFailedError } from "../../warehouse/load_tables.ts";
import { watchedTransaction } from "../../warehouse/watched_transaction.ts";

/** A warehouse whose transactions say that they are these, one after the other each time they are asked. */
function warehouseOf(ids: string[]): { warehouse: Warehouse; said: string[] } {
  const said: string[] = [];
  const tx = () => Promise.resolve([{ id: ids.shift() }]);
  const sql = {
    begin: async (work: (tx: unknown) => Promise<unknown>) => {
      try {
        const result = await work(tx);
        said.push("commit");
        return result;
      } catch (error) {
        said.push("rollback");
        throw error;
      }
    },
    end: () => Promise.resolve(said.push("connection closed")),
  };
  return { warehouse: { sql, embedded: true } as unknown as Warehouse, said };
}

Deno.test("watchedTransaction() commits what was done in one transaction, and returns its result", async () => {
  const { warehouse, said } = warehouseOf(["7", "7"]);
  const rows = await watchedTransaction(warehouse, undefined, (tx: SqlTransaction) => {
    strictEqual(typeof tx, "function");
    return Promise.resolve(3);
  });
  strictEqual(rows, 3);
  deepStrictEqual(said, ["commit"]);
});

Deno.test("watchedTransaction() commits nothing where the driver went on in another transaction", async () => {
  const { warehouse, said } = warehouseOf(["7", "8"]);
  await rejects(watchedTransaction(warehouse, undefined, () => Promise.resolve()), (error: Error) => {
    match(error.message, /was lost during the load: nothing is stored/);
    return error instanceof LoadFailedError;
  });
  deepStrictEqual(said, ["rollback"]);
});

Deno.test("watchedTransaction() tells a lost connection as what it is, and gives it up", async () => {
  const { warehouse, said } = warehouseOf(["7"]);
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  await rejects(watchedTransaction(warehouse, undefined, () => Promise.reject(reset)), (error: Error) => {
    match(error.message, /^The connection to the warehouse broke during the load \(read ECONNRESET\)$/);
    return error instanceof LoadFailedError;
  });
  deepStrictEqual(said, ["rollback", "connection closed"]);
});

Deno.test("watchedTransaction() leaves every other error as it is", async () => {
  const { warehouse, said } = warehouseOf(["7"]);
  const refused = new Error("duplicate key");
  await rejects(watchedTransaction(warehouse, undefined, () => Promise.reject(refused)), refused);
  deepStrictEqual(said, ["rollback"]);
});
