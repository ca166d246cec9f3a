/**
 * One run of the ETL: the lake's new events into the gold tables, and the gold tables into the warehouse. One run at a
 * time: on one lake by a lock of the operating system, on one warehouse (several machines may share it) by a lease.
 *
 * @module
 */

import { hostname } from "node:os";
import type { LakeFolders } from "../process/settings.ts";
import { answered } from "../warehouse/_answer_deadline.ts";
import { openWarehouse, WarehouseUnavailableError } from "../warehouse/connect.ts";
import type { Warehouse } from "../warehouse/connect.ts";
import { acquireLease } from "../warehouse/lease.ts";
import type { Lease } from "../warehouse/lease.ts";
import { prepareWarehouse } from "../warehouse/migrate.ts";
import { isConnectionLoss } from "../warehouse/warehouse_unavailable.ts";
import { buildGold } from "./build_gold.ts";
import type { GoldOptions, GoldSummary } from "./build_gold.ts";
import { loadDerived } from "./load_derived.ts";
import { loadWarehouse } from "./load_warehouse.ts";
import type { LoadSummary } from "./load_warehouse.ts";
import { publishNewCurves } from "./publish_curves.ts";
import type { OpenLog } from "./publish_curves.ts";
import { lockGold, RunLockedError } from "./run_lock.ts";

/** The lease's name in the warehouse. */
const LEASE_NAME = "etl";
/** How long a dead run keeps others out; who waits a little longer gets through. */
const LEASE_TTL_MS = 30_000;
const LEASE_RETRY_MS = 500;
/** Bringing the schema up to date may wait for others' locks; most runs find nothing to do. */
const PREPARE_MS_MAX = 120_000;

export interface EtlRunOptions extends GoldOptions {
  /** The warehouse; without it only the gold tables are made. */
  warehouse?: { url: string; embedded: boolean };
  /** Opens the event log that booking curves are published on; without it they are not. */
  openLog?: OpenLog;
  /** How long to wait for another run to end. Default 0. */
  waitMs?: number;
  /** Told as rows are loaded, of `total`. */
  onLoad?: (table: string, rows: number, total: number) => void;
}

/** What a run did. */
export interface EtlSummary extends Omit<GoldSummary, "state"> {
  startedAt: Date;
  /** What went into the warehouse; `undefined` when it was left out or failed. */
  load?: LoadSummary;
  /** Why the warehouse was not loaded; the next run makes up for it. */
  loadError?: Error;
  seconds: { read: number; write: number; load: number; total: number };
}

/** Whether everything went as it should; a run of which something is missing is made up for by the next. */
export function succeeded(summary: EtlSummary): boolean {
  return !summary.partial && summary.loadError === undefined;
}

/**
 * Runs the ETL once. A warehouse that is away does not keep the gold tables from being written: the summary tells.
 *
 * @throws {RunLockedError} when another run works on this lake or this warehouse.
 * @throws {RunStoppedError} when `signal` aborted before anything was written.
 */
export async function runEtl(lake: LakeFolders, options: EtlRunOptions = {}): Promise<EtlSummary> {
  const { signal, waitMs = 0 } = options;
  const started = performance.now();
  const startedAt = new Date();
  using _lock = await lockGold(lake.gold, { waitMs, ...(signal === undefined ? {} : { signal }) });
  const target = options.warehouse;
  const session = target === undefined ? undefined : new WarehouseSession(target, holderOf(lake), waitMs);
  try {
    let loadError = await errorOf(session?.begin(signal));
    const { state, ...gold } = await buildGold(lake, options);
    if (options.openLog !== undefined) {
      const { openLog, full: anew = false, warn = () => {} } = options;
      await publishNewCurves(lake.gold, state, { openLog, anew, warn });
    }
    const loading = performance.now();
    let load: LoadSummary | undefined;
    if (session !== undefined) {
      // It may have come up in the meantime.
      if (loadError !== undefined) loadError = await errorOf(session.begin(signal));
      loadError ??= await errorOf((async () => {
        load = await session.load({
          goldFolder: lake.gold,
          workFolder: `${lake.gold}/_work`,
          state,
          full: options.full ?? false,
          run: {
            runId: crypto.randomUUID(),
            startedAt,
            rowsRead: gold.lines,
            rowsRejected: Object.values(gold.rejected).reduce((sum, count) => sum + count, 0),
          },
          ...(options.warn === undefined ? {} : { warn: options.warn }),
          ...(options.onLoad === undefined ? {} : { onProgress: options.onLoad }),
        });
      })());
    }
    return {
      ...gold,
      startedAt,
      ...(load === undefined ? {} : { load }),
      ...(loadError === undefined ? {} : { loadError }),
      seconds: {
        ...gold.seconds,
        load: (performance.now() - loading) / 1000,
        total: (performance.now() - started) / 1000,
      },
    };
  } finally {
    await session?.end();
  }
}

/** The error of work whose failure does not end the run; a held lock does. */
async function errorOf(work: Promise<void> | undefined): Promise<Error | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof RunLockedError || !(error instanceof Error)) throw error;
    if (!isConnectionLoss(error)) return error;
    return new WarehouseUnavailableError(`The connection to the warehouse broke (${error.message})`, {
      cause: error,
    });
  }
}

type LoadOptions = Omit<Parameters<typeof loadWarehouse>[1], "lease" | "other">;

/** The warehouse while a run has it: connected, brought to our schema, its lease held and renewed. */
class WarehouseSession {
  readonly #target: { url: string; embedded: boolean };
  readonly #holder: string;
  readonly #waitMs: number;
  #warehouse: Warehouse | undefined;
  #lease: Lease | undefined;
  #renewal: ReturnType<typeof setInterval> | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(target: { url: string; embedded: boolean }, holder: string, waitMs: number) {
    this.#target = target;
    this.#holder = holder;
    this.#waitMs = waitMs;
  }

  /**
   * Connects and takes the lease.
   *
   * @throws {RunLockedError} when another run holds it still.
   */
  async begin(signal: AbortSignal | undefined): Promise<void> {
    await this.end();
    const warehouse = await this.#open(4);
    this.#warehouse = warehouse;
    await answered(warehouse, prepareWarehouse(warehouse.sql), PREPARE_MS_MAX);
    const untilMs = Date.now() + this.#waitMs;
    const options = { ttlMs: LEASE_TTL_MS, holder: this.#holder };
    for (;;) {
      const attempt = await answered(warehouse, acquireLease(warehouse.sql, LEASE_NAME, options));
      if (attempt.acquired) {
        this.#lease = attempt.lease;
        break;
      }
      if (Date.now() >= untilMs || signal?.aborted) {
        throw new RunLockedError(
          `Another ETL run (${attempt.holder}) loads this warehouse, until ${attempt.expiresAt.toISOString()} unless it ` +
            `goes on: try again when it has ended`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LEASE_RETRY_MS));
    }
    // A renewal that fails is no news yet: the load itself asserts the lease.
    this.#renewal = setInterval(() => {
      this.#renewing = this.#lease!.renew().catch(() => {});
    }, LEASE_TTL_MS / 3);
  }

  /** Loads on a connection of its own. */
  async load(options: LoadOptions): Promise<LoadSummary> {
    const lease = this.#lease!;
    // The lease's row is locked by the load's transaction: a renewal would only wait for it.
    clearInterval(this.#renewal);
    const other = this.#warehouse!;
    await answered(other, this.#renewing.then(() => lease.renew()));
    const warehouse = await this.#open(1);
    try {
      await Deno.mkdir(options.workFolder, { recursive: true });
      const loaded = await loadWarehouse(warehouse, { ...options, lease, other });
      const { goldFolder, full, state: { derived_day: day } } = options;
      if (day !== undefined) await loadDerived(warehouse, { goldFolder, day, lease, full, other });
      return loaded;
    } finally {
      await Deno.remove(options.workFolder, { recursive: true });
      await warehouse.close();
    }
  }

  async end(): Promise<void> {
    clearInterval(this.#renewal);
    const [warehouse, lease] = [this.#warehouse, this.#lease];
    this.#warehouse = this.#lease = undefined;
    if (warehouse === undefined) return;
    // A warehouse that went away keeps the lease until it expires.
    await answered(warehouse, this.#renewing.then(() => lease?.release())).catch(() => {});
    await warehouse.close();
  }

  #open(max: number): Promise<Warehouse> {
    return openWarehouse({ ...this.#target, applicationName: "airline-etl", max });
  }
}

/** Tells processes apart that have the same id on machines of the same name. */
const PROCESS_TAG = crypto.randomUUID().slice(0, 4);

/** What others are told who has the lease. The gold folder's lock keeps it from being two at once. */
function holderOf({ gold }: LakeFolders): string {
  return `${hostOf()}, process ${Deno.pid}-${PROCESS_TAG}, ${gold}`;
}

/** Where the run works; a process may not be allowed to know. */
function hostOf(): string {
  try {
    return hostname();
  } catch {
    return "this machine";
  }
}

export { RunLockedError, WarehouseUnavailableError };
