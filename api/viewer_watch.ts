/** Follows the stored viewer figures: who looks at which flight, and the minute windows as they change. */

import { pause } from "../process/pause.ts";
import type { MinuteWindow, StreamMetrics } from "./stream_metrics.ts";

const INTERVAL_MS = 1000;
const INTERVAL_AWAY_MS = 5000;
/** All states are asked for so often, and between only those that were stored since: rows may also have gone. */
const ALL_STATES_MS = 60_000;
/** A commit may be seen so long after the time that it writes into its rows. */
const COMMIT_MS_MAX = 10_000;
/** Windows of the two newest minutes at the most: streams that there may be, twice. */
const WINDOWS_MAX = 20_000;

/** See the module. */
export class ViewerWatch {
  readonly #streams: StreamMetrics;
  #viewers = new Map<string, number>();
  #windows = new Map<string, string>();
  #allStatesMs = -Infinity;
  /** When the newest state was stored, milliseconds since 1970. */
  #newestStateMs = 0;
  /** Whether the database answered the last time. */
  databaseOk = false;
  /** Start of the newest window, milliseconds since 1970. */
  latestWindowStartMs: number | undefined;
  recentRows = 0;

  constructor(streams: StreamMetrics) {
    this.#streams = streams;
  }

  /** Viewers of a flight at present; null where nobody counts them. */
  of(flightId: string): number | null {
    return this.#viewers.get(flightId) ?? null;
  }

  /** Asks until `signal` aborts and tells what changed. Never throws. */
  async run(
    signal: AbortSignal,
    onChange: (changes: { streams: string[]; windows: MinuteWindow[] }) => void,
  ): Promise<void> {
    while (!signal.aborted) {
      try {
        const changes = await this.#ask();
        this.databaseOk = true;
        if (changes.streams.length > 0 || changes.windows.length > 0) onChange(changes);
      } catch (error) {
        // Tables that nobody has made yet are no trouble with the database.
        this.databaseOk = (error as { code?: string }).code === "42P01";
      }
      await pause(this.databaseOk ? INTERVAL_MS : INTERVAL_AWAY_MS, signal);
    }
  }

  async #ask(): Promise<{ streams: string[]; windows: MinuteWindow[] }> {
    const viewers = await this.#askViewers();
    const streams = [...viewers].filter(([id, count]) => this.#viewers.get(id) !== count).map(([id]) => id);
    this.#viewers = viewers;
    // The two newest minutes still change; older ones only by late events.
    const windows = await this.#streams.history({ minutes: 2, limit: WINDOWS_MAX });
    const known = this.#windows;
    this.#windows = new Map();
    const changed: MinuteWindow[] = [];
    for (const window of windows) {
      const key = `${window.window_start} ${window.stream_id}`;
      const text = JSON.stringify(window);
      if (known.get(key) !== text) changed.push(window);
      this.#windows.set(key, text);
    }
    const newest = windows.at(-1);
    if (newest !== undefined) this.latestWindowStartMs = Date.parse(newest.window_start);
    this.recentRows = await this.#streams.recentRows();
    return { streams, windows: changed };
  }

  /** Viewers of each stream: all anew, or the former ones with what was stored since. */
  async #askViewers(): Promise<Map<string, number>> {
    const isAll = performance.now() - this.#allStatesMs >= ALL_STATES_MS;
    const since = new Date(this.#newestStateMs - COMMIT_MS_MAX).toISOString();
    const states = await this.#streams.statesSince(isAll ? undefined : since);
    if (isAll) this.#allStatesMs = performance.now();
    const viewers = new Map(isAll ? [] : this.#viewers);
    for (const { stream_id, active_viewers, updated_at } of states) {
      viewers.set(stream_id, active_viewers);
      this.#newestStateMs = Math.max(this.#newestStateMs, Date.parse(updated_at));
    }
    return viewers;
  }
}
