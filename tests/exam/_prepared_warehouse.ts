/**
 * An embedded warehouse in which nothing is yet, made once for all rounds: making its database takes seconds of a
 * processor's time, copying it takes tenths.
 *
 * @module
 */

import { cp } from "node:fs/promises";
import { join } from "node:path";
import { openPipeline } from "../pipeline/_pipeline.ts";

const READY_MS_MAX = 120_000;

let prepared: Promise<string> | undefined;

/** Puts the empty warehouse where there is none yet. */
export async function putWarehouse(folder: string): Promise<void> {
  const source = join(await (prepared ??= prepare()), "warehouse");
  await cp(source, folder, { recursive: true, errorOnExist: true, force: false });
}

/** Removes what was made once, when no round needs it any more. */
export async function removePreparedWarehouse(): Promise<void> {
  const folder = await prepared?.catch(() => undefined);
  prepared = undefined;
  if (folder !== undefined) await Deno.remove(folder, { recursive: true });
}

async function prepare(): Promise<string> {
  const pipeline = await openPipeline("embedded");
  try {
    const warehouse = pipeline.start("warehouse");
    const ended = warehouse.exited().then((code) => {
      throw new Error(`The warehouse ended with ${code}: ${warehouse.output}`);
    });
    ended.catch(() => {});
    await Promise.race([warehouse.says("Embedded warehouse ready", READY_MS_MAX), ended]);
    const code = await warehouse.stop();
    if (code !== 0) throw new Error(`The warehouse ended with ${code}: ${warehouse.output}`);
    const folder = await Deno.makeTempDir({ prefix: "airline-exam-warehouse-" });
    await Deno.rename(pipeline.env.WAREHOUSE_DIR!, join(folder, "warehouse"));
    return folder;
  } finally {
    await pipeline.close();
  }
}
