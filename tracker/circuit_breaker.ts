/** Leaves an upstream alone that keeps failing: after some failures in a row it is not asked for a while. */

export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. Default 5. */
  failuresMax?: number;
  /** How long it stays open. Default 30,000 ms. */
  openMs?: number;
  now?: () => number;
}

/** Closed: all may ask. Open: nobody. After the pause one may try, and decides for all. */
export class CircuitBreaker {
  readonly #failuresMax: number;
  readonly #openMs: number;
  readonly #now: () => number;
  #failures = 0;
  #openUntilMs = 0;

  constructor(options: CircuitBreakerOptions = {}) {
    this.#failuresMax = options.failuresMax ?? 5;
    this.#openMs = options.openMs ?? 30_000;
    this.#now = options.now ?? Date.now;
  }

  /** Whether the upstream may be asked now. A `true` after a pause is given once; the next waits for its outcome. */
  allows(): boolean {
    if (this.#failures < this.#failuresMax) return true;
    if (this.#now() < this.#openUntilMs) return false;
    this.#openUntilMs = this.#now() + this.#openMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures++;
    if (this.#failures >= this.#failuresMax) this.#openUntilMs = this.#now() + this.#openMs;
  }

  /** For metrics and health. */
  get state(): "closed" | "open" {
    return this.#failures >= this.#failuresMax && this.#now() < this.#openUntilMs ? "open" : "closed";
  }
}
