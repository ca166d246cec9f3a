/**
 * Holds the embedded warehouse still while its files are read. It serves one transaction at a time and has no
 * background of its own: within a transaction, after a checkpoint, nothing in its folder changes. Where no warehouse
 * runs, its lock is held, so that none begins.
 *
 * @module
 */

import { join } from "node:path";
import { isThere } from "../process/files.ts";
import { OperatorError } from "../process/run_process.ts";
import { pause } from "../process/pause.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import type { Warehouse } from "../warehouse/connect.ts";

/** A transaction that does nothing is ended by the warehouse after ten seconds. */
const STIR_MS = 2000;

/** Others may rightly keep the warehouse to themselves for so long: an ETL run that loads a whole lake. */
const PATIENCE_MS = 10 * 60_000;
const RETRY_MS = 1000;

/**
 * Runs `work` while the warehouse in `folder`, served at `url`, stands still; `false` where there is no warehouse.
 *
 * @throws {WarehouseUnavailableError} where it runs and does not answer for long.
 */
export async function withStillWarehouse(
  folder: string,
  url: string,
  work: (dataFolder: string) => Promise<void>,
  options: { signal: AbortSignal; patienceMs?: number },
): Promise<boolean> {
  const data = join(folder, "postgres");
  if (!await isThere(data)) return false;
  // Opened to be read only: this process may not write there.
  using lock = await Deno.open(join(folder, "lock"), { read: true });
  if (await lock.tryLock(true)) {
    await work(data);
    return true;
  }
  const warehouse = await openPatiently(url, { patienceMs: PATIENCE_MS, ...options });
  try {
    await warehouse.sql.begin(async (sql) => {
      const [served] = await sql`select system_identifier::text as id from pg_control_system()`;
      if (served!.id !== await systemIdentifier(data)) {
        throw new OperatorError(
          `The warehouse that answers at WAREHOUSE_PORT is not the one in "${folder}", which another process has open: ` +
            "give WAREHOUSE_DIR and WAREHOUSE_PORT of the same warehouse",
        );
      }
      await sql.unsafe("checkpoint");
      let stirring: Promise<unknown> = Promise.resolve();
      const timer = setInterval(() => {
        stirring = stirring.then(() => sql`select 1`).catch(() => {});
      }, STIR_MS);
      try {
        await work(data);
      } finally {
        clearInterval(timer);
        await stirring;
      }
      // Whether it still was ours at the end: had it been cut off, others would have written meanwhile.
      await sql`select 1`;
    });
    return true;
  } finally {
    await warehouse.close();
  }
}

/** Connects once it is our turn; a warehouse that is just being started is waited for, too. */
async function openPatiently(
  url: string,
  { signal, patienceMs }: { signal: AbortSignal; patienceMs: number },
): Promise<Warehouse> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await openWarehouse({ url, embedded: true, applicationName: "airline-backup", max: 1 });
    } catch (error) {
      if (!(error instanceof WarehouseUnavailableError) || performance.now() > untilMs) throw error;
      await pause(RETRY_MS, signal);
      signal.throwIfAborted();
    }
  }
}

/** The number that a database cluster got when it was made: the first eight bytes of its control file. */
async function systemIdentifier(dataFolder: string): Promise<string> {
  const bytes = await Deno.readFile(join(dataFolder, "global", "pg_control"));
  return new DataView(bytes.buffer).getBigUint64(0, true).toString();
}
