/**
 * Lets minute windows go that are older than is to be kept, so that the tables do not grow for ever.
 *
 * Age counts in event time, back from the newest window, so that what is replayed or accelerated is kept as long as what
 * is live. What was deleted must never be counted anew from a late event alone. So nothing is deleted before every
 * partition has stored that it takes no events of that time any more ({@link ViewerRetention.horizonMs} asks them to):
 *
 * 1. find the newest window; what is older than the retention allows is beyond the horizon
 * 2. each partition counts what comes from beyond the horizon as late, and stores that with its next commit
 * 3. once all of them have, delete their windows, oldest first, some at a time
 * 4. delete the state of streams that have no window left and nobody present
 *
 * @module
 */

import { pause } from "../process/pause.ts";
import type { Database } from "../warehouse/asked_database.ts";
import type { RealtimeSchema } from "../warehouse/realtime.ts";
import type { StoredProgress } from "./viewer_store.ts";
import { MINUTE_MS } from "./_viewer_table.ts";

export interface ViewerRetentionOptions {
  schema: RealtimeSchema;
  logId: string;
  /** Partitions of the topic. */
  partitions: number;
  /** Windows are kept for so long before the newest one, in milliseconds. */
  retentionMs: number;
  /** Rows that one statement deletes at the most. Default 2,000. */
  portionRows?: number;
  /** Pause between portions, so that others get their turn. Default 100 ms. */
  pauseMs?: number;
}

/** What a sweep deleted. */
export interface Swept {
  windows: number;
  streams: number;
}

const SWEEP_INTERVAL_MS = 60_000;
const PORTION_ROWS = 2000;
const PAUSE_MS = 100;

/** See the module. */
export class ViewerRetention {
  readonly #database: Database;
  readonly #options: ViewerRetentionOptions;
  readonly #windows: string;
  readonly #states: string;
  readonly #partitions: string;
  #horizonMs = -Infinity;

  constructor(database: Database, options: ViewerRetentionOptions) {
    this.#database = database;
    this.#options = options;
    this.#windows = `${options.schema}.stream_metrics_minute`;
    this.#states = `${options.schema}.stream_state`;
    this.#partitions = `${options.schema}.viewer_partition`;
  }

  /** Events before this time are not to be counted any more: the start of a minute, `-Infinity` until it is known. */
  get horizonMs(): number {
    return this.#horizonMs;
  }

  /** Sweeps once a minute until `signal` aborts. A failure is told and tried again. */
  async run(
    signal: AbortSignal,
    told: { swept(swept: Swept): void; failed(error: unknown): void },
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        told.swept(await this.sweep(signal));
      } catch (error) {
        told.failed(error);
      }
      await pause(SWEEP_INTERVAL_MS, signal);
    }
  }

  /** Steps 1, 3 and 4; step 2 is that of the partitions. */
  async sweep(signal: AbortSignal = new AbortController().signal): Promise<Swept> {
    const newestMs = await this.#newestMs();
    if (newestMs !== undefined) {
      this.#horizonMs = Math.max(this.#horizonMs, newestMs - minutes(this.#options.retentionMs));
    }
    const finalMs = Math.min(this.#horizonMs, await this.#cutMs());
    if (!Number.isFinite(finalMs)) return { windows: 0, streams: 0 };
    const windows = await this.#inPortions(signal, (limit) => this.#deleteWindows(finalMs, limit));
    const streams = windows === 0 ? 0 : await this.#inPortions(signal, (limit) => this.#deleteStates(limit));
    return { windows, streams };
  }

  async #newestMs(): Promise<number | undefined> {
    const [row] = await this.#database.ask((sql) =>
      sql<{ newest: Date | null }[]>`select max(window_start) as newest from ${sql(this.#windows)}`
    );
    return row!.newest?.getTime();
  }

  /** Where the windows of all partitions are final. */
  async #cutMs(): Promise<number> {
    const { logId, partitions } = this.#options;
    const rows = await this.#database.ask((sql) =>
      sql<{ progress: string }[]>`select progress from ${sql(this.#partitions)} where log_id = ${logId}`
    );
    if (rows.length < partitions) return -Infinity;
    const cuts = rows.map(({ progress }) => (JSON.parse(progress) as Partial<StoredProgress>).cutMs);
    return Math.min(...cuts.map((cutMs) => cutMs ?? -Infinity));
  }

  async #inPortions(signal: AbortSignal, deletePortion: (limit: number) => Promise<number>): Promise<number> {
    const { portionRows = PORTION_ROWS, pauseMs = PAUSE_MS } = this.#options;
    for (let deleted = 0;;) {
      const portion = await deletePortion(portionRows);
      deleted += portion;
      if (portion < portionRows || signal.aborted) return deleted;
      await pause(pauseMs, signal);
    }
  }

  /** By the primary key, which begins with the start. Several who sweep at once take different rows. */
  #deleteWindows(beforeMs: number, limit: number): Promise<number> {
    return this.#database.ask(async (sql) => {
      const { count } = await sql`
        delete from ${sql(this.#windows)} as old using (
          select window_start, stream_id from ${sql(this.#windows)}
          where window_start < ${new Date(beforeMs)}
          order by window_start limit ${limit} for update skip locked
        ) as gone
        where old.window_start = gone.window_start and old.stream_id = gone.stream_id`;
      return count;
    });
  }

  /** A stream that somebody has just come to or left may have a window soon. */
  #deleteStates(limit: number): Promise<number> {
    return this.#database.ask(async (sql) => {
      const { count } = await sql`
        delete from ${sql(this.#states)} as old using (
          select stream_id from ${sql(this.#states)} as state
          where active_viewers = 0 and updated_at < clock_timestamp() - interval '1 hour'
            and not exists (select from ${sql(this.#windows)} as own where own.stream_id = state.stream_id)
          limit ${limit} for update skip locked
        ) as gone
        where old.stream_id = gone.stream_id`;
      return count;
    });
  }
}

/** Whole minutes, at least as long. */
function minutes(ms: number): number {
  return Math.ceil(ms / MINUTE_MS) * MINUTE_MS;
}
