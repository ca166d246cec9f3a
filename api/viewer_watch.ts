/** Follows the stored viewer figures: who looks at which flight, and the minute windows as they change. */

import { inTime } from "./in_time.ts";
import { pause } from "../process/pause.ts";
import type { MinuteWindow, StreamMetrics } from "./stream_metrics.ts";

const INTERVAL_MS = 1000;
const INTERVAL_AWAY_MS = 5000;

/** See the module. */
export class ViewerWatch {
  readonly #streams: StreamMetrics;
  #viewers = new Map<string, number>();
  #windows = new Map<string, string>();
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
        const changes = await inTime(this.#ask());
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
    const states = await this.#streams.states();
    const viewers = new Map(states.map(({ stream_id, active_viewers }) => [stream_id, active_viewers]));
    const streams = [...viewers].filter(([id, count]) => this.#viewers.get(id) !== count).map(([id]) => id);
    this.#viewers = viewers;
    // The two newest minutes still change; older ones only by late events.
    const windows = await this.#streams.history(2);
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
}
