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
 * Flights that were on sale or gone when the simulation began, in a fixed order: those before `flight` have sent
 * all up to the simulated time, this one its first `events`, the others nothing yet.
 */
export interface HistoryCursor {
  flight: number;
  events: number;
}

/** Where a simulation begins. */
export function firstCursor(startMs: number): SimulationCursor {
  return { timeMs: startMs, sentAtTime: 0, history: { flight: 0, events: 0 } };
}
