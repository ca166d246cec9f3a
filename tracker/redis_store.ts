/**
 * Cached answers in Redis, where every instance finds them. While Redis is away or slow, this process's own memory
 * stands in, so that requests go on and the upstream is not asked more than it must be.
 *
 * @module
 */

import { createClient } from "@redis/client";
import { MemoryStore } from "./cache_store.ts";
import type { CacheStore } from "./cache_store.ts";
import type { SharedCounter } from "./call_budget.ts";

export interface RedisStoreOptions {
  /** `redis://…` or `rediss://…`. */
  url: string;
  /** Told once each time Redis goes away, and again when it is back. */
  onState?: (state: { connected: boolean; why?: string }) => void;
  /** Longer is not waited for an answer. Default 250 ms. */
  timeoutMs?: number;
  /** After a time-out it is not asked for so long. Default 1000 ms. */
  restMs?: number;
}

const QUEUED_MAX = 2000;
const CONNECT_TIMEOUT_MS = 2000;
const RECONNECT_MS_MAX = 5000;

/** See the module. */
export class RedisStore implements CacheStore, SharedCounter {
  readonly name = "redis";
  readonly #client: ReturnType<typeof createClient>;
  readonly #memory = new MemoryStore();
  readonly #options: Required<RedisStoreOptions>;
  #restUntilMs = 0;
  #connected: boolean | undefined;

  /** Connects in the background; until then memory stands in. */
  constructor(options: RedisStoreOptions) {
    this.#options = { onState: () => {}, timeoutMs: 250, restMs: 1000, ...options };
    this.#client = createClient({
      url: options.url,
      // What cannot be asked now fails now; nothing waits for Redis to come back.
      disableOfflineQueue: true,
      commandsQueueMaxLength: QUEUED_MAX,
      socket: {
        connectTimeout: CONNECT_TIMEOUT_MS,
        reconnectStrategy: (retries) => Math.min(RECONNECT_MS_MAX, 100 * 2 ** Math.min(retries, 6)),
      },
    });
    this.#client.on("error", (error) => this.#is(false, shownError(error)));
    this.#client.on("ready", () => this.#is(true));
    this.#client.connect().catch((error) => this.#is(false, shownError(error)));
  }

  /** Whether Redis itself answers. */
  get connected(): boolean {
    return this.#connected === true && performance.now() >= this.#restUntilMs;
  }

  async get(key: string): Promise<string | undefined> {
    const found = await this.#ask(async () => await this.#client.get(key) ?? undefined);
    return found.failed ? await this.#memory.get(key) : found.value;
  }

  async set(key: string, value: string, ttlMs: number): Promise<void> {
    const milliseconds = Math.max(1, Math.round(ttlMs));
    await this.#memory.set(key, value, milliseconds);
    await this.#ask(() => this.#client.set(key, value, { expiration: { type: "PX", value: milliseconds } }));
  }

  async delete(key: string): Promise<void> {
    await this.#memory.delete(key);
    await this.#ask(() => this.#client.del(key));
  }

  async increment(key: string, ttlMs: number): Promise<number | undefined> {
    const counted = await this.#ask(async () => {
      const [sum] = await this.#client.multi().incr(key).pExpire(key, ttlMs, "NX").exec();
      return Number(sum);
    });
    return counted.failed ? undefined : counted.value;
  }

  async close(): Promise<void> {
    await this.#memory.close();
    this.#client.destroy();
  }

  async #ask<T>(command: () => Promise<T>): Promise<{ failed: false; value: T } | { failed: true }> {
    if (!this.connected) return { failed: true };
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          this.#restUntilMs = performance.now() + this.#options.restMs;
          reject(new Error(`Redis did not answer within ${this.#options.timeoutMs} ms`));
        }, this.#options.timeoutMs);
      });
      return { failed: false, value: await Promise.race([command(), late]) };
    } catch {
      return { failed: true };
    } finally {
      clearTimeout(timer);
    }
  }

  #is(connected: boolean, why?: string): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    this.#options.onState({ connected, ...(why === undefined ? {} : { why }) });
  }
}

function shownError(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : "it cannot be reached";
}
