/**
 * Flights, cache-aside: asked of the source only when nobody has asked lately. One question at a time per ident
 * however many wait for it; a stale answer at once while a new one is fetched, and instead of none when the source
 * fails; unknown idents are remembered too.
 *
 * @module
 */

import type { CacheStore } from "./cache_store.ts";
import type { FlightIdent } from "./flight_ident.ts";
import type { FlightSource } from "./flight_source.ts";
import { currentLeg } from "./tracked_flight.ts";
import type { TrackedFlight } from "./tracked_flight.ts";

/** How an answer came about; RFC 9211's words for the `Cache-Status` header are made of it. */
export type CacheOutcome = "hit" | "stale" | "stale_if_error" | "miss";

/** An answer. */
export interface CachedFlight {
  /** Null: there is no such flight. */
  flight: TrackedFlight | null;
  outcome: CacheOutcome;
  /** Milliseconds since it was fetched. */
  ageMs: number;
}

export interface FlightCacheOptions {
  source: FlightSource;
  store: CacheStore;
  /** Told each flight that was fetched anew. */
  onFetched?: (flight: TrackedFlight) => void;
  /** Told why a fetch in the background failed. */
  onError?: (error: unknown) => void;
  /** Default 300,000 ms. */
  ttlMs?: number;
  /** Up to this share is taken off a time to live at random, so that what was fetched together does not expire together. Default 0.1. */
  jitter?: number;
  /** A stale answer is given at once for so long, while a new one is fetched. Default 60,000 ms. */
  staleWhileRevalidateMs?: number;
  /** A stale answer stands in for so long while the source fails. Default one hour. */
  staleIfErrorMs?: number;
  /** How long an unknown ident is remembered. Default 60,000 ms. */
  negativeTtlMs?: number;
  /** Default 10,000 ms. */
  fetchTimeoutMs?: number;
  now?: () => number;
  random?: () => number;
}

interface Kept {
  flight: TrackedFlight | null;
  storedAtMs: number;
}

/** The cache's key of an ident; fixed. */
export function cacheKey(ident: string): string {
  return `flights::${ident}`;
}

/** Where the answer is kept beyond its time to live. */
function staleKey(ident: string): string {
  return `flights-stale::${ident}`;
}

/** See the module. */
export class FlightCache {
  readonly #options: Required<FlightCacheOptions>;
  readonly #asking = new Map<string, Promise<CachedFlight>>();
  readonly #fetching = new Map<string, Promise<Kept>>();

  constructor(options: FlightCacheOptions) {
    this.#options = {
      onFetched: () => {},
      onError: () => {},
      ttlMs: 300_000,
      jitter: 0.1,
      staleWhileRevalidateMs: 60_000,
      staleIfErrorMs: 3_600_000,
      negativeTtlMs: 60_000,
      fetchTimeoutMs: 10_000,
      now: Date.now,
      random: Math.random,
      ...options,
    };
  }

  /**
   * The flight of an ident.
   *
   * @throws what the source throws, where nothing is kept that could stand in.
   */
  get(ident: FlightIdent): Promise<CachedFlight> {
    // Those who ask while another one does share its answer: between a look into the store and a fetch no one else can
    // have fetched already.
    let asking = this.#asking.get(ident.ident);
    if (asking === undefined) {
      asking = this.#get(ident).finally(() => this.#asking.delete(ident.ident));
      this.#asking.set(ident.ident, asking);
    }
    return asking;
  }

  async #get(ident: FlightIdent): Promise<CachedFlight> {
    const { now, ttlMs, staleWhileRevalidateMs, onError } = this.#options;
    const fresh = await this.#kept(cacheKey(ident.ident));
    if (fresh !== undefined) return this.#answer(fresh, "hit");
    const stale = await this.#kept(staleKey(ident.ident));
    if (stale !== undefined && now() - stale.storedAtMs < ttlMs + staleWhileRevalidateMs) {
      void this.#fetch(ident).catch(onError);
      return this.#answer(stale, "stale");
    }
    try {
      return this.#answer(await this.#fetch(ident), "miss");
    } catch (error) {
      if (stale === undefined) throw error;
      onError(error);
      return this.#answer(stale, "stale_if_error");
    }
  }

  #answer({ flight, storedAtMs }: Kept, outcome: CacheOutcome): CachedFlight {
    return { flight, outcome, ageMs: Math.max(0, this.#options.now() - storedAtMs) };
  }

  /** What the store has; a store that fails, or holds nonsense, has nothing. */
  async #kept(key: string): Promise<Kept | undefined> {
    const { store, onError } = this.#options;
    try {
      const text = await store.get(key);
      if (text === undefined) return undefined;
      const kept = JSON.parse(text) as Partial<Kept>;
      const isFlight = kept.flight === null ||
        (typeof kept.flight === "object" && typeof kept.flight.fa_flight_id === "string");
      return typeof kept.storedAtMs === "number" && isFlight ? kept as Kept : undefined;
    } catch (error) {
      onError(error);
      return undefined;
    }
  }

  #fetch(ident: FlightIdent): Promise<Kept> {
    let fetching = this.#fetching.get(ident.ident);
    if (fetching === undefined) {
      fetching = this.#fetchNow(ident).finally(() => this.#fetching.delete(ident.ident));
      this.#fetching.set(ident.ident, fetching);
    }
    return fetching;
  }

  async #fetchNow(ident: FlightIdent): Promise<Kept> {
    const { source, store, now, ttlMs, jitter, random, negativeTtlMs, staleIfErrorMs } = this.#options;
    const { fetchTimeoutMs, onFetched, onError } = this.#options;
    const legs = await source.legs(ident, AbortSignal.timeout(fetchTimeoutMs));
    const kept: Kept = { flight: currentLeg(legs, now()) ?? null, storedAtMs: now() };
    const text = JSON.stringify(kept);
    const found = kept.flight !== null;
    try {
      const spread = 1 - jitter * random();
      await store.set(cacheKey(ident.ident), text, (found ? ttlMs : negativeTtlMs) * spread);
      if (found) await store.set(staleKey(ident.ident), text, ttlMs + staleIfErrorMs);
      else await store.delete(staleKey(ident.ident));
    } catch (error) {
      // Without its cache the service works on, only dearer.
      onError(error);
    }
    if (kept.flight !== null) onFetched(kept.flight);
    return kept;
  }
}
