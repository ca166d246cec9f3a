/** Streams a CSV file into a real Postgres. */

import { createReadStream } from "node:fs";
import type { Writable } from "node:stream";
import type { SqlTransaction, Warehouse } from "./connect.ts";
import { isConnectionLoss } from "./warehouse_unavailable.ts";

/** The load broke off; nothing of it is stored. */
export class LoadFailedError extends Error {
  override name = "LoadFailedError";
}

/** A file that is to go into a table. */
export interface CopyOptions {
  file: string;
  /** For messages. */
  table: string;
  /** Silence after which the server is given up. */
  stallMs: number;
  /** Told how much of the file has been sent, 0 to 1. */
  onShare: (share: number) => void;
}

/**
 * Sends a file down a `COPY … FROM STDIN`, and settles whatever the server does.
 *
 * @throws {LoadFailedError} when the server refuses rows or stops taking them; the transaction is of no use then.
 */
export async function copyFile(
  warehouse: Warehouse,
  tx: SqlTransaction,
  statement: string,
  options: CopyOptions,
): Promise<void> {
  const { file, table, stallMs, onShare } = options;
  const { size } = await Deno.stat(file);
  const query = tx.unsafe(statement);
  const copy = await query.writable() as unknown as Writable;
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refused = false;
  try {
    await new Promise<void>((resolve, reject) => {
      // The driver has resolved the query when the COPY began, and drops what the server says of the rows (postgres
      // issue 1173): it still calls this, which tells us.
      Object.assign(query, {
        reject: (error: unknown) => {
          refused = true;
          reject(error);
        },
      });
      const alive = () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          reject(new LoadFailedError(`The warehouse took no rows of ${table} for ${stallMs / 1000} s`));
        }, stallMs);
      };
      alive();
      let bytes = 0;
      source.on("data", (chunk) => {
        onShare((bytes += chunk.length) / size);
        alive();
      });
      source.on("error", reject);
      copy.on("error", reject);
      copy.on("finish", resolve);
      source.pipe(copy);
    });
  } catch (error) {
    source.destroy();
    // A server that has not answered may still wait for rows: closing the connection surely ends the transaction.
    // On one that is lost the rollback would wait.
    if (!refused || isConnectionLoss(error)) await warehouse.sql.end({ timeout: 0 });
    if (error instanceof LoadFailedError) throw error;
    const { name, message } = error as Error;
    throw new LoadFailedError(
      name === "PostgresError" && !isConnectionLoss(error)
        ? `The warehouse refused rows of ${table}: ${message}. Nothing of this run is stored there`
        : `The connection to the warehouse broke while it took rows of ${table} (${message}): nothing of this run is stored there`,
      { cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}
