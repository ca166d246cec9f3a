/** Which instances of the services there are, and whose turn it is. Time is an argument. */

import type { FoundInstance } from "./registry_client.ts";

/** An instance that just failed gets no requests for so long, as long as there is another. */
const REST_MS = 5000;
/** A service that is gone from the registry as a whole keeps its last instances for a lease: the registry may have begun anew. */
const KEPT_MS = 90_000;

interface Pool {
  instances: FoundInstance[];
  next: number;
  toldAtMs: number;
}

/** Round-robin over those that did not fail lately. */
export class InstancePool {
  readonly #pools = new Map<string, Pool>();
  readonly #restingUntilMs = new Map<string, number>();

  /** Takes over what the registry tells. */
  update(found: readonly FoundInstance[], nowMs: number): void {
    const apps = Map.groupBy(found, ({ app }) => app);
    for (const [app, instances] of apps) {
      this.#pools.set(app, { instances, next: this.#pools.get(app)?.next ?? 0, toldAtMs: nowMs });
    }
    for (const [app, { toldAtMs }] of this.#pools) {
      if (!apps.has(app) && nowMs - toldAtMs > KEPT_MS) this.#pools.delete(app);
    }
    for (const [address, untilMs] of this.#restingUntilMs) {
      if (untilMs <= nowMs) this.#restingUntilMs.delete(address);
    }
  }

  /** The instance whose turn it is; not `except`, which has just failed. Undefined: there is none. */
  pick(app: string, nowMs: number, except?: FoundInstance): FoundInstance | undefined {
    const pool = this.#pools.get(app);
    if (pool === undefined) return undefined;
    const left = except === undefined
      ? pool.instances
      : pool.instances.filter((instance) => addressOf(instance) !== addressOf(except));
    const awake = left.filter((instance) => (this.#restingUntilMs.get(addressOf(instance)) ?? 0) <= nowMs);
    // Where all have failed lately one of them is still a better answer than none.
    const choices = awake.length > 0 ? awake : left;
    if (choices.length === 0) return undefined;
    pool.next = (pool.next + 1) % Number.MAX_SAFE_INTEGER;
    return choices[pool.next % choices.length];
  }

  /** Leaves an instance alone for a while. */
  failed(instance: FoundInstance, nowMs: number): void {
    this.#restingUntilMs.set(addressOf(instance), nowMs + REST_MS);
  }

  succeeded(instance: FoundInstance): void {
    this.#restingUntilMs.delete(addressOf(instance));
  }

  /** How many instances a service has. */
  count(app: string): number {
    return this.#pools.get(app)?.instances.length ?? 0;
  }
}

/** `host:port`. */
export function addressOf({ host, port }: Pick<FoundInstance, "host" | "port">): string {
  return `${host.includes(":") && !host.startsWith("[") ? `[${host}]` : host}:${port}`;
}
