/** When a flight's inventory and seat map are looked at, and when what is seen is sent. */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** How often a flight is looked at while at least `untilDepartureMs` are left. */
interface Band {
  untilDepartureMs: number;
  /** A snapshot is sent at most this often, when something changed. */
  checkEveryMs: number;
  /** An inventory snapshot is sent at least this often, changed or not. */
  slowTickMs: number;
  /** A seat map is sent at most this often, when it changed. */
  seatMapEveryMs: number;
}

/** Rhythm of snapshots, the bands from far to near. */
export type SnapshotPlan = readonly Band[];

/** For sales over days: denser towards departure, where the published rules look at 90 and 45 minutes. */
export const NETWORK_SNAPSHOTS: SnapshotPlan = [
  {
    untilDepartureMs: 24 * HOUR_MS,
    checkEveryMs: HOUR_MS,
    slowTickMs: 24 * HOUR_MS,
    seatMapEveryMs: 6 * HOUR_MS,
  },
  {
    untilDepartureMs: 3 * HOUR_MS,
    checkEveryMs: 30 * MINUTE_MS,
    slowTickMs: 6 * HOUR_MS,
    seatMapEveryMs: 2 * HOUR_MS,
  },
  {
    untilDepartureMs: 0,
    checkEveryMs: 15 * MINUTE_MS,
    slowTickMs: 30 * MINUTE_MS,
    seatMapEveryMs: HOUR_MS,
  },
];

/** For the published profiles, whose flights sell out within hours. */
export const PUBLISHED_SNAPSHOTS: SnapshotPlan = [
  { untilDepartureMs: 0, checkEveryMs: MINUTE_MS, slowTickMs: 15 * MINUTE_MS, seatMapEveryMs: 5 * MINUTE_MS },
];

/** Draws the moments of one flight: what is due is asked for at each, in order. */
export class SnapshotClock {
  readonly #plan: SnapshotPlan;
  readonly #closesMs: number;
  /** Checks are counted back from here, a phase before departure, so that flights take turns. */
  readonly #anchorMs: number;
  #atMs: number;
  #band: Band;
  #inventorySentMs = -Infinity;
  #seatMapSentMs: number;

  /** The first check is a second after the opening, the last a millisecond before the close. */
  constructor(plan: SnapshotPlan, opensMs: number, closesMs: number, anchorMs: number) {
    this.#plan = plan;
    this.#closesMs = closesMs;
    this.#anchorMs = anchorMs;
    this.#atMs = Math.min(opensMs + 1000, closesMs - 1);
    this.#band = this.#bandAt(this.#atMs);
    this.#seatMapSentMs = opensMs;
  }

  /** The check at hand; `Infinity` after the last. */
  get atMs(): number {
    return this.#atMs;
  }

  inventoryDue(changed: boolean): boolean {
    const sinceMs = this.#atMs - this.#inventorySentMs;
    return changed ? sinceMs > 0 : sinceMs >= this.#band.slowTickMs;
  }

  seatMapDue(changed: boolean): boolean {
    if (!changed) return false;
    return this.#atMs - this.#seatMapSentMs >= this.#band.seatMapEveryMs || this.#atMs === this.#closesMs - 1;
  }

  inventorySent(): void {
    this.#inventorySentMs = this.#atMs;
  }

  seatMapSent(): void {
    this.#seatMapSentMs = this.#atMs;
  }

  /** Goes on to the next check. */
  advance(): void {
    if (this.#atMs >= this.#closesMs - 1) {
      this.#atMs = Infinity;
      return;
    }
    const { checkEveryMs } = this.#band;
    // The next whole step before the anchor; at the edge of a band a step may be shorter.
    const stepsLeft = Math.ceil((this.#anchorMs - this.#atMs) / checkEveryMs) - 1;
    this.#atMs = stepsLeft < 0
      ? this.#closesMs - 1
      : Math.min(this.#anchorMs - stepsLeft * checkEveryMs, this.#closesMs - 1);
    this.#band = this.#bandAt(this.#atMs);
  }

  #bandAt(atMs: number): Band {
    const leftMs = this.#anchorMs - atMs;
    return this.#plan.find((band) => leftMs >= band.untilDepartureMs) ?? this.#plan.at(-1)!;
  }
}
