/** The database of the minute windows: waited for, made ready, then asked with a deadline. */

import { logger } from "../process/logger.ts";
import { pause } from "../process/pause.ts";
import { AskedDatabase } from "../warehouse/asked_database.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import { prepareRealtime } from "../warehouse/realtime.ts";
import type { RealtimeSchema } from "../warehouse/realtime.ts";
import { ViewerStore } from "./viewer_store.ts";

const APPLICATION_NAME = "airline-viewer-metrics";
const RETRY_MS = 2000;
/** A commit takes a fraction of a second. The server gives up before its client does. */
const STATEMENT_MS = 20_000;
const ANSWER_MS = 25_000;

/**
 * Makes the tables as soon as the database answers, and empties them where that is asked for; neither has a deadline,
 * since a large table takes its time. `undefined` where it is to stop first.
 *
 * @param options `resetLogId`: forget what was counted of this log.
 */
export async function openViewerDatabase(
  address: { url: string; embedded: boolean },
  schema: RealtimeSchema,
  { signal, resetLogId }: { signal: AbortSignal; resetLogId: string | undefined },
): Promise<AskedDatabase | undefined> {
  const warehouse = await openWhenThere(address, signal);
  if (warehouse === undefined) return undefined;
  try {
    await prepareRealtime(warehouse.sql, schema);
    if (resetLogId !== undefined) {
      await new ViewerStore({ ask: (question) => question(warehouse.sql) }, schema, resetLogId).reset();
    }
  } finally {
    await warehouse.close();
  }
  return new AskedDatabase({
    ...address,
    applicationName: APPLICATION_NAME,
    max: 4,
    statementTimeoutMs: STATEMENT_MS,
    answerMs: address.embedded ? Infinity : ANSWER_MS,
  });
}

/** Opens the database, trying again until it answers; `undefined` where it is to stop first. */
async function openWhenThere(
  address: { url: string; embedded: boolean },
  signal: AbortSignal,
): Promise<Warehouse | undefined> {
  for (let told = false; !signal.aborted;) {
    try {
      const opened = await openWarehouse({ ...address, applicationName: APPLICATION_NAME, max: 1 });
      if (told) logger.info("The database answers, going on");
      return opened;
    } catch (error) {
      if (!(error instanceof WarehouseUnavailableError)) throw error;
      if (!told) logger.warn(`${error.message}; trying again until it answers`);
      told = true;
    }
    await pause(RETRY_MS, signal);
  }
  return undefined;
}
