/**
 * A transaction of a load. Its connection may break, or die in silence so that not even the answer to its `COMMIT`
 * comes: whoever waits for it is told, and nothing is stored in part.
 *
 * @module
 */

import { TransactionWatch } from "./_answer_deadline.ts";
import { LoadFailedError } from "./_copy_file.ts";
import type { SqlTransaction, Warehouse } from "./connect.ts";
import { isConnectionLoss } from "./warehouse_unavailable.ts";

/**
 * Does `work` in one transaction and returns what it returns.
 *
 * @param warehouse Opened with `max: 1`: the work must stay on one connection. Where that is lost it is closed.
 * @param other Another connection, which tells when the transaction is over and its own connection has died in silence.
 * @throws {LoadFailedError} Where the connection is lost. Other errors come as they are.
 */
export async function watchedTransaction<T>(
  warehouse: Warehouse,
  other: Warehouse | undefined,
  work: (tx: SqlTransaction) => Promise<T>,
): Promise<T> {
  let failure: unknown;
  const watch = other === undefined ? undefined : new TransactionWatch(other);
  try {
    const working = warehouse.sql.begin((tx) =>
      onOneConnection(tx, work, watch).catch((error) => {
        // A rollback on a connection that is gone fails too, and would hide why.
        failure = error;
        throw error;
      })
    ) as Promise<T>;
    return await (watch === undefined ? working : Promise.race([working, watch.lost]));
  } catch (error) {
    const lost = broken(failure ?? error);
    // The rollback waits on a connection that is gone, and would hold up the pool's end.
    if (lost !== undefined) await warehouse.sql.end({ timeout: 0 });
    throw lost ?? failure ?? error;
  } finally {
    watch?.end();
  }
}

async function onOneConnection<T>(
  tx: SqlTransaction,
  work: (tx: SqlTransaction) => Promise<T>,
  watch: TransactionWatch | undefined,
): Promise<T> {
  const transaction = await transactionId(tx);
  watch?.began(transaction);
  const result = await work(tx);
  // After a lost connection the driver may go on with the next statement on a new one, outside any transaction.
  if (await transactionId(tx) !== transaction) {
    throw new LoadFailedError(
      "The connection to the warehouse was lost during the load: nothing is stored",
    );
  }
  return result;
}

/** A lost connection in words, whichever call was told of it first; `undefined` for any other error. */
function broken(error: unknown): LoadFailedError | undefined {
  if (!isConnectionLoss(error)) return undefined;
  return new LoadFailedError(
    `The connection to the warehouse broke during the load (${(error as Error).message})`,
    { cause: error },
  );
}

async function transactionId(tx: SqlTransaction): Promise<string> {
  const [row] = await tx<{ id: string }[]>`select txid_current()::text as id`;
  return row!.id;
}
