/**
 * Opens the folder of the embedded warehouse: a PGlite database `airline_dw` that belongs to `airline`.
 *
 * Two processes that open one folder silently lose each other's rows, so its lock is taken first. The engine does not
 * wait for the disk: after a power cut the folder may be torn, and pages that never got there look like empty ones, so
 * that no reading can tell. So whatever was open when the machine went down is moved aside, and an empty one takes its
 * place, which the next ETL run fills from the lake. A process that was killed on a machine that went on lost nothing.
 *
 * ```
 * <folder>/lock            held while a warehouse runs
 * <folder>/postgres/       the database
 * <folder>/running         there while a warehouse runs: when the machine was started, in seconds since 1970
 * <folder>/stopped         there while none runs, and all is on the disk
 * <folder>/postgres-new/   one that is being made
 * <folder>/postgres-torn/  the last one that did not open
 * ```
 *
 * @module
 */

import { PGlite } from "@electric-sql/pglite";
import type { CreateAnswer, CreateRequest } from "./_create_database.ts";
import { markRunning, markStopped } from "./_folder_marks.ts";
import { isThere, removeIfThere } from "../process/files.ts";
import { lockFile } from "../process/lock_file.ts";
import type { LockAttempt } from "../process/lock_file.ts";
import { OperatorError } from "../process/run_process.ts";
import { GOLD_TABLES } from "./gold_tables.ts";

/** Name of the database, and of the role that owns it. */
export const EMBEDDED_DATABASE = "airline_dw";
export const EMBEDDED_USER = "airline";

/** An embedded database that this process owns. */
export interface EmbeddedDatabase {
  readonly engine: PGlite;
  /** Writes everything down, closes and gives the folder free. */
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Told when a torn database was moved aside. */
  onWarning?: (text: string) => void;
  /**
   * Told when the engine gives itself up, for one on a full disk, with its reason. It must end the process there and
   * then: the engine goes round in circles afterwards and never gives the thread back.
   */
  onPanic?: (reason: string) => void;
}

/**
 * Opens the database in `folder`, and makes it where there is none.
 *
 * @throws {OperatorError} when another process has the folder open, or it cannot be written.
 */
export async function openEmbeddedDatabase(
  folder: string,
  options: OpenOptions = {},
): Promise<EmbeddedDatabase> {
  const { onWarning = () => {}, onPanic = () => {} } = options;
  const lock = await lockFolder(folder);
  // What goes wrong while a torn database is opened is caught there.
  let opened = false;
  const onLog = (line: string) => {
    const reason = /\bPANIC:\s*(.*)/.exec(line)?.[1];
    if (opened && reason !== undefined) onPanic(reason);
    return true;
  };
  try {
    const engine = await openOrReplace(folder, onWarning, onLog);
    opened = true;
    return {
      engine,
      async close() {
        await engine.exec("checkpoint");
        await engine.close();
        await markStopped(folder);
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Takes the lock; the operating system frees it when the process ends, however it ends. */
async function lockFolder(folder: string): Promise<Deno.FsFile> {
  let attempt: LockAttempt;
  try {
    await Deno.mkdir(folder, { recursive: true });
    attempt = await lockFile(`${folder}/lock`);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
  if (attempt.lock !== undefined) return attempt.lock;
  const who = attempt.owner === "" ? "another process" : `another process (${attempt.owner})`;
  throw new OperatorError(
    `The warehouse's folder "${folder}" is open in ${who}. Is deno task warehouse running already? Use that one, stop it, or choose another folder by WAREHOUSE_DIR`,
  );
}

function cannotWrite(folder: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotCapable) return error;
  return new OperatorError(
    `Cannot write the warehouse's folder "${folder}": ${
      (error as Error).message
    }. Make it writable, free space, or choose another by WAREHOUSE_DIR`,
    { cause: error },
  );
}

/** Whether the disk of `folder` has room for a start of the engine. Whatever else is wrong there counts as room. */
export async function hasRoom(folder: string): Promise<boolean> {
  const probe = `${folder}/room`;
  try {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeFile(probe, new Uint8Array(PROBE_BYTES));
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "ENOSPC";
  } finally {
    await removeIfThere(probe).catch(() => {});
  }
}

async function probeWriting(folder: string): Promise<void> {
  const probe = `${folder}/probe`;
  try {
    await Deno.writeFile(probe, new Uint8Array(PROBE_BYTES));
  } catch (error) {
    throw cannotWrite(folder, error);
  } finally {
    await removeIfThere(probe);
  }
}

type OnLog = (line: string) => boolean;

async function openOrReplace(
  folder: string,
  onWarning: (text: string) => void,
  onLog: OnLog,
): Promise<PGlite> {
  const data = `${folder}/postgres`;
  if (await isThere(data)) {
    const left = await markRunning(folder);
    try {
      if (left === "power cut") throw new Error("the machine went down while it was open");
      return await open(data, left === "in order" ? "trust" : "check", onLog);
    } catch (error) {
      // A full disk or a lost right to write looks alike from here, and is no reason to give the data up.
      await probeWriting(folder);
      const torn = `${folder}/postgres-torn`;
      await removeIfThere(torn, { recursive: true });
      await Deno.rename(data, torn);
      onWarning(
        `The embedded warehouse in "${folder}" does not open (${
          reasonOf(error)
        }), perhaps after a power cut. It was moved to "${torn}"; an empty one takes its place and the next ETL run fills it from the lake`,
      );
    }
  } else await markRunning(folder);
  await create(folder, data);
  return await open(data, "trust", onLog);
}

/** Makes a database aside, so that one that is half made is never taken for a whole one. */
async function create(folder: string, data: string): Promise<void> {
  const made = `${folder}/postgres-new`;
  await removeIfThere(made, { recursive: true });
  const worker = new Worker(import.meta.resolve("./_create_database.ts"), { type: "module" });
  try {
    const { error } = await new Promise<CreateAnswer>((resolve, reject) => {
      worker.onmessage = (event: MessageEvent<CreateAnswer>) => resolve(event.data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
      const request: CreateRequest = { dataDir: made, database: EMBEDDED_DATABASE, user: EMBEDDED_USER };
      worker.postMessage(request);
    });
    if (error !== undefined) throw new OperatorError(`Cannot make a warehouse in "${folder}": ${error}`);
  } finally {
    worker.terminate();
  }
  await Deno.rename(made, data);
}

async function open(data: string, after: "trust" | "check", onLog: OnLog): Promise<PGlite> {
  const engine = await PGlite.create({
    dataDir: data,
    database: EMBEDDED_DATABASE,
    username: EMBEDDED_USER,
    startParams: [...PGlite.defaultStartParams, ...START_PARAMETERS],
    // The engine's own log lines are for its makers.
    onStdout: () => true,
    onStderr: onLog,
  });
  if (after === "check") {
    // Its log was replayed; whether the pages are whole shows when they are read.
    await engine.exec(
      "set enable_indexscan = off; set enable_indexonlyscan = off; set enable_bitmapscan = off",
    );
    for (const { name } of GOLD_TABLES) {
      const { rows } = await engine.query(`select to_regclass('public.${name}') is not null as there`);
      if ((rows[0] as { there: boolean }).there) await engine.exec(`select count(*) from public.${name}`);
    }
    await engine.exec("reset enable_indexscan; reset enable_indexonlyscan; reset enable_bitmapscan");
  }
  return engine;
}

/** About what a start of the engine writes. */
const PROBE_BYTES = 4 * 1024 * 1024;

/** Little is written twice, and little of the log is kept: there is no standby, and the lake has it all. */
const START_PARAMETERS = ["wal_level=minimal", "max_wal_senders=0", "max_wal_size=128MB", "min_wal_size=32MB"]
  .flatMap((setting) => ["-c", setting]);

function reasonOf(error: unknown): string {
  const text = error instanceof Error
    ? error.message
    : (error as { message?: string })?.message ?? String(error);
  return text.split("\n")[0]!;
}
