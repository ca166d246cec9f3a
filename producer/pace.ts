/** How fast simulated time and events go: after a clock, or after a number of events per second. */

import type { EventRecord } from "./flight_simulation.ts";
import type { Simulation } from "./simulation.ts";

/** Events of one commit while live data flows. */
const LIVE_EVENTS_PER_COMMIT = 2000;
/** Events of one commit of history or load. */
const BULK_EVENTS_PER_COMMIT = 5000;
/** Pause between commits while there is no backlog. */
export const TICK_MS = 150;

/** Takes events at its pace. */
export interface Pace {
  /** Appends what is due, at most `eventsMax` events. Returns whether more is due at once. */
  take(simulation: Simulation, out: EventRecord[], eventsMax: number): boolean;
}

/**
 * Simulated time goes `speed` times as fast as the clock `nowMs`, from `fromMs` on. History fills up what live
 * events leave of a commit.
 */
export function clockPace(options: { fromMs: number; speed: number; nowMs: () => number }): Pace {
  const { fromMs, speed, nowMs } = options;
  const startedMs = nowMs();
  return {
    take(simulation, out, eventsMax) {
      const untilMs = Math.floor(fromMs + (nowMs() - startedMs) * speed);
      simulation.takeLive(out, untilMs, LIVE_EVENTS_PER_COMMIT, eventsMax);
      if (simulation.cursor.timeMs < untilMs) return true;
      const left = Math.min(BULK_EVENTS_PER_COMMIT, eventsMax) - out.length;
      if (left > 0) simulation.takeHistory(out, left);
      return simulation.history.done < simulation.history.total;
    },
  };
}

/**
 * So many events per second, 0 for as fast as the log takes them: history first, then live ones, with simulated
 * time running as fast as that takes. The order of events does not depend on any clock.
 */
export function ratePace(options: { eventsPerSecond: number; nowMs: () => number }): Pace {
  const { eventsPerSecond, nowMs } = options;
  let allowance = 0;
  let lastMs = nowMs();
  return {
    take(simulation, out, eventsMax) {
      const atMs = nowMs();
      // After a stall at most one commit is made up for: a rate is not a debt.
      allowance = Math.min(allowance + Math.max(0, atMs - lastMs) * eventsPerSecond / 1000, eventsPerSecond);
      lastMs = atMs;
      const wanted = eventsPerSecond === 0
        ? BULK_EVENTS_PER_COMMIT
        : Math.min(BULK_EVENTS_PER_COMMIT, Math.floor(allowance));
      const most = Math.min(wanted, eventsMax);
      if (most === 0) return false;
      simulation.takeHistory(out, most);
      if (out.length < most) simulation.takeLive(out, Infinity, most - out.length, eventsMax - out.length);
      allowance -= out.length;
      return eventsPerSecond === 0 || allowance >= BULK_EVENTS_PER_COMMIT;
    },
  };
}
