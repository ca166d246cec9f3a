/** How far a simulation has come: a few numbers, because everything else follows from the seed. */

/** What a restart needs beside the options and the promotions. */
export interface SimulationCursor {
  /** Every event of a live flight before this simulated time was sent; milliseconds since 1970. */
  timeMs: number;
  /** So many events of exactly `timeMs` were sent too (above 0 only where a run ended in the middle of one). */
  sentAtTime: number;
  history: HistoryCursor;
}

/**
 * Flights that were on sale or gone when the simulation began send their history group by group. Groups before
 * `group` are live. This one has sent all before `sinceMs`, and its first `events` of `[sinceMs, untilMs)`, in the
 * order of time. The others have sent nothing yet.
 */
export interface HistoryCursor {
  group: number;
  /** Milliseconds since 1970; 0 in a group's first round. */
  sinceMs: number;
  untilMs: number;
  events: number;
}

/** Where a simulation begins. */
export function firstCursor(startMs: number): SimulationCursor {
  return { timeMs: startMs, sentAtTime: 0, history: { group: 0, sinceMs: 0, untilMs: startMs, events: 0 } };
}
